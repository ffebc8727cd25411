#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "core/base/printable_text.h"

namespace proctor {

// Lines of text within a bound. A line is cut after 4 KiB. From the first line on that has no room,
// lines are only counted, and the last line of the text says how many these are.
//
// Thread-safety: none. Lifetime: any.
class BoundedText {
 public:
  // `max_bytes`, 64 at least, includes all line feeds and the line of the count.
  explicit BoundedText(size_t max_bytes)
      : room_(max_bytes > kCountBytes ? max_bytes - kCountBytes : 0) {}

  // Adds a line and its line feed. `line` is not called where there is no room any more.
  void Add(absl::FunctionRef<std::string()> line) {
    if (left_out_ > 0) {
      ++left_out_;
      return;
    }
    Add(line());
  }
  void Add(std::string_view line) {
    const bool cut = line.size() > kLineBytes;
    if (cut) line = line.substr(0, WholeCharacters(line, kLineBytes - kCut.size()));
    if (left_out_ > 0 || line.size() + kCut.size() + 1 > room_ - text_.size()) {
      ++left_out_;
      return;
    }
    text_.append(line).append(cut ? kCut : "").append("\n");
  }

  // The text, once.
  std::string Take() && {
    if (left_out_ > 0) absl::StrAppend(&text_, "(", left_out_, " more lines have no room)\n");
    return std::move(text_);
  }

 private:
  static constexpr size_t kLineBytes = 4096;
  static constexpr size_t kCountBytes = 64;  // of the line with the count
  static constexpr std::string_view kCut = " ...";

  const size_t room_;
  std::string text_;
  uint64_t left_out_ = 0;
};

}  // namespace proctor

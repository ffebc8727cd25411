#include "core/command/command_excerpt.h"

#include <string_view>
#include <utility>

#include "core/base/printable_text.h"
#include "proctor/command.h"

namespace proctor {
namespace {

// What an element costs beside its bytes: many empty strings are large, too.
constexpr size_t kElementBytes = 8;

// Takes strings in turn for as long as there is room.
class StringExcerpt {
 public:
  // False if all of the text was left out.
  bool Add(std::string_view text) {
    if (text.size() + kElementBytes <= room_) {
      room_ -= text.size() + kElementBytes;
      strings_.emplace_back(text);
      return true;
    }
    const size_t most = room_ > kElementBytes ? room_ - kElementBytes : 0;
    const size_t size = WholeCharacters(text, most);
    room_ = 0;
    omitted_bytes_ += text.size() - size;
    if (size == 0) return false;
    strings_.emplace_back(text.substr(0, size));
    return true;
  }

  uint64_t omitted_bytes() const { return omitted_bytes_; }
  std::vector<std::string> Take() { return std::move(strings_); }

 private:
  size_t room_ = kExcerptBytes;
  uint64_t omitted_bytes_ = 0;
  std::vector<std::string> strings_;
};

}  // namespace

std::vector<std::string> ExcerptArguments(const std::vector<std::string>& argv,
                                          OmittedParts* omitted) {
  StringExcerpt excerpt;
  for (const std::string& argument : argv) {
    if (!excerpt.Add(argument)) ++omitted->arguments;
  }
  omitted->bytes += excerpt.omitted_bytes();
  return excerpt.Take();
}

std::vector<std::string> ExcerptVariables(const std::map<std::string, std::string>& env,
                                          OmittedParts* omitted) {
  StringExcerpt excerpt;
  for (const auto& [name, value] : env) {
    if (!excerpt.Add(name)) ++omitted->variables;
  }
  omitted->bytes += excerpt.omitted_bytes();
  return excerpt.Take();
}

uint64_t SpecificationUse(const Command& command) {
  const uint64_t bytes = MemoryOf(command);
  return bytes > kExcerptBytes ? bytes - kExcerptBytes : 0;
}

}  // namespace proctor

#include "client/cli/text/screen_painter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace proctor::cli {
namespace {

// A line is erased before it is written: behind one that fills the window the cursor still stands
// on the last character, and an erasing would take that away.
void AppendLine(absl::string_view line, std::string* painting) {
  absl::StrAppend(painting, "\x1b[K", line, "\n");
}

std::string Painting(absl::string_view table, size_t rows) {
  std::string painting = "\x1b[H";
  for (size_t line = 1; !table.empty(); ++line) {
    const size_t end = std::min(table.find('\n'), table.size() - 1);
    // The cursor needs the last row.
    if (rows > 1 && line + 1 == rows && end + 1 < table.size()) {
      const auto left = std::count(table.begin(), table.end(), '\n');
      AppendLine(absl::StrCat("… and ", left, " more"), &painting);
      break;
    }
    AppendLine(table.substr(0, end), &painting);
    table.remove_prefix(end + 1);
  }
  return painting + "\x1b[J";
}

}  // namespace

std::string ScreenPainter::Show(const std::string& table, size_t rows) {
  std::string painting = Painting(table, rows);
  if (painting == shown_) return "";
  const bool first = shown_.empty();
  shown_ = std::move(painting);
  return first ? absl::StrCat("\x1b[2J", shown_) : shown_;
}

}  // namespace proctor::cli

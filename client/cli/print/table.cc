#include "client/cli/print/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/text/escape.h"
#include "client/cli/text/text_columns.h"
#include "core/base/printable_text.h"

namespace proctor::cli {
namespace {

// The size of the terminal on stdout; no size when it is none.
winsize Terminal() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  return size;
}

}  // namespace

void Table::Add(std::vector<Cell> cells) {
  for (Cell& cell : cells) cell.text = Printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::Render(size_t width, bool coloured) const {
  std::vector<size_t> widths;
  if (widths_ != nullptr) widths = *widths_;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], TextColumns(row[i].text));
  }
  if (widths_ != nullptr) *widths_ = widths;
  std::string text;
  for (const auto& row : rows_) {
    size_t used = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = width > 0 ? Truncate(row[i].text, width - used) : row[i].text;
      text += coloured ? Paint(row[i].colour, cell) : cell;
      used += widths[i] + 2;
      // Text beyond the edge is not shown at all.
      if (i + 1 == row.size() || (width > 0 && used >= width)) break;
      text.append(widths[i] + 2 - TextColumns(cell), ' ');
    }
    text.push_back('\n');
  }
  return text;
}

size_t TerminalColumns() { return Terminal().ws_col; }

size_t TerminalRows() { return Terminal().ws_row; }

std::string BriefDuration(absl::Duration duration) {
  duration = std::max(duration, absl::ZeroDuration());
  if (duration < absl::Seconds(1)) {
    return absl::StrCat(absl::ToInt64Milliseconds(duration), "ms");
  }
  if (duration < absl::Minutes(1)) {
    return absl::StrFormat("%.1fs",
                           absl::ToDoubleSeconds(absl::Trunc(duration, absl::Milliseconds(100))));
  }
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < 3600) return absl::StrCat(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86400) return absl::StrCat(seconds / 3600, "h", seconds / 60 % 60, "m");
  return absl::StrCat(seconds / 86400, "d", seconds / 3600 % 24, "h");
}

}  // namespace proctor::cli

#include "proctor/terminal_options.h"

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr uint32_t kMostCells = 65535;

}  // namespace

absl::Status ValidateTerminalSize(const TerminalSize& size) {
  const struct {
    const char* name;
    uint32_t value;
    uint32_t least;
  } parts[] = {{"rows", size.rows, 1},
               {"columns", size.columns, 1},
               {"width_pixels", size.width_pixels, 0},
               {"height_pixels", size.height_pixels, 0}};
  for (const auto& part : parts) {
    if (part.value >= part.least && part.value <= kMostCells) continue;
    return InvalidField(part.name, absl::StrCat("is outside ", part.least, " to ", kMostCells));
  }
  return absl::OkStatus();
}

}  // namespace proctor

#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/text/colour.h"

namespace proctor::cli {

// The content of a row under one column.
struct Cell {
  Cell(std::string words) : text(std::move(words)) {}  // NOLINT: most are mere texts
  Cell(const char* words) : text(words) {}             // NOLINT
  Cell(std::string words, Colour paint) : text(std::move(words)), colour(paint) {}

  std::string text;
  Colour colour = Colour::kNone;
};

// A table for people: columns as wide as they need, two spaces apart.
//
// A value; not thread-safe.
class Table {
 public:
  // With `widths`, which outlive it, the columns are no narrower than those; Render leaves the real
  // widths there, for another table below this one.
  explicit Table(std::vector<size_t>* widths = nullptr) : widths_(widths) {}

  // Adds a row, all with as many cells; the first one is the header. Escapes unprintable
  // characters.
  void Add(std::vector<Cell> cells);

  // Returns the table. Cuts rows at `width`; 0 is no limit.
  std::string Render(size_t width, bool coloured = false) const;

 private:
  std::vector<size_t>* const widths_;
  std::vector<std::vector<Cell>> rows_;
};

// The columns and the rows of the terminal on stdout; 0 when it is none.
size_t TerminalColumns();
size_t TerminalRows();

// A length of time in two units at most: "45ms", "3.2s", "5m3s", "2h10m", "3d4h".
std::string BriefDuration(absl::Duration duration);

}  // namespace proctor::cli

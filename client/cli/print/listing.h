#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/print/table.h"
#include "client/cli/text/colour.h"
#include "client/cli/text/row_format.h"
#include "core/flags/flag_set.h"

namespace proctor::cli {

// The names of one field.
struct Field {
  std::string name;
  // Above its column.
  std::string header;
};

// The value of one field in a row.
struct Value {
  Value(std::string whole) : text(std::move(whole)) {}  // NOLINT: most are mere texts
  Value(const char* whole) : text(whole) {}             // NOLINT
  Value(std::string whole, std::string brief) : text(std::move(whole)), cell(std::move(brief)) {}
  Value(std::string whole, double number) : text(std::move(whole)), rank(number) {}

  std::string text;
  // What a table shows of it, when that is less.
  std::string cell;
  // What it is sorted by, when that is not the text.
  std::optional<double> rank;
  Colour colour = Colour::kNone;
};

// As many as there are fields, in their order.
using Row = std::vector<Value>;

// The list of a verb: rows of named fields, as a table for people, or by --format.
//
// A value; not thread-safe.
//
// Order of calls: AddTo; after the parsing Add for each row, then Render, and again from Clear on.
class Listing {
 public:
  // `brief` and `wide` are names of fields: the columns of the usual table and of the wide one. The
  // last column is cut when a terminal is too narrow.
  Listing(std::vector<Field> fields, std::vector<std::string> brief, std::vector<std::string> wide);
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;

  // Adds -o, --no-trunc, --format and --sort to `*flags`; this must outlive it.
  void AddTo(FlagSet* flags);

  void Add(Row row) { rows_.push_back(std::move(row)); }
  void Clear() { rows_.clear(); }

  // Leaves this column out of the usual table when no row has a value in it.
  void OmitIfEmpty(const std::string& field) { optional_.push_back(field); }

  // Whether it has columns and a header.
  bool is_table() const { return !format_.has_value() || format_->is_table(); }

  // From now on no line is wider than the terminal, whatever --no-trunc says of lines.
  void KeepToWidth() { keeps_to_width_ = true; }

  // Returns INVALID_ARGUMENT for flags that exclude each other: -o wide and --format. `other` is a
  // flag that shows something else in place of the listing; empty for none.
  absl::Status Check(const std::string& other) const;

  // The indexes of the rows in the order of --sort; in that of Add without it.
  std::vector<size_t> Order() const;

  // Returns all rows. A table has its header, and is made for a terminal of `width` columns; 0 is
  // none.
  std::string Render(size_t width, bool coloured);
  // Returns the rows as they go on below the result of Render.
  std::string RenderMore(size_t width, bool coloured);

 private:
  std::vector<std::string> Names() const;
  size_t IndexOf(const std::string& field) const;
  // The fields that the table shows.
  std::vector<size_t> Columns() const;
  // A line of the table: the fields by `cell`, in the columns or as --format has them.
  std::vector<Cell> Line(const std::function<Cell(size_t)>& cell) const;
  Cell CellOf(const Value& value) const;
  std::string Lines(size_t width, bool coloured, bool with_header);

  const std::vector<Field> fields_;
  const std::vector<std::string> brief_;
  const std::vector<std::string> wide_;
  std::vector<std::string> optional_;
  bool is_wide_ = false;
  bool whole_ = false;
  bool keeps_to_width_ = false;
  std::optional<RowFormat> format_;
  std::optional<size_t> sort_;
  bool descending_ = false;
  std::vector<Row> rows_;
  // What Render chose, for RenderMore.
  std::vector<size_t> columns_;
  std::vector<size_t> widths_;
};

}  // namespace proctor::cli

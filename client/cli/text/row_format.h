#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor::cli {

// The template of --format, as docker's users know it: fields between other text.
//
//     {{.ID}}: {{.State}}        a line for each row
//     table {{.ID}}\t{{.State}}  columns, with headers
//
// \t and \n stand for a tab and a newline, \\ for a backslash. That is all of the language: there
// are no functions and no conditions.
//
// A value.
class RowFormat {
 public:
  // Fields are found whatever their letters' case. INVALID_ARGUMENT for a malformed template and
  // for an unknown field, with the list of those that there are.
  static absl::StatusOr<RowFormat> Parse(const std::string& text,
                                         const std::vector<std::string>& fields);

  bool is_table() const { return is_table_; }

  // The template with `value(i)` for the field of index i.
  std::string Apply(const std::function<std::string(size_t)>& value) const;
  // The same, cut at the template's tabs: the cells of a table.
  std::vector<std::string> Cells(const std::function<std::string(size_t)>& value) const;

 private:
  struct Piece {
    std::string literal;
    // In place of the literal.
    std::optional<size_t> field;
  };

  bool is_table_ = false;
  std::vector<Piece> pieces_;
};

// The index of a field by its name, whatever the case; INVALID_ARGUMENT, with the list of those
// that there are, for one that is unknown.
absl::StatusOr<size_t> FindField(const std::string& name, const std::vector<std::string>& fields);

}  // namespace proctor::cli

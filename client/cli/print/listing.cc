#include "client/cli/print/listing.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/cli/flags/flag_accept.h"
#include "core/base/printable_text.h"
#include "core/base/return_if_error.h"

namespace proctor::cli {

Listing::Listing(std::vector<Field> fields, std::vector<std::string> brief,
                 std::vector<std::string> wide)
    : fields_(std::move(fields)), brief_(std::move(brief)), wide_(std::move(wide)) {}

void Listing::AddTo(FlagSet* flags) {
  flags->Value('o', "output", "wide", "more columns",
               AcceptWord({{"wide", 1}}, [this](int) { is_wide_ = true; }));
  flags->Value(0, "format", "TEMPLATE",
               "a line for each, such as '{{.ID}} {{.State}}'; 'table {{.ID}}\\t{{.State}}' for "
               "columns",
               [this](const std::string& text) -> absl::Status {
                 ASSIGN_OR_RETURN(auto format, RowFormat::Parse(text, Names()));
                 format_ = std::move(format);
                 return absl::OkStatus();
               });
  flags->Value(0, "sort", "FIELD[:desc]",
               absl::StrCat("in the order of a field: ", absl::StrJoin(Names(), ", ")),
               [this](const std::string& text) -> absl::Status {
                 absl::string_view name = text;
                 descending_ = absl::ConsumeSuffix(&name, ":desc");
                 if (!descending_) absl::ConsumeSuffix(&name, ":asc");
                 ASSIGN_OR_RETURN(const auto field, FindField(std::string(name), Names()));
                 sort_ = field;
                 return absl::OkStatus();
               });
  flags->Switch(0, "no-trunc", "whole ids, and lines that are longer than the terminal is wide",
                &whole_);
}

absl::Status Listing::Check(const std::string& other) const {
  std::vector<std::string> given;
  if (!other.empty()) given.push_back(other);
  if (format_.has_value()) given.push_back("--format");
  if (is_wide_) given.push_back("-o wide");
  if (given.size() < 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(given[0], " and ", given[1], " exclude each other"));
}

std::vector<std::string> Listing::Names() const {
  std::vector<std::string> names;
  for (const Field& field : fields_) names.push_back(field.name);
  return names;
}

size_t Listing::IndexOf(const std::string& field) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const Field& candidate) { return candidate.name == field; });
  return static_cast<size_t>(found - fields_.begin());
}

std::vector<size_t> Listing::Columns() const {
  std::vector<size_t> columns;
  for (const std::string& name : is_wide_ ? wide_ : brief_) {
    const size_t index = IndexOf(name);
    const bool optional = std::find(optional_.begin(), optional_.end(), name) != optional_.end();
    const bool empty = std::all_of(rows_.begin(), rows_.end(),
                                   [&](const Row& row) { return row[index].text.empty(); });
    if (is_wide_ || !optional || !empty) columns.push_back(index);
  }
  return columns;
}

std::vector<size_t> Listing::Order() const {
  std::vector<size_t> order(rows_.size());
  std::iota(order.begin(), order.end(), 0);
  if (!sort_.has_value()) return order;
  std::stable_sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    const Value& left = rows_[descending_ ? b : a][*sort_];
    const Value& right = rows_[descending_ ? a : b][*sort_];
    // Values without a number come first.
    return std::tie(left.rank, left.text) < std::tie(right.rank, right.text);
  });
  return order;
}

std::string Listing::Render(size_t width, bool coloured) {
  columns_ = Columns();
  widths_.clear();
  return Lines(width, coloured, /*with_header=*/true);
}

std::string Listing::RenderMore(size_t width, bool coloured) {
  return Lines(width, coloured, /*with_header=*/false);
}

Cell Listing::CellOf(const Value& value) const {
  const std::string& text = whole_ || value.cell.empty() ? value.text : value.cell;
  return {text.empty() ? "-" : text, value.colour};
}

std::vector<Cell> Listing::Line(const std::function<Cell(size_t)>& cell) const {
  std::vector<Cell> cells;
  if (!format_.has_value()) {
    for (const size_t column : columns_) cells.push_back(cell(column));
    return cells;
  }
  for (std::string& text : format_->Cells([&](size_t field) { return cell(field).text; })) {
    cells.push_back(std::move(text));
  }
  return cells;
}

std::string Listing::Lines(size_t width, bool coloured, bool with_header) {
  if (!is_table()) {
    std::string text;
    for (const size_t index : Order()) {
      // For scripts: whole, and empty when there is none.
      text += format_->Apply([&](size_t field) { return Printable(rows_[index][field].text); });
      text.push_back('\n');
    }
    return text;
  }
  Table table(&widths_);
  if (with_header) table.Add(Line([this](size_t field) { return Cell(fields_[field].header); }));
  for (const size_t index : Order()) {
    table.Add(Line([&](size_t field) { return CellOf(rows_[index][field]); }));
  }
  return table.Render(whole_ && !keeps_to_width_ ? 0 : width, coloured);
}

}  // namespace proctor::cli

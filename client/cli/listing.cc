#include "client/cli/listing.h"

#include <algorithm>
#include <utility>

#include "client/cli/flag_accept.h"
#include "client/cli/table.h"

namespace proctor::cli {

Listing::Listing(std::vector<Field> fields, std::vector<std::string> brief,
                 std::vector<std::string> wide)
    : fields_(std::move(fields)), brief_(std::move(brief)), wide_(std::move(wide)) {}

void Listing::AddTo(FlagSet* flags) {
  flags->Value('o', "output", "wide", "more columns",
               AcceptWord({{"wide", 1}}, [this](int) { is_wide_ = true; }));
  flags->Switch(0, "no-trunc", "whole ids, and lines that are longer than the terminal is wide",
                &whole_);
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

std::string Listing::Render(size_t width) const {
  const std::vector<size_t> columns = Columns();
  std::vector<std::string> header;
  for (const size_t column : columns) header.push_back(fields_[column].header);
  Table table(std::move(header));
  for (const Row& row : rows_) {
    std::vector<std::string> cells;
    for (const size_t column : columns) {
      const Value& value = row[column];
      const std::string& text = whole_ || value.cell.empty() ? value.text : value.cell;
      cells.push_back(text.empty() ? "-" : text);
    }
    table.Add(std::move(cells));
  }
  return table.Render(whole_ ? 0 : width);
}

}  // namespace proctor::cli

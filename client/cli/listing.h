// What a verb lists: rows of named fields, as a table for people.
//
// A value; not thread-safe.
//
// Order of calls: AddTo; after the parsing Add for each row, then Render.
#ifndef PROCTOR_CLIENT_CLI_LISTING_H_
#define PROCTOR_CLIENT_CLI_LISTING_H_

#include <cstddef>
#include <string>
#include <vector>

#include "client/cli/flag_set.h"

namespace proctor::cli {

// What one field is called.
struct Field {
  std::string name;
  // Above its column.
  std::string header;
};

// What a row has of one field.
struct Value {
  Value(std::string whole) : text(std::move(whole)) {}  // NOLINT: most are mere texts
  Value(const char* whole) : text(whole) {}             // NOLINT
  Value(std::string whole, std::string brief) : text(std::move(whole)), cell(std::move(brief)) {}

  std::string text;
  // What a table has of it, where that is less.
  std::string cell;
};

// As many as there are fields, in their order.
using Row = std::vector<Value>;

class Listing {
 public:
  // `brief` and `wide` are names of fields: the columns of the usual table and of the wide one. The
  // last column is the one that is cut where a terminal is too narrow.
  Listing(std::vector<Field> fields, std::vector<std::string> brief, std::vector<std::string> wide);
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;

  // Adds -o and --no-trunc to `*flags`; this must outlive it.
  void AddTo(FlagSet* flags);

  void Add(Row row) { rows_.push_back(std::move(row)); }

  // Columns that have no value in any row may be left out of the usual table.
  void OmitIfEmpty(const std::string& field) { optional_.push_back(field); }

  // The table, for a terminal of so many columns; 0 is none.
  std::string Render(size_t width) const;

 private:
  size_t IndexOf(const std::string& field) const;
  // The fields that the table shows.
  std::vector<size_t> Columns() const;

  const std::vector<Field> fields_;
  const std::vector<std::string> brief_;
  const std::vector<std::string> wide_;
  std::vector<std::string> optional_;
  bool is_wide_ = false;
  bool whole_ = false;
  std::vector<Row> rows_;
};

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENT_CLI_LISTING_H_

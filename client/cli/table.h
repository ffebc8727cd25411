// A table for people: columns as wide as they need, two spaces apart.
//
// A value; not thread-safe.
#ifndef PROCTOR_CLIENT_CLI_TABLE_H_
#define PROCTOR_CLIENT_CLI_TABLE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace proctor::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

  // Adds a row with as many cells as the header. What is not printable is escaped.
  void Add(std::vector<std::string> cells);

  // The table. Only the last column is shortened where `width` is exceeded; 0 is no limit.
  std::string Render(size_t width) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// The columns of the terminal that stdout is; 0 where it is none.
size_t TerminalColumns();

// A length of time in two units at most: "45ms", "3.2s", "5m3s", "2h10m", "3d4h".
std::string BriefDuration(absl::Duration duration);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENT_CLI_TABLE_H_

#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/print/listing.h"
#include "client/cli/print/process_row.h"
#include "client/cli/text/colour.h"
#include "core/flags/flag_set.h"
#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// How a verb shows processes: -q, --json, or a listing.
//
// A value; used by one thread.
//
// Order of calls: AddTo; after the parsing All, then One as often as wanted.
class ProcessView {
 public:
  // Adds its flags to `*flags`; this must outlive it.
  void AddTo(FlagSet* flags);

  // Returns INVALID_ARGUMENT for flags that exclude each other. After the parsing.
  absl::Status Check() const;

  // As Listing::KeepToWidth.
  void KeepToWidth() { listing_.KeepToWidth(); }

  // Whether it is a table, which can be painted again.
  bool is_table() const { return !json_ && !quiet_ && listing_.is_table(); }

  // Returns all of them, under a header in a table; for a terminal of `width` columns, 0 is none.
  std::string All(const std::vector<v1::Process>& processes, size_t width, bool coloured);

  // Returns one more, as it is now, in the columns of All. `state` replaces its own when it is not
  // empty; JSON has no word for that, and is empty then.
  std::string One(const v1::Process& process, const std::string& state, size_t width,
                  bool coloured);

 private:
  Listing listing_ = ProcessListing();
  bool json_ = false;
  bool quiet_ = false;
};

}  // namespace proctor::cli

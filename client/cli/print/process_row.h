#pragma once

#include <string>

#include "absl/time/time.h"
#include "client/cli/print/listing.h"
#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// A process as a row of a list.
//
// Pure functions; thread-safe.

// The state of a process: "running"; "exited", from its end on, even while its output is still
// open; "lost" with its server, so that it is unknown whether it runs.
enum class ProcessWord { kRunning, kExited, kLost };

ProcessWord WordOf(const v1::Process& process);

// The same for people, with "crashed" when it did, and its known remains: "exited, 2 running",
// "lost, none left".
std::string StateText(const v1::Process& process);

// The fields of ProcessRow, and which of them tables show.
Listing ProcessListing();

// The indexes of some of its fields.
constexpr size_t kStateField = 2;
constexpr size_t kExitField = 3;
constexpr size_t kLabelsField = 11;

Row ProcessRow(const v1::Process& process, absl::Time now);

}  // namespace proctor::cli

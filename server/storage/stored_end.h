#pragma once

#include "core/fact/output_drained.h"
#include "proctor/exit_status.h"
#include "proctor/v1/process.pb.h"

namespace proctor::storage {

// The end of a process, as it is stored. Pure functions.
ExitStatus ExitStatusOf(const v1::ExitStatus& stored);
OutputDrained DrainedOf(const v1::OutputDrained& stored);

// Returns the totals of a message with one entry for each stream: a Process, an ExitStatus or an
// OutputDrained.
template <typename Message>
OutputTotals TotalsOf(const Message& stored) {
  OutputTotals totals;
  for (const v1::StreamTotals& entry : stored.output()) {
    StreamTotals& stream = totals[entry.stream() == v1::STREAM_STDERR ? 1 : 0];
    stream = {true, entry.total_bytes(), entry.dropped_bytes(), entry.eof()};
  }
  return totals;
}

}  // namespace proctor::storage

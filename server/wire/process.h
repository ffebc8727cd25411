#pragma once

#include "core/command/command_excerpt.h"
#include "core/fact/output_drained.h"
#include "core/process/process.h"
#include "proctor/exit_status.h"
#include "proctor/v1/process.pb.h"

namespace proctor::wire {

// Returns a process for lists, events, snapshots and answers. It has an excerpt of a long argv and
// of many variables (`spec_omitted`), so that none is larger than some 300 KiB, and most are 1 KiB.
v1::Process ToProto(const ProcessInfo& info);

// Returns a process with all of its specification, of any size.
v1::Process ToWholeProto(const ProcessInfo& info);

// Returns a page of a process with its specification, of some `most_bytes`. `after` is the number
// of arguments and variables, in this order, on the pages before. Sets `*next` to that number for
// the next page, or to 0 on the last.
v1::Process ToProtoPage(const ProcessInfo& info, uint64_t after, size_t most_bytes, uint64_t* next);

void SetOmitted(const OmittedParts& omitted, v1::Process* process);

v1::ExitStatus ToProto(const ExitStatus& status);
v1::OutputDrained ToProto(const OutputDrained& drained);
v1::Stream ToProto(OutputStream stream);
v1::ProcessState ToProto(ProcessState state);
v1::TreeMechanism ToProto(TreeMechanism mechanism);

}  // namespace proctor::wire

#pragma once

#include "core/base/exit_status.h"
#include "core/base/output_drained.h"
#include "core/process/process.h"
#include "proctor/v1/process.pb.h"

namespace proctor::wire {

v1::Process ToProto(const ProcessInfo& info);
v1::ExitStatus ToProto(const ExitStatus& status);
v1::OutputDrained ToProto(const OutputDrained& drained);
v1::Stream ToProto(OutputStream stream);
v1::ProcessState ToProto(ProcessState state);
v1::TreeMechanism ToProto(TreeMechanism mechanism);

}  // namespace proctor::wire

#pragma once

#include "core/session/process_table.h"
#include "core/session/session_context.h"
#include "proctor/v1/session.pb.h"

namespace proctor::wire {

v1::Session ToProto(const SessionInfo& info, const ProcessTable::Counts& counts);

}  // namespace proctor::wire

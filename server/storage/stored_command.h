#pragma once

#include "proctor/command.h"
#include "proctor/v1/process.pb.h"

namespace proctor::storage {

// The command of a process, as it is stored. Unchecked: every command that was started once is
// read. Pure functions.
Command CommandOf(const v1::ProcessSpec& stored);

OverflowPolicy OverflowOf(v1::OverflowPolicy stored);
// `unknown` where it does not say, or says what a later version knows.
SignalScope ScopeOf(v1::SignalScope stored, SignalScope unknown);

}  // namespace proctor::storage

#pragma once

#include "core/event/event_codec.h"
#include "core/ledger/state_codec.h"

namespace proctor::wire {

// The forms in which events, sessions and processes are kept: messages of the contract, in
// binary. So what may change there is what protobuf allows to change, and a later version
// reads what an earlier one wrote.
//
// Thread-safety: the functions may be called from any thread.
EventCodec MakeEventCodec();
StateCodec MakeStateCodec();

}  // namespace proctor::wire

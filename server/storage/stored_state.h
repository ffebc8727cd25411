#pragma once

#include "core/ledger/state_codec.h"

namespace proctor::storage {

// The forms in which sessions, processes and requests are stored: messages of the contract, in
// binary. So what may change there is what protobuf allows to change, and a later version reads
// what an earlier one wrote.
//
// Thread-safety: the functions may be called from any thread.
StateCodec MakeStateCodec();

}  // namespace proctor::storage

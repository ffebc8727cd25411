#pragma once

#include "core/event/event_codec.h"

namespace proctor::storage {

// The form in which events are stored: proctor.v1.Event, in binary, without what its row keeps
// beside it. A later version reads what an earlier one wrote.
//
// Thread-safety: the functions may be called from any thread.
EventCodec MakeEventCodec();

}  // namespace proctor::storage

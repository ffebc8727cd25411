#include "server/storage/stored_state.h"

#include "server/storage/stored_process.h"
#include "server/storage/stored_request.h"
#include "server/storage/stored_session.h"

namespace proctor::storage {

StateCodec MakeStateCodec() {
  return {EncodeSession, EncodeProcess, DecodeSession, DecodeProcess, DigestOf};
}

}  // namespace proctor::storage

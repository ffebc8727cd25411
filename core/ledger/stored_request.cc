#include "core/ledger/stored_request.h"

#include <endian.h>
#include <string.h>

#include <cstdint>

#include "proctor/error.h"

namespace proctor {
namespace {

// Each field with its length before it.
void Add(std::string_view field, std::string* body) {
  const uint32_t size = htole32(static_cast<uint32_t>(field.size()));
  body->append(reinterpret_cast<const char*>(&size), sizeof size);
  body->append(field);
}

// Takes the next field off `body`. False if there is none.
bool Take(std::string_view* body, std::string* field) {
  uint32_t size = 0;
  if (body->size() < sizeof size) return false;
  ::memcpy(&size, body->data(), sizeof size);
  size = le32toh(size);
  body->remove_prefix(sizeof size);
  if (body->size() < size) return false;
  *field = body->substr(0, size);
  body->remove_prefix(size);
  return true;
}

}  // namespace

std::string EncodeRequest(const StoredRequest& request) {
  std::string body;
  for (const std::string* field :
       {&request.scope, &request.request_id, &request.subject, &request.asked}) {
    Add(*field, &body);
  }
  Add(request.forgotten ? "1" : "", &body);
  Add(request.intent, &body);
  return body;
}

absl::StatusOr<StoredRequest> DecodeRequest(std::string_view body) {
  StoredRequest request;
  std::string forgotten;
  for (std::string* field : {&request.scope, &request.request_id, &request.subject, &request.asked,
                             &forgotten, &request.intent}) {
    if (Take(&body, field)) continue;
    return MakeError(absl::StatusCode::kDataLoss, Reason::kStorageCorrupt,
                     "what is kept of a request cannot be read");
  }
  request.forgotten = !forgotten.empty();
  return request;
}

}  // namespace proctor

#include "core/storage/row_checksum.h"

#include <endian.h>
#include <zlib.h>

#include <string_view>

namespace proctor {
namespace {

class Checksum {
 public:
  Checksum& Add(uint64_t number) {
    const uint64_t bytes = htole64(number);
    value_ = ::crc32_z(value_, reinterpret_cast<const Bytef*>(&bytes), sizeof bytes);
    return *this;
  }
  // With its length, so that no byte can move from one column to the next unseen.
  Checksum& Add(std::string_view text) {
    Add(text.size());
    if (text.empty()) return *this;  // zlib takes a null pointer for a wish to begin anew
    value_ = ::crc32_z(value_, reinterpret_cast<const Bytef*>(text.data()), text.size());
    return *this;
  }
  int64_t value() const { return static_cast<int64_t>(value_); }

 private:
  uLong value_ = ::crc32_z(0, nullptr, 0);
};

}  // namespace

int64_t ChecksumOf(const StoredEvent& event) {
  return Checksum()
      .Add(event.sequence)
      .Add(static_cast<uint64_t>(absl::ToUnixNanos(event.time)))
      .Add(event.session_id)
      .Add(event.process_id)
      .Add(event.body)
      .value();
}

int64_t ChecksumOf(const StateChange& state) {
  return Checksum().Add(state.ordinal).Add(state.id).Add(state.body).value();
}

}  // namespace proctor

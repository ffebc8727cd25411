#include "core/base/random_id.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <cstdint>

namespace proctor {

std::string NewRandomId() {
  unsigned __int128 bits = 0;
  // Sixteen bytes are never cut short once the pool is initialised (getrandom(2)),
  // and an id that is not random would break the promise that none is reused.
  if (::getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) {
    perror("getrandom");
    abort();
  }
  constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string id(26, '0');
  for (auto c = id.rbegin(); c != id.rend(); ++c) {
    *c = kAlphabet[static_cast<uint32_t>(bits & 31)];
    bits >>= 5;
  }
  return id;
}

}  // namespace proctor

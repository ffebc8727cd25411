// noise SEED BYTES [MICROSECONDS]: writes so many pseudo-random bytes to stdout, in blocks
// of odd sizes with so long a pause after each, then a line to stderr: their number and
// their FNV-1a hash in hexadecimal.
#include "tests/programs/noise.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  proctor::Noise noise(strtoull(argv[1], nullptr, 10));
  const uint64_t bytes = strtoull(argv[2], nullptr, 10);
  const useconds_t pause = argc > 3 ? static_cast<useconds_t>(atoi(argv[3])) : 0;
  proctor::Digest digest;
  static char block[16381];
  while (digest.count() < bytes) {
    size_t size = noise.BlockSize(sizeof block);
    if (size > bytes - digest.count()) size = bytes - digest.count();
    noise.Fill(block, size);
    digest.Add(block, size);
    for (size_t done = 0; done < size;) {
      const ssize_t written = write(STDOUT_FILENO, block + done, size - done);
      if (written < 0) return 3;
      done += static_cast<size_t>(written);
    }
    if (pause != 0) usleep(pause);
  }
  fprintf(stderr, "%" PRIu64 " %016" PRIx64 "\n", digest.count(), digest.hash());
  return 0;
}

// digest_stdin [MICROSECONDS]: reads stdin to its end, with so long a pause after each block
// of 16 KiB, then writes a line to stdout: the number of bytes and their FNV-1a hash in
// hexadecimal.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/programs/noise.h"

int main(int argc, char** argv) {
  const useconds_t pause = argc > 1 ? static_cast<useconds_t>(atoi(argv[1])) : 0;
  proctor::Digest digest;
  static char block[16384];
  ssize_t size;
  while ((size = read(STDIN_FILENO, block, sizeof block)) > 0) {
    digest.Add(block, static_cast<size_t>(size));
    if (pause != 0) usleep(pause);
  }
  printf("%" PRIu64 " %016" PRIx64 "\n", digest.count(), digest.hash());
  return size < 0 ? 3 : 0;
}

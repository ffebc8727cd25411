// spew STDOUT_BYTES STDERR_BYTES: writes so many bytes to each, in turn, in
// blocks of at most 4096. Byte i of stdout is the letter i % 26 of the small
// alphabet, that of stderr of the capital one.
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

namespace {

bool WriteBlock(int fd, char first_letter, long from, long to) {
  char block[4096];
  long size = std::min<long>(to - from, sizeof(block));
  for (long i = 0; i < size; ++i) block[i] = static_cast<char>(first_letter + (from + i) % 26);
  for (long done = 0; done < size;) {
    ssize_t written = write(fd, block + done, static_cast<size_t>(size - done));
    if (written < 0) return false;
    done += written;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const long out = argc > 1 ? atol(argv[1]) : 0;
  const long err = argc > 2 ? atol(argv[2]) : 0;
  for (long at = 0; at < std::max(out, err); at += 4096) {
    if (at < out && !WriteBlock(STDOUT_FILENO, 'a', at, out)) return 2;
    if (at < err && !WriteBlock(STDERR_FILENO, 'A', at, err)) return 2;
  }
  return 0;
}

// copy_stdin: copies stdin to stdout until its end, then writes the number of
// bytes and a newline to stderr.
#include <stdio.h>
#include <unistd.h>

int main() {
  char block[65536];
  long total = 0;
  ssize_t size;
  while ((size = read(STDIN_FILENO, block, sizeof(block))) > 0) {
    for (ssize_t done = 0; done < size;) {
      ssize_t written = write(STDOUT_FILENO, block + done, static_cast<size_t>(size - done));
      if (written < 0) return 2;
      done += written;
    }
    total += size;
  }
  fprintf(stderr, "%ld\n", total);
  return size < 0 ? 3 : 0;
}

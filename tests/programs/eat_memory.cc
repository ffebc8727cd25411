// eat_memory MIB: takes so much memory, touching every page of it, prints "eaten" and a
// newline, and waits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char** argv) {
  size_t size = (argc > 1 ? strtoull(argv[1], nullptr, 10) : 1) << 20;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 2;
  memset(memory, 1, size);
  puts("eaten");
  fflush(stdout);
  while (true) pause();
}

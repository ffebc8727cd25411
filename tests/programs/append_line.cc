// append_line FILE TEXT: adds a line to a file with one write, and says that it has.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  char line[256];
  const size_t size = strlen(argv[2]);
  if (size + 1 > sizeof line) return 2;
  memcpy(line, argv[2], size);
  line[size] = '\n';
  const int file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || write(file, line, size + 1) != static_cast<ssize_t>(size + 1)) return 1;
  return write(STDOUT_FILENO, "done\n", 5) == 5 ? 0 : 1;
}

// The leaks of the distribution's libraries, for LeakSanitizer. Compiled in: a file named
// in LSAN_OPTIONS is read when a leak is found, by a process that may not be able to.

#include <unistd.h>

extern "C" const char* __lsan_default_suppressions() {
  // c-ares, as gRPC uses it to look up a host name.
  return "leak:libcares.so\n";
}

extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }

// Leaks are looked for by way of /proc, which a test may have hidden; so are the environment's
// options.
extern "C" int __lsan_is_turned_off() { return access("/proc/self/task", F_OK) != 0; }

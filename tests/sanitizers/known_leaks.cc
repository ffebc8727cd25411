// The leaks of the distribution's libraries, for LeakSanitizer. Compiled in: a file named
// in LSAN_OPTIONS is read when a leak is found, by a process that may not be able to.

extern "C" const char* __lsan_default_suppressions() {
  // c-ares, as gRPC uses it to look up a host name.
  return "leak:libcares.so\n";
}

extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }

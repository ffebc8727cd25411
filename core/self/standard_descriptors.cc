// Opens those of the descriptors 0, 1 and 2 that are closed, before anything else of a program
// runs.
//
// A newly opened file or socket gets the lowest free number. If that is one of these three, it
// takes the output that is meant for the user, and its content is read as the user's input. gRPC
// opens an eventfd before main, so this stands in .preinit_array, which the loader runs before the
// constructors of all libraries. Only executables have that section: this object is linked into
// each of our programs, and is no part of a library.
//
// They become /dev/null, for reading. A read from 0 meets the end at once, as with `</dev/null`. A
// write to 1 or 2 fails with EBADF, as if it were still closed: no loss looks like a success.
//
// No other code has run: no allocation, no library but the raw system calls, no sanitizer.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

__attribute__((no_sanitize("address", "thread", "undefined"))) void OpenClosedDescriptors() {
  for (long descriptor = 0; descriptor <= 2; ++descriptor) {
    if (::syscall(SYS_fcntl, descriptor, F_GETFD) >= 0) continue;
    // Those below are open, so this is the one.
    ::syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
  }
}

__attribute__((section(".preinit_array"),
               used)) void (*const open_closed_descriptors)() = OpenClosedDescriptors;

}  // namespace

#include "core/base/own_thread.h"

#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/printable_text.h"

namespace proctor {
namespace {

// The kernel is asked once a thread.
pid_t ThisThread() {
  thread_local const pid_t id = ::gettid();
  return id;
}

std::string Describe(pid_t thread) {
  std::string name;
  std::getline(std::ifstream(absl::StrCat("/proc/self/task/", thread, "/comm")), name);
  return absl::StrCat(
      "thread ", thread,
      name.empty() ? ", which has ended" : absl::StrCat(" '", Printable(name), "'"));
}

}  // namespace

void BasicOwnThread<true>::Check(const char* file, int line) const {
  const pid_t here = ThisThread();
  pid_t owner = thread_.load(std::memory_order_relaxed);
  if (owner == here) return;
  if (owner == 0 && thread_.compare_exchange_strong(owner, here, std::memory_order_relaxed)) return;
  FailCheck(file, line, absl::StrCat(owner_, " is used by its own thread only"),
            absl::StrCat("it belongs to ", Describe(owner), "; this is ", Describe(here)));
}

}  // namespace proctor

// Says where each thread is when a test does not end, before whoever runs it gives up: a hang
// that comes once in a thousand runs leaves a word of its cause. Linked into the tests.

#include <dirent.h>
#include <execinfo.h>
#include <gtest/gtest.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/debugging/symbolize.h"

namespace proctor {
namespace {

constexpr unsigned kLongestTest = 240;  // in seconds; ctest gives up after 300

sem_t told;

// On the thread that is asked. What it calls may allocate: the process is lost anyway, and the
// one that waits for it does not wait for ever.
void TellStack(int) {
  void* frames[40];
  const int depth = ::backtrace(frames, 40);
  for (int i = 0; i < depth; ++i) {
    char symbol[512] = "?";
    (void)absl::Symbolize(static_cast<char*>(frames[i]) - 1, symbol, sizeof symbol);
    std::fprintf(stderr, "    %s\n", symbol);
  }
  ::sem_post(&told);
}

// What the kernel says of a thread, which may let no signal through: in which call it is.
void TellCall(pid_t thread) {
  for (const char* name : {"comm", "wchan", "syscall"}) {
    char text[256];
    std::snprintf(text, sizeof text, "/proc/self/task/%d/%s", thread, name);
    std::FILE* file = std::fopen(text, "re");
    if (file == nullptr) continue;
    if (std::fgets(text, sizeof text, file) != nullptr) {
      text[std::strcspn(text, "\n")] = 0;
      std::fprintf(stderr, "    %s: %s\n", name, text);
    }
    std::fclose(file);
  }
}

void TellWhereAllAre(int) {
  std::fprintf(stderr, "\nThis test has run for %u s. Its threads:\n", kLongestTest);
  ::sem_init(&told, 0, 0);
  ::signal(SIGUSR2, TellStack);
  DIR* tasks = ::opendir("/proc/self/task");
  while (const dirent* task = tasks != nullptr ? ::readdir(tasks) : nullptr) {
    const pid_t thread = static_cast<pid_t>(std::atoi(task->d_name));
    if (thread == 0) continue;
    std::fprintf(stderr, "  thread %d:\n", thread);
    TellCall(thread);
    if (thread == ::gettid()) {
      TellStack(0);
    } else if (::syscall(SYS_tgkill, ::getpid(), thread, SIGUSR2) != 0) {
      continue;
    }
    timespec until{};
    ::clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2;
    while (::sem_timedwait(&told, &until) != 0) {
      if (errno == EINTR) continue;
      std::fprintf(stderr, "    it lets no signal through\n");
      break;
    }
  }
  std::fflush(stderr);
  std::abort();
}

class StuckReport : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override {
    ::signal(SIGALRM, TellWhereAllAre);
    ::alarm(kLongestTest);
  }
  void OnTestEnd(const testing::TestInfo&) override { ::alarm(0); }
};

[[maybe_unused]] const bool listens = [] {
  absl::InitializeSymbolizer("/proc/self/exe");
  testing::UnitTest::GetInstance()->listeners().Append(new StuckReport);
  return true;
}();

}  // namespace
}  // namespace proctor

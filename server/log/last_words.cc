#include "server/log/last_words.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstring>

namespace proctor::server {
namespace {

struct Fault {
  int signal;
  const char* name;
};

// Names are here, because a signal handler may not look them up elsewhere.
constexpr Fault kFaults[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
                             {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"}, {SIGSYS, "SIGSYS"},
                             {SIGTRAP, "SIGTRAP"}};

constexpr int kLooks = 10;
constexpr int kLookMilliseconds = 10;

std::atomic<const LogWriter*> log_writer{nullptr};

// Calls only what is safe in a signal handler. The line has no time: to tell the time of day is
// not safe.
void SayLastWords(int signal) {
  for (int i = 0; i < kLooks; ++i) {
    const LogWriter* const writer = log_writer.load();
    if (writer == nullptr || writer->IsIdle()) break;
    (void)::poll(nullptr, 0, kLookMilliseconds);
  }
  char line[80] = "proctord ends by a fault signal=";
  for (const Fault& fault : kFaults) {
    if (fault.signal == signal) std::strcat(line, fault.name);
  }
  std::strcat(line, "\n");
  // A full pipe would keep us from dying.
  pollfd room = {STDERR_FILENO, POLLOUT, 0};
  if (::poll(&room, 1, 0) == 1) (void)!::write(STDERR_FILENO, line, std::strlen(line));
  // Comes when this returns, and finds the default action again (SA_RESETHAND). A fault that
  // another process sent would not come again by itself.
  (void)::raise(signal);
}

}  // namespace

void SetUpLastWords(const LogWriter* writer) {
  log_writer = writer;
  for (const Fault& fault : kFaults) {
    struct sigaction action;
    if (::sigaction(fault.signal, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    std::memset(&action, 0, sizeof action);
    action.sa_handler = SayLastWords;
    action.sa_flags = SA_RESETHAND | SA_RESTART;
    (void)::sigaction(fault.signal, &action, nullptr);
  }
}

void RevokeLastWords() { log_writer = nullptr; }

}  // namespace proctor::server

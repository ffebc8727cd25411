#include "tests/chaos/strangers.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace proctor {
namespace {

constexpr int kAtOnce = 40;
constexpr long kLongestMicroseconds = 15000;

long Microseconds() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

}  // namespace

Strangers::Strangers()
    : shared_(static_cast<Shared*>(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
  if (shared_ == MAP_FAILED) ::abort();
  keeper_ = ::fork();
  if (keeper_ < 0) ::abort();
  if (keeper_ == 0) Keep();
}

Strangers::~Strangers() {
  shared_->stop = true;
  ::waitpid(keeper_, nullptr, 0);
  ::munmap(shared_, sizeof(Shared));
}

void Strangers::GiveUp(pid_t pid) { shared_->given_up[pid] = 1; }
bool Strangers::Has(pid_t pid) const { return shared_->present[pid] != 0; }
uint64_t Strangers::count() const { return shared_->count; }
uint64_t Strangers::reused() const { return shared_->reused; }
uint64_t Strangers::hits() const { return shared_->hits; }
std::string Strangers::first_hit() const { return hits() > 0 ? shared_->first_hit : "none"; }

// All signals are blocked here and in the strangers, and the strangers wait for them: so none is
// missed. A signal that cannot be blocked shows in how a stranger ended.
void Strangers::Keep() {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  uint64_t number = 0;
  int present = 0;
  while (present > 0 || !shared_->stop) {
    while (present < kAtOnce && !shared_->stop) {
      const pid_t pid = ::fork();
      if (pid == 0) BeStranger(number);
      if (pid < 0) break;  // no pid is free
      ++number;
      ++present;
    }
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WUNTRACED);
    if (pid <= 0) continue;
    NoteStatus(pid, status);
    if (WIFSTOPPED(status)) {
      ::kill(pid, SIGCONT);
    } else {
      --present;
    }
  }
  ::_exit(0);
}

void Strangers::BeStranger(uint64_t number) {
  const pid_t pid = ::getpid();
  ::setsid();
  ++shared_->count;
  if (shared_->given_up[pid].exchange(0) != 0) ++shared_->reused;
  const long microseconds = static_cast<long>(number * 7919 % kLongestMicroseconds);
  shared_->present[pid] = 1;
  const pid_t child = number % 4 == 0 ? ::fork() : -1;
  if (child == 0) {
    AwaitSignals(microseconds);
    ::_exit(0);
  }
  AwaitSignals(microseconds);
  int status = 0;
  if (child > 0 && ::waitpid(child, &status, 0) == child) NoteStatus(child, status);
  AwaitSignals(0);
  shared_->present[pid] = 0;
  ::_exit(0);
}

// Notes the signals that come in this time.
void Strangers::AwaitSignals(long microseconds) {
  sigset_t all;
  sigfillset(&all);
  const long end = Microseconds() + microseconds;
  while (true) {
    const long left = microseconds == 0 ? 0 : end - Microseconds();
    if (left < 0) return;
    const timespec timeout = {left / 1000000, left % 1000000 * 1000};
    siginfo_t info;
    const int signal = ::sigtimedwait(&all, &info, &timeout);
    if (signal < 0 && left == 0) return;
    if (signal < 0 || (signal == SIGCHLD && info.si_code > 0)) continue;  // of its own child
    Note("a stranger got", ::getpid(), signal, info.si_pid);
  }
}

void Strangers::NoteStatus(pid_t pid, int status) {
  if (WIFSIGNALED(status)) Note("a stranger was ended by", pid, WTERMSIG(status), 0);
  if (WIFSTOPPED(status)) Note("a stranger was stopped by", pid, WSTOPSIG(status), 0);
}

void Strangers::Note(const char* what, pid_t pid, int signal, int sender) {
  if (shared_->hits++ != 0) return;
  ::snprintf(shared_->first_hit, kTextBytes, "%s signal %d from pid %d, as pid %d", what, signal,
             sender, pid);
}

}  // namespace proctor

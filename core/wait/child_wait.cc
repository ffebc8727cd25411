#include "core/wait/child_wait.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// glibc 2.36 has neither P_PIDFD in C++ nor the ioctl; the values are the kernel's.
constexpr int kIdTypePidfd = 3;

// struct pidfd_info of linux/pidfd.h, first version (64 bytes).
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroup_id;
  uint32_t ids[11];
  int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr uint64_t kPidfdInfoExit = 1 << 3;
const unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

// The counters of a process's pages are summed up roughly (percpu_counter), so that one high-water
// mark reads a little higher or lower from time to time: some hundred KiB of 26 MiB on two
// processors.
constexpr long kLeastRoughness = 1024;  // KiB
constexpr long kRoughness = 16;         // one in so many

// What getrusage(2) tells of a child says something where it is above what we have had ourselves:
// at its exec the kernel takes over the high-water mark of the memory that it had until then,
// which was ours. Our own mark only grows, so that no look at our start of the child is needed:
// the one of now is no lower. And so it is asked for only where `kib` is above what it was when it
// was last asked for: never again for small programs.
bool SaysSomething(long kib) {
  static std::atomic<long> own_peak{0};
  const auto above = [kib](long own) {
    return kib > own + std::max(own / kRoughness, kLeastRoughness);
  };
  long own = own_peak.load(std::memory_order_relaxed);
  if (!above(own)) return false;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return true;
  while (own < usage.ru_maxrss && !own_peak.compare_exchange_weak(own, usage.ru_maxrss)) {
  }
  return above(std::max(own, usage.ru_maxrss));
}

absl::Duration FromTimeval(const timeval& value) {
  return absl::Seconds(value.tv_sec) + absl::Microseconds(value.tv_usec);
}

ResourceUsage FromRusage(const rusage& usage) {
  ResourceUsage result;
  result.user_time = FromTimeval(usage.ru_utime);
  result.system_time = FromTimeval(usage.ru_stime);
  if (SaysSomething(usage.ru_maxrss)) {
    result.max_rss_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  }
  result.minor_faults = usage.ru_minflt;
  result.major_faults = usage.ru_majflt;
  result.voluntary_switches = usage.ru_nvcsw;
  result.involuntary_switches = usage.ru_nivcsw;
  result.block_inputs = usage.ru_inblock;
  result.block_outputs = usage.ru_oublock;
  return result;
}

// glibc's waitid drops the fifth argument of the system call, which is the only
// way to have the usage of a child that is not reaped yet.
int WaitId(int id_type, id_t id, siginfo_t* info, int options, rusage* usage) {
  int result;
  do {
    info->si_pid = 0;
    result = static_cast<int>(::syscall(SYS_waitid, id_type, id, info, options, usage));
  } while (result < 0 && errno == EINTR);
  return result;
}

// For one child, by its pidfd if there is one.
int WaitChild(const ChildRef& child, siginfo_t* info, int options, rusage* usage) {
  if (child.pidfd) {
    const auto id = static_cast<id_t>(child.pidfd.get());
    const int result = WaitId(kIdTypePidfd, id, info, options, usage);
    if (result == 0 || errno != EINVAL) return result;
  }
  // Without one, or before Linux 5.4, which does not wait with it.
  return WaitId(P_PID, static_cast<id_t>(child.pid), info, options, usage);
}

WaitStatus FromSiginfo(const siginfo_t& info, const rusage& usage) {
  WaitStatus status;
  status.source = StatusSource::kWaited;
  if (info.si_code == CLD_EXITED) {
    status.exit_code = info.si_status;
  } else {
    status.signal = info.si_status;
    status.core_dumped = info.si_code == CLD_DUMPED;
  }
  status.has_usage = true;
  status.usage = FromRusage(usage);
  return status;
}

// The status of a child that other code reaped (conformance 45).
WaitStatus StatusOfReaped(int pidfd) {
  WaitStatus status;
  PidfdInfo info{};
  info.mask = kPidfdInfoExit;
  if (pidfd >= 0 && ::ioctl(pidfd, kPidfdGetInfo, &info) == 0 &&
      (info.mask & kPidfdInfoExit) != 0) {
    status.source = StatusSource::kRecovered;
    if (WIFSIGNALED(info.exit_code)) {
      status.signal = WTERMSIG(info.exit_code);
      status.core_dumped = WCOREDUMP(info.exit_code);
    } else {
      status.exit_code = WEXITSTATUS(info.exit_code);
    }
    return status;
  }
  status.source = StatusSource::kUnknown;
  status.reason = "REAPED_ELSEWHERE";
  return status;
}

ChildLook Look(const ChildRef& child, int extra_options) {
  siginfo_t info{};
  rusage usage{};
  if (WaitChild(child, &info, WEXITED | WNOWAIT | extra_options, &usage) < 0) {
    return {ChildLook::State::kGone, StatusOfReaped(child.pidfd.get())};
  }
  if (info.si_pid == 0) return {ChildLook::State::kRunning, {}};
  return {ChildLook::State::kEnded, FromSiginfo(info, usage)};
}

}  // namespace

ChildLook PeekChild(const ChildRef& child) { return Look(child, WNOHANG); }

ChildLook AwaitChild(const ChildRef& child) { return Look(child, 0); }

AnyChildLook PeekAnyChild(bool of_this_thread) {
  siginfo_t info{};
  rusage usage{};
  const int options = WEXITED | WNOWAIT | WNOHANG | (of_this_thread ? __WNOTHREAD : 0);
  if (WaitId(P_ALL, 0, &info, options, &usage) < 0 || info.si_pid == 0) return {};
  return {info.si_pid, FromSiginfo(info, usage)};
}

void ReapChild(const ChildRef& child) {
  siginfo_t info{};
  WaitChild(child, &info, WEXITED | WNOHANG, nullptr);
}

absl::StatusOr<UniqueFd> OpenPidfd(pid_t pid) {
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (fd) return fd;
  const int error = errno;
  const std::string object = absl::StrCat(pid);
  switch (error) {
    case ESRCH:
    case EINVAL:  // no thread group leader has this pid
      return ErrnoError(absl::StatusCode::kNotFound, Reason::kNoSuchChild, "pidfd_open", object,
                        error);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kOutOfDescriptors,
                        "pidfd_open", object, error);
    default:
      return ErrnoError(absl::StatusCode::kUnimplemented, Reason::kPidfdRefused, "pidfd_open",
                        object, error);
  }
}

ChildRef OpenChild(pid_t pid) {
  auto pidfd = OpenPidfd(pid);
  return {pid, pidfd.ok() ? SharedFd(*std::move(pidfd)) : SharedFd()};
}

}  // namespace proctor

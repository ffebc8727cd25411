#include "tests/benchmark/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"
#include "tests/benchmark/live_children.h"

namespace proctor {
namespace {

constexpr absl::Duration kNapBefore = absl::Milliseconds(1);
constexpr absl::Duration kNapAfter = absl::Microseconds(200);
constexpr int kReadyTimeoutMs = 10'000;
constexpr size_t kReadySize = 6;          // "ready\n"
constexpr size_t kOtherDescriptors = 64;  // beside one for each child

int64_t Nanoseconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}
int64_t Now() { return Nanoseconds(CLOCK_MONOTONIC); }
int64_t ProcessCpu() { return Nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }

void Nap(absl::Duration duration) {
  const timespec time = absl::ToTimespec(duration);
  ::nanosleep(&time, nullptr);
}

}  // namespace

absl::StatusOr<CellOptions> ParseCellOptions(int argc, char** argv) {
  const absl::Status usage = absl::InvalidArgumentError(absl::StrCat(
      "usage: ", argv[0], " list | exit|burst ROW CHILDREN SAMPLES SEED LIMIT_SECONDS PROGRAM"));
  if (argc != 8) return usage;
  CellOptions options{.row = argv[2], .program = argv[7]};
  const std::string kind = argv[1];
  double limit = 0;
  if ((kind != "exit" && kind != "burst") || !absl::SimpleAtoi(argv[3], &options.children) ||
      !absl::SimpleAtoi(argv[4], &options.samples) || !absl::SimpleAtoi(argv[5], &options.seed) ||
      !absl::SimpleAtod(argv[6], &limit) || options.children == 0 ||
      options.children > kMaxLiveChildren) {
    return usage;
  }
  if (kind == "burst") options.kind = CellOptions::Kind::kBurst;
  options.limit = absl::Seconds(limit);
  return options;
}

absl::Status AllowDescriptors(size_t children) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return SystemError("getrlimit", errno);
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return SystemError("setrlimit", errno);
  const size_t needed = children + kOtherDescriptors;
  if (limit.rlim_max >= needed) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(needed, " descriptors are needed, and ",
                                                   limit.rlim_max, " allowed (ulimit -Hn)"));
}

absl::Status BenchmarkCell::Run() {
  random_.seed(options_.seed);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return SystemError("pipe2", errno);
  ready_read_.Reset(ends[0]);
  ready_write_.Reset(ends[1]);
  const absl::Status ran = loop_.Run([this] { Start(); });
  if (!ran.ok()) return ran;
  if (!status_.ok()) return status_;
  Print();
  return absl::OkStatus();
}

void BenchmarkCell::Start() {
  for (size_t slot = 0; slot < options_.children; ++slot) {
    if (absl::Status spawned = SpawnInto(slot); !spawned.ok()) return Fail(std::move(spawned));
  }
  // Also the end if an exit is never told. What stops the loop early is not an error.
  loop_.After(options_.limit, [this] {
    if (options_.kind == CellOptions::Kind::kBurst) return EndBurst();
    loop_.Stop();
  });
  loop_.After(absl::ZeroDuration(),
              [this] { options_.kind == CellOptions::Kind::kBurst ? KillAll() : KillOne(); });
}

absl::Status BenchmarkCell::SpawnInto(size_t slot) {
  {
    SignalsHeld held;
    auto pid = loop_.Spawn(options_.program, ready_write_.get(), [this, slot] { OnExit(slot); });
    if (!pid.ok()) return pid.status();
    SetLiveChild(slot, *pid);
  }
  char said[kReadySize];
  for (size_t size = 0; size < sizeof(said);) {
    pollfd ready{.fd = ready_read_.get(), .events = POLLIN};
    const int count = ::poll(&ready, 1, kReadyTimeoutMs);
    if (count < 0 && errno == EINTR) continue;  // a watcher's SIGCHLD
    if (count == 0) return absl::DeadlineExceededError("a child did not get ready");
    const ssize_t more = count < 0 ? -1 : ::read(ready.fd, said + size, sizeof(said) - size);
    if (more < 0) return SystemError("read of a child's 'ready'", errno);
    size += static_cast<size_t>(more);
  }
  return absl::OkStatus();
}

void BenchmarkCell::Fail(absl::Status status) {
  status_ = std::move(status);
  loop_.Stop();
}

void BenchmarkCell::KillOne() {
  if (latency_.size() == options_.samples) return loop_.Stop();
  victim_ = (random_() - std::minstd_rand::min()) % options_.children;
  const pid_t pid = LiveChild(victim_);
  Nap(kNapBefore);
  const int64_t cpu_at_rest = ProcessCpu();
  Nap(kNapAfter);
  cpu_before_ = ProcessCpu();
  nap_cpu_ = cpu_before_ - cpu_at_rest;
  killed_at_ = Now();
  ::kill(pid, SIGKILL);
}

void BenchmarkCell::OnExit(size_t slot) {
  told_at_ = Now();
  SetLiveChild(slot, 0);
  if (options_.kind == CellOptions::Kind::kBurst) {
    if (++told_ == options_.children) EndBurst();
  } else if (slot == victim_) {
    loop_.After(absl::ZeroDuration(), [this] { EndSample(); });
  } else {
    Fail(absl::InternalError("a child ended that nobody killed"));
  }
}

void BenchmarkCell::EndSample() {
  Nap(kNapAfter);
  cpu_.push_back(ProcessCpu() - cpu_before_ - nap_cpu_);
  latency_.push_back(told_at_ - killed_at_);
  if (absl::Status spawned = SpawnInto(victim_); !spawned.ok()) return Fail(std::move(spawned));
  loop_.After(absl::ZeroDuration(), [this] { KillOne(); });
}

void BenchmarkCell::KillAll() {
  Nap(kNapBefore);
  cpu_before_ = ProcessCpu();
  killed_at_ = Now();
  for (size_t slot = 0; slot < options_.children; ++slot) ::kill(LiveChild(slot), SIGKILL);
}

void BenchmarkCell::EndBurst() {
  if (!cpu_.empty()) return;  // the limit came with the last exit
  if (told_ < options_.children) told_at_ = Now();
  cpu_.push_back(ProcessCpu() - cpu_before_);
  latency_.push_back(told_at_ - killed_at_);
  loop_.Stop();
}

void BenchmarkCell::Print() const {
  if (options_.kind == CellOptions::Kind::kBurst) {
    ::printf("{\"told\": %zu, \"elapsed_ns\": %lld, \"cpu_ns\": %lld}\n", told_,
             static_cast<long long>(latency_[0]), static_cast<long long>(cpu_[0]));
  } else {
    ::printf("{\"latency_ns\": [%s], \"cpu_ns\": [%s]}\n", absl::StrJoin(latency_, ", ").c_str(),
             absl::StrJoin(cpu_, ", ").c_str());
  }
}

void RunCellAndExit(
    int argc, char** argv,
    const std::function<absl::StatusOr<WatchedLoop*>(const std::string& row)>& make_loop) {
  EndChildrenOnSignal();
  const absl::Status status = [&]() -> absl::Status {
    auto options = ParseCellOptions(argc, argv);
    if (!options.ok()) return options.status();
    RETURN_IF_ERROR(AllowDescriptors(options->children));
    auto loop = make_loop(options->row);
    if (!loop.ok()) return loop.status();
    return BenchmarkCell(*std::move(options), **loop).Run();
  }();
  if (!status.ok()) ::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  EndChildren();
  ::fflush(stdout);
  // Thousands of handlers are still set and some threads still run; to take them down in
  // order would be another benchmark.
  ::_exit(status.ok() ? 0 : 1);
}

}  // namespace proctor

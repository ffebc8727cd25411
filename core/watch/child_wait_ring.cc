#include "core/watch/child_wait_ring.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/loop/uring.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// Debian's liburing 2.3 has neither the operation (Linux 6.7) nor the id type.
constexpr int kOpWaitid = 50;
constexpr int kIdTypePidfd = 3;

// Room to submit, and for completions; what finds none waits in the kernel.
constexpr unsigned kEntries = 64;
constexpr unsigned kCompletions = 1024;

// The kernel ends what is cancelled at once. What it has not ended by then, it never may.
constexpr absl::Duration kLongestEnd = absl::Seconds(2);

// The completion of a cancel, which is ignored.
constexpr uint64_t kCancelToken = 0;

void PrepareWaitid(io_uring_sqe* sqe, int pidfd, siginfo_t* info) {
  io_uring_prep_rw(kOpWaitid, sqe, pidfd, nullptr, kIdTypePidfd, 0);
  sqe->file_index = WEXITED | WNOWAIT;
  sqe->addr2 = reinterpret_cast<uint64_t>(info);
}

}  // namespace

struct ChildWaitRing::Kernel {
  // What the kernel is asked for one child.
  struct Request {
    std::shared_ptr<Watch> watch;  // null once cancelled
    SharedFd pidfd;                // open for as long as the kernel may use it
    siginfo_t info{};
  };

  // What became of a chain: a queued one is taken with the next submission.
  enum class Submission { kTaken, kQueued, kNoRoom };
  Submission Submit(uint64_t token, Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // An entry of the queue, where there is room for so many; else null.
  io_uring_sqe* Next(unsigned entries) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Makes the kernel end a request, which has no owner from here on.
  void Abandon(uint64_t token, Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void TakeCompletions(std::vector<Ended>& ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void EndRequests() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  absl::Mutex mutex;
  io_uring ring ABSL_GUARDED_BY(mutex){};
  int fd = -1;
  bool closed ABSL_GUARDED_BY(mutex) = false;
  uint64_t last_token ABSL_GUARDED_BY(mutex) = kCancelToken;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Request>> requests ABSL_GUARDED_BY(mutex);
  absl::flat_hash_map<const Watch*, uint64_t> tokens ABSL_GUARDED_BY(mutex);
};

absl::Status ChildWaitRing::ProbeKernel() {
  RETURN_IF_ERROR(Uring::Probe());  // says more
  io_uring ring{};
  if (const int result = ::io_uring_queue_init(2, &ring, 0); result < 0) {
    return ErrnoError(absl::StatusCode::kUnimplemented, Reason::kUringRefused, "io_uring_setup", "",
                      -result);
  }
  io_uring_probe* probe = ::io_uring_get_probe_ring(&ring);
  const bool waits = probe != nullptr && io_uring_opcode_supported(probe, kOpWaitid);
  ::io_uring_free_probe(probe);
  ::io_uring_queue_exit(&ring);
  if (waits) return absl::OkStatus();
  return MakeError(absl::StatusCode::kUnimplemented, Reason::kUringRefused,
                   "io_uring here cannot wait for children: that needs Linux 6.7");
}

absl::Status ChildWaitRing::Probe() {
  static const absl::Status* status = new absl::Status(ProbeKernel());
  return *status;
}

absl::StatusOr<std::shared_ptr<ChildWaitRing>> ChildWaitRing::Create() {
  auto kernel = std::make_unique<Kernel>();
  {
    absl::MutexLock lock(&kernel->mutex);
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_CQSIZE;
    parameters.cq_entries = kCompletions;
    const int result = ::io_uring_queue_init_params(kEntries, &kernel->ring, &parameters);
    if (result < 0) {
      return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kOutOfDescriptors,
                        "io_uring_setup", "", -result);
    }
    kernel->fd = kernel->ring.ring_fd;
  }
  return std::shared_ptr<ChildWaitRing>(new ChildWaitRing(std::move(kernel)));
}

ChildWaitRing::ChildWaitRing(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}

ChildWaitRing::~ChildWaitRing() { Close(); }

int ChildWaitRing::fd() const { return kernel_->fd; }

io_uring_sqe* ChildWaitRing::Kernel::Next(unsigned entries) {
  if (io_uring_sq_space_left(&ring) < entries) ::io_uring_submit(&ring);
  return io_uring_sq_space_left(&ring) < entries ? nullptr : io_uring_get_sqe(&ring);
}

ChildWaitRing::Kernel::Submission ChildWaitRing::Kernel::Submit(uint64_t token, Request& request) {
  io_uring_sqe* const poll = Next(2);
  if (poll == nullptr) return Submission::kNoRoom;
  io_uring_sqe* const wait = Next(1);
  const int pidfd = request.pidfd.get();
  io_uring_prep_poll_add(poll, pidfd, POLLIN);
  poll->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
  PrepareWaitid(wait, pidfd, &request.info);
  // Both have the token: a poll that fails ends the chain with its own completion, and
  // its skip flag then silences the waitid.
  io_uring_sqe_set_data64(poll, token);
  io_uring_sqe_set_data64(wait, token);
  ::io_uring_submit(&ring);
  return io_uring_sq_ready(&ring) == 0 ? Submission::kTaken : Submission::kQueued;
}

void ChildWaitRing::Kernel::Abandon(uint64_t token, Request& request) {
  tokens.erase(request.watch.get());
  request.watch = nullptr;
  io_uring_sqe* const cancel = Next(1);
  if (cancel == nullptr) return;  // it ends with its child, or with the ring
  io_uring_prep_cancel64(cancel, token, 0);
  cancel->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(cancel, kCancelToken);
  ::io_uring_submit(&ring);
}

absl::Status ChildWaitRing::Add(const std::shared_ptr<Watch>& watch) {
  if (!watch->child.pidfd) {
    return MakeError(absl::StatusCode::kResourceExhausted, Reason::kOutOfDescriptors,
                     absl::StrCat("wait for child ", watch->child.pid, ": it has no pidfd"));
  }
  absl::MutexLock lock(&kernel_->mutex);
  if (kernel_->closed) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kRingClosed,
                     "the ring is closed");
  }
  const uint64_t token = ++kernel_->last_token;
  Kernel::Request& request = *(kernel_->requests[token] = std::make_unique<Kernel::Request>(
                                   Kernel::Request{watch, watch->child.pidfd}));
  kernel_->tokens[watch.get()] = token;
  switch (kernel_->Submit(token, request)) {
    case Kernel::Submission::kTaken:
      return absl::OkStatus();
    case Kernel::Submission::kQueued:  // its memory stays
      kernel_->Abandon(token, request);
      break;
    case Kernel::Submission::kNoRoom:
      kernel_->tokens.erase(watch.get());
      kernel_->requests.erase(token);
      break;
  }
  return MakeError(absl::StatusCode::kResourceExhausted, Reason::kUringResources,
                   "io_uring took no request");
}

void ChildWaitRing::Cancel(const std::shared_ptr<Watch>& watch) {
  absl::MutexLock lock(&kernel_->mutex);
  auto token = kernel_->tokens.find(watch.get());
  if (token == kernel_->tokens.end()) return;
  kernel_->Abandon(token->second, *kernel_->requests[token->second]);
}

std::vector<ChildWaitRing::Ended> ChildWaitRing::TakeEnded() {
  std::vector<Ended> ended;
  absl::MutexLock lock(&kernel_->mutex);
  if (!kernel_->closed) kernel_->TakeCompletions(ended);
  return ended;
}

void ChildWaitRing::Kernel::TakeCompletions(std::vector<Ended>& ended) {
  io_uring_cqe* cqe;
  while (::io_uring_peek_cqe(&ring, &cqe) == 0) {
    const uint64_t token = cqe->user_data;
    const int result = cqe->res;
    io_uring_cqe_seen(&ring, cqe);
    auto found = requests.find(token);
    if (found == requests.end()) continue;  // a cancel that came too late
    Request& request = *found->second;
    if (request.watch != nullptr) {
      // The completion says that it ended; the look also has the resource usage, and asks after a
      // child that other code has reaped.
      const ChildLook look = PeekChild(request.watch->child);
      if (look.state == ChildLook::State::kRunning && result == -ECANCELED) {
        // Cancelled with the thread that made it.
        const Submission again = Submit(token, request);
        if (again == Submission::kQueued) {
          ended.push_back({request.watch, look});
          Abandon(token, request);  // its memory stays
        }
        if (again != Submission::kNoRoom) continue;
      }
      tokens.erase(request.watch.get());
      ended.push_back({request.watch, look});
    }
    requests.erase(found);
  }
}

// Cancels before each wait, because a chain between its two halves has nothing to cancel, and
// the second half of a traced zombie may wait for ever.
void ChildWaitRing::Kernel::EndRequests() {
  std::vector<Ended> none;
  const absl::Time give_up = absl::Now() + kLongestEnd;
  while (!requests.empty() && absl::Now() < give_up) {
    if (io_uring_sqe* const cancel = Next(1)) {
      io_uring_prep_cancel64(cancel, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
      cancel->flags |= IOSQE_CQE_SKIP_SUCCESS;
      io_uring_sqe_set_data64(cancel, kCancelToken);
    }
    __kernel_timespec pause{.tv_sec = 0, .tv_nsec = 20'000'000};
    io_uring_cqe* cqe;
    (void)::io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &pause, nullptr);  // looked at again
    TakeCompletions(none);
  }
  if (requests.empty()) return;
  Warn(absl::StrCat("io_uring did not let go of ", requests.size(),
                    " waits for children: their memory is left to it"));
  (void)new auto(std::exchange(requests, {}));
}

std::vector<std::shared_ptr<Watch>> ChildWaitRing::Close() {
  std::vector<std::shared_ptr<Watch>> waited_for;
  absl::MutexLock lock(&kernel_->mutex);
  if (std::exchange(kernel_->closed, true)) return waited_for;
  for (auto& [token, request] : kernel_->requests) {
    if (request->watch == nullptr) continue;
    waited_for.push_back(request->watch);
    kernel_->Abandon(token, *request);
  }
  kernel_->EndRequests();
  ::io_uring_queue_exit(&kernel_->ring);
  return waited_for;
}

}  // namespace proctor

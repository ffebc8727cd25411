#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor {

// The io_uring(7) of a loop: requests go in, completions come out.
//
// Each request has an id of the caller's choice and completes with it: once, a repeated
// poll any number of times and then once for the last. A request belongs to the thread
// that submits it; at that thread's end the kernel cancels it.
//
// Neither IORING_SETUP_SINGLE_ISSUER nor DEFER_TASKRUN, because a loop may run on one
// thread after another: a thread that submitted a request and left the loop completes it
// wherever it is then. With COOP_TASKRUN it is not interrupted for that while it computes,
// which delays the completion by a tick of its clock at most.
//
// Thread-safety: one thread at a time. Lifetime: owned by a loop. One descriptor, closed
// on exec. Drain before the end: the kernel may hold the files of polls until then.
class Uring {
 public:
  // The id of no request.
  static constexpr uint64_t kNoId = 0;

  struct Completion {
    uint64_t id;
    int result;  // of the system call that it stands for; negative: an errno
    bool last;   // the request has ended
  };

  // Says why io_uring cannot work in this process: Unimplemented or PermissionDenied
  // (IO_URING_UNAVAILABLE), asked of the kernel once; ResourceExhausted (LOOP_RESOURCES)
  // when out of descriptors or memory just now.
  static absl::Status Probe();

  // Errors: as Probe.
  static absl::StatusOr<std::unique_ptr<Uring>> Create();

  ~Uring();
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  // Makes sure that any one of the requests below finds room. That takes a system call
  // only where the queue is full, and is false if the kernel, out of memory, takes none.
  [[nodiscard]] bool MakeRoom();

  // The requests. They stay in the queue until the next Submit or Wait.

  // Completes with the poll(2) events as soon as there is one of `events`; if `repeated`,
  // each time that one comes.
  void Poll(uint64_t id, int fd, uint32_t events, bool repeated);
  // Cancels a request. Its completion then says ECANCELED, or its result if it was done before. An
  // unknown id is not an error. The cancel has no completion of its own.
  void Cancel(uint64_t id);

  void Submit();

  // Submits, and waits until there is a completion, `timeout` passed or a signal came;
  // ZeroDuration only looks.
  void Wait(absl::Duration timeout);

  // Takes all completions. `take` does not make requests.
  void Take(absl::FunctionRef<void(const Completion&)> take);

  // Cancels all requests and waits for their ends.
  void Drain();

 private:
  struct Ring;  // keeps liburing.h out of here

  explicit Uring(std::unique_ptr<Ring> ring);

  const std::unique_ptr<Ring> ring_;
  size_t requests_ = 0;  // without their last completion
};

}  // namespace proctor

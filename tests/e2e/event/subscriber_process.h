#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "core/base/unique_fd.h"
#include "proctor/v1/event_service.pb.h"

namespace proctor {

// An event_subscriber, and what it has written.
//
// Thread-safety: Signal from any thread; the rest is one thread's. Lifetime: kills and reaps it
// where that was not done.
class SubscriberProcess {
 public:
  SubscriberProcess(const std::string& target, const v1::WatchEventsRequest& request);
  ~SubscriberProcess();
  SubscriberProcess(const SubscriberProcess&) = delete;
  SubscriberProcess& operator=(const SubscriberProcess&) = delete;

  // Waits for the next message that it has written. False when there is none any more: it
  // ended, and half a message, which it was killed over, does not count.
  bool Read(v1::WatchEventsResponse* response);

  void Signal(int signal) const;
  // Reaps it. Returns its exit code, which is that of the stream's status, or minus the signal
  // that ended it.
  int Await();

 private:
  bool Fill(size_t size);

  pid_t pid_ = 0;
  UniqueFd out_;
  std::string buffer_;
  size_t begin_ = 0;  // of what is unread there
};

}  // namespace proctor

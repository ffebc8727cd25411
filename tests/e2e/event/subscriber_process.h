#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "proctor/unique_fd.h"
#include "proctor/v1/event_service.pb.h"

namespace proctor {

// A process of event_subscriber, and its output.
//
// Thread-safety: Signal from any thread; the rest from one thread. Lifetime: the destructor kills
// and reaps the process if it still runs.
class SubscriberProcess {
 public:
  SubscriberProcess(const std::string& target, const v1::WatchEventsRequest& request);
  ~SubscriberProcess();
  SubscriberProcess(const SubscriberProcess&) = delete;
  SubscriberProcess& operator=(const SubscriberProcess&) = delete;

  // Waits for its next message. Returns false when it has ended. Half a message, which a kill may
  // leave, does not count.
  bool Read(v1::WatchEventsResponse* response);

  void Signal(int signal) const;
  // Reaps it. Returns its exit code, which is the code of the stream's status, or minus the signal
  // that ended it.
  int Await();

 private:
  bool Fill(size_t size);

  pid_t pid_ = 0;
  UniqueFd out_;
  std::string buffer_;
  size_t begin_ = 0;  // of the unread part
};

}  // namespace proctor

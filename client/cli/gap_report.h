// Tells the user, on stderr, of output that the server no longer has.
//
// A flood that is followed makes a gap with nearly each message. So gaps that follow one another
// are told as one, and no more than one line comes in a second: what is missing meanwhile is
// counted, and told with the next line or at the end.
//
// Not thread-safe: it belongs to whoever reads the stream.
#ifndef PROCTOR_CLIENT_CLI_GAP_REPORT_H_
#define PROCTOR_CLIENT_CLI_GAP_REPORT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::cli {

class GapReport {
 public:
  // `say` prints a line; `now` is another clock for tests.
  explicit GapReport(std::function<void(const std::string&)> say,
                     std::function<absl::Time()> now = absl::Now)
      : say_(std::move(say)), now_(std::move(now)) {}

  // Every message of the stream, before its data is shown.
  void OnMessage(const v1::StreamMessage& message);

  // The stream is over: tells what is untold.
  void Finish();

 private:
  void Tell(const std::string& where);

  const std::function<void(const std::string&)> say_;
  const std::function<absl::Time()> now_;
  std::map<v1::Stream, uint64_t> missing_;  // bytes that are not told yet
  // Some of them are missing before a message that has come since.
  bool shown_since_ = false;
  absl::Time told_ = absl::InfinitePast();
};

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENT_CLI_GAP_REPORT_H_

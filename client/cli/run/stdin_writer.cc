#include "client/cli/run/stdin_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace proctor::cli {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(50);
constexpr absl::Duration kLongestPause = absl::Seconds(2);

}  // namespace

StdinWriter::StdinWriter(const client::Client& client, std::string process_id, bool force,
                         std::function<void(const client::Error&)> on_retry)
    : client_(client),
      process_id_(std::move(process_id)),
      force_(force),
      on_retry_(std::move(on_retry)) {}

client::Error StdinWriter::Begin() {
  v1::WriteStdinRequest request;
  v1::WriteStdinResponse response;
  client::Error error = Call(request, &response);
  start_ = position_ = response.stdin_bytes();
  return error;
}

client::Error StdinWriter::Write(std::string data) {
  v1::WriteStdinRequest request;
  const uint64_t after = position_ + data.size();
  request.set_offset(position_);
  request.set_data(std::move(data));
  v1::WriteStdinResponse response;
  client::Error error = Call(request, &response);
  if (!error.ok()) return error;
  if (response.stdin_bytes() != after) {
    error.code = absl::StatusCode::kAborted;
    error.reason = "STDIN_SHARED";
    error.message = absl::StrCat("stdin has taken ", response.stdin_bytes(), " bytes where ", after,
                                 " were ours: somebody else writes to it as well");
    return error;
  }
  position_ = after;
  return error;
}

client::Error StdinWriter::Close() {
  v1::WriteStdinRequest request;
  request.set_offset(position_);
  request.set_eof(true);
  v1::WriteStdinResponse response;
  return Call(request, &response);
}

client::Error StdinWriter::Call(const v1::WriteStdinRequest& original,
                                v1::WriteStdinResponse* response) {
  v1::WriteStdinRequest request = original;
  request.set_process_id(process_id_);
  request.set_force(force_);
  const absl::Time give_up = absl::Now() + kPatience;
  absl::Duration pause = kFirstPause;
  bool repeated = false;
  while (true) {
    // Without a deadline: the process reads when it likes.
    client::Error error = client_.WriteStdin(request, response);
    // The call before may have closed it, and only its answer was lost.
    if (repeated && request.eof() && error.Is("STDIN_CLOSED")) return {};
    // The server may not have noticed yet that the caller of the call before is gone.
    const bool again = error.IsUnreachable() || (repeated && error.Is("STDIN_BUSY"));
    if (!again || absl::Now() + pause >= give_up) return error;
    if (!std::exchange(repeated, true)) on_retry_(error);
    absl::SleepFor(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace proctor::cli

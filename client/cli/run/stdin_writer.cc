#include "client/cli/run/stdin_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proctor/client/error.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(50);
constexpr absl::Duration kLongestPause = absl::Seconds(2);

}  // namespace

StdinWriter::StdinWriter(const client::Client& client, std::string process_id, bool force,
                         std::function<void(const absl::Status&)> on_retry)
    : client_(client),
      process_id_(std::move(process_id)),
      force_(force),
      on_retry_(std::move(on_retry)) {}

absl::Status StdinWriter::Begin() {
  const absl::StatusOr<uint64_t> taken = Call(v1::WriteStdinRequest());
  if (!taken.ok()) return taken.status();
  start_ = position_ = *taken;
  return absl::OkStatus();
}

absl::Status StdinWriter::Write(std::string data) {
  v1::WriteStdinRequest request;
  const uint64_t after = position_ + data.size();
  request.set_offset(position_);
  request.set_data(std::move(data));
  const absl::StatusOr<uint64_t> taken = Call(std::move(request));
  if (!taken.ok()) return taken.status();
  if (*taken != after) {
    return MakeError(absl::StatusCode::kAborted, Reason::kStdinShared,
                     absl::StrCat("stdin has taken ", *taken, " bytes where ", after,
                                  " were ours: somebody else writes to it as well"));
  }
  position_ = after;
  return absl::OkStatus();
}

absl::Status StdinWriter::Close() {
  v1::WriteStdinRequest request;
  request.set_offset(position_);
  request.set_eof(true);
  return Call(std::move(request)).status();
}

absl::StatusOr<uint64_t> StdinWriter::Call(v1::WriteStdinRequest request) {
  request.set_process_id(process_id_);
  request.set_force(force_);
  const absl::Time give_up = absl::Now() + kPatience;
  absl::Duration pause = kFirstPause;
  bool repeated = false;
  while (true) {
    // Without a deadline: the process reads when it likes.
    const auto response = client_.WriteStdin(request);
    if (response.ok()) return response->stdin_bytes();
    const absl::Status& error = response.status();
    const Reason reason = ReasonOf(error);
    // The call before may have closed it, and only its answer was lost.
    if (repeated && request.eof() && reason == Reason::kStdinClosed) return request.offset();
    // The server may not have noticed yet that the caller of the call before is gone.
    const bool again = client::IsUnreachable(error) || (repeated && reason == Reason::kStdinBusy);
    if (!again || absl::Now() + pause >= give_up) return error;
    if (!std::exchange(repeated, true)) on_retry_(error);
    absl::SleepFor(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace proctor::cli

#include "server/http/viewer.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/http/sse.h"

namespace proctor::server::http {

Viewer::Viewer(HttpThread* thread, absl::Duration heartbeat, FrameSource* source,
               Connection connection)
    : heartbeat_(heartbeat),
      connection_(std::move(connection)),
      source_(source),
      silence_(thread) {}

Viewer::~Viewer() { OnGone(); }

void Viewer::Begin(Frame head) {
  source_->Begin(this);
  Write(std::move(head));
}

void Viewer::OnWritten() {
  writing_ = false;
  if (!IsAllowed()) {
    OnGone();
    return connection_.finish();
  }
  if (next_ != nullptr) return Write(std::exchange(next_, nullptr));
  if (last_ != nullptr) return Write(std::exchange(last_, nullptr));
  if (source_ == nullptr) return connection_.finish();
  silence_.Set(heartbeat_, [this] { OnSilence(); });
  if (!std::exchange(asked_, true)) source_->Next();
}

void Viewer::OnGone() {
  silence_.Cancel();
  if (FrameSource* source = std::exchange(source_, nullptr)) source->Cancel();
}

void Viewer::OnFrame(Frame frame) {
  asked_ = false;
  next_ = std::move(frame);
  if (!writing_) OnWritten();
}

void Viewer::OnLastFrame(Frame frame) {
  source_ = nullptr;
  last_ = std::move(frame);
  if (!writing_) OnWritten();
}

bool Viewer::IsAllowed() const { return connection_.allowed == nullptr || connection_.allowed(); }

void Viewer::Write(Frame frame) {
  silence_.Cancel();
  writing_ = true;
  connection_.write(std::move(frame));
}

void Viewer::OnSilence() {
  if (!IsAllowed()) return OnWritten();
  const std::string time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  Write(std::make_shared<const std::string>(
      SseFrame("heartbeat", "", absl::StrCat("{\"time\":\"", time, "\"}"))));
}

}  // namespace proctor::server::http

#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/event/event_feed.h"
#include "server/event/event_hub.h"
#include "tests/core/session/session_fixture.h"
#include "tests/server/error_reason.h"
#include "tests/server/event/fake_event_transport.h"
#include "tests/server/manual_loop.h"

namespace proctor::server {

// An event stream of a real log, whose transport and whose clock are the test's.
class EventFeedTest : public SessionTest {
 protected:
  void SetUp() override { Watch(&events_); }

  void TearDown() override {
    End();
    hub_.reset();
    SessionTest::TearDown();
  }

  // Goes on with the hub of another log.
  void Watch(EventLog* log) {
    End();
    hub_.reset();
    log_ = log;
    loop_ = ManualLoop::Make();
    hub_ = EventHub::Start(log, Meter::None(), loop_);
  }

  // Runs `work` on the hub's thread.
  void On(std::function<void()> work) {
    absl::Notification done;
    hub_->Post([&] {
      work();
      done.Notify();
    });
    done.WaitForNotification();
  }
  // What was posted until now has run, and so has what that put off to the next turn.
  void Settle() {
    for (int turn = 0; turn < 3; ++turn) On([] {});
  }

  void Begin(const v1::WatchEventsRequest& request = {}) {
    feed_ = std::make_unique<EventFeed>(hub_.get(), registry_.get(), &transport_, request);
    On([&] { feed_->Begin(); });
    Settle();
  }
  // The RPC is over.
  void End() {
    if (feed_ == nullptr) return;
    On([&] { feed_->End(); });
    Settle();
    feed_.reset();
  }

  // The write that is in flight ends.
  void EndWrite(bool ok = true) {
    transport_.EndWrite();
    feed_->OnWritten(ok);
    Settle();
  }
  // From now on each write ends at once.
  void WriteThrough() {
    transport_.WriteThrough([this] {
      hub_->Post([this] {
        transport_.EndWrite();
        feed_->OnWritten(true);
      });
    });
    if (transport_.writing()) EndWrite();
  }

  void Advance(absl::Duration by) {
    On([&] { loop_->Advance(by); });
    Settle();
  }

  // Appends an event of a session.
  uint64_t Append(const std::string& session_id, const std::string& process_id = "") {
    Event event;
    event.session_id = session_id;
    event.process_id = process_id;
    event.detail = WatcherChanged{"a", "b"};
    return log_->Append(std::move(event));
  }

  v1::WatchEventsRequest After(uint64_t sequence) const {
    v1::WatchEventsRequest request;
    request.mutable_resume_after()->set_log_id(log_->log_id());
    request.mutable_resume_after()->set_sequence(sequence);
    return request;
  }

  // What was sent, in one line: "bookmark:0 event:1 heartbeat".
  std::string Told() const {
    std::string text;
    for (const auto& message : transport_.sent()) {
      absl::StrAppend(&text, text.empty() ? "" : " ");
      if (message.has_bookmark()) {
        absl::StrAppend(&text, "bookmark:", message.bookmark().position().sequence());
      } else if (message.has_event()) {
        absl::StrAppend(&text, "event:", message.event().sequence());
      } else if (message.has_snapshot()) {
        absl::StrAppend(&text, "snapshot");
      } else {
        absl::StrAppend(&text, "heartbeat");
      }
    }
    return text;
  }

  EventLog* log_ = nullptr;
  std::shared_ptr<ManualLoop> loop_;
  std::unique_ptr<EventHub> hub_;
  FakeEventTransport transport_;
  std::unique_ptr<EventFeed> feed_;
};

}  // namespace proctor::server

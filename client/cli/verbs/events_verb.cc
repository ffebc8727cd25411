// events: the kept part of the event log, and what comes after.
//
// A pass is one stream. Without -f there is one pass, up to the event that was the newest at the
// start. With -f a lost stream leads to another pass, from the last position that was seen:
//
//     position ─▶ pass ─▶ lost ─▶ wait ─▶ pass from there ─▶ …
//                  ├─▶ EVENTS_EXPIRED: the oldest that is kept, and say so
//                  └─▶ LOG_CHANGED: the start of the new log, and say so
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/flags/reconnect_flag.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"
#include "client/cli/print/event_text.h"
#include "client/cli/run/signal_forwarder.h"
#include "client/cli/select/id_prefix.h"
#include "proctor/client/error.h"
#include "proctor/error.h"

namespace proctor::cli {
namespace {

class EventPrinter {
 public:
  EventPrinter(Invocation& invocation, const client::Client& client, const v1::EventFilter& filter,
               bool follow, bool json, absl::Duration reconnect)
      : invocation_(invocation),
        client_(client),
        filter_(filter),
        follow_(follow),
        json_(json),
        reconnector_({follow ? reconnect : absl::ZeroDuration(),
                      [this](const absl::Status& error) { TellLoss(error); }}) {}

  // Prints what comes after `*after`, or after the start of the log; returns the exit code.
  int Print(const v1::EventPosition* after);

 private:
  // Reads one stream. OK if it ended as it should, or our own output failed.
  absl::Status Pass();
  // Takes one response; returns false when no more are wanted.
  bool Take(const v1::WatchEventsResponse& response);
  bool Reach(const v1::EventPosition& position);
  // Moves the position past expired events; returns whether `error` was about them.
  bool MoveOn(const absl::Status& error);
  void TellLoss(const absl::Status& error);

  Invocation& invocation_;
  const client::Client& client_;
  const v1::EventFilter& filter_;
  const bool follow_;
  const bool json_;
  client::Reconnector reconnector_;
  v1::EventPosition position_;
  // Without -f: where to end.
  v1::EventPosition last_;
  bool done_ = false;
};

int EventPrinter::Print(const v1::EventPosition* after) {
  const auto info = client_.GetServerInfo({}, Prompt());
  if (!info.ok()) return invocation_.Refuse(info.status());
  last_ = info->last_event();
  position_.set_log_id(last_.log_id());
  if (after != nullptr) position_ = *after;
  done_ =
      !follow_ && position_.log_id() == last_.log_id() && position_.sequence() == last_.sequence();

  while (!done_) {
    absl::Status error = Pass();
    if (done_) break;
    if (MoveOn(error)) continue;
    if (error.ok()) {
      // Only a server that shuts down ends a stream of events in good order.
      error = absl::UnavailableError("the server ended the stream too early");
    }
    if (!reconnector_.Await(error)) return invocation_.RefuseLost(error, "");
  }
  return kExitSuccess;
}

void EventPrinter::TellLoss(const absl::Status& error) {
  invocation_.console().Say(absl::StrCat("lost the stream after event ", position_.sequence(), ": ",
                                         client::ErrorText(error), "; trying again"));
}

absl::Status EventPrinter::Pass() {
  v1::WatchEventsRequest request;
  *request.mutable_resume_after() = position_;
  // Without -f it gets all events and chooses here: the last one says where to end, even if it is
  // not wanted.
  if (follow_) *request.mutable_filter() = filter_;
  const std::unique_ptr<client::EventStream> stream = client_.WatchEvents(request);
  while (const v1::WatchEventsResponse* response = stream->Next()) {
    reconnector_.OnAlive();
    if (Take(*response)) continue;
    done_ = true;
    stream->Cancel();
    return absl::OkStatus();
  }
  return stream->Finish();
}

bool EventPrinter::Take(const v1::WatchEventsResponse& response) {
  if (response.has_bookmark()) return Reach(response.bookmark().position());
  if (!response.has_event()) return true;
  const v1::Event& event = response.event();
  if (Passes(filter_, event) &&
      !invocation_.out().Write(json_ ? JsonLine(event) : EventLine(event))) {
    return false;
  }
  v1::EventPosition position;
  position.set_log_id(event.log_id());
  position.set_sequence(event.sequence());
  return Reach(position);
}

bool EventPrinter::Reach(const v1::EventPosition& position) {
  position_ = position;
  return follow_ || position_.sequence() < last_.sequence();
}

bool EventPrinter::MoveOn(const absl::Status& error) {
  const Reason reason = ReasonOf(error);
  const ErrorMetadata variables = ErrorVariables(error);
  if (reason == Reason::kEventsExpired) {
    uint64_t first = 0;
    const auto found = variables.find("first");
    if (found == variables.end() || !absl::SimpleAtoi(found->second, &first) ||
        first <= position_.sequence() + 1) {
      return false;
    }
    invocation_.console().Say(absl::StrCat("events ", position_.sequence() + 1, " to ", first - 1,
                                           " are no longer kept"));
    position_.set_sequence(first - 1);
    done_ = !follow_ && position_.sequence() >= last_.sequence();
    return true;
  }
  if (follow_ && reason == Reason::kLogChanged) {
    const auto found = variables.find("log_id");
    if (found == variables.end() || found->second == position_.log_id()) return false;
    invocation_.console().Say("the server has a new event log; going on with its start");
    position_.set_log_id(found->second);
    position_.set_sequence(0);
    return true;
  }
  return false;
}

}  // namespace

int EventsVerb(Invocation& invocation) {
  bool follow = false;
  bool json = false;
  bool has_after = false;
  v1::EventPosition after;
  v1::EventFilter filter;
  // A watch of days outlasts the server's repair.
  ReconnectFlag reconnect{absl::InfiniteDuration()};
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('f', "follow", "go on with what happens", &follow);
  flags.Value(0, "after", "LOGID:SEQ", "only what came after this position",
              [&](const std::string& text) {
                const absl::StatusOr<v1::EventPosition> position = ParsePosition(text);
                if (position.ok()) after = *position;
                has_after = position.ok();
                return position.status();
              });
  flags.Value('t', "type", "TYPE", "only this type; repeatable", [&](const std::string& text) {
    const absl::StatusOr<v1::EventType> type = ParseEventType(text);
    if (type.ok()) filter.add_types(*type);
    return type.status();
  });
  flags.Value(0, "session", "ID", "only this session; repeatable", [&](const std::string& text) {
    filter.add_session_ids(text);
    return absl::OkStatus();
  });
  flags.Value(0, "process", "ID", "only this process; repeatable", [&](const std::string& text) {
    filter.add_process_ids(text);
    return absl::OkStatus();
  });
  flags.Value('l', "label", "K=V", "only with this label; repeatable",
              [&](const std::string& text) {
                const auto label = ParseKeyValue(text);
                if (label.ok()) (*filter.mutable_labels())[label->first] = label->second;
                return label.status();
              });
  reconnect.AddTo(&flags);
  flags.Switch(0, "json", "one JSON object a line", &json);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  if (follow) ExitOnInterrupt("");

  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  // A forgotten process still has events: an unknown id stands for itself.
  const auto settled = [](const absl::Status& error) {
    return error.ok() || absl::IsNotFound(error);
  };
  for (std::string& id : *filter.mutable_process_ids()) {
    const absl::Status error = CompleteProcessId(*client, &id);
    if (!settled(error)) return invocation.Refuse(error, id);
  }
  for (std::string& id : *filter.mutable_session_ids()) {
    const absl::Status error = CompleteSessionId(*client, &id);
    if (!settled(error)) return invocation.Refuse(error, id);
  }
  return EventPrinter(invocation, *client, filter, follow, json, reconnect.longest)
      .Print(has_after ? &after : nullptr);
}

}  // namespace proctor::cli

#include "server/gateway/wire_requests.h"

#include <google/protobuf/util/time_util.h>

#include <cstdint>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"

namespace proctor::server::http {
namespace {

constexpr char kLastEventId[] = "Last-Event-ID";

// A value of an enum by name, with or without its prefix; `unspecified` for another one.
template <typename Enum>
Enum ParseEnum(std::string_view name, std::string_view prefix,
               bool (*parse)(google::protobuf::ConstStringParam, Enum*), Enum unspecified) {
  std::string full(name);
  if (full.compare(0, prefix.size(), prefix) != 0) full.insert(0, prefix);
  Enum value = unspecified;
  return parse(full, &value) ? value : unspecified;
}

template <typename Request>
void TakePaging(Query* query, Request* request) {
  request->set_page_size(
      static_cast<int32_t>(query->Number("page_size", std::numeric_limits<int32_t>::max())));
  request->set_page_token(query->Text("page_token"));
}

template <typename Map>
void TakeLabels(Query* query, Map* labels) {
  for (const auto& [key, value] : query->Labels()) (*labels)[key] = value;
}

// Splits "NAME:NUMBER" at its last colon.
bool SplitAtColon(std::string_view text, std::string* left, uint64_t* right) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  *left = text.substr(0, colon);
  return ParseNumber(text.substr(colon + 1), right);
}

void TakePosition(std::string_view name, std::string_view token, Query* query,
                  v1::EventPosition* position) {
  uint64_t sequence = 0;
  std::string log_id;
  if (!SplitAtColon(token, &log_id, &sequence) || log_id.empty()) {
    query->Refuse(name, "is a position, LOG:SEQUENCE");
  }
  position->set_log_id(log_id);
  position->set_sequence(sequence);
}

// A time of RFC 3339 into the field that `field` gives, which stays unset without the parameter.
template <typename Field>
void TakeTime(std::string_view name, Query* query, Field field) {
  const std::string text = query->Text(name);
  if (text.empty()) return;
  if (!google::protobuf::util::TimeUtil::FromString(text, field())) {
    query->Refuse(name, "is a time of RFC 3339, as 2026-01-02T15:04:05Z");
  }
}

}  // namespace

absl::StatusOr<v1::ListProcessesRequest> ToListProcesses(Query query) {
  v1::ListProcessesRequest request;
  request.set_session_id(query.Text("session_id"));
  for (const std::string& name : query.Texts("state")) {
    const auto state =
        ParseEnum(name, "PROCESS_STATE_", v1::ProcessState_Parse, v1::PROCESS_STATE_UNSPECIFIED);
    if (state == v1::PROCESS_STATE_UNSPECIFIED) {
      query.Refuse("state", "is RUNNING, EXITED or DRAINED");
    }
    request.add_states(state);
  }
  TakeLabels(&query, request.mutable_labels());
  TakePaging(&query, &request);
  RETURN_IF_ERROR(query.Finish());
  return request;
}

absl::StatusOr<v1::GetProcessUsageRequest> ToGetProcessUsage(Query query) {
  v1::GetProcessUsageRequest request;
  for (std::string& id : query.Texts("process_id")) request.add_process_ids(std::move(id));
  request.set_session_id(query.Text("session_id"));
  TakeLabels(&query, request.mutable_labels());
  TakePaging(&query, &request);
  RETURN_IF_ERROR(query.Finish());
  return request;
}

absl::StatusOr<SessionsWanted> ToListSessions(Query query) {
  SessionsWanted wanted;
  for (const std::string& name : query.Texts("state")) {
    const auto state =
        ParseEnum(name, "SESSION_STATE_", v1::SessionState_Parse, v1::SESSION_STATE_UNSPECIFIED);
    if (state == v1::SESSION_STATE_UNSPECIFIED) {
      query.Refuse("state", "is OPEN, CLOSING or CLOSED");
    }
    if (state == v1::SESSION_STATE_CLOSED) wanted.request.set_include_closed(true);
    wanted.states.push_back(state);
  }
  TakeLabels(&query, wanted.request.mutable_labels());
  TakePaging(&query, &wanted.request);
  RETURN_IF_ERROR(query.Finish());
  return wanted;
}

absl::StatusOr<EventsWanted> ToWatchEvents(Query query, std::string_view last_event_id) {
  EventsWanted wanted;
  v1::EventFilter* filter = wanted.request.mutable_filter();
  for (std::string& id : query.Texts("session_id")) filter->add_session_ids(std::move(id));
  for (std::string& id : query.Texts("process_id")) filter->add_process_ids(std::move(id));
  for (const std::string& name : query.Texts("type")) {
    const auto type =
        ParseEnum(name, "EVENT_TYPE_", v1::EventType_Parse, v1::EVENT_TYPE_UNSPECIFIED);
    if (type == v1::EVENT_TYPE_UNSPECIFIED) {
      query.Refuse("type", "is a kind of event, for example PROCESS_EXITED");
    }
    filter->add_types(type);
  }
  TakeLabels(&query, filter->mutable_labels());

  const std::string format = query.Text("format");
  if (format == "cloudevents") {
    wanted.format = EventFormat::kCloudEvents;
  } else if (!format.empty() && format != "proctor") {
    query.Refuse("format", "is proctor or cloudevents");
  }

  const bool snapshot = query.Flag("snapshot", false);
  const std::string after = query.Text("after");
  if (!last_event_id.empty()) {
    TakePosition(kLastEventId, last_event_id, &query, wanted.request.mutable_resume_after());
  } else if (!after.empty()) {
    if (snapshot) query.Refuse("snapshot", "does not go together with after");
    TakePosition("after", after, &query, wanted.request.mutable_resume_after());
  } else {
    wanted.request.set_include_snapshot(snapshot);
  }
  RETURN_IF_ERROR(query.Finish());
  return wanted;
}

absl::StatusOr<v1::ReadOutputRequest> ToReadOutput(const std::string& process_id, Query query,
                                                   std::string_view last_event_id) {
  v1::ReadOutputRequest request;
  request.set_process_id(process_id);
  request.set_follow(query.Flag("follow", true));
  const bool has_offsets = query.Has("stdout_offset") || query.Has("stderr_offset");
  const bool has_tail = query.Has("tail_bytes");
  const bool has_lines = query.Has("tail_lines");
  v1::StreamOffsets offsets;
  offsets.set_stdout_offset(query.Number("stdout_offset"));
  offsets.set_stderr_offset(query.Number("stderr_offset"));
  const uint64_t tail_bytes = query.Number("tail_bytes");
  const uint64_t tail_lines = query.Number("tail_lines");
  if (has_offsets && has_tail) {
    query.Refuse("tail_bytes", "does not go together with stdout_offset and stderr_offset");
  }
  if (has_lines && (has_offsets || has_tail)) {
    query.Refuse("tail_lines",
                 "does not go together with tail_bytes, stdout_offset and "
                 "stderr_offset");
  }
  TakeTime("since", &query, [&] { return request.mutable_from()->mutable_since(); });
  TakeTime("until", &query, [&] { return request.mutable_until(); });
  for (const std::string& name : query.Texts("stream")) {
    const auto stream = ParseEnum(name, "STREAM_", v1::Stream_Parse, v1::STREAM_UNSPECIFIED);
    if (stream != v1::STREAM_STDOUT && stream != v1::STREAM_STDERR) {
      query.Refuse("stream", "is STDOUT or STDERR");
    }
    request.add_streams(stream);
  }
  if (!last_event_id.empty()) {
    std::string first;
    uint64_t stdout_offset = 0, stderr_offset = 0;
    if (!SplitAtColon(last_event_id, &first, &stderr_offset) ||
        !ParseNumber(first, &stdout_offset)) {
      query.Refuse(kLastEventId, "is a position, STDOUT_OFFSET:STDERR_OFFSET");
    }
    offsets.set_stdout_offset(stdout_offset);
    offsets.set_stderr_offset(stderr_offset);
    *request.mutable_from()->mutable_offsets() = offsets;
  } else if (has_offsets) {
    *request.mutable_from()->mutable_offsets() = offsets;
  } else if (has_tail) {
    request.mutable_from()->set_tail_bytes(tail_bytes);
  } else if (has_lines) {
    request.mutable_from()->set_tail_lines(tail_lines);
  }
  RETURN_IF_ERROR(query.Finish());
  return request;
}

}  // namespace proctor::server::http

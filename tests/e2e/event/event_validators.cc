#include "tests/e2e/event/event_validators.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor {
namespace {

using Entry = EventHistory::Entry;
using Kind = EventHistory::Entry::Kind;

// Returns the sequence after which a history begins.
uint64_t StartOf(const EventHistory& history) {
  return history.entries.empty() ? 0 : history.entries.front().sequence;
}

// Returns the last position that the subscriber received.
uint64_t EndOf(const EventHistory& history) {
  uint64_t end = 0;
  for (const Entry& entry : history.entries) end = std::max(end, entry.sequence);
  return end;
}

bool IsUnfiltered(const v1::EventFilter& filter) {
  return filter.session_ids().empty() && filter.process_ids().empty() && filter.types().empty() &&
         filter.labels().empty();
}

// Returns whether the event of this sequence is wanted. One that the record lacks is wanted, so
// that it counts as missing.
class Wanted {
 public:
  Wanted(const EventHistory& history, const EventRecord& record)
      : filter_(history.filter), record_(record), all_(IsUnfiltered(filter_)) {}
  bool operator()(uint64_t sequence) const {
    return all_ || !record_.Has(sequence) || IsWanted(filter_, record_.At(sequence));
  }

 private:
  const v1::EventFilter& filter_;
  const EventRecord& record_;
  const bool all_;
};

}  // namespace

std::string BytesOf(const v1::Event& event) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  event.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

bool IsWanted(const v1::EventFilter& filter, const v1::Event& event) {
  const auto names = [](const auto& list, const auto& value) {
    return list.empty() || std::count(list.begin(), list.end(), value) > 0;
  };
  if (!names(filter.session_ids(), event.session_id())) return false;
  if (!names(filter.process_ids(), event.process_id())) return false;
  if (!names(filter.types(), static_cast<int>(event.type()))) return false;
  for (const auto& [key, value] : filter.labels()) {
    const auto found = event.labels().find(key);
    if (found == event.labels().end() || found->second != value) return false;
  }
  return true;
}

void EventRecord::Add(const v1::Event& event) {
  events.push_back(event);
  bytes.push_back(BytesOf(event));
}

EventRecord EventRecord::Read(v1::EventService::Stub& stub) {
  EventRecord record;
  v1::ListEventsRequest request;
  request.set_page_size(1000);
  do {
    grpc::ClientContext context;
    v1::ListEventsResponse response;
    const grpc::Status status = stub.ListEvents(&context, request, &response);
    if (!status.ok()) {
      ADD_FAILURE() << "list events: " << status.error_message();
      break;
    }
    for (const v1::Event& event : response.events()) {
      if (!record.events.empty()) {
        EXPECT_EQ(event.sequence(), record.last() + 1) << "a list has a hole";
      }
      record.Add(event);
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return record;
}

EventHistory EventHistory::After(const v1::EventPosition& position, const v1::EventFilter& filter) {
  EventHistory history;
  history.filter = filter;
  history.entries.push_back({Kind::kBookmark, position.sequence(), position.log_id()});
  return history;
}

v1::WatchEventsRequest EventHistory::BeginStream() {
  v1::WatchEventsRequest request;
  *request.mutable_filter() = filter;
  if (entries.empty()) return request;
  Entry resume{Kind::kResume, entries.back().sequence, entries.back().bytes};
  if (entries.back().kind == Kind::kEvent) {
    v1::Event event;
    EXPECT_TRUE(event.ParseFromString(entries.back().bytes));
    resume.bytes = event.log_id();
  }
  request.mutable_resume_after()->set_log_id(resume.bytes);
  request.mutable_resume_after()->set_sequence(resume.sequence);
  entries.push_back(std::move(resume));
  return request;
}

void EventHistory::Add(const v1::WatchEventsResponse& response) {
  if (response.has_event()) {
    entries.push_back({Kind::kEvent, response.event().sequence(), BytesOf(response.event())});
  } else if (response.has_bookmark()) {
    const v1::EventPosition& position = response.bookmark().position();
    entries.push_back({Kind::kBookmark, position.sequence(), position.log_id()});
  }
}

size_t EventHistory::CountEvents() const {
  return static_cast<size_t>(std::count_if(entries.begin(), entries.end(), [](const Entry& entry) {
    return entry.kind == Kind::kEvent;
  }));
}

std::string CheckOrdered(const EventHistory& history) {
  uint64_t last = 0;
  for (const Entry& entry : history.entries) {
    if (entry.kind != Kind::kEvent) continue;
    if (entry.sequence < last) {
      return absl::StrCat("event ", entry.sequence, " comes after event ", last);
    }
    last = entry.sequence;
  }
  return "";
}

std::string CheckUnique(const EventHistory& history) {
  std::set<uint64_t> seen;
  for (const Entry& entry : history.entries) {
    if (entry.kind == Kind::kEvent && !seen.insert(entry.sequence).second) {
      return absl::StrCat("event ", entry.sequence, " comes twice");
    }
  }
  return "";
}

std::string CheckNoGap(const EventHistory& history, const EventRecord& record) {
  std::set<uint64_t> seen;
  for (const Entry& entry : history.entries) {
    if (entry.kind == Kind::kEvent) seen.insert(entry.sequence);
  }
  const Wanted wanted(history, record);
  auto next = seen.begin();
  for (uint64_t sequence = StartOf(history) + 1; sequence <= EndOf(history); ++sequence) {
    while (next != seen.end() && *next < sequence) ++next;
    const bool has = next != seen.end() && *next == sequence;
    if (!has && wanted(sequence)) return absl::StrCat("event ", sequence, " is missing");
  }
  return "";
}

std::string CheckNothingInvented(const EventHistory& history, const EventRecord& record) {
  for (const Entry& entry : history.entries) {
    if (entry.kind != Kind::kEvent) continue;
    if (!record.Has(entry.sequence)) {
      return absl::StrCat("the server knows of no event ", entry.sequence);
    }
    const v1::Event& listed = record.At(entry.sequence);
    if (entry.bytes != record.BytesAt(entry.sequence)) {
      v1::Event told;
      told.ParseFromString(entry.bytes);
      return absl::StrCat("event ", entry.sequence, " was told as {", told.ShortDebugString(),
                          "}, and is {", listed.ShortDebugString(), "}");
    }
    if (!IsWanted(history.filter, listed)) {
      return absl::StrCat("event ", entry.sequence, " was not asked for");
    }
  }
  return "";
}

std::string CheckResumable(const EventHistory& history, const EventRecord& record) {
  const Wanted wanted(history, record);
  const Entry* resume = nullptr;  // when no event came after it
  for (const Entry& entry : history.entries) {
    if (entry.kind == Kind::kResume) resume = &entry;
    if (entry.kind != Kind::kEvent || resume == nullptr) continue;
    uint64_t next = resume->sequence + 1;
    while (next < entry.sequence && !wanted(next)) ++next;
    if (next != entry.sequence) {
      return absl::StrCat("after event ", resume->sequence, " a stream went on with event ",
                          entry.sequence, " and not with ", next);
    }
    resume = nullptr;
  }
  return "";
}

std::string CheckBookmarks(const EventHistory& history, const EventRecord& record) {
  const Wanted wanted(history, record);
  std::set<uint64_t> seen;
  uint64_t checked = StartOf(history);  // all that is wanted was sent up to there
  uint64_t told = 0;
  const Entry* before = nullptr;
  for (const Entry& entry : history.entries) {
    const bool first = before == nullptr || before->kind == Kind::kResume;
    if (first && entry.kind == Kind::kEvent) {
      return absl::StrCat("a stream began with event ", entry.sequence, " and no bookmark");
    }
    if (entry.kind == Kind::kEvent) seen.insert(entry.sequence);
    if (entry.kind == Kind::kBookmark) {
      const std::string name = absl::StrCat("bookmark ", entry.sequence);
      if (!record.events.empty() && entry.bytes != record.events.front().log_id()) {
        return absl::StrCat(name, " is of another log");
      }
      if (entry.sequence < told) return absl::StrCat(name, " comes after position ", told);
      if (entry.sequence > record.last()) return absl::StrCat(name, " is in the future");
      if (before != nullptr && first && entry.sequence != before->sequence) {
        return absl::StrCat("a stream that went on after ", before->sequence, " began with ", name);
      }
      while (checked < entry.sequence) {
        if (wanted(++checked) && seen.count(checked) == 0) {
          return absl::StrCat(name, " came before event ", checked);
        }
      }
    }
    told = std::max(told, entry.sequence);
    before = &entry;
  }
  return "";
}

std::string CheckHistory(const EventHistory& history, const EventRecord& record) {
  const std::pair<const char*, std::function<std::string()>> checks[] = {
      {"ordered", [&] { return CheckOrdered(history); }},
      {"unique", [&] { return CheckUnique(history); }},
      {"no gap", [&] { return CheckNoGap(history, record); }},
      {"nothing invented", [&] { return CheckNothingInvented(history, record); }},
      {"resumable", [&] { return CheckResumable(history, record); }},
      {"bookmarks", [&] { return CheckBookmarks(history, record); }},
  };
  for (const auto& [name, check] : checks) {
    const std::string mistake = check();
    if (!mistake.empty()) return absl::StrCat(name, ": ", mistake);
  }
  return "";
}

}  // namespace proctor

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proctor/v1/event_service.grpc.pb.h"

namespace proctor {

// What a server says of its own log, by ListEvents.
struct EventRecord {
  // All that is kept. A failure of a list, or a hole in it, is a failure of the test.
  static EventRecord Read(v1::EventService::Stub& stub);

  void Add(const v1::Event& event);
  uint64_t first() const { return events.empty() ? 1 : events.front().sequence(); }
  uint64_t last() const { return first() + events.size() - 1; }
  bool Has(uint64_t sequence) const { return first() <= sequence && sequence <= last(); }
  const v1::Event& At(uint64_t sequence) const { return events[sequence - first()]; }
  const std::string& BytesAt(uint64_t sequence) const { return bytes[sequence - first()]; }

  std::vector<v1::Event> events;   // of dense sequences
  std::vector<std::string> bytes;  // of each
};

// What one subscriber was told, over all its streams, in order.
//
// Order of calls: BeginStream, and Add for each message of that stream; again and again.
struct EventHistory {
  struct Entry {
    enum class Kind { kResume, kBookmark, kEvent };
    Kind kind;
    uint64_t sequence = 0;
    std::string bytes;  // of an event; of the others the log's id
  };

  // The one of who has seen all up to a position.
  static EventHistory After(const v1::EventPosition& position, const v1::EventFilter& filter = {});

  // The request of the next stream: to begin, or to go on after what was told last.
  v1::WatchEventsRequest BeginStream();
  void Add(const v1::WatchEventsResponse& response);
  size_t CountEvents() const;

  v1::EventFilter filter;
  std::vector<Entry> entries;
};

// The message in the one form that equal messages have.
std::string BytesOf(const v1::Event& event);

// Whether an event is one of those that are asked for. Written anew from the contract, and not
// what the server has.
bool IsWanted(const v1::EventFilter& filter, const v1::Event& event);

// The promises of WatchEvents. Each returns what was wrong first, or "". The record has to hold
// all that the history is about.

// No event is older than one before it.
std::string CheckOrdered(const EventHistory& history);
// No event comes twice.
std::string CheckUnique(const EventHistory& history);
// From where the first stream began to what was told last, nothing is missing: of an unfiltered
// subscriber no number, of another one nothing that the server has and that passes the filter.
std::string CheckNoGap(const EventHistory& history, const EventRecord& record);
// Each event is, byte for byte, what the server lists, and was asked for.
std::string CheckNothingInvented(const EventHistory& history, const EventRecord& record);
// A stream that went on somewhere began there, with the next event.
std::string CheckResumable(const EventHistory& history, const EventRecord& record);
// Each stream began with a bookmark; none goes back, and at each all that was wanted up to there
// had been sent.
std::string CheckBookmarks(const EventHistory& history, const EventRecord& record);

// All six. Returns "" or the name of the first that fails, and what it says.
std::string CheckHistory(const EventHistory& history, const EventRecord& record);

}  // namespace proctor

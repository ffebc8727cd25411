#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proctor/v1/event_service.grpc.pb.h"

namespace proctor {

// The log of a server, as ListEvents returns it.
struct EventRecord {
  // Reads all that the server keeps. An error or a hole is a failure of the test.
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

// What one subscriber received, over all its streams, in order.
//
// Order of calls: for each stream BeginStream, then Add for each of its messages.
struct EventHistory {
  struct Entry {
    enum class Kind { kResume, kBookmark, kEvent };
    Kind kind;
    uint64_t sequence = 0;
    std::string bytes;  // those of the event; otherwise the id of the log
  };

  // Returns the history of a subscriber that has seen all up to a position.
  static EventHistory After(const v1::EventPosition& position, const v1::EventFilter& filter = {});

  // Returns the request of the next stream. It begins, or resumes after the last message.
  v1::WatchEventsRequest BeginStream();
  void Add(const v1::WatchEventsResponse& response);
  size_t CountEvents() const;

  v1::EventFilter filter;
  std::vector<Entry> entries;
};

// Returns the one encoding that equal messages share.
std::string BytesOf(const v1::Event& event);

// Returns whether an event passes a filter. It is written from the contract and shares no code with
// the server.
bool IsWanted(const v1::EventFilter& filter, const v1::Event& event);

// The promises of WatchEvents. Each function returns the first mistake, or "". The record has to
// hold every event of the history.

// No event is older than one before it.
std::string CheckOrdered(const EventHistory& history);
// No event comes twice.
std::string CheckUnique(const EventHistory& history);
// Nothing is missing between the begin of the first stream and the last message. Without a filter
// no sequence is missing. With one, no event of the record that passes it is missing.
std::string CheckNoGap(const EventHistory& history, const EventRecord& record);
// Each event passes the filter and is, byte for byte, what the server lists.
std::string CheckNothingInvented(const EventHistory& history, const EventRecord& record);
// A stream that resumed after a position began with the next event.
std::string CheckResumable(const EventHistory& history, const EventRecord& record);
// Each stream began with a bookmark, and no bookmark goes back. Before each bookmark the server has
// sent every wanted event up to it.
std::string CheckBookmarks(const EventHistory& history, const EventRecord& record);

// Runs all six. Returns "", or the name of the first that fails and what it returned.
std::string CheckHistory(const EventHistory& history, const EventRecord& record);

}  // namespace proctor

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "proctor/event_loop.h"

namespace proctor {

// The events that a loop waits for at one descriptor.
struct Interest {
  bool read = false;
  bool write = false;
  bool edge = false;  // of both: the kernel has one trigger for a descriptor

  bool any() const { return read || write; }
  bool operator==(const Interest&) const = default;
};

// A reader or a writer. Its address is its identity: the next callback for the same descriptor
// number is another handler, so that a readiness that was noticed for this one never reaches that
// one.
class DescriptorHandler {
 public:
  enum class Direction { kRead, kWrite };

  DescriptorHandler(int fd, Direction direction, ReadyCallback callback)
      : fd_(fd), direction_(direction), callback_(std::move(callback)) {}

  // Calls the callback, unless it was removed.
  void Run();

  // Keeps the callback from being called, and frees it; if it is being called, then
  // when it returns.
  void Remove();

  // Notes that a call is due. False if one is already.
  bool Enqueue() { return !std::exchange(queued_, true); }

  int fd() const { return fd_; }
  Direction direction() const { return direction_; }

 private:
  void OnReturn();

  const int fd_;
  const Direction direction_;
  ReadyCallback callback_;
  bool removed_ = false;
  bool running_ = false;
  bool queued_ = false;
};

// The descriptors that a loop watches.
//
// Each change of the watch on a descriptor gets a new token, which the kernel hands back with its
// events. An event with an older token is stale: the kernel noticed it before the change, or it
// belongs to a file that was closed here while another process still held it, and the number went
// to a new file.
//
// Thread-safety: the loop's own thread only. Lifetime: part of a loop.
class DescriptorTable {
 public:
  // The token of what is not watched.
  static constexpr uint64_t kNoToken = 0;
  // Never set in a token of the table: the lower half of those is a descriptor number. A token with
  // this bit is the loop's own.
  static constexpr uint64_t kOwnBit = uint64_t{1} << 31;

  struct Entry {
    std::shared_ptr<DescriptorHandler> reader;
    std::shared_ptr<DescriptorHandler> writer;
    Trigger trigger = Trigger::kLevel;  // the reader's
    uint64_t token = kNoToken;

    // A writer makes it level-triggered: a reader that reads to EAGAIN loses nothing
    // by being called too often, a writer would by being called too seldom.
    Interest interest() const {
      return {.read = reader != nullptr,
              .write = writer != nullptr,
              .edge = reader != nullptr && writer == nullptr && trigger == Trigger::kEdge};
    }
  };

  // A copy of the entry of `fd`, an empty one if there is none.
  Entry Get(int fd) const;

  // Replaces the entry of `fd`; one without handlers is erased.
  void Put(int fd, Entry entry);

  // The entry that an event with `token` is for, or null if the event is stale.
  const Entry* Find(uint64_t token) const;

  uint64_t NewToken(int fd);

  // Removes all handlers, as DescriptorHandler::Remove.
  void Clear();

  size_t size() const { return entries_.size(); }

  // "3 r, 4 rw, 7 r edge", in the order of the numbers.
  std::string DebugString() const;

 private:
  absl::flat_hash_map<int, Entry> entries_;
  uint32_t generation_ = 0;
};

}  // namespace proctor

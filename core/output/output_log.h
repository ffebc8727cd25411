#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/own_thread.h"
#include "core/output/byte_ring.h"
#include "proctor/exit_status.h"

namespace proctor {

constexpr int IndexOf(OutputStream stream) { return static_cast<int>(stream); }

// A piece of output, in place. Valid until the log is next changed.
struct OutputChunk {
  OutputStream stream = OutputStream::kStdout;
  uint64_t offset = 0;  // of the first byte in all of the stream
  absl::Time time;      // when the bytes were read, to 10 ms
  std::string_view data;
};

// Bytes of one stream that the log no longer has: [from, to).
struct OutputGap {
  OutputStream stream = OutputStream::kStdout;
  uint64_t from = 0;
  uint64_t to = 0;
};

// The end of one stream.
struct OutputEof {
  OutputStream stream = OutputStream::kStdout;
  uint64_t total_bytes = 0;
};

// The place among the output where a mark was set: the process's end.
struct OutputMark {};

using OutputItem = std::variant<OutputChunk, OutputGap, OutputEof, OutputMark>;

// For each stream, whether a reader wants it.
using WantedStreams = std::array<bool, kOutputStreams>;

class OutputLog;

// One reader's place in a log: how much of each stream it has seen. A value that
// only the log moves. A cursor that is attached (OutputLog::Attach) holds back
// what the log may drop.
class OutputCursor {
 public:
  uint64_t offset(OutputStream stream) const { return offset_[IndexOf(stream)]; }

 private:
  friend class OutputLog;
  std::array<uint64_t, kOutputStreams> offset_{};
  std::array<bool, kOutputStreams> eof_told_{};
  uint64_t position_ = 0;  // in all bytes of the log
  bool mark_told_ = false;
};

// The data of a log beside its bytes, to write down and read again. Positions count from the oldest
// kept byte.
struct OutputIndex {
  struct Chunk {
    OutputStream stream = OutputStream::kStdout;
    uint64_t offset = 0;
    uint64_t size = 0;
    absl::Time time;
  };
  struct Milestone {
    uint64_t position = 0;
    std::optional<OutputStream> eof;  // the mark where there is none
  };

  OutputTotals totals;
  std::vector<Milestone> milestones;  // in the order in which they were set
  std::vector<Chunk> chunks;
};

// The output of one process: an ordered log of chunks of both streams, of bounded
// size, with offsets that never start anew. Written by the process's owner, read
// through any number of cursors, none of which disturbs another.
//
// The bytes are in a ring in a memfd, made with the first byte, so that they can
// outlive this process in another that holds the descriptor; out of descriptors, in plain
// memory.
//
// Thread-safety: none; what changes it belongs to one thread, that of its process. A snapshot does
// not change.
// Lifetime: owned by its process; cursors must not outlive it.
class OutputLog {
 public:
  // Keeps at most `capacity` bytes, and at most one chunk for 64 bytes of it.
  explicit OutputLog(uint64_t capacity);

  // Declares that a stream will be written: it is `piped` in the totals.
  void OpenStream(OutputStream stream);

  // The bytes that can be appended now without dropping any that an attached
  // cursor still owes. The capacity where none is attached. Zero also while the
  // index of chunks is full and the oldest is owed: reading on makes room.
  uint64_t Room() const;

  uint64_t capacity() const { return ring_.capacity(); }

  // Appends output; drops the oldest bytes for lack of space, read or not. Not after the stream's
  // AppendEof.
  //
  // Pieces of one stream that come within 10 ms become one chunk of at most 4 KiB; so do later ones
  // while the index is full. Their times are then less exact.
  //
  // Errors: ResourceExhausted (OUTPUT_MEMORY) if the kernel gives no memory for the ring; these
  // bytes and all kept ones then count as dropped.
  absl::Status Append(OutputStream stream, std::string_view data, absl::Time time);

  // Says that a stream ended. Idempotent.
  void AppendEof(OutputStream stream);

  // Marks the present end as the place of the process's end. Once only.
  void SetMark();

  // Where a reader may begin. Every cursor is told each end of file and the mark,
  // those that stand before its place at once.

  // At the beginning: what was dropped since is a gap.
  OutputCursor FromStart() const { return {}; }
  // At the oldest byte that is kept; what was dropped before is no gap of it.
  OutputCursor FromOldest() const;
  // After so many bytes of each stream.
  // Errors: OutOfRange (OFFSET_OUT_OF_RANGE) beyond what was written, with `field`
  // ("stdout_offset" or "stderr_offset"), `offset` and `total` in the metadata.
  absl::StatusOr<OutputCursor> FromOffsets(uint64_t stdout_offset, uint64_t stderr_offset) const;
  // So many bytes before the end.
  OutputCursor FromTail(uint64_t bytes) const;
  // At the end.
  OutputCursor FromEnd() const { return FromTail(0); }
  // So many lines before the end, of the `wanted` streams together; the others are passed over. A
  // line ends with a newline, the last of a stream with that too. A line that is cut by a line of
  // the other stream is had as a whole. Where that reaches back to what was dropped, that is a gap.
  //
  // Looks at the bytes of these lines, at most at all that are kept.
  OutputCursor FromTailLines(uint64_t lines, const WantedStreams& wanted) const;
  // The place of `cursor`, but not before the first byte that was read at `since` or later, to 10
  // ms. Dropped bytes are a gap only if they may have been read after that.
  OutputCursor NotBefore(const OutputCursor& cursor, absl::Time since) const;

  // The next item for a cursor, and moves it past that; a chunk has at most
  // `max_bytes`. Nothing when the cursor has seen all there is. A gap is told as
  // soon as there is one, thus before the chunk that follows it; the mark and an
  // end of file where they were set, thus after all data before them.
  std::optional<OutputItem> Next(OutputCursor& cursor, size_t max_bytes) const;

  // Whether Next would return something.
  bool HasNext(const OutputCursor& cursor) const;

  // Makes an attached cursor hold back the dropping of what it has not read, as
  // far as the writer asks Room(). Not owned; detach before it goes.
  void Attach(const OutputCursor* cursor);
  void Detach(const OutputCursor* cursor);

  // Keeps at most `capacity` bytes from now on, and drops the oldest beyond that.
  void SetCapacity(uint64_t capacity);

  // Counts so far. `dropped_bytes` are those of the start that no cursor can
  // read any more.
  OutputTotals Totals() const;

  // Bytes that are kept.
  uint64_t retained_bytes() const;

  // The bytes of both streams that a cursor has not been given, also those that are dropped by now.
  uint64_t Lag(const OutputCursor& cursor) const;

  // How much was written and is kept, and how many hold it back, for people.
  std::string DebugString() const;

  // Moves the kept bytes from the ring into memory of just their size, and closes the ring's
  // descriptor: for a process with complete output. A later Append makes a new ring.
  void Settle();

  // Drops everything that is kept, and closes the ring's descriptor.
  void DropAll();

  // What Settle has left, as a log that does not change, for any thread: the bytes are shared, the
  // index is copied. Null where Settle had no memory, or was not called.
  std::shared_ptr<const OutputLog> Snapshot() const;

  // Of a snapshot: what is to be written down, how much that is, and the bytes in one piece.
  OutputIndex MakeIndex() const;
  struct Counts {
    size_t milestones = 0;
    size_t chunks = 0;
  };
  Counts CountIndex() const { return {milestones_.size(), chunks_.size()}; }
  std::string_view SettledBytes() const { return ring_.View(ring_.begin(), retained_bytes()); }

  // A snapshot again. Errors: DataLoss where index and bytes do not belong together.
  static absl::StatusOr<std::shared_ptr<const OutputLog>> Restore(const OutputIndex& index,
                                                                  std::shared_ptr<char[]> bytes,
                                                                  uint64_t size);
  // A log with no kept byte: a reader gets gaps and ends.
  static std::shared_ptr<const OutputLog> OfNothing(OutputTotals totals);

 private:
  // Bytes of one stream that are side by side in the ring.
  struct Chunk {
    uint64_t position;  // of the first byte in all bytes of the log
    uint64_t offset;    // of the first byte in all of the stream
    uint64_t size;
    absl::Time time;
    OutputStream stream;
  };
  // What stands between bytes: after those before `position`, before the others.
  struct Milestone {
    uint64_t position;
    std::optional<OutputStream> eof;  // the mark where there is none
  };

  using Offsets = std::array<uint64_t, kOutputStreams>;
  OutputCursor At(const Offsets& seen) const;

  explicit OutputLog(ByteRing ring);

  absl::Status AppendPiece(OutputStream stream, std::string_view data, absl::Time time);
  void AddToIndex(OutputStream stream, uint64_t position, uint64_t size, absl::Time time);
  void DropBefore(uint64_t position);
  const Chunk& ChunkAt(uint64_t position) const;
  const Milestone* NextMilestone(const OutputCursor& cursor) const;

  [[no_unique_address]] OwnThread own_thread_{"OutputLog"};
  ByteRing ring_;
  size_t most_chunks_;
  std::deque<Chunk> chunks_;  // cover the ring's bytes without a hole, in order
  OutputTotals totals_;
  std::vector<Milestone> milestones_;  // in the order in which they were set
  absl::flat_hash_set<const OutputCursor*> attached_;
};

}  // namespace proctor

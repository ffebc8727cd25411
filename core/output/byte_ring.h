#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "proctor/unique_fd.h"

namespace proctor {

// The last bytes of an endless stream. Each has a position, which never starts anew; the kept bytes
// are [begin, end). They are in a mapped memfd, so that another process with the descriptor can
// read on when this one has ended. The byte at a position is at position % capacity in the file.
//
// Thread-safety: none. Lifetime: owns its memory and its descriptor.
//
// The descriptor exists from the first byte to Settle() or Clear(). If the kernel gives none at the
// first byte, the bytes are in plain memory, which is as good for this process. A program with a
// limit of file sizes (RLIMIT_FSIZE) ignores SIGXFSZ.
class ByteRing {
 public:
  explicit ByteRing(uint64_t capacity);
  ByteRing(ByteRing&& settled) noexcept;  // leaves nothing behind
  ByteRing& operator=(ByteRing&&) = delete;
  ~ByteRing();

  uint64_t capacity() const { return capacity_; }
  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }

  // The memfd, or -1 where there is none now. Stays owned.
  int descriptor() const { return memfd_.get(); }

  // Appends at most `capacity` bytes, over the oldest where there is no space.
  // Errors: ResourceExhausted (OUTPUT_MEMORY) if there is no memory for the ring,
  // with nothing changed.
  absl::Status Append(std::string_view data);

  // Counts bytes that are not kept, and drops all kept ones: the kept bytes have no holes.
  void Skip(uint64_t bytes);

  // Lets go of what is before `position`, which is in [begin, end].
  void DropBefore(uint64_t position);

  // Bytes from `position` on, which is in [begin, end]: as many as there are in
  // one piece, at most `most`; none at the end only. Valid until the next change.
  std::string_view View(uint64_t position, uint64_t most) const;

  // Keeps at most `capacity` bytes from now on, and drops the oldest beyond that. Settles: the next
  // Append makes a ring of the new size. Without memory to settle in, the ring keeps its size.
  void SetCapacity(uint64_t capacity);

  // Moves what is kept to memory of just its size and closes the descriptor. The
  // next Append makes a ring anew. Where there is no such memory, all stays as it is: this
  // happens at the end of a process, which must not fail.
  void Settle();

  // Lets go of all bytes, the memory and the descriptor.
  void Clear();

  // Whether the kept bytes are in one piece that does not change: after Settle, or without a byte.
  bool settled() const { return ring_ == nullptr; }
  // A ring with the same bytes, which are settled and then shared.
  ByteRing Share() const;
  // A settled ring of just these bytes.
  static ByteRing Of(std::shared_ptr<char[]> bytes, uint64_t size);

 private:
  absl::Status MakeRing();
  void CopyIn(uint64_t position, std::string_view data);
  void Unmap();

  uint64_t capacity_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  UniqueFd memfd_;
  char* ring_ = nullptr;  // the mapping of memfd_, or of plain memory where there is none
  // In place of a ring, once settled: the bytes from settled_begin_ to end_.
  // Never changed, because another ring may share them.
  std::shared_ptr<char[]> settled_;
  uint64_t settled_begin_ = 0;
};

}  // namespace proctor

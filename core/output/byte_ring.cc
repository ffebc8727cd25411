#include "core/output/byte_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

#include "core/base/check.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"

namespace proctor {
namespace {

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3; the sysctl vm.memfd_noexec may demand it
#endif

int MakeMemfd() {
  int fd = ::memfd_create("proctor-output", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create("proctor-output", MFD_CLOEXEC);
  return fd;
}

absl::Status OutOfMemory(std::string_view operation, int error) {
  return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kOutputMemory, operation, "",
                    error);
}

}  // namespace

ByteRing::ByteRing(uint64_t capacity) : capacity_(std::max<uint64_t>(capacity, 1)) {}

ByteRing::ByteRing(ByteRing&& settled) noexcept
    : capacity_(settled.capacity_),
      begin_(settled.begin_),
      end_(std::exchange(settled.end_, settled.begin_)),
      settled_(std::move(settled.settled_)),
      settled_begin_(settled.settled_begin_) {
  PROCTOR_CHECK(settled.settled(), "only settled bytes can be shared");
}

ByteRing::~ByteRing() { Unmap(); }

absl::Status ByteRing::Append(std::string_view data) {
  PROCTOR_CHECK(data.size() <= capacity_, "no piece is larger than the ring");
  if (data.empty()) return absl::OkStatus();
  if (ring_ == nullptr) {
    RETURN_IF_ERROR(MakeRing());
  }
  CopyIn(end_, data);
  end_ += data.size();
  if (end_ - begin_ > capacity_) begin_ = end_ - capacity_;
  return absl::OkStatus();
}

void ByteRing::Skip(uint64_t bytes) {
  end_ += bytes;
  DropBefore(end_);
}

void ByteRing::DropBefore(uint64_t position) {
  PROCTOR_CHECK(position <= end_, "only bytes that were appended can be dropped");
  begin_ = std::max(begin_, position);
  if (begin_ == end_) settled_.reset();
}

std::string_view ByteRing::View(uint64_t position, uint64_t most) const {
  PROCTOR_CHECK(position >= begin_ && position <= end_, "only kept bytes can be read");
  most = std::min(most, end_ - position);
  if (most == 0) return {};
  if (ring_ == nullptr) return {settled_.get() + (position - settled_begin_), most};
  uint64_t index = position % capacity_;
  return {ring_ + index, std::min(most, capacity_ - index)};
}

void ByteRing::SetCapacity(uint64_t capacity) {
  capacity = std::max<uint64_t>(capacity, 1);
  if (end_ - begin_ > capacity) DropBefore(end_ - capacity);
  Settle();
  if (ring_ == nullptr) capacity_ = capacity;  // else positions in it would mean others
}

void ByteRing::Settle() {
  if (ring_ == nullptr) return;
  if (begin_ < end_) {
    std::shared_ptr<char[]> settled(new (std::nothrow) char[end_ - begin_]);
    if (settled == nullptr) return;
    for (uint64_t at = begin_; at < end_;) {
      std::string_view piece = View(at, end_ - at);
      ::memcpy(settled.get() + (at - begin_), piece.data(), piece.size());
      at += piece.size();
    }
    settled_ = std::move(settled);
    settled_begin_ = begin_;
  }
  Unmap();
}

ByteRing ByteRing::Share() const {
  PROCTOR_CHECK(settled(), "only settled bytes can be shared");
  ByteRing shared(capacity_);
  shared.begin_ = begin_;
  shared.end_ = end_;
  shared.settled_ = settled_;
  shared.settled_begin_ = settled_begin_;
  return shared;
}

ByteRing ByteRing::Of(std::shared_ptr<char[]> bytes, uint64_t size) {
  ByteRing ring(size);
  ring.end_ = size;
  ring.settled_ = std::move(bytes);
  return ring;
}

void ByteRing::Clear() {
  begin_ = end_;
  settled_.reset();
  Unmap();
}

absl::Status ByteRing::MakeRing() {
  UniqueFd memfd(MakeMemfd());
  // Out of descriptors, or above RLIMIT_FSIZE: keeping the bytes matters more than sharing them.
  if (memfd && ::ftruncate(memfd.get(), static_cast<off_t>(capacity_)) != 0) memfd.Reset();
  void* ring = ::mmap(nullptr, capacity_, PROT_READ | PROT_WRITE,
                      memfd ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, memfd.get(), 0);
  if (ring == MAP_FAILED) return OutOfMemory("mmap", errno);
  memfd_ = std::move(memfd);
  ring_ = static_cast<char*>(ring);
  if (settled_ != nullptr) {
    CopyIn(begin_, {settled_.get() + (begin_ - settled_begin_), end_ - begin_});
    settled_.reset();
  }
  return absl::OkStatus();
}

void ByteRing::CopyIn(uint64_t position, std::string_view data) {
  uint64_t index = position % capacity_;
  size_t first = std::min<uint64_t>(data.size(), capacity_ - index);
  ::memcpy(ring_ + index, data.data(), first);
  ::memcpy(ring_, data.data() + first, data.size() - first);
}

void ByteRing::Unmap() {
  if (ring_ != nullptr) ::munmap(ring_, capacity_);
  ring_ = nullptr;
  memfd_.Reset();
}

}  // namespace proctor

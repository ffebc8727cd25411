// The part of BaseEventLoop that reads and writes.

#include <errno.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/loop/base_event_loop.h"
#include "core/loop/loop_error.h"
#include "proctor/error.h"

namespace proctor {
namespace {

constexpr char kRead[] = "Read";
constexpr char kWrite[] = "Write";

// As much as the kernel moves in one call (MAX_RW_COUNT).
constexpr size_t kMaxTransfer = 0x7ffff000;

absl::Status BusyError(const char* operation, int fd, const char* with) {
  return MakeError(absl::StatusCode::kAlreadyExists, Reason::kDescriptorBusy,
                   absl::StrCat(operation, ": descriptor ", fd, " has ", with, " already"));
}

}  // namespace

absl::Status BaseEventLoop::CheckWatch(const char* operation, int fd) const {
  RETURN_IF_ERROR(CheckUse(operation));
  if (HasIo(fd, Direction::kRead)) return BusyError(operation, fd, "a read");
  if (HasIo(fd, Direction::kWrite)) return BusyError(operation, fd, "a write");
  return absl::OkStatus();
}

absl::Status BaseEventLoop::CheckIo(const char* operation, int fd, Direction direction) const {
  RETURN_IF_ERROR(CheckUse(operation));
  if (HasIo(fd, direction)) return BusyError(operation, fd, "one");
  // A handler without an operation is a reader's or a writer's.
  const DescriptorTable::Entry entry = descriptors_.Get(fd);
  if (entry.reader != nullptr && !HasIo(fd, Direction::kRead)) {
    return BusyError(operation, fd, "a reader");
  }
  if (entry.writer != nullptr && !HasIo(fd, Direction::kWrite)) {
    return BusyError(operation, fd, "a writer");
  }
  return CheckDoesNotBlock(fd);
}

absl::StatusOr<LoopHandle> BaseEventLoop::Read(int fd, size_t max_bytes, ReadCallback callback) {
  RETURN_IF_ERROR(CheckIo(kRead, fd, Direction::kRead));
  if (callback == nullptr) return NoCallbackError();
  if (max_bytes == 0) return InvalidField("max_bytes", "nothing and the end of file are one");
  auto operation = std::make_shared<IoOperation>(
      fd, Direction::kRead, std::string(std::min(max_bytes, kMaxTransfer), '\0'));
  // Bare: the loop holds the operation until its callback has run.
  operation->callback = [this, bare = operation.get(), callback = std::move(callback)]() mutable {
    EndIo(*bare);
    callback(bare->TakeRead());
  };
  return BeginIo(std::move(operation));
}

absl::StatusOr<LoopHandle> BaseEventLoop::Write(int fd, std::string data, WriteCallback callback) {
  RETURN_IF_ERROR(CheckIo(kWrite, fd, Direction::kWrite));
  if (callback == nullptr) return NoCallbackError();
  data.resize(std::min(data.size(), kMaxTransfer));
  auto operation = std::make_shared<IoOperation>(fd, Direction::kWrite, std::move(data));
  operation->callback = [this, bare = operation.get(), callback = std::move(callback)]() mutable {
    EndIo(*bare);
    callback(bare->Written());
  };
  return BeginIo(std::move(operation));
}

absl::StatusOr<LoopHandle> BaseEventLoop::BeginIo(std::shared_ptr<IoOperation> operation) {
  operation->loop = this;
  operations_[{operation->fd, operation->direction}] = operation;
  if (absl::Status started = StartIo(operation); !started.ok()) {
    EndIo(*operation);
    return started;
  }
  return LoopHandle(std::move(operation));
}

void BaseEventLoop::EndIo(IoOperation& operation) {
  operation.loop = nullptr;
  operations_.erase({operation.fd, operation.direction});
}

void BaseEventLoop::OnIoCancelled(IoOperation& operation) {
  EndIo(operation);
  if (!operation.result.has_value()) CancelIo(operation);
}

void BaseEventLoop::OnIoDone(const std::shared_ptr<IoOperation>& operation, ssize_t result) {
  operation->result = result;
  ready_.push_back({operation->direction == Direction::kRead ? kRead : kWrite, operation});
}

absl::Status BaseEventLoop::StartIo(const std::shared_ptr<IoOperation>& operation) {
  // At once, as asyncio: mostly there is something, and then no watch is needed. A regular
  // file, which cannot be watched, never answers EAGAIN.
  if (const ssize_t result = operation->Attempt(); result != -EAGAIN) {
    OnIoDone(operation, result);
    return absl::OkStatus();
  }
  auto attempt = [this, operation] {
    const ssize_t result = operation->Attempt();
    if (result == -EAGAIN) return;
    RemoveHandler(operation->fd, operation->direction);
    OnIoDone(operation, result);
  };
  return AddHandler(operation->fd, operation->direction, std::move(attempt), Trigger::kLevel);
}

void BaseEventLoop::CancelIo(IoOperation& operation) {
  RemoveHandler(operation.fd, operation.direction);
}

}  // namespace proctor

// What EventLoop promises of Read and Write.

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/core/loop/loop_test.h"

namespace proctor {
namespace {

using testing::ElementsAre;

class LoopIoTest : public LoopTest {
 protected:
  // What a callback was told, once it was.
  using ReadResult = std::optional<absl::StatusOr<std::string>>;
  using WriteResult = std::optional<absl::StatusOr<size_t>>;

  LoopHandle Read(int fd, size_t max_bytes, ReadResult& result) {
    auto handle =
        loop_->Read(fd, max_bytes, [&](absl::StatusOr<std::string> got) { result = got; });
    EXPECT_TRUE(handle.ok()) << handle.status();
    return handle.value_or(LoopHandle());
  }

  LoopHandle Write(int fd, std::string data, WriteResult& result) {
    auto handle = loop_->Write(fd, std::move(data), [&](absl::StatusOr<size_t> n) { result = n; });
    EXPECT_TRUE(handle.ok()) << handle.status();
    return handle.value_or(LoopHandle());
  }

  // Runs turns until `condition` holds, which at some time it does.
  void RunUntil(const std::function<bool()>& condition) {
    bool late = false;
    LoopHandle limit = loop_->CallLater(absl::Seconds(60), [&] { late = true; });
    std::function<void()> look = [&] {
      if (late || condition()) return loop_->Stop();
      loop_->CallSoon([&] { look(); });
    };
    look();
    Run();
    limit.Cancel();
    ASSERT_FALSE(late);
  }

  absl::StatusOr<std::string> ReadNow(int fd, size_t max_bytes) {
    ReadResult result;
    LoopHandle handle = Read(fd, max_bytes, result);
    RunUntil([&] { return result.has_value(); });
    handle.Cancel();
    return result.value_or(absl::UnknownError("nothing was told"));
  }

  absl::StatusOr<size_t> WriteNow(int fd, std::string data) {
    WriteResult result;
    LoopHandle handle = Write(fd, std::move(data), result);
    RunUntil([&] { return result.has_value(); });
    handle.Cancel();
    return result.value_or(absl::UnknownError("nothing was told"));
  }

  static void Fill(const Pipe& pipe) {
    const std::string block(4096, 'x');
    while (::write(pipe.write.get(), block.data(), block.size()) > 0) {
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, LoopIoTest, AllLoops(), LoopKindName);

struct SocketPair {
  SocketPair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    ours.Reset(fds[0]);
    theirs.Reset(fds[1]);
  }
  UniqueFd ours;
  UniqueFd theirs;
};

// A file with a name that is already gone.
UniqueFd TemporaryFile() { return UniqueFd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)); }

TEST_P(LoopIoTest, AReadTellsWhatIsThereInALaterTurn) {
  Pipe pipe;
  ASSERT_EQ(::write(pipe.write.get(), "hello", 5), 5);
  ReadResult result;
  LoopHandle handle = Read(pipe.read.get(), 100, result);
  EXPECT_FALSE(result.has_value()) << "told within the call";
  EXPECT_TRUE(handle.pending());
  RunUntil([&] { return result.has_value(); });
  EXPECT_EQ(result->value(), "hello");
  EXPECT_FALSE(handle.pending());
}

TEST_P(LoopIoTest, AReadTakesNoMoreThanItWasAskedFor) {
  Pipe pipe;
  ASSERT_EQ(::write(pipe.write.get(), "hello", 5), 5);
  EXPECT_EQ(*ReadNow(pipe.read.get(), 2), "he");
  EXPECT_EQ(*ReadNow(pipe.read.get(), 3), "llo");
}

TEST_P(LoopIoTest, AReadWaitsUntilThereIsSomething) {
  Pipe pipe;
  ReadResult result;
  Read(pipe.read.get(), 100, result);
  RunTurns(3);
  EXPECT_FALSE(result.has_value());
  pipe.Write();
  RunUntil([&] { return result.has_value(); });
  EXPECT_EQ(result->value(), "x");
}

TEST_P(LoopIoTest, AReadEndsAWaitWithoutEnd) {
  Pipe pipe;
  std::thread thread;
  std::string got;
  ASSERT_TRUE(loop_
                  ->Read(pipe.read.get(), 100,
                         [&](absl::StatusOr<std::string> bytes) {
                           got = *bytes;
                           loop_->Stop();
                         })
                  .ok());
  loop_->CallSoon([&] { thread = std::thread([&] { pipe.Write(); }); });
  Run();
  thread.join();
  EXPECT_EQ(got, "x");
}

TEST_P(LoopIoTest, TheEndOfFileIsAnEmptyRead) {
  Pipe pipe;
  ReadResult result;
  Read(pipe.read.get(), 100, result);
  RunTurns(1);
  pipe.write.Reset();
  RunUntil([&] { return result.has_value(); });
  EXPECT_EQ(result->value(), "");
  EXPECT_EQ(*ReadNow(pipe.read.get(), 100), "");
}

TEST_P(LoopIoTest, AWriteTellsHowMuchWasTaken) {
  Pipe pipe;
  EXPECT_EQ(*WriteNow(pipe.write.get(), "hello"), 5u);
  char bytes[5];
  EXPECT_EQ(::read(pipe.read.get(), bytes, sizeof bytes), 5);
  EXPECT_EQ(std::string(bytes, 5), "hello");
  const size_t room = static_cast<size_t>(::fcntl(pipe.write.get(), F_GETPIPE_SZ));
  EXPECT_EQ(*WriteNow(pipe.write.get(), std::string(2 * room, 'x')), room);
  EXPECT_TRUE(pipe.Read());
}

TEST_P(LoopIoTest, AWriteWaitsForRoom) {
  Pipe pipe;
  Fill(pipe);
  WriteResult result;
  Write(pipe.write.get(), "hello", result);
  RunTurns(3);
  EXPECT_FALSE(result.has_value());
  std::string block(4096, '\0');
  ASSERT_EQ(::read(pipe.read.get(), block.data(), block.size()), 4096);
  RunUntil([&] { return result.has_value(); });
  EXPECT_EQ(result->value(), 5u);
  std::string last;
  ssize_t size;
  while ((size = ::read(pipe.read.get(), block.data(), block.size())) > 0) {
    last = block.substr(0, static_cast<size_t>(size));
  }
  EXPECT_THAT(last, testing::EndsWith("hello"));
}

TEST_P(LoopIoTest, AReadAndAWriteShareADescriptor) {
  SocketPair pair;
  ReadResult read;
  WriteResult written;
  Read(pair.ours.get(), 100, read);
  Write(pair.ours.get(), "ping", written);
  RunUntil([&] { return written.has_value(); });
  EXPECT_EQ(written->value(), 4u);
  RunTurns(2);
  EXPECT_FALSE(read.has_value());
  EXPECT_EQ(*ReadNow(pair.theirs.get(), 100), "ping");
  EXPECT_EQ(*WriteNow(pair.theirs.get(), "pong"), 4u);
  RunUntil([&] { return read.has_value(); });
  EXPECT_EQ(read->value(), "pong");
}

TEST_P(LoopIoTest, ARegularFileIsReadAndWrittenAtItsPosition) {
  const UniqueFd file = TemporaryFile();
  ASSERT_TRUE(file);
  EXPECT_EQ(*WriteNow(file.get(), "hello"), 5u);
  EXPECT_EQ(*WriteNow(file.get(), ", world"), 7u);
  EXPECT_EQ(*ReadNow(file.get(), 100), "") << "the position is at the end";
  ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(*ReadNow(file.get(), 5), "hello");
  EXPECT_EQ(*ReadNow(file.get(), 100), ", world");
}

TEST_P(LoopIoTest, ATerminalIsReadWhenThereIsSomething) {
  const UniqueFd ours(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  char name[64];
  ASSERT_TRUE(::unlockpt(ours.get()) == 0 && ::ptsname_r(ours.get(), name, sizeof name) == 0);
  const UniqueFd theirs(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(theirs);
  ReadResult result;
  Read(ours.get(), 100, result);
  RunTurns(3);
  EXPECT_FALSE(result.has_value());
  ASSERT_EQ(::write(theirs.get(), "x", 1), 1);
  RunUntil([&] { return result.has_value(); });
  EXPECT_EQ(result->value(), "x");
}

TEST_P(LoopIoTest, ACallbackMayReadOrWriteOn) {
  // 1 MiB through a pipe that takes 64 KiB at a time, read and written by turns.
  Pipe pipe;
  const std::string sent = [] {
    std::string text;
    while (text.size() < 1 << 20) text += std::to_string(text.size()) + " ";
    return text;
  }();
  std::string got;
  size_t written = 0;
  std::function<void()> read = [&] {
    ASSERT_TRUE(loop_
                    ->Read(pipe.read.get(), 10'000,
                           [&](absl::StatusOr<std::string> bytes) {
                             ASSERT_TRUE(bytes.ok()) << bytes.status();
                             if (bytes->empty()) return loop_->Stop();
                             got += *bytes;
                             read();
                           })
                    .ok());
  };
  std::function<void()> write = [&] {
    ASSERT_TRUE(loop_
                    ->Write(pipe.write.get(), sent.substr(written),
                            [&](absl::StatusOr<size_t> count) {
                              ASSERT_TRUE(count.ok()) << count.status();
                              written += *count;
                              if (written == sent.size()) return pipe.write.Reset();
                              write();
                            })
                    .ok());
  };
  read();
  write();
  Run();
  EXPECT_EQ(got, sent);
}

TEST_P(LoopIoTest, TellsTheErrorOfTheKernel) {
  struct sigaction ignore {
  }, old;
  ignore.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGPIPE, &ignore, &old), 0);
  Pipe pipe;
  const absl::Status wrong_end = ReadNow(pipe.write.get(), 1).status();
  EXPECT_EQ(ErrorReason(wrong_end), "READ_FAILED");
  EXPECT_EQ(ErrorVariables(wrong_end)["errno_name"], "EBADF");
  pipe.read.Reset();
  const absl::Status broken = WriteNow(pipe.write.get(), "x").status();
  EXPECT_EQ(ErrorReason(broken), "WRITE_FAILED");
  EXPECT_EQ(ErrorVariables(broken)["errno_name"], "EPIPE");
  const UniqueFd event(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  const absl::Status too_small = ReadNow(event.get(), 7).status();
  EXPECT_EQ(ErrorReason(too_small), "READ_FAILED");
  EXPECT_EQ(ErrorVariables(too_small)["errno_name"], "EINVAL");
  ASSERT_EQ(::sigaction(SIGPIPE, &old, nullptr), 0);
}

TEST_P(LoopIoTest, ACancelDropsTheCallbackAndTakesNothing) {
  for (int turns : {0, 1, 3}) {
    Pipe pipe;
    bool freed = false;
    auto handle =
        loop_->Read(pipe.read.get(), 100, [end = AtEnd([&] { freed = true; })](auto) { FAIL(); });
    ASSERT_TRUE(handle.ok());
    RunTurns(turns);
    EXPECT_FALSE(freed);
    handle->Cancel();
    EXPECT_TRUE(freed);
    EXPECT_TRUE(handle->cancelled());
    handle->Cancel();
    RunTurns(2);
    pipe.Write();
    RunTurns(2);
    EXPECT_EQ(*ReadNow(pipe.read.get(), 100), "x") << "after " << turns << " turns";
  }
}

TEST_P(LoopIoTest, ACancelledWriteWritesNothing) {
  Pipe pipe;
  Fill(pipe);
  WriteResult result;
  LoopHandle handle = Write(pipe.write.get(), "hello", result);
  RunTurns(2);
  handle.Cancel();
  RunTurns(2);
  char bytes[4096];
  ssize_t size;
  while ((size = ::read(pipe.read.get(), bytes, sizeof bytes)) > 0) {
    EXPECT_EQ(std::string(bytes, size).find("hello"), std::string::npos);
  }
  RunTurns(3);
  EXPECT_FALSE(pipe.Read());
  EXPECT_FALSE(result.has_value());
}

TEST_P(LoopIoTest, ACancelCountsUntilTheCallbackRuns) {
  Pipe pipe;
  pipe.Write();
  LoopHandle handle;
  // It runs before the callback, in the turn in which the result is known.
  loop_->CallSoon([&] { handle.Cancel(); });
  auto made = loop_->Read(pipe.read.get(), 100, [](auto) { FAIL(); });
  ASSERT_TRUE(made.ok());
  handle = *made;
  RunTurns(4);
  EXPECT_TRUE(handle.cancelled());
  EXPECT_FALSE(pipe.Read()) << "the byte was read by then";
}

TEST_P(LoopIoTest, ACancelMayBeFollowedByACloseAndANewFile) {
  Pipe old, fresh;
  const int number = old.read.get();
  ReadResult stale, result;
  LoopHandle handle = Read(number, 100, stale);
  RunTurns(1);
  handle.Cancel();
  ASSERT_EQ(::dup3(fresh.read.get(), number, O_CLOEXEC), number);
  Read(number, 100, result);
  RunTurns(2);
  EXPECT_FALSE(result.has_value());
  fresh.Write();
  RunUntil([&] { return result.has_value(); });
  EXPECT_EQ(result->value(), "x");
  EXPECT_FALSE(stale.has_value());
}

TEST_P(LoopIoTest, ACallbackMayCancelAnotherAndItself) {
  Pipe one, two;
  one.Write();
  two.Write();
  int calls = 0;
  std::vector<LoopHandle> handles(2);
  for (size_t i : {0, 1}) {
    auto handle = loop_->Read((i == 0 ? one : two).read.get(), 1, [&](auto) {
      ++calls;
      for (LoopHandle& each : handles) each.Cancel();
    });
    ASSERT_TRUE(handle.ok());
    handles[i] = *handle;
  }
  RunUntil([&] { return calls > 0; });
  RunTurns(3);
  EXPECT_EQ(calls, 1);
}

TEST_P(LoopIoTest, RefusesASecondOfAKindUntilTheFirstIsTold) {
  SocketPair pair;
  ReadResult read;
  WriteResult written;
  Read(pair.ours.get(), 100, read);
  LoopHandle first_write = Write(pair.ours.get(), "x", written);
  const auto expect_busy = [&](const absl::Status& status) {
    EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
    EXPECT_EQ(ErrorReason(status), "DESCRIPTOR_BUSY");
  };
  bool freed = false;
  expect_busy(
      loop_->Read(pair.ours.get(), 1, [end = AtEnd([&] { freed = true; })](auto) { FAIL(); })
          .status());
  EXPECT_TRUE(freed);
  expect_busy(loop_->Write(pair.ours.get(), "y", [](auto) { FAIL(); }).status());
  expect_busy(loop_->AddReader(pair.ours.get(), [] { FAIL(); }));
  expect_busy(loop_->AddWriter(pair.ours.get(), [] { FAIL(); }));
  EXPECT_FALSE(loop_->RemoveReader(pair.ours.get())) << "took away the read's own";
  EXPECT_FALSE(loop_->RemoveWriter(pair.ours.get()));

  EXPECT_EQ(*WriteNow(pair.theirs.get(), "ping"), 4u);
  RunUntil([&] { return read.has_value() && written.has_value(); });
  EXPECT_EQ(read->value(), "ping");
  EXPECT_TRUE(loop_->AddReader(pair.ours.get(), [] {}).ok());
  EXPECT_TRUE(loop_->RemoveReader(pair.ours.get()));
}

TEST_P(LoopIoTest, RefusesADescriptorThatIsWatched) {
  SocketPair pair;
  ASSERT_TRUE(loop_->AddReader(pair.ours.get(), [] {}).ok());
  EXPECT_EQ(ErrorReason(loop_->Read(pair.ours.get(), 1, [](auto) {}).status()), "DESCRIPTOR_BUSY");
  EXPECT_EQ(ErrorReason(loop_->Write(pair.ours.get(), "x", [](auto) {}).status()),
            "DESCRIPTOR_BUSY");
  EXPECT_TRUE(loop_->RemoveReader(pair.ours.get()));
  ASSERT_TRUE(loop_->AddWriter(pair.ours.get(), [] {}).ok());
  EXPECT_EQ(ErrorReason(loop_->Read(pair.ours.get(), 1, [](auto) {}).status()), "DESCRIPTOR_BUSY");
  EXPECT_TRUE(loop_->RemoveWriter(pair.ours.get()));
  EXPECT_EQ(*WriteNow(pair.ours.get(), "x"), 1u);
}

TEST_P(LoopIoTest, RefusesADescriptorThatBlocks) {
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  const UniqueFd read(fds[0]), write(fds[1]);
  const absl::Status blocks = loop_->Read(read.get(), 1, [](auto) { FAIL(); }).status();
  EXPECT_TRUE(absl::IsInvalidArgument(blocks));
  EXPECT_EQ(ErrorReason(blocks), "BLOCKING_DESCRIPTOR");
  EXPECT_EQ(ErrorReason(loop_->Write(write.get(), "x", [](auto) { FAIL(); }).status()),
            "BLOCKING_DESCRIPTOR");
}

TEST_P(LoopIoTest, RefusesWhatMakesNoSense) {
  Pipe pipe;
  for (int fd : {-1, 1'000'000}) {
    EXPECT_EQ(ErrorVariables(loop_->Read(fd, 1, [](auto) {}).status())["errno_name"], "EBADF");
  }
  for (int fd : {-1, 1'000'000}) {
    EXPECT_EQ(ErrorVariables(loop_->Write(fd, "x", [](auto) {}).status())["errno_name"], "EBADF");
  }
  EXPECT_TRUE(absl::IsInvalidArgument(loop_->Read(pipe.read.get(), 1, nullptr).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(loop_->Read(pipe.read.get(), 0, [](auto) {}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(loop_->Write(pipe.write.get(), "x", nullptr).status()));
}

TEST_P(LoopIoTest, CloseDropsReadsAndWritesUnrun) {
  for (int turns : {0, 1}) {
    Pipe empty, full, with_byte;
    Fill(full);
    with_byte.Write();
    const UniqueFd file = TemporaryFile();
    auto loop = GetParam().create();
    ASSERT_TRUE(loop.ok());
    int ended = 0;
    const auto end = [&] { return [at_end = AtEnd([&] { ++ended; })](auto) { FAIL(); }; };
    for (int i = 0; i < turns; ++i) {
      (*loop)->Stop();
      ASSERT_TRUE((*loop)->RunForever().ok());
    }
    const auto handle = (*loop)->Read(empty.read.get(), 1 << 20, end());
    ASSERT_TRUE(handle.ok());
    ASSERT_TRUE((*loop)->Write(full.write.get(), std::string(1 << 20, 'x'), end()).ok());
    if (turns > 0) {
      (*loop)->Stop();
      ASSERT_TRUE((*loop)->RunForever().ok());
    }
    ASSERT_TRUE((*loop)->Read(with_byte.read.get(), 1, end()).ok());
    ASSERT_TRUE((*loop)->Read(file.get(), 1, end()).ok());
    EXPECT_TRUE((*loop)->Close().ok());
    EXPECT_EQ(ended, 4);
    EXPECT_FALSE(handle->pending());
    EXPECT_EQ(ErrorReason((*loop)->Read(empty.read.get(), 1, [](auto) {}).status()), "LOOP_CLOSED");
  }
}

TEST_P(LoopIoTest, EndsOfCallbacksMayCancelWhileTheLoopCloses) {
  Pipe one, two;
  auto loop = GetParam().create();
  ASSERT_TRUE(loop.ok());
  std::vector<LoopHandle> handles;
  int ended = 0;
  const auto end = [&] {
    return [at_end = AtEnd([&] {
              ++ended;
              for (LoopHandle& handle : handles) handle.Cancel();
            })](auto) { FAIL(); };
  };
  handles.push_back(*(*loop)->Read(one.read.get(), 1, end()));
  handles.push_back(*(*loop)->Read(two.read.get(), 1, end()));
  (*loop)->Stop();
  ASSERT_TRUE((*loop)->RunForever().ok());
  ASSERT_TRUE((*loop)->Close().ok());
  EXPECT_EQ(ended, 2);
  loop->reset();
  handles[0].Cancel();
}

TEST_P(LoopIoTest, AReadOutlivesTheThreadThatRanTheLoop) {
  Pipe pipe;
  ReadResult result;
  std::thread([&] {
    Read(pipe.read.get(), 100, result);
    RunTurns(2);
  }).join();
  RunTurns(2);
  EXPECT_FALSE(result.has_value());
  pipe.Write();
  RunUntil([&] { return result.has_value(); });
  ASSERT_TRUE(result->ok()) << result->status();
  EXPECT_EQ(**result, "x");
}

TEST_P(LoopIoTest, DescribesItself) {
  Pipe pipe;
  ReadResult result;
  LoopHandle handle = Read(pipe.read.get(), 100, result);
  EXPECT_THAT(loop_->DebugString(), testing::HasSubstr("; operations: 1"));
  handle.Cancel();
  EXPECT_THAT(loop_->DebugString(), testing::HasSubstr("; operations: 0"));
}

}  // namespace
}  // namespace proctor

#include "server/log/log_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proctor/unique_fd.h"

namespace proctor::server {
namespace {

std::string LossLine(uint64_t lost) { return absl::StrCat("lost ", lost, "\n"); }

// A pipe that holds one page, and nobody who reads it but the test.
class LogWriterTest : public testing::Test {
 protected:
  static constexpr int kPipeBytes = 4096;

  LogWriterTest() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader_.Reset(ends[0]);
    writer_end_.Reset(ends[1]);
    EXPECT_EQ(::fcntl(writer_end_.get(), F_SETPIPE_SZ, kPipeBytes), kPipeBytes);
  }

  LogWriter& Start(const LogWriter::Options& options = {}) {
    return log_.emplace(writer_end_.get(), LossLine, options);
  }

  // Returns the next line; blocks until it is there.
  std::string ReadLine() {
    size_t end;
    while ((end = read_.find('\n')) == std::string::npos) {
      char buffer[1000];
      const ssize_t size = ::read(reader_.get(), buffer, sizeof buffer);
      if (size <= 0) return absl::StrCat("no line, but \"", read_, "\"");
      read_.append(buffer, static_cast<size_t>(size));
    }
    std::string line = read_.substr(0, end);
    read_.erase(0, end + 1);
    return line;
  }

  // The writer's thread stands in write(2) for as long as nobody reads.
  void FillPipe() {
    const std::string filler(kPipeBytes, '.');
    ASSERT_EQ(::write(writer_end_.get(), filler.data(), filler.size()), kPipeBytes);
  }
  void EmptyPipe() {
    char buffer[kPipeBytes];
    ASSERT_EQ(::read(reader_.get(), buffer, sizeof buffer), kPipeBytes);
  }

  UniqueFd reader_;
  UniqueFd writer_end_;
  std::string read_;
  std::optional<LogWriter> log_;
};

TEST_F(LogWriterTest, WritesInOrder) {
  LogWriter& log = Start();
  for (int i = 0; i < 100; ++i) log.Write(absl::StrCat(i, "\n"));
  EXPECT_TRUE(log.Finish());
  EXPECT_TRUE(log.IsIdle());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ReadLine(), absl::StrCat(i));
}

TEST_F(LogWriterTest, TellsWhereAndHowManyLinesWereLostOnceTheReaderIsBack) {
  FillPipe();
  LogWriter& log = Start({.max_bytes = 1000});
  // More than fits, while the thread holds one line more than the queue at most.
  constexpr int kLines = 200;
  for (int i = 0; i < kLines; ++i) log.Write(absl::StrCat("line ", i, "\n"));
  EXPECT_FALSE(log.IsIdle());
  EmptyPipe();
  int next = 0;
  std::string line;
  while (absl::StartsWith(line = ReadLine(), "line "))
    EXPECT_EQ(line, absl::StrCat("line ", next++));
  EXPECT_GT(next, 0);
  EXPECT_EQ(line, absl::StrCat("lost ", kLines - next));
  log.Write("again\n");
  EXPECT_EQ(ReadLine(), "again");
}

TEST_F(LogWriterTest, FinishLeavesAReaderWhoTakesNothing) {
  FillPipe();
  LogWriter& log = Start({.patience = absl::Milliseconds(20)});
  log.Write("never read\n");
  EXPECT_FALSE(log.Finish());
  log.Write("after the end\n");
  log_.reset();
  EmptyPipe();  // lets the thread end, which must not touch what is gone
  EXPECT_EQ(ReadLine(), "never read");
}

TEST_F(LogWriterTest, FinishWaitsForWhoeverReadsSlowly) {
  FillPipe();
  LogWriter& log = Start({.patience = absl::Minutes(1), .longest = absl::Minutes(1)});
  std::string line(1999, 'x');
  for (int i = 0; i < 20; ++i) log.Write(line + "\n");
  std::thread slow([&] {
    EmptyPipe();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(ReadLine(), line);
  });
  EXPECT_TRUE(log.Finish());
  slow.join();
}

TEST_F(LogWriterTest, BearsAnOpenFileThatOthersMadeNonBlocking) {
  ASSERT_EQ(::fcntl(writer_end_.get(), F_SETFL, O_NONBLOCK), 0);
  FillPipe();
  LogWriter& log = Start();
  log.Write("waits for room\n");
  EmptyPipe();
  EXPECT_EQ(ReadLine(), "waits for room");
}

TEST_F(LogWriterTest, TellsOfLinesThatCouldNotBeWrittenWithTheNextThatCan) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  const int descriptor = ::fcntl(full.get(), F_DUPFD_CLOEXEC, 0);
  log_.emplace(descriptor, LossLine, LogWriter::Options());
  log_->Write("lost\n");
  while (!log_->IsIdle()) std::this_thread::yield();
  ASSERT_EQ(::dup2(writer_end_.get(), descriptor), descriptor);
  log_->Write("lost, too, behind what was lost\n");
  EXPECT_EQ(ReadLine(), "lost 2");
  log_->Write("again\n");
  EXPECT_EQ(ReadLine(), "again");
  EXPECT_TRUE(log_->Finish());
  ::close(descriptor);
}

}  // namespace
}  // namespace proctor::server

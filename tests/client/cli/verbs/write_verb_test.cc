#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

// A stdin as the contract has it, that has taken something before us.
class WriteVerbTest : public CommandFixture {
 protected:
  WriteVerbTest() {
    server_.behaviour().write_stdin = [this](const v1::WriteStdinRequest& request,
                                             v1::WriteStdinResponse* response) {
      absl::MutexLock lock(&mutex_);
      const grpc::Status status = Take(request, response);
      absl::StrAppend(&calls_, request.data().size() > 9 ? "big" : request.data(),
                      request.eof() ? "<eof>" : "", request.force() ? "<force>" : "", "|");
      if (lost_answers_ > 0 && request.has_offset()) {
        --lost_answers_;
        return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the line was cut");
      }
      return status;
    };
  }

  grpc::Status Take(const v1::WriteStdinRequest& request, v1::WriteStdinResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (busy_answers_ > 0 && request.has_offset() && !calls_.empty()) {
      --busy_answers_;
      return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "another writer", "STDIN_BUSY");
    }
    if (closed_) return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "closed", "STDIN_CLOSED");
    const uint64_t offset = request.has_offset() ? request.offset() : taken_.size();
    const uint64_t known = taken_.size() - offset;
    if (known < request.data().size()) taken_ += request.data().substr(known);
    closed_ = request.eof();
    response->set_stdin_bytes(taken_.size());
    return grpc::Status::OK;
  }

  int Write(const std::string& data, std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"write", kProcessId});
    const auto run = Start(flags);
    run->WriteStdin(data);
    const int code = run->Wait();
    err_ = run->err();
    return code;
  }

  absl::Mutex mutex_;
  std::string taken_ ABSL_GUARDED_BY(mutex_) = "before";
  std::string calls_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int lost_answers_ ABSL_GUARDED_BY(mutex_) = 0;
  int busy_answers_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST_F(WriteVerbTest, AppendsAndLeavesStdinOpen) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  EXPECT_EQ(Write("abc"), 0) << err_;
  EXPECT_EQ(taken_, "beforeabc");
  EXPECT_EQ(calls_, "|abc|");
  EXPECT_FALSE(closed_);
}

TEST_F(WriteVerbTest, EofEndsStdin) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  EXPECT_EQ(Write("abc", {"--eof", "--force"}), 0) << err_;
  EXPECT_EQ(calls_, "<force>|abc<force>|<eof><force>|");
  EXPECT_TRUE(closed_);
}

TEST_F(WriteVerbTest, CarriesMuch) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const std::string data(1'000'000, 'x');
  EXPECT_EQ(Write(data), 0) << err_;
  EXPECT_EQ(taken_, "before" + data);
}

TEST_F(WriteVerbTest, LostAnswersAreAskedForAgainAndNothingArrivesTwice)
ABSL_NO_THREAD_SAFETY_ANALYSIS {
  lost_answers_ = 3;
  EXPECT_EQ(Write("abc"), 0) << err_;
  EXPECT_EQ(taken_, "beforeabc");
  EXPECT_EQ(calls_, "|abc|abc|abc|abc|");
  EXPECT_TRUE(absl::StrContains(err_, "lost the server (the line was cut); trying again")) << err_;
}

TEST_F(WriteVerbTest, LostAnswerToTheEndIsNoError) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  lost_answers_ = 1;
  EXPECT_EQ(Write("", {"--eof"}), 0) << err_;
  EXPECT_EQ(calls_, "|<eof>|<eof>|");
}

TEST_F(WriteVerbTest, OurOwnLostCallIsNotAnotherWriter) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  server_.behaviour().write_stdin = [this](const v1::WriteStdinRequest& request,
                                           v1::WriteStdinResponse* response) {
    absl::MutexLock lock(&mutex_);
    absl::StrAppend(&calls_, request.data(), "|");
    if (calls_ == "|a|") return grpc::Status(grpc::StatusCode::UNAVAILABLE, "cut");
    return Take(request, response);
  };
  busy_answers_ = 2;
  EXPECT_EQ(Write("a"), 0) << err_;
  EXPECT_EQ(taken_, "beforea");
  EXPECT_EQ(calls_, "|a|a|a|a|");
}

TEST_F(WriteVerbTest, AnotherWriterIsAnErrorWithAHint) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  server_.behaviour().write_stdin = [](auto&, auto*) {
    return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "another writer", "STDIN_BUSY");
  };
  EXPECT_EQ(Write("abc"), 125);
  EXPECT_TRUE(absl::StrContains(err_, "(STDIN_BUSY); --force takes it over")) << err_;
}

TEST_F(WriteVerbTest, BytesOfAnotherWriterAreNoticed) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  server_.behaviour().write_stdin = [](const v1::WriteStdinRequest& request,
                                       v1::WriteStdinResponse* response) {
    response->set_stdin_bytes(request.has_offset() ? 100 : 6);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Write("abc"), 125);
  EXPECT_TRUE(absl::StrContains(err_, "somebody else writes to it as well")) << err_;
}

TEST_F(WriteVerbTest, TellsHowMuchWasTaken) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const auto run = Start({"write", kProcessId});
  run->WriteStdin("abc");
  {
    absl::MutexLock lock(&mutex_);
    const auto taken = [this]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return taken_ == "beforeabc"; };
    mutex_.Await(absl::Condition(&taken));
    closed_ = true;
  }
  run->WriteStdin("def");
  EXPECT_EQ(run->Wait(), 125);
  EXPECT_TRUE(absl::StrContains(run->err(),
                                "after 3 bytes that were certainly written: closed "
                                "(STDIN_CLOSED)"))
      << run->err();
}

}  // namespace
}  // namespace proctor::cli

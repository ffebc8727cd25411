// Verbs that are given several processes or sessions.
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

// Longer than any machine takes to bring a few calls together.
constexpr absl::Duration kLong = absl::Seconds(60);

// A place where calls come together.
class Gathering {
 public:
  explicit Gathering(size_t size) : size_(size) {}

  // Waits until as many have come as it has places; an error if they do not.
  grpc::Status Come() {
    absl::MutexLock lock(&mutex_);
    ++here_;
    const auto complete = [this] { return here_ >= size_; };
    return mutex_.AwaitWithTimeout(absl::Condition(&complete), kLong)
               ? grpc::Status::OK
               : Refusal(grpc::StatusCode::INTERNAL, "it came alone", "ALONE");
  }

  // Waits for its turn: those behind it in `order` come first.
  void LeaveInReverse(const std::vector<std::string>& order, const std::string& name) {
    absl::MutexLock lock(&mutex_);
    const auto mine = [&] { return order[order.size() - 1 - left_] == name; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&mine), kLong)) << name;
    ++left_;
  }

 private:
  const size_t size_;
  absl::Mutex mutex_;
  size_t here_ = 0;
  size_t left_ = 0;
};

class TargetsTest : public CommandFixture {
 protected:
  // Of the start of an id, which is four characters.
  TargetsTest() {
    server_.behaviour().get = [](const v1::GetProcessRequest& request, auto* response) {
      if (request.process_id().size() < 6) {
        return Refusal(grpc::StatusCode::NOT_FOUND, "no such process", "PROCESS_NOT_FOUND");
      }
      response->mutable_process()->set_process_id(request.process_id());
      return grpc::Status::OK;
    };
    server_.behaviour().list = [this](auto&, v1::ListProcessesResponse* response) {
      absl::MutexLock lock(&mutex_);
      ++lists_;
      for (const std::string& id : ids_) response->add_processes()->set_process_id(id);
      return grpc::Status::OK;
    };
    server_.behaviour().get_session = [](auto&, auto*) { return grpc::Status::OK; };
  }

  const std::vector<std::string> ids_ = {"aaaa11", "bbbb22", "cccc33", "dddd44"};
  absl::Mutex mutex_;
  int lists_ = 0;
};

TEST_F(TargetsTest, EveryVerbAsksForAllAtOnce) {
  Gathering* place = nullptr;
  const auto come = [&place](auto&, auto*) { return place->Come(); };
  server_.behaviour().stop = come;
  server_.behaviour().signal = come;
  server_.behaviour().remove = come;
  server_.behaviour().update = come;
  server_.behaviour().close_session = come;
  server_.behaviour().renew_session = come;
  server_.behaviour().set_session_watcher = come;
  server_.behaviour().wait = [&place](auto&, v1::WaitProcessResponse* response) {
    *response->mutable_process()->mutable_exit_status() = ExitCode(0);
    return place->Come();
  };
  const std::vector<std::vector<std::string>> verbs = {{"stop"},
                                                       {"kill"},
                                                       {"rm"},
                                                       {"update", "--label", "a=b"},
                                                       {"wait"},
                                                       {"session", "close"},
                                                       {"session", "renew"},
                                                       {"session", "set", "--watcher=fast"}};
  for (std::vector<std::string> arguments : verbs) {
    Gathering all(ids_.size());
    place = &all;
    arguments.insert(arguments.end(), ids_.begin(), ids_.end());
    EXPECT_EQ(Run(arguments), 0) << arguments[0] << ": " << err_;
  }
}

TEST_F(TargetsTest, WhatCameOfThemIsSaidInTheOrderOfTheArguments) {
  Gathering all(ids_.size());
  server_.behaviour().stop = [&](const v1::StopProcessRequest& request, auto*) {
    const grpc::Status met = all.Come();
    if (!met.ok()) return met;
    all.LeaveInReverse(ids_, request.process_id());
    return request.process_id() == ids_[2]
               ? grpc::Status::OK
               : Refusal(grpc::StatusCode::INTERNAL, "not " + request.process_id(), "NO");
  };
  // By the id as it was written.
  EXPECT_EQ(Run({"stop", "aaaa", "bbbb22", "cccc", "dddd4"}), 125);
  EXPECT_EQ(err_,
            "proctor: stop: aaaa: not aaaa11 (NO)\n"
            "proctor: stop: bbbb22: not bbbb22 (NO)\n"
            "proctor: stop: dddd4: not dddd44 (NO)\n");
  EXPECT_EQ(lists_, 1) << "one list completes all ids";
}

TEST_F(TargetsTest, MoreThanCanBeUnderWayAreAllServed) {
  std::vector<std::string> arguments = {"rm"};
  for (int i = 0; i < 300; ++i) arguments.push_back(absl::StrCat("process-", i));
  std::set<std::string> removed;
  server_.behaviour().remove = [&](const v1::RemoveProcessRequest& request, auto*) {
    absl::MutexLock lock(&mutex_);
    removed.insert(request.process_id());
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run(arguments), 0) << err_;
  EXPECT_EQ(removed.size(), 300u);
}

TEST_F(TargetsTest, AServerThatIsNotThereIsSaidOnce) {
  server_.Stop();
  EXPECT_EQ(Run({"kill", "aaaa11", "bbbb22", "cccc33"}), 125);
  EXPECT_TRUE(absl::StartsWith(err_, "proctor: kill: aaaa11: cannot reach a server")) << err_;
  EXPECT_EQ(err_.find('\n'), err_.size() - 1) << err_;
}

TEST_F(TargetsTest, NoSessionIsTouchedWhereAnIdIsEmpty) {
  server_.behaviour().close_session = [](auto&, auto*) {
    ADD_FAILURE();
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"session", "close", "s1", ""}), 125);
  EXPECT_EQ(err_, "proctor: session close: the id of a session is empty\n");
}

}  // namespace
}  // namespace proctor::cli

// What a real server does with a damaged event log, and on a full disk.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/printable_text.h"
#include "core/storage/sqlite.h"
#include "tests/core/storage/small_disk.h"
#include "tests/core/storage/temporary_directory.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

using Clock = std::chrono::steady_clock;

v1::ProcessSpec Spec(const std::string& program, const std::string& argument = "") {
  v1::ProcessSpec spec;
  spec.add_argv(absl::StrCat(PROCTOR_TEST_PROGRAMS, "/", program));
  if (!argument.empty()) spec.add_argv(argument);
  return spec;
}

// Has standard error in a file while it lives: that of servers that are started meanwhile, too.
class StandardErrorFile {
 public:
  explicit StandardErrorFile(std::string path) : path_(std::move(path)), before_(::dup(2)) {
    const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    ::dup2(file, 2);
    ::close(file);
  }
  ~StandardErrorFile() {
    ::dup2(before_, 2);
    ::close(before_);
  }

  std::string text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  const std::string path_;
  const int before_;
};

// A server on a state directory, and its stubs.
struct Server {
  explicit Server(const std::string& state_dir)
      : process({absl::StrCat("--state-dir=", state_dir), "--cgroup=none"}) {}

  v1::GetServerInfoResponse Info() {
    grpc::ClientContext context;
    v1::GetServerInfoResponse response;
    const grpc::Status status = info->GetServerInfo(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  grpc::Status Start(const v1::ProcessSpec& spec, v1::Process* process) {
    grpc::ClientContext context;
    v1::StartProcessRequest request;
    *request.mutable_spec() = spec;
    v1::StartProcessResponse response;
    const grpc::Status status = processes->StartProcess(&context, request, &response);
    *process = response.process();
    return status;
  }

  v1::Process Wait(const std::string& id) {
    grpc::ClientContext context;
    v1::WaitProcessRequest request;
    request.set_process_id(id);
    request.set_until(v1::WAIT_UNTIL_DRAINED);
    v1::WaitProcessResponse response;
    const grpc::Status status = processes->WaitProcess(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.process();
  }

  v1::Process Run(const v1::ProcessSpec& spec) {
    v1::Process process;
    const grpc::Status status = Start(spec, &process);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return status.ok() ? Wait(process.process_id()) : process;
  }

  v1::Process Stop(const std::string& id) {
    grpc::ClientContext context;
    v1::StopProcessRequest request;
    request.set_process_id(id);
    v1::StopProcessResponse response;
    const grpc::Status status = processes->StopProcess(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return Wait(id);
  }

  v1::Process Get(const std::string& id) {
    grpc::ClientContext context;
    v1::GetProcessRequest request;
    request.set_process_id(id);
    v1::GetProcessResponse response;
    const grpc::Status status = processes->GetProcess(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.process();
  }

  std::vector<v1::Event> List() {
    std::vector<v1::Event> all;
    v1::ListEventsRequest request;
    request.set_page_size(1000);
    do {
      grpc::ClientContext context;
      v1::ListEventsResponse response;
      const grpc::Status status = events->ListEvents(&context, request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      all.insert(all.end(), response.events().begin(), response.events().end());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    for (size_t i = 1; i < all.size(); ++i) {
      EXPECT_EQ(all[i].sequence(), all[i - 1].sequence() + 1);
    }
    return all;
  }

  // How a subscription that resumes there begins: OK and the stream is given up.
  grpc::Status Resume(const v1::EventPosition& position) {
    grpc::ClientContext context;
    v1::WatchEventsRequest request;
    *request.mutable_resume_after() = position;
    auto stream = events->WatchEvents(&context, request);
    v1::WatchEventsResponse response;
    if (!stream->Read(&response)) return stream->Finish();
    context.TryCancel();
    (void)stream->Finish();
    return grpc::Status::OK;
  }

  // Returns the exit code, or minus the signal that ended it. Without the connection: a client
  // that calls nothing hears of the server's end only after some seconds.
  int End(int signal) {
    processes.reset();
    sessions.reset();
    events.reset();
    info.reset();
    channel.reset();
    return process.End(signal);
  }

  ServerProcess process;
  std::shared_ptr<grpc::Channel> channel = process.NewChannel();
  std::unique_ptr<v1::ProcessService::Stub> processes = v1::ProcessService::NewStub(channel);
  std::unique_ptr<v1::SessionService::Stub> sessions = v1::SessionService::NewStub(channel);
  std::unique_ptr<v1::EventService::Stub> events = v1::EventService::NewStub(channel);
  std::unique_ptr<v1::ServerService::Stub> info = v1::ServerService::NewStub(channel);
};

int Exits(const std::vector<v1::Event>& events, const std::string& process_id) {
  int exits = 0;
  for (const v1::Event& event : events) {
    if (event.process_id() == process_id && event.has_process_exited()) ++exits;
  }
  return exits;
}

// ---- A damaged log. -------------------------------------------------------

enum class Damage { kCutOff, kOverwritten, kNoDatabase, kHole };

void Apply(Damage damage, const std::string& path) {
  switch (damage) {
    case Damage::kCutOff:
      std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2 + 100);
      return;
    case Damage::kOverwritten: {
      const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      for (std::streamoff at = 4096; at < size; at += 4096) {
        file.seekp(at);
        file << std::string(512, '\xa5');
      }
      return;
    }
    case Damage::kNoDatabase:
      std::ofstream(path, std::ios::trunc) << "somebody wrote this over it\n";
      return;
    case Damage::kHole: {
      auto connection = SqliteConnection::Open(path, /*create=*/false);
      ASSERT_TRUE(connection
                      ->Execute("DELETE FROM event WHERE sequence = (SELECT max(sequence) / 2 FROM "
                                "event)")
                      .ok());
      return;
    }
  }
}

class DamagedLog : public testing::TestWithParam<Damage> {
 protected:
  TemporaryDirectory directory_;
};

TEST_P(DamagedLog, IsSetAsideAndTheServerSaysWhatIsLost) {
  const std::string state_dir = directory_.File("state");
  const std::string path = state_dir + "/events.db";
  v1::EventPosition position;
  {
    Server server(state_dir);
    for (int i = 0; i < 30; ++i) server.Run(Spec("exit_with", absl::StrCat(i)));
    position = server.Info().last_event();
    EXPECT_EQ(server.End(SIGTERM), 0);
  }
  Apply(GetParam(), path);

  v1::EventPosition now;
  {
    StandardErrorFile errors(directory_.File("stderr"));
    Server server(state_dir);
    const v1::GetServerInfoResponse info = server.Info();
    const std::string& notice = info.event_log().notice();
    EXPECT_TRUE(absl::StrContains(notice, path + ".damaged-")) << notice;
    EXPECT_TRUE(absl::StrContains(notice, "is lost")) << notice;
    EXPECT_TRUE(absl::StrContains(errors.text(), Printable(notice))) << errors.text();
    EXPECT_EQ(info.event_log().trouble(), "");
    EXPECT_NE(info.last_event().log_id(), position.log_id());
    EXPECT_EQ(info.last_event().sequence(), 0u);

    const grpc::Status resumed = server.Resume(position);
    EXPECT_EQ(resumed.error_code(), grpc::StatusCode::ABORTED);
    EXPECT_EQ(Details(resumed).reason, "LOG_CHANGED");
    EXPECT_EQ(Details(resumed).metadata["log_id"], info.last_event().log_id());

    const v1::Process process = server.Run(Spec("exit_with", "7"));
    EXPECT_EQ(Exits(server.List(), process.process_id()), 1);
    now = server.Info().last_event();
    EXPECT_EQ(server.End(SIGKILL), -SIGKILL);
  }
  size_t set_aside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(state_dir)) {
    if (absl::StrContains(entry.path().string(), "events.db.damaged-")) ++set_aside;
  }
  EXPECT_GE(set_aside, 1u);

  Server next(state_dir);
  EXPECT_EQ(next.Info().event_log().notice(), "");
  EXPECT_EQ(next.Info().last_event().log_id(), now.log_id());
  EXPECT_TRUE(next.Resume(now).ok());
  EXPECT_EQ(next.End(SIGTERM), 0);
}

INSTANTIATE_TEST_SUITE_P(Storage, DamagedLog,
                         testing::Values(Damage::kCutOff, Damage::kOverwritten, Damage::kNoDatabase,
                                         Damage::kHole),
                         [](const auto& info) {
                           switch (info.param) {
                             case Damage::kCutOff:
                               return "CutOff";
                             case Damage::kOverwritten:
                               return "Overwritten";
                             case Damage::kNoDatabase:
                               return "NoDatabase";
                             case Damage::kHole:
                               return "Hole";
                           }
                           return "";
                         });

// Of a torn write-ahead log, the log is what is whole. Its numbers are used again, so it goes on
// under another id, and a subscriber is told so.
TEST(TornLog, GoesOnWithWhatIsWholeUnderAnotherId) {
  TemporaryDirectory directory;
  const std::string state_dir = directory.File("state");
  v1::EventPosition position;
  std::vector<v1::Event> before;
  {
    Server server(state_dir);
    for (int i = 0; i < 30; ++i) server.Run(Spec("exit_with", absl::StrCat(i)));
    before = server.List();
    position = server.Info().last_event();
    EXPECT_EQ(server.End(SIGKILL), -SIGKILL);
  }
  const std::string wal = state_dir + "/events.db-wal";
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) / 2 + 1000);

  Server server(state_dir);
  const std::vector<v1::Event> after = server.List();
  ASSERT_FALSE(after.empty());
  EXPECT_EQ(after.front().sequence(), 1u);
  // Then what the server found out of itself.
  for (size_t i = 0; i < after.size() && i < before.size(); ++i) {
    v1::Event same = after[i];
    same.set_log_id(before[i].log_id());
    if (same.SerializeAsString() == before[i].SerializeAsString()) continue;
    for (; i < after.size(); ++i) {
      const bool lost = after[i].has_process_exited()
                            ? after[i].process_exited().exit_status().has_unknown()
                            : after[i].has_output_drained() || after[i].has_session_closed();
      EXPECT_TRUE(lost) << after[i].ShortDebugString();
    }
  }
  ASSERT_LT(after.size(), before.size()) << "the damage took nothing";
  EXPECT_EQ(Details(server.Resume(position)).reason, "LOG_CHANGED");
  EXPECT_TRUE(absl::StrContains(server.Info().event_log().notice(), "are missing"))
      << server.Info().event_log().notice();
  EXPECT_EQ(server.End(SIGTERM), 0);
}

// ---- A full disk. ---------------------------------------------------------

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.why_not().empty()) GTEST_SKIP() << disk_.why_not();
  }

  TemporaryDirectory scratch_;
  SmallDisk disk_{32};
};

TEST_F(FullDisk, WhatRunsEndsOnRecordAndNewWorkWaitsForRoom) {
  const std::string state_dir = disk_.path() + "/state";
  v1::EventPosition position;
  v1::Process held;
  v1::Process ended;
  std::vector<v1::Event> before;
  {
    StandardErrorFile errors(scratch_.File("stderr"));
    Server server(state_dir);
    ASSERT_TRUE(server.Start(Spec("wait_forever"), &held).ok());
    disk_.Fill();
    grpc::Status status;
    for (int i = 0; status.ok(); ++i) {
      v1::Process process;
      status = server.Start(Spec("exit_with", "3"), &process);
      if (status.ok()) ended = server.Wait(process.process_id());
      ASSERT_LT(i, 20000) << "the disk does not get full";
    }
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(Details(status).reason, "STORAGE_FULL") << status.error_message();
    EXPECT_EQ(Details(status).metadata["state_dir"], state_dir);
    {
      grpc::ClientContext context;
      v1::CreateSessionResponse response;
      const grpc::Status refused = server.sessions->CreateSession(&context, {}, &response);
      EXPECT_EQ(Details(refused).reason, "STORAGE_FULL") << refused.error_message();
    }
    EXPECT_NE(server.Info().event_log().trouble(), "");
    EXPECT_TRUE(absl::StrContains(errors.text(), "the reserve is used up")) << errors.text();

    const v1::Process stopped = server.Stop(held.process_id());
    EXPECT_EQ(stopped.exit_status().signal(), SIGTERM);
    EXPECT_EQ(Exits(server.List(), held.process_id()), 1);

    disk_.Relieve();
    const auto deadline = Clock::now() + std::chrono::seconds(30);
    while (server.Info().event_log().trouble() != "" && Clock::now() < deadline) {
      std::this_thread::yield();
    }
    EXPECT_EQ(server.Info().event_log().trouble(), "");
    EXPECT_EQ(server.Run(Spec("exit_with", "4")).exit_status().exit_code(), 4);
    EXPECT_EQ(std::filesystem::file_size(state_dir + "/reserve"), 16u << 20);
    held = server.Get(held.process_id());
    ended = server.Get(ended.process_id());
    before = server.List();
    EXPECT_EQ(server.End(SIGKILL), -SIGKILL);
  }
  Server next(state_dir);
  EXPECT_EQ(next.Info().event_log().notice(), "");
  const std::vector<v1::Event> after = next.List();
  ASSERT_GE(after.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].SerializeAsString(), before[i].SerializeAsString()) << i;
  }
  for (v1::Process process : {held, ended}) {
    v1::Process kept = next.Get(process.process_id());
    for (v1::Process* either : {&process, &kept}) {
      either->clear_tree_empty();    // is found out when somebody asks, and no event tells of it
      either->clear_output_place();  // the session's memory went with the server
    }
    EXPECT_EQ(kept.SerializeAsString(), process.SerializeAsString());
  }
  EXPECT_EQ(next.End(SIGTERM), 0);
}

// The reserve is gone, too: nobody can be sure any more, but nobody hangs, and the server ends
// when it is told to.
TEST_F(FullDisk, AServerWithoutAnyRoomAnswersAndEnds) {
  const std::string state_dir = disk_.path() + "/state";
  StandardErrorFile errors(scratch_.File("stderr"));
  {
    Server server(state_dir);
    v1::Process held;
    ASSERT_TRUE(server.Start(Spec("wait_forever"), &held).ok());
    for (int i = 0; !absl::StrContains(errors.text(), "cannot record"); ++i) {
      disk_.Fill();
      v1::Process process;
      if (server.Start(Spec("exit_with", "3"), &process).ok()) {
        server.Wait(process.process_id());
      } else {  // what is left is used up by what is not refused
        grpc::ClientContext context;
        v1::SignalProcessRequest request;
        request.set_process_id(held.process_id());
        request.set_signal("SIGCONT");
        v1::SignalProcessResponse response;
        (void)server.processes->SignalProcess(&context, request, &response);
      }
      ASSERT_LT(i, 20000) << "the disk does not get full";
    }
    EXPECT_TRUE(absl::StrContains(server.Info().event_log().trouble(), "cannot record"));
    EXPECT_EQ(server.Stop(held.process_id()).exit_status().signal(), SIGTERM);
    EXPECT_EQ(server.End(SIGTERM), 0);
  }
  disk_.Relieve();
  Server next(state_dir);
  EXPECT_EQ(next.Info().event_log().trouble(), "");
  EXPECT_EQ(next.Info().running_processes(), 0u);
  EXPECT_EQ(next.Run(Spec("exit_with", "4")).exit_status().exit_code(), 4);
  (void)next.List();
  EXPECT_EQ(next.End(SIGTERM), 0);
}

}  // namespace
}  // namespace proctor

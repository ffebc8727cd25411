// Output of processes that belong to no session any more. It is kept on disk, or reported as gone.
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "proctor/unique_fd.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

constexpr int kPatienceMs = 120'000;

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// A server, and the next ones on its state directory.
class KeptOutputE2e : public E2eTest {
 protected:
  explicit KeptOutputE2e(const std::vector<std::string>& flags = {}) : E2eTest(flags) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // adopts the children of a killed server
  }
  ~KeptOutputE2e() override {
    Disconnect();
    for (const pid_t pid : leftovers_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  // Closes the connection first: a server that ends waits for idle ones.
  void Disconnect() {
    processes_.reset();
    sessions_.reset();
    events_.reset();
    info_.reset();
    channel_.reset();
  }

  void StartNext(int signal) {
    Disconnect();
    EXPECT_EQ(server_.End(signal), signal == SIGKILL ? -SIGKILL : 0);
    next_ = std::make_unique<ServerProcess>(
        std::vector<std::string>{"--state-dir=" + server_.state_dir()});
    channel_ = next_->NewChannel();
    processes_ = v1::ProcessService::NewStub(channel_);
    info_ = v1::ServerService::NewStub(channel_);
  }

  std::string OpenSession() {
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    EXPECT_TRUE(sessions_->CreateSession(&context, {}, &response).ok());
    return response.session().session_id();
  }
  void CloseSession(const std::string& id) {
    grpc::ClientContext context;
    v1::CloseSessionRequest request;
    request.set_session_id(id);
    v1::CloseSessionResponse response;
    EXPECT_TRUE(sessions_->CloseSession(&context, request, &response).ok());
  }

  v1::Process Get(const std::string& id) {
    grpc::ClientContext context;
    v1::GetProcessRequest request;
    request.set_process_id(id);
    v1::GetProcessResponse response;
    EXPECT_TRUE(processes_->GetProcess(&context, request, &response).ok());
    return response.process();
  }

  Transcript Read(const v1::ReadOutputRequest& request) {
    grpc::ClientContext context;
    auto stream = processes_->ReadOutput(&context, request);
    return ReadAll<v1::ReadOutputResponse>(*stream);
  }
  Transcript Read(const v1::Process& process) {
    v1::ReadOutputRequest request;
    request.set_process_id(process.process_id());
    request.mutable_from()->mutable_offsets();
    return Read(request);
  }

  // A thread of its own writes the store. Only the directory shows when it is done.
  void AwaitOnDisk(const v1::Process& process) const { AwaitFile(FileOf(process), /*there=*/true); }
  static void AwaitFile(const std::string& path, bool there) {
    const UniqueFd changes(::inotify_init1(IN_CLOEXEC));
    const std::string directory = std::filesystem::path(path).parent_path();
    ASSERT_GE(::inotify_add_watch(changes.get(), directory.c_str(), IN_MOVED_TO | IN_DELETE), 0);
    while (std::filesystem::exists(path) != there) {
      pollfd change = {changes.get(), POLLIN, 0};
      ASSERT_EQ(::poll(&change, 1, kPatienceMs), 1)
          << path << (there ? " does not come" : " does not go");
      char events[4096];
      ASSERT_GT(::read(changes.get(), events, sizeof events), 0);
    }
  }
  std::string FileOf(const v1::Process& process) const {
    return server_.state_dir() + "/output/" + process.process_id();
  }

  static v1::ProcessSpec Talk() {
    v1::ProcessSpec spec = Shell("seq 1 10000; echo problem >&2; exit 3");
    spec.mutable_output()->set_retain_bytes(8192);
    spec.mutable_output()->set_overflow(v1::OVERFLOW_POLICY_DROP_OLDEST);
    return spec;
  }

  std::unique_ptr<ServerProcess> next_;
  std::vector<pid_t> leftovers_;
};

TEST_F(KeptOutputE2e, IsReadAsBeforeWhenTheSessionIsClosed) {
  const std::string session = OpenSession();
  const v1::Process process = Start(Talk(), session);
  Wait(process.process_id());
  EXPECT_EQ(Get(process.process_id()).output_place(), v1::OUTPUT_PLACE_MEMORY);
  const Transcript before = Read(process);
  EXPECT_EQ(before.gaps.size(), 1u);
  CloseSession(session);

  EXPECT_EQ(Get(process.process_id()).output_place(), v1::OUTPUT_PLACE_DISK);
  const Transcript after = Read(process);
  ASSERT_TRUE(after.status.ok()) << after.status.error_message();
  EXPECT_EQ(after.out, before.out);
  EXPECT_EQ(after.err, "problem\n");
  EXPECT_EQ(after.order, before.order);
  EXPECT_EQ(after.gaps[0].SerializeAsString(), before.gaps[0].SerializeAsString());
  EXPECT_EQ(after.exit_status.exit_code(), 3);
  EXPECT_EQ(after.drained.SerializeAsString(), before.drained.SerializeAsString());

  v1::ReadOutputRequest request;
  request.set_process_id(process.process_id());
  request.set_follow(true);
  request.add_streams(v1::STREAM_STDOUT);
  request.mutable_from()->set_tail_lines(2);
  EXPECT_EQ(Read(request).out, "9999\n10000\n");
  EXPECT_EQ(Read(request).err, "");
  request.mutable_from()->mutable_offsets()->set_stdout_offset(1 << 20);
  EXPECT_EQ(Details(Read(request).status).reason, "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(Attach(process.process_id()).out, before.out);

  // A removed process has no output.
  grpc::ClientContext context;
  v1::RemoveProcessRequest remove;
  remove.set_process_id(process.process_id());
  v1::RemoveProcessResponse removed;
  EXPECT_TRUE(processes_->RemoveProcess(&context, remove, &removed).ok());
  EXPECT_EQ(Details(Read(request).status).reason, "PROCESS_NOT_FOUND");
  AwaitFile(FileOf(process), /*there=*/false);
}

TEST_F(KeptOutputE2e, AnswersARepeatedRunWithAllThatIsKept) {
  const std::string session = OpenSession();
  const auto run = [&] {
    grpc::ClientContext context;
    auto stream = processes_->RunProcess(&context);
    v1::RunProcessRequest request;
    request.mutable_start()->set_session_id(session);
    request.mutable_start()->set_request_id("once");
    *request.mutable_start()->mutable_spec() = Shell("echo said; exit 4");
    stream->Write(request);
    return ReadAll<v1::RunProcessResponse>(*stream);
  };
  EXPECT_EQ(run().out, "said\n");
  CloseSession(session);
  const Transcript again = run();
  EXPECT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_EQ(again.out, "said\n");
  EXPECT_EQ(again.exit_status.exit_code(), 4);
}

TEST_F(KeptOutputE2e, KeepsNoMoreThanItIsToldTo) {
  const std::string session = OpenSession();
  const v1::Process process = Start(Talk(), session);
  Wait(process.process_id());
  grpc::ClientContext context;
  v1::UpdateProcessRequest update;
  update.set_process_id(process.process_id());
  update.mutable_output()->set_retain_bytes(4096);
  v1::UpdateProcessResponse updated;
  ASSERT_TRUE(processes_->UpdateProcess(&context, update, &updated).ok());
  CloseSession(session);
  const Transcript read = Read(process);
  EXPECT_EQ(read.out.size() + read.err.size(), 4096u);
}

TEST_F(KeptOutputE2e, OutlivesAServerThatEnds) {
  const v1::Process process = Start(Talk());
  Wait(process.process_id());
  const Transcript before = Read(process);
  StartNext(SIGTERM);
  EXPECT_EQ(Read(process).out, before.out);
  EXPECT_EQ(Get(process.process_id()).output_place(), v1::OUTPUT_PLACE_DISK);
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(info_->GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.output_on_disk_bytes(), std::filesystem::file_size(FileOf(process)));
  EXPECT_EQ(info.limits().max_output_on_disk_bytes(), uint64_t{1} << 30);
}

TEST_F(KeptOutputE2e, WhatRanWhenTheServerWasKilledIsGone) {
  const v1::Process ended = Start(Talk());
  Wait(ended.process_id());
  AwaitOnDisk(ended);
  const Transcript before = Read(ended);
  const v1::Process running = Start(Shell("echo said; exec sleep 1000"));
  leftovers_.push_back(running.pid());
  StartNext(SIGKILL);

  EXPECT_EQ(Read(ended).out, before.out);
  EXPECT_EQ(Get(running.process_id()).output_place(), v1::OUTPUT_PLACE_GONE);
  const Transcript lost = Read(running);
  ASSERT_TRUE(lost.status.ok()) << lost.status.error_message();
  EXPECT_EQ(lost.out, "");
  EXPECT_EQ(lost.exit_status.unknown().reason(), "SERVER_LOST");
  EXPECT_EQ(lost.drained.reason(), v1::DRAIN_REASON_SERVER_LOST);
  // A client may have read more than is on record. The error says that, and not that the position
  // never existed.
  v1::ReadOutputRequest request;
  request.set_process_id(running.process_id());
  request.mutable_from()->mutable_offsets()->set_stdout_offset(5);
  const ErrorDetails details = Details(Read(request).status);
  EXPECT_EQ(details.code, grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(details.reason, "OUTPUT_LOST");
}

TEST_F(KeptOutputE2e, ADamagedFileIsRefused) {
  const v1::Process process = Start(Talk());
  Wait(process.process_id());
  StartNext(SIGTERM);
  {
    std::fstream file(FileOf(process), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('!');
  }
  const ErrorDetails details = Details(Read(process).status);
  EXPECT_EQ(details.code, grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(details.reason, "OUTPUT_DAMAGED");
}

TEST_F(KeptOutputE2e, FilesOfUnknownProcessesAreRemoved) {
  const v1::Process process = Start(Talk());
  Wait(process.process_id());
  Disconnect();
  EXPECT_EQ(server_.End(SIGTERM), 0);
  const std::string stray = server_.state_dir() + "/output/ffffffffffffffffffffffffffffffff";
  std::ofstream(stray) << "of nobody";
  next_ = std::make_unique<ServerProcess>(
      std::vector<std::string>{"--state-dir=" + server_.state_dir()});
  AwaitFile(stray, /*there=*/false);
  EXPECT_TRUE(std::filesystem::exists(FileOf(process)));
}

class NoKeptOutputE2e : public KeptOutputE2e {
 protected:
  NoKeptOutputE2e() : KeptOutputE2e({"--max-output-on-disk=0"}) {}
};

TEST_F(NoKeptOutputE2e, SaysThatItIsGone) {
  const std::string session = OpenSession();
  const v1::Process process = Start(Talk(), session);
  Wait(process.process_id());
  CloseSession(session);
  EXPECT_EQ(Get(process.process_id()).output_place(), v1::OUTPUT_PLACE_GONE);
  const Transcript read = Read(process);
  ASSERT_TRUE(read.status.ok()) << read.status.error_message();
  EXPECT_EQ(read.out, "");
  ASSERT_EQ(read.gaps.size(), 2u);
  EXPECT_EQ(read.gaps[0].to(), 48894u);
  EXPECT_EQ(read.gaps[1].to(), 8u);
  EXPECT_EQ(read.exit_status.exit_code(), 3);
  EXPECT_EQ(read.order.back(), "drained");
  // A read of the tail reports the gaps, too.
  v1::ReadOutputRequest request;
  request.set_process_id(process.process_id());
  request.mutable_from()->set_tail_bytes(100);
  EXPECT_EQ(Read(request).gaps.size(), 2u);
  EXPECT_FALSE(std::filesystem::exists(server_.state_dir() + "/output"));
}

}  // namespace
}  // namespace proctor

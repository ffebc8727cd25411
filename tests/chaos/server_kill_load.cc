// A server that is killed again and again in the middle of its work, on one state directory:
// what was ever shown to anybody is there afterwards, unchanged, and what was under way has
// ended as nobody knows, once; and what is asked for again with its request_id is not run again.
// Run by tests/chaos/server_kill.

#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/chaos/repeated_starts.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWorkers = 5;
constexpr auto kPace = std::chrono::milliseconds(100);  // of a worker: 50 spawns/s in all
constexpr int kLongOnes = 8;                            // that run at the kill, of one server
constexpr int kLeastExits = 10;                         // told before a kill

long Setting(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atol(text) : otherwise;
}

// The same bytes for the same message.
std::string Bytes(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

v1::ProcessSpec Spec(const std::string& program, const std::string& argument = "") {
  v1::ProcessSpec spec;
  spec.add_argv(absl::StrCat(PROCTOR_TEST_PROGRAMS, "/", program));
  if (!argument.empty()) spec.add_argv(argument);
  return spec;
}

// What clients and the subscriber were shown, of all servers.
//
// Thread-safety: all methods from any thread.
class Shown {
 public:
  void AddStart(const v1::Process& process) {
    std::lock_guard lock(mutex_);
    starts_.insert(process.process_id());
  }
  void AddExit(const std::string& process_id, const v1::ExitStatus& status) {
    std::lock_guard lock(mutex_);
    exits_[process_id] = Bytes(status);
    ++recent_exits_;
    changed_.notify_all();
  }
  // The subscriber's next event.
  void AddEvent(const v1::Event& event) {
    std::lock_guard lock(mutex_);
    if (log_id_.empty()) log_id_ = event.log_id();
    EXPECT_EQ(event.log_id(), log_id_);
    EXPECT_EQ(event.sequence(), events_.size() + 1) << "a gap, or twice";
    events_.push_back(Bytes(event));
    changed_.notify_all();
  }

  std::string log_id() {
    std::lock_guard lock(mutex_);
    return log_id_;
  }
  uint64_t position() {
    std::lock_guard lock(mutex_);
    return events_.size();
  }
  // Blocks until the subscriber was shown as much, or it is too late for that.
  bool AwaitEvent(uint64_t sequence) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return events_.size() >= sequence; });
  }
  // Blocks until clients were told so many exits since the last call.
  bool AwaitExits(int count) {
    std::unique_lock lock(mutex_);
    recent_exits_ = 0;
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return recent_exits_ >= count; });
  }

  std::vector<std::string> events() {
    std::lock_guard lock(mutex_);
    return events_;
  }
  std::map<std::string, std::string> exits() {
    std::lock_guard lock(mutex_);
    return exits_;
  }
  std::set<std::string> starts() {
    std::lock_guard lock(mutex_);
    return starts_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string log_id_;
  std::vector<std::string> events_;           // by sequence, from 1 on
  std::map<std::string, std::string> exits_;  // by process
  std::set<std::string> starts_;
  int recent_exits_ = 0;
};

// A server from its start to its kill, with its clients.
class Life {
 public:
  Life(const std::string& state_dir, unsigned seed, Shown* shown, RepeatedStarts* repeated)
      : random_(seed),
        shown_(shown),
        repeated_(repeated),
        server_({absl::StrCat("--state-dir=", state_dir), "--cgroup=none",
                 "--max-ended-processes=1000000", "--max-events=1000000"}) {}

  v1::GetServerInfoResponse Info() {
    grpc::ClientContext context;
    v1::GetServerInfoResponse response;
    const grpc::Status status = info_->GetServerInfo(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  std::vector<v1::Event> ListEvents() {
    std::vector<v1::Event> events;
    v1::ListEventsRequest request;
    request.set_page_size(1000);
    do {
      grpc::ClientContext context;
      v1::ListEventsResponse response;
      const grpc::Status status = events_->ListEvents(&context, request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      events.insert(events.end(), response.events().begin(), response.events().end());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return events;
  }

  std::vector<v1::Process> ListProcesses() {
    std::vector<v1::Process> processes;
    v1::ListProcessesRequest request;
    request.set_page_size(1000);
    do {
      grpc::ClientContext context;
      v1::ListProcessesResponse response;
      const grpc::Status status = processes_->ListProcesses(&context, request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      processes.insert(processes.end(), response.processes().begin(), response.processes().end());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return processes;
  }

  // Goes on from the last event that the subscriber was shown.
  void Subscribe() {
    v1::WatchEventsRequest request;
    request.mutable_resume_after()->set_log_id(Info().last_event().log_id());
    if (shown_->position() > 0) request.mutable_resume_after()->set_log_id(shown_->log_id());
    request.mutable_resume_after()->set_sequence(shown_->position());
    subscriber_ = std::thread([this, request] {
      grpc::ClientContext context;
      auto stream = events_->WatchEvents(&context, request);
      v1::WatchEventsResponse response;
      while (stream->Read(&response)) {
        if (response.has_event()) shown_->AddEvent(response.event());
      }
      const grpc::Status status = stream->Finish();
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    });
  }

  // Asks for everything again of which the server before gave no answer.
  void Repeat() {
    for (const RepeatedStarts::Start& start : repeated_->TakeLost()) {
      if (random_() % 3 == 0) {
        CancelLost(start);
      } else {
        StartLost(start);
      }
    }
  }

  void Load() {
    for (int i = 0; i < kWorkers; ++i) {
      const auto seed = static_cast<unsigned>(random_());
      workers_.emplace_back([this, seed] { Work(seed); });
    }
  }

  void Kill() {
    EXPECT_EQ(server_.End(SIGKILL), -SIGKILL);
    stop_ = true;
    for (auto& worker : workers_) worker.join();
    subscriber_.join();
  }

 private:
  void Work(unsigned seed) {
    std::mt19937 random(seed);
    const std::string session_id = random() % 2 == 0 ? "" : OpenSession();
    for (auto next = Clock::now(); !stop_; next += kPace) {
      std::this_thread::sleep_until(next);  // the pace, and nothing that is waited for
      const unsigned choice = random() % 100;
      if (choice < 30) {
        StartOnce(session_id);
      } else if (choice < 60) {
        StartAndWait(session_id, Spec("exit_with", absl::StrCat(random() % 256)));
      } else if (choice < 80) {
        Run(session_id, Spec("exit_with", absl::StrCat(random() % 256)));
      } else if (choice < 85) {
        StartAndWait(session_id, Spec("kill_self", "9"));
      } else if (choice < 90) {
        Start(session_id, Spec("exit_with", "1"));  // nobody asks for its end
      } else {
        StartLong(session_id, random() % 3 == 0);
      }
    }
  }

  std::string OpenSession() {
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    (void)sessions_->CreateSession(&context, {}, &response);
    return response.session().session_id();
  }

  grpc::Status StartWith(const RepeatedStarts::Start& start) {
    grpc::ClientContext context;
    v1::StartProcessRequest request;
    request.set_session_id(start.session_id);
    request.set_request_id(start.request_id);
    *request.mutable_spec() = Spec("append_line", repeated_->file());
    request.mutable_spec()->add_argv(start.request_id);
    v1::StartProcessResponse response;
    const grpc::Status status = processes_->StartProcess(&context, request, &response);
    if (status.ok()) shown_->AddStart(response.process());
    return status;
  }

  void StartOnce(const std::string& session_id) {
    const RepeatedStarts::Start start = repeated_->Next(session_id);
    const grpc::Status status = StartWith(start);
    if (!status.ok()) repeated_->AddLost(start);
  }

  void StartLost(const RepeatedStarts::Start& start) {
    const grpc::Status status = StartWith(start);
    if (status.ok()) return repeated_->AddFound();
    // Its session ended with the server before, and it was not started in it.
    EXPECT_EQ(Details(status).reason, "SESSION_CLOSED") << status.error_message();
    repeated_->AddNever(start);
  }

  void CancelLost(const RepeatedStarts::Start& start) {
    grpc::ClientContext context;
    v1::CancelStartRequest request;
    request.set_session_id(start.session_id);
    request.set_request_id(start.request_id);
    v1::CancelStartResponse response;
    const grpc::Status status = processes_->CancelStart(&context, request, &response);
    if (status.ok() && response.has_process()) return repeated_->AddFound();
    if (!status.ok()) {
      EXPECT_EQ(Details(status).reason, "SESSION_CLOSED") << status.error_message();
    }
    repeated_->AddNever(start);
    EXPECT_FALSE(StartWith(start).ok());
  }

  // Empty where the server was killed meanwhile: then nobody was shown anything.
  std::string Start(const std::string& session_id, const v1::ProcessSpec& spec) {
    grpc::ClientContext context;
    v1::StartProcessRequest request;
    request.set_session_id(session_id);
    *request.mutable_spec() = spec;
    v1::StartProcessResponse response;
    if (!processes_->StartProcess(&context, request, &response).ok()) return "";
    shown_->AddStart(response.process());
    return response.process().process_id();
  }

  void StartAndWait(const std::string& session_id, const v1::ProcessSpec& spec) {
    const std::string id = Start(session_id, spec);
    if (id.empty()) return;
    grpc::ClientContext context;
    v1::WaitProcessRequest request;
    request.set_process_id(id);
    v1::WaitProcessResponse response;
    if (!processes_->WaitProcess(&context, request, &response).ok()) return;
    shown_->AddExit(id, response.process().exit_status());
  }

  void Run(const std::string& session_id, const v1::ProcessSpec& spec) {
    grpc::ClientContext context;
    auto stream = processes_->RunProcess(&context);
    v1::RunProcessRequest request;
    request.mutable_start()->set_session_id(session_id);
    *request.mutable_start()->mutable_spec() = spec;
    stream->Write(request);
    stream->WritesDone();
    v1::RunProcessResponse response;
    std::string id;
    while (stream->Read(&response)) {
      if (response.message().has_started()) {
        id = response.message().started().process().process_id();
        shown_->AddStart(response.message().started().process());
      }
      if (response.message().has_exited()) {
        shown_->AddExit(id, response.message().exited().exit_status());
      }
    }
    (void)stream->Finish();
  }

  // One that runs when the server is killed, or is stopped before that.
  void StartLong(const std::string& session_id, bool stop) {
    if (!stop && long_ones_++ >= kLongOnes) return;
    const std::string id = Start(session_id, Spec("wait_forever"));
    if (id.empty() || !stop) return;
    grpc::ClientContext context;
    v1::StopProcessRequest request;
    request.set_process_id(id);
    v1::StopProcessResponse response;
    if (!processes_->StopProcess(&context, request, &response).ok()) return;
    shown_->AddExit(id, response.process().exit_status());
  }

  std::mt19937 random_;
  Shown* const shown_;
  RepeatedStarts* const repeated_;
  ServerProcess server_;
  std::shared_ptr<grpc::Channel> channel_ = server_.NewChannel();
  std::unique_ptr<v1::ProcessService::Stub> processes_ = v1::ProcessService::NewStub(channel_);
  std::unique_ptr<v1::SessionService::Stub> sessions_ = v1::SessionService::NewStub(channel_);
  std::unique_ptr<v1::EventService::Stub> events_ = v1::EventService::NewStub(channel_);
  std::unique_ptr<v1::ServerService::Stub> info_ = v1::ServerService::NewStub(channel_);
  std::atomic<bool> stop_ = false;
  std::atomic<int> long_ones_ = 0;
  std::vector<std::thread> workers_;
  std::thread subscriber_;
};

// What a listing of all events says of each process.
struct Story {
  int started = 0;
  std::vector<std::string> exits;  // the statuses
  bool lost = false;
  int drained = 0;
  uint64_t last = 0;  // event
};

class ServerKill : public testing::Test {
 protected:
  ServerKill() {
    char name[] = "/tmp/proctor-kill-XXXXXX";
    state_dir_ = ::mkdtemp(name);
    repeated_ = std::make_unique<RepeatedStarts>(state_dir_ + "/ran");
    // The children of a killed server come to us, and nobody else's do.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  ~ServerKill() override { std::filesystem::remove_all(state_dir_); }

  // Ends what a killed server left behind, by pid.
  void EndLeftovers() {
    for (bool found = true; found;) {
      found = false;
      for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream children(task.path() / "children");
        for (pid_t pid; children >> pid;) {
          ::kill(pid, SIGKILL);
          if (::waitpid(pid, nullptr, 0) == pid) ++leftovers_;
          found = true;
        }
      }
    }
  }

  // A server that is killed before it is ready, in the middle of taking over.
  void KillEarly(unsigned microseconds) {
    const std::string socket = state_dir_ + "/early.sock";
    std::vector<std::string> arguments = {PROCTORD,
                                          "--listen=unix:" + socket,
                                          "--log-level=warning",
                                          "--cgroup=none",
                                          "--max-ended-processes=1000000",
                                          "--max-events=1000000",
                                          "--state-dir=" + state_dir_};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t pid = 0;
    ASSERT_EQ(::posix_spawn(&pid, PROCTORD, nullptr, nullptr, argv.data(), environ), 0);
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));  // anywhere
    ::kill(pid, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << WEXITSTATUS(status);
  }

  // That all which was shown is there, in a log that is dense, and that nothing is in between.
  void ExpectAllThere(Life& life) {
    const v1::GetServerInfoResponse info = life.Info();
    EXPECT_EQ(info.event_log().notice(), "");
    EXPECT_EQ(info.event_log().trouble(), "");
    EXPECT_EQ(info.last_event().log_id(), shown_.log_id());
    EXPECT_EQ(info.running_processes(), 0u);
    const std::vector<v1::Event> events = life.ListEvents();
    ASSERT_GE(events.size(), info.last_event().sequence());
    const std::vector<std::string> seen = shown_.events();
    ASSERT_GE(events.size(), seen.size()) << "events that were shown are gone";
    std::map<std::string, Story> stories;
    for (size_t i = 0; i < events.size(); ++i) {
      ASSERT_EQ(events[i].sequence(), i + 1);
      const std::string bytes = Bytes(events[i]);
      if (i < seen.size()) {
        EXPECT_EQ(bytes, seen[i]) << events[i].ShortDebugString();
      }
      if (i < listed_.size()) {
        EXPECT_EQ(bytes, listed_[i]) << events[i].ShortDebugString();
      } else {
        listed_.push_back(bytes);
      }
      Tell(events[i], stories);
    }
    ExpectStories(stories);
    ExpectSessions(events);
    ExpectProcesses(life, stories);
  }

  static void Tell(const v1::Event& event, std::map<std::string, Story>& stories) {
    if (event.process_id().empty()) return;
    Story& story = stories[event.process_id()];
    story.last = event.sequence();
    if (event.has_process_started()) ++story.started;
    if (event.has_output_drained()) ++story.drained;
    if (!event.has_process_exited()) return;
    const v1::ExitStatus& status = event.process_exited().exit_status();
    story.exits.push_back(Bytes(status));
    if (!status.has_unknown()) return;
    story.lost = true;
    if (status.unknown().reason() != "SERVER_LOST_AT_START") {
      EXPECT_EQ(status.unknown().reason(), "SERVER_LOST");
    }
    EXPECT_EQ(status.returncode(), 255);
  }

  // Nothing runs any more: each has started, ended and been drained, once.
  void ExpectStories(const std::map<std::string, Story>& stories) {
    lost_ = 0;
    for (const auto& [id, story] : stories) {
      EXPECT_EQ(story.started, 1) << id;
      EXPECT_EQ(story.exits.size(), 1u) << id;
      EXPECT_EQ(story.drained, 1) << id;
      if (story.lost) ++lost_;
    }
    spawns_ = stories.size();
    for (const std::string& id : shown_.starts()) {
      EXPECT_TRUE(stories.contains(id)) << "a start that was shown is gone: " << id;
    }
    for (const auto& [id, status] : shown_.exits()) {
      auto story = stories.find(id);
      ASSERT_NE(story, stories.end()) << "an exit that was shown is gone: " << id;
      ASSERT_EQ(story->second.exits.size(), 1u);
      v1::ExitStatus before;
      v1::ExitStatus now;
      ASSERT_TRUE(before.ParseFromString(status) && now.ParseFromString(story->second.exits[0]));
      // An answer that comes later than the exit has counted more of the output.
      before.clear_output();
      now.clear_output();
      EXPECT_EQ(Bytes(before), Bytes(now)) << before.ShortDebugString() << "\n"
                                           << now.ShortDebugString();
    }
  }

  // Each closed once, after all that happened in it.
  static void ExpectSessions(const std::vector<v1::Event>& events) {
    std::map<std::string, uint64_t> opened;
    std::map<std::string, uint64_t> closed;
    std::map<std::string, uint64_t> last;
    for (const v1::Event& event : events) {
      if (event.session_id().empty()) continue;
      if (event.has_session_opened()) ++opened[event.session_id()];
      if (event.has_session_closed()) {
        ++closed[event.session_id()];
        EXPECT_EQ(event.session_closed().reason(), "SERVER_LOST");
      }
      last[event.session_id()] = event.sequence();
    }
    for (const auto& [id, sequence] : last) {
      EXPECT_EQ(opened[id], 1u) << id;
      EXPECT_EQ(closed[id], 1u) << id;
      EXPECT_TRUE(events[sequence - 1].has_session_closed()) << id;
    }
  }

  // The processes themselves say the same as their events, and never anything else later.
  void ExpectProcesses(Life& life, const std::map<std::string, Story>& stories) {
    const std::vector<v1::Process> processes = life.ListProcesses();
    EXPECT_EQ(processes.size(), stories.size());
    for (const v1::Process& process : processes) {
      EXPECT_EQ(process.state(), v1::PROCESS_STATE_DRAINED) << process.ShortDebugString();
      auto story = stories.find(process.process_id());
      ASSERT_NE(story, stories.end());
      v1::ExitStatus told;
      ASSERT_TRUE(told.ParseFromString(story->second.exits.front()));
      told.clear_output();
      v1::ExitStatus status = process.exit_status();
      status.clear_output();
      EXPECT_EQ(Bytes(status), Bytes(told)) << process.ShortDebugString();
      const auto [known, fresh] = kept_.emplace(process.process_id(), Bytes(process));
      if (!fresh) {
        EXPECT_EQ(Bytes(process), known->second) << process.ShortDebugString();
      }
    }
  }

  std::string state_dir_;
  Shown shown_;
  std::unique_ptr<RepeatedStarts> repeated_;
  std::vector<std::string> listed_;          // events, of the listing before
  std::map<std::string, std::string> kept_;  // processes, of the listing before
  size_t leftovers_ = 0;
  size_t lost_ = 0;
  size_t spawns_ = 0;
};

TEST_F(ServerKill, WhatWasShownIsThereAndWhatWasUnderWayIsLostOnce) {
  const long kills = Setting("PROCTOR_CHAOS_KILLS", 5);
  const auto seed = static_cast<unsigned>(
      Setting("PROCTOR_TEST_SEED", static_cast<long>(std::random_device()())));
  std::printf("PROCTOR_TEST_SEED=%u\n", seed);
  std::mt19937 random(seed);
  const auto begin = Clock::now();
  int early = 0;
  for (long kill = 0; kill <= kills && !HasFailure(); ++kill) {
    Life life(state_dir_, seed + static_cast<unsigned>(kill), &shown_, repeated_.get());
    if (kill > 0) ExpectAllThere(life);
    life.Subscribe();
    if (!HasFailure()) {
      EXPECT_TRUE(shown_.AwaitEvent(life.Info().last_event().sequence()))
          << "the subscriber did not come as far as the log";
    }
    if (!HasFailure()) life.Repeat();
    if (kill < kills && !HasFailure()) {
      life.Load();
      EXPECT_TRUE(shown_.AwaitExits(kLeastExits)) << "no exits are told";
      // Anywhere in the work.
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1000));
    }
    life.Kill();
    EndLeftovers();
    if (kill % 3 == 1) {
      for (unsigned i = 0; i <= random() % 3; ++i, ++early) KillEarly(random() % 80000);
    }
    if (kill % 10 == 9) std::printf("%ld of %ld\n", kill + 1, kills);
  }
  const std::chrono::duration<double> took = Clock::now() - begin;
  std::printf(
      "%ld kills and %d before the server was ready, in %.1f s; %zu spawns, %zu exits told to "
      "clients, %zu events told to the subscriber; %zu processes lost with a server; %zu children "
      "left behind and ended\n",
      kills, early, took.count(), spawns_, shown_.exits().size(), shown_.events().size(), lost_,
      leftovers_);
  repeated_->ExpectOnce();
  EXPECT_GT(lost_, 0u) << "nothing ran at a kill: nothing was tried";
  EXPECT_GT(shown_.exits().size(), 0u);
}

}  // namespace
}  // namespace proctor

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

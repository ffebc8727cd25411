// Many short processes in a namespace of few pids, and signals that come late. None may reach a
// stranger, and the server reports each exit once. tests/chaos/pid_reuse makes the namespace and
// runs this.

#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/chaos/exit_records.h"
#include "tests/chaos/strangers.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

constexpr int kWorkers = 8;
constexpr size_t kRemembered = 64;    // processes of a worker, for late signals
constexpr int kMostAttempts = 10000;  // of a start, while there is no pid for it
constexpr int kSignals[] = {SIGTERM, SIGKILL, SIGHUP, SIGUSR1, SIGCONT};

Strangers* strangers = nullptr;  // made by main, before any thread

long Setting(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atol(text) : otherwise;
}

class PidReuse : public E2eTest {
 protected:
  PidReuse()
      : E2eTest({"--max-ended-processes=5000",
                 absl::StrCat("--cgroup=", Setting("PROCTOR_CHAOS_CGROUP", 0) ? "auto" : "none")}) {
  }

  void OpenSessions() {
    for (const char* watcher : {"pidfd", "threaded", "multiloop", "safe", "fast", "uring"}) {
      grpc::ClientContext context;
      v1::CreateSessionRequest request;
      request.set_watcher(watcher);
      request.set_policy(open_.size() % 2 == 0 ? "default" : "proactor");
      v1::CreateSessionResponse response;
      const grpc::Status status = sessions_->CreateSession(&context, request, &response);
      if (status.ok()) open_.push_back(response.session().session_id());
      if (!status.ok())
        std::printf("without watcher %s: %s\n", watcher, status.error_message().c_str());
    }
    ASSERT_FALSE(open_.empty());
  }

  // Reads exits until each process has one.
  void ReadEvents(grpc::ClientReader<v1::WatchEventsResponse>& events, long processes) {
    v1::WatchEventsResponse response;
    while (records_.exits() < processes && events.Read(&response)) {
      if (!response.has_event()) continue;
      records_.AddExit(response.event().process_id(),
                       response.event().process_exited().exit_status());
    }
  }

  grpc::Status Signal(const Record& record, int signal, v1::SignalScope scope) {
    grpc::ClientContext context;
    v1::SignalProcessRequest request;
    request.set_process_id(record.id);
    request.set_signal(absl::StrCat(signal));
    request.set_scope(scope);
    v1::SignalProcessResponse response;
    return processes_->SignalProcess(&context, request, &response);
  }

  v1::ExitStatus Stop(const Record& record) {
    grpc::ClientContext context;
    v1::StopProcessRequest request;
    request.set_process_id(record.id);
    v1::StopProcessResponse response;
    const grpc::Status status = processes_->StopProcess(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.process().exit_status();
  }

  // TREE is rare: it walks over all processes, which costs more than the rest.
  static v1::SignalScope AnyScope(std::mt19937& random) {
    if (random() % 50 == 0) return v1::SIGNAL_SCOPE_TREE;
    return random() % 2 == 0 ? v1::SIGNAL_SCOPE_LEADER : v1::SIGNAL_SCOPE_GROUP;
  }

  // Sends a signal to a process that may have ended.
  void SendAround(Record& record, std::mt19937& random) {
    ++around_;
    if (random() % 10 == 0) {
      record.sent |= 1ULL << SIGTERM;
      Stop(record);
      return;
    }
    const int signal = kSignals[random() % std::size(kSignals)];
    const grpc::Status status = Signal(record, signal, AnyScope(random));
    if (status.ok()) {
      record.sent |= 1ULL << signal;
    } else {
      EXPECT_EQ(Details(status).reason, "PROCESS_EXITED");
    }
  }

  // Sends a signal to a process that has ended. Its pid is free, or belongs to another process.
  void SendLate(Record& record, std::mt19937& random) {
    const bool aimed = strangers->Has(record.pid);
    if (aimed && provoke_) ::kill(record.pid, SIGUSR1);
    ++late_;
    if (record.has_daemon) {  // a signal must reach it, and nothing else
      record.has_daemon = false;
      const grpc::Status status = Signal(record, SIGKILL, v1::SIGNAL_SCOPE_TREE);
      EXPECT_TRUE(status.ok()) << status.error_message();
      EXPECT_TRUE(Wait(record.id, v1::WAIT_UNTIL_TREE_EMPTY).tree_empty());
      ++daemons_;
    } else if (random() % 20 == 0) {
      EXPECT_GT(Stop(record).started_at().seconds(), 0);
    } else {
      const int signal = kSignals[random() % std::size(kSignals)];
      EXPECT_EQ(Details(Signal(record, signal, AnyScope(random))).reason, "PROCESS_EXITED");
    }
    if (aimed && strangers->Has(record.pid)) ++aimed_;
  }

  // Returns a process that has ended, or null. Prefers one with a pid that a stranger has now, but
  // keeps no daemon for long.
  Record* ChooseLate(std::deque<Record*>& recent) {
    Record* ended = nullptr;
    Record* oldest = recent.front();
    if (recent.size() > kRemembered && oldest->has_daemon && records_.Ended(*oldest)) return oldest;
    for (Record* record : recent) {
      if (!records_.Ended(*record)) continue;
      if (strangers->Has(record->pid)) return record;
      if (ended == nullptr || record->has_daemon) ended = record;
    }
    return ended;
  }

  // Starts a process, as soon as there is a pid for it.
  v1::Process StartWhenThereIsRoom(const v1::ProcessSpec& spec, const std::string& session_id) {
    v1::StartProcessRequest request;
    request.set_session_id(session_id);
    *request.mutable_spec() = spec;
    for (int attempt = 0;; ++attempt) {
      grpc::ClientContext context;
      v1::StartProcessResponse response;
      const grpc::Status status = processes_->StartProcess(&context, request, &response);
      if (status.ok()) return response.process();
      if (Details(status).metadata["errno_name"] == "EAGAIN" && attempt < kMostAttempts) {
        ++full_;
        continue;
      }
      ADD_FAILURE() << status.error_message();
      return {};
    }
  }

  void Work(unsigned seed, long first, long processes) {
    std::mt19937 random(seed);
    std::deque<Record*> recent;
    for (long number = first; number < processes && !HasFailure(); number += kWorkers) {
      const bool has_daemon = number % 50 == 0;
      const int code = has_daemon ? 0 : static_cast<int>(number % 256);
      const v1::ProcessSpec spec =
          has_daemon ? Spec("daemonize") : Spec("exit_with", {absl::StrCat(code)});
      const auto turn = static_cast<size_t>(number / kWorkers);
      Record* record = records_.AddStarted(StartWhenThereIsRoom(spec, open_[turn % open_.size()]),
                                           code, has_daemon);
      if (!has_daemon && random() % 3 == 0) SendAround(*record, random);
      recent.push_back(record);
      if (Record* late = ChooseLate(recent)) SendLate(*late, random);
      if (recent.size() > kRemembered && !recent.front()->has_daemon) recent.pop_front();
      if (number % 10000 == 9999) std::printf("%ld of %ld\n", number + 1, processes);
    }
    for (Record* record : recent) {
      if (!record->has_daemon) continue;
      Wait(record->id);  // then its daemon is there
      SendLate(*record, random);
    }
  }

  const bool provoke_ = Setting("PROCTOR_CHAOS_PROVOKE", 0) != 0;
  std::vector<std::string> open_;
  ExitRecords records_{strangers};
  std::atomic<long> around_ = 0;
  std::atomic<long> late_ = 0;
  std::atomic<long> aimed_ = 0;
  std::atomic<long> daemons_ = 0;
  std::atomic<long> full_ = 0;
};

TEST_F(PidReuse, NoStrangerIsHitAndEachExitIsToldOnce) {
  const long processes = Setting("PROCTOR_CHAOS_SPAWNS", 2000);
  const auto seed = static_cast<unsigned>(
      Setting("PROCTOR_TEST_SEED", static_cast<long>(std::random_device()())));
  std::printf("PROCTOR_TEST_SEED=%u\n", seed);
  OpenSessions();

  grpc::ClientContext watching;
  v1::WatchEventsRequest watch;
  watch.mutable_filter()->add_types(v1::EVENT_TYPE_PROCESS_EXITED);
  auto events = events_->WatchEvents(&watching, watch);
  v1::WatchEventsResponse bookmark;
  ASSERT_TRUE(events->Read(&bookmark));
  const auto begin = std::chrono::steady_clock::now();
  std::thread reader([&] { ReadEvents(*events, processes); });
  std::vector<std::thread> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back(
        [this, seed, i, processes] { Work(seed + static_cast<unsigned>(i), i, processes); });
  }
  for (auto& worker : workers) worker.join();
  if (HasFailure()) watching.TryCancel();
  reader.join();
  watching.TryCancel();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;

  std::printf(
      "%ld spawns in %.1f s; signals: %ld around the exit, %ld after it, of these %ld while the "
      "pid was a stranger's; %ld daemons killed after their leader's end; "
      "%ld starts found no pid and were repeated\n"
      "%llu strangers, %llu with a pid that a process had given up, %llu hit\n",
      processes, took.count(), around_.load(), late_.load(), aimed_.load(), daemons_.load(),
      full_.load(), static_cast<unsigned long long>(strangers->count()),
      static_cast<unsigned long long>(strangers->reused()),
      static_cast<unsigned long long>(strangers->hits()));
  EXPECT_EQ(strangers->hits(), 0u) << strangers->first_hit();
  EXPECT_GT(strangers->reused(), 0u) << "no pid was reused: nothing was tried";
  EXPECT_GT(aimed_, 0) << "no late signal had a stranger's pid: nothing was tried";
  if (!HasFailure()) records_.ExpectAllRight(processes);
}

}  // namespace
}  // namespace proctor

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  proctor::Strangers strangers;
  proctor::strangers = &strangers;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

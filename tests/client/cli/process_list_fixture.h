#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::testing {

// A fake server with a list of processes, which it filters and changes as a real one does.
//
// Thread-safe where it says so.

class ProcessListFixture : public CommandFixture {
 protected:
  ProcessListFixture() {
    server_.behaviour().get = [this](const v1::GetProcessRequest& request,
                                     v1::GetProcessResponse* response) {
      absl::MutexLock lock(&mutex_);
      for (const v1::Process& process : processes_) {
        if (process.process_id() != request.process_id()) continue;
        *response->mutable_process() = process;
        return grpc::Status::OK;
      }
      return Unknown(request.process_id());
    };
    server_.behaviour().list = [this](const v1::ListProcessesRequest& request,
                                      v1::ListProcessesResponse* response) {
      absl::MutexLock lock(&mutex_);
      for (const v1::Process& process : processes_) {
        if (Matches(request, process)) *response->add_processes() = process;
      }
      return grpc::Status::OK;
    };
    server_.behaviour().remove = [this](const v1::RemoveProcessRequest& request, auto*) {
      absl::MutexLock lock(&mutex_);
      const auto found = std::find_if(processes_.begin(), processes_.end(), [&](const auto& one) {
        return one.process_id() == request.process_id();
      });
      if (found == processes_.end()) return Unknown(request.process_id());
      processes_.erase(found);
      return grpc::Status::OK;
    };
  }

  // Adds one; thread-safe, as the rest.
  void Add(const std::string& id, const std::string& app = "") {
    v1::Process process = MakeProcess(id);
    if (!app.empty()) (*process.mutable_spec()->mutable_labels())["app"] = app;
    absl::MutexLock lock(&mutex_);
    processes_.push_back(process);
  }

  // Ends one; `at` is in seconds of Unix.
  void End(const std::string& id, const v1::ExitStatus& status, int64_t at = 0) {
    absl::MutexLock lock(&mutex_);
    for (v1::Process& process : processes_) {
      if (process.process_id() != id) continue;
      process.set_state(v1::PROCESS_STATE_DRAINED);
      *process.mutable_exit_status() = status;
      process.mutable_exit_status()->mutable_exited_at()->set_seconds(at);
    }
  }

  // Changes one by hand.
  template <typename Change>
  void Edit(const std::string& id, Change change) {
    absl::MutexLock lock(&mutex_);
    for (v1::Process& process : processes_) {
      if (process.process_id() == id) change(&process);
    }
  }

  std::vector<std::string> Ids() {
    absl::MutexLock lock(&mutex_);
    std::vector<std::string> ids;
    for (const v1::Process& process : processes_) ids.push_back(process.process_id());
    return ids;
  }

  static grpc::Status Unknown(const std::string& id) {
    return Refusal(grpc::StatusCode::NOT_FOUND, absl::StrCat("no process '", id, "'"),
                   "PROCESS_NOT_FOUND");
  }

 private:
  static bool Matches(const v1::ListProcessesRequest& request, const v1::Process& process) {
    for (const auto& [key, value] : request.labels()) {
      const auto found = process.spec().labels().find(key);
      if (found == process.spec().labels().end() || found->second != value) return false;
    }
    if (request.include_survivors() && process.survivors() > 0) return true;
    const auto& states = request.states();
    return states.empty() ||
           std::find(states.begin(), states.end(), process.state()) != states.end();
  }

  absl::Mutex mutex_;
  std::vector<v1::Process> processes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::testing

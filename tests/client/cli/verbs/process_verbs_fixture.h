#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::testing {

// Three processes on a server that finds them by their whole ids, lists one a page, and notes the
// signals that it is asked to send.
//
// Not thread-safe.

class ProcessVerbsFixture : public CommandFixture {
 protected:
  ProcessVerbsFixture() {
    // Whole ids only, as the real one.
    server_.behaviour().get = [this](const v1::GetProcessRequest& request,
                                     v1::GetProcessResponse* response) {
      for (const v1::Process& process : processes_) {
        if (process.process_id() != request.process_id()) continue;
        *response->mutable_process() = process;
        return grpc::Status::OK;
      }
      return Refusal(grpc::StatusCode::NOT_FOUND,
                     absl::StrCat("no process '", request.process_id(), "'"), "PROCESS_NOT_FOUND");
    };
    // One a page.
    server_.behaviour().list = [this](const v1::ListProcessesRequest& request,
                                      v1::ListProcessesResponse* response) {
      const size_t index = request.page_token().empty() ? 0 : std::stoul(request.page_token());
      if (index >= processes_.size()) return grpc::Status::OK;
      *response->add_processes() = processes_[index];
      if (index + 1 < processes_.size()) response->set_next_page_token(std::to_string(index + 1));
      last_list_ = request;
      return grpc::Status::OK;
    };
    server_.behaviour().signal = [this](const v1::SignalProcessRequest& request, auto*) {
      absl::MutexLock lock(&mutex_);
      signals_.push_back(request);
      return grpc::Status::OK;
    };
  }

  std::vector<v1::Process> processes_ = {MakeProcess("aaaa1111aaaa1111"),
                                         MakeProcess("aaaa2222aaaa2222"),
                                         MakeProcess("bbbb3333bbbb3333")};
  v1::ListProcessesRequest last_list_;
  absl::Mutex mutex_;
  std::vector<v1::SignalProcessRequest> signals_;
};

}  // namespace proctor::testing

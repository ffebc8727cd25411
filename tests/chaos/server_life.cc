#include "tests/chaos/server_life.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/e2e/harness/error_details.h"

namespace proctor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWorkers = 5;
constexpr auto kPace = std::chrono::milliseconds(100);  // of a worker: 50 starts/s in all
constexpr int kLongOnes = 8;                            // of one server, that run at its kill

}  // namespace

std::vector<std::string> ServerLife::Flags() {
  return {"--max-ended-processes=1000000", "--max-events=1000000"};
}

ServerLife::ServerLife(const std::string& state_dir, unsigned seed, Shown* shown,
                       RepeatedStarts* repeated)
    : random_(seed), shown_(shown), repeated_(repeated), server_(state_dir, Flags()) {}

void ServerLife::Subscribe() {
  v1::WatchEventsRequest request;
  request.mutable_resume_after()->set_log_id(server_.Info().last_event().log_id());
  if (shown_->position() > 0) request.mutable_resume_after()->set_log_id(shown_->log_id());
  request.mutable_resume_after()->set_sequence(shown_->position());
  subscriber_ = std::thread([this, request] {
    grpc::ClientContext context;
    auto stream = server_.events->WatchEvents(&context, request);
    v1::WatchEventsResponse response;
    while (stream->Read(&response)) {
      if (response.has_event()) shown_->AddEvent(response.event());
    }
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  });
}

void ServerLife::Repeat() {
  for (const RepeatedStarts::Start& start : repeated_->TakeLost()) {
    if (random_() % 3 == 0) {
      CancelLost(start);
    } else {
      StartLost(start);
    }
  }
}

void ServerLife::Load() {
  for (int i = 0; i < kWorkers; ++i) {
    const auto seed = static_cast<unsigned>(random_());
    workers_.emplace_back([this, seed] { Work(seed); });
  }
}

void ServerLife::Kill() {
  EXPECT_EQ(server_.process.End(SIGKILL), -SIGKILL);
  stop_ = true;
  for (auto& worker : workers_) worker.join();
  subscriber_.join();
}

void ServerLife::Work(unsigned seed) {
  std::mt19937 random(seed);
  const std::string session_id = random() % 2 == 0 ? "" : OpenSession();
  for (auto next = Clock::now(); !stop_; next += kPace) {
    std::this_thread::sleep_until(next);  // for the pace: nothing is awaited
    const unsigned choice = random() % 100;
    if (choice < 30) {
      StartOnce(session_id);
    } else if (choice < 60) {
      StartAndWait(session_id, TestProgram("exit_with", absl::StrCat(random() % 256)));
    } else if (choice < 80) {
      Run(session_id, TestProgram("exit_with", absl::StrCat(random() % 256)));
    } else if (choice < 85) {
      StartAndWait(session_id, TestProgram("kill_self", "9"));
    } else if (choice < 90) {
      Start(session_id, TestProgram("exit_with", "1"));  // no client asks for its end
    } else {
      StartLong(session_id, random() % 3 == 0);
    }
  }
}

std::string ServerLife::OpenSession() {
  grpc::ClientContext context;
  v1::CreateSessionResponse response;
  (void)server_.sessions->CreateSession(&context, {}, &response);
  return response.session().session_id();
}

grpc::Status ServerLife::StartWith(const RepeatedStarts::Start& start) {
  grpc::ClientContext context;
  v1::StartProcessRequest request;
  request.set_session_id(start.session_id);
  request.set_request_id(start.request_id);
  *request.mutable_spec() = TestProgram("append_line", repeated_->file());
  request.mutable_spec()->add_argv(start.request_id);
  v1::StartProcessResponse response;
  const grpc::Status status = server_.processes->StartProcess(&context, request, &response);
  if (status.ok()) shown_->AddStart(response.process());
  return status;
}

void ServerLife::StartOnce(const std::string& session_id) {
  const RepeatedStarts::Start start = repeated_->Next(session_id);
  const grpc::Status status = StartWith(start);
  if (!status.ok()) repeated_->AddLost(start);
}

void ServerLife::StartLost(const RepeatedStarts::Start& start) {
  const grpc::Status status = StartWith(start);
  if (status.ok()) return repeated_->AddFound();
  // Its session ended with the server before, which did not start it.
  EXPECT_EQ(Details(status).reason, "SESSION_CLOSED") << status.error_message();
  repeated_->AddNever(start);
}

void ServerLife::CancelLost(const RepeatedStarts::Start& start) {
  grpc::ClientContext context;
  v1::CancelStartRequest request;
  request.set_session_id(start.session_id);
  request.set_request_id(start.request_id);
  v1::CancelStartResponse response;
  const grpc::Status status = server_.processes->CancelStart(&context, request, &response);
  if (status.ok() && response.has_process()) return repeated_->AddFound();
  if (!status.ok()) {
    EXPECT_EQ(Details(status).reason, "SESSION_CLOSED") << status.error_message();
  }
  repeated_->AddNever(start);
  EXPECT_FALSE(StartWith(start).ok());
}

std::string ServerLife::Start(const std::string& session_id, const v1::ProcessSpec& spec) {
  grpc::ClientContext context;
  v1::StartProcessRequest request;
  request.set_session_id(session_id);
  *request.mutable_spec() = spec;
  v1::StartProcessResponse response;
  if (!server_.processes->StartProcess(&context, request, &response).ok()) return "";
  shown_->AddStart(response.process());
  return response.process().process_id();
}

void ServerLife::StartAndWait(const std::string& session_id, const v1::ProcessSpec& spec) {
  const std::string id = Start(session_id, spec);
  if (id.empty()) return;
  grpc::ClientContext context;
  v1::WaitProcessRequest request;
  request.set_process_id(id);
  v1::WaitProcessResponse response;
  if (!server_.processes->WaitProcess(&context, request, &response).ok()) return;
  shown_->AddExit(id, response.process().exit_status());
}

void ServerLife::Run(const std::string& session_id, const v1::ProcessSpec& spec) {
  grpc::ClientContext context;
  auto stream = server_.processes->RunProcess(&context);
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

void ServerLife::StartLong(const std::string& session_id, bool stop) {
  if (!stop && long_ones_++ >= kLongOnes) return;
  const std::string id = Start(session_id, TestProgram("wait_forever"));
  if (id.empty() || !stop) return;
  grpc::ClientContext context;
  v1::StopProcessRequest request;
  request.set_process_id(id);
  v1::StopProcessResponse response;
  if (!server_.processes->StopProcess(&context, request, &response).ok()) return;
  shown_->AddExit(id, response.process().exit_status());
}

}  // namespace proctor

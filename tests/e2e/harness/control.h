#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {

// A server, and short forms of the calls that control sessions and processes.
class ControlE2e : public E2eTest {
 protected:
  using E2eTest::E2eTest;

  template <typename Stub, typename Request, typename Response>
  static grpc::Status Call(Stub& stub,
                           grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                        Response*),
                           const Request& request, Response* response) {
    grpc::ClientContext context;
    return (stub.*method)(&context, request, response);
  }

  grpc::Status Create(const v1::CreateSessionRequest& request, v1::Session* session) {
    v1::CreateSessionResponse response;
    grpc::Status status = Call(*sessions_, &Sessions::CreateSession, request, &response);
    *session = response.session();
    return status;
  }

  static v1::CreateSessionRequest LeaseOf(absl::Duration lease, v1::LeaseExpiry on_expiry) {
    v1::CreateSessionRequest request;
    request.mutable_lease()->set_seconds(absl::IDivDuration(lease, absl::Seconds(1), &lease));
    request.mutable_lease()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(lease)));
    request.set_on_lease_expiry(on_expiry);
    return request;
  }

  grpc::Status Renew(const std::string& session_id, v1::Session* session) {
    v1::RenewSessionRequest request;
    request.set_session_id(session_id);
    v1::RenewSessionResponse response;
    grpc::Status status = Call(*sessions_, &Sessions::RenewSession, request, &response);
    *session = response.session();
    return status;
  }

  v1::Session Get(const std::string& session_id) {
    v1::GetSessionRequest request;
    request.set_session_id(session_id);
    v1::GetSessionResponse response;
    EXPECT_TRUE(Call(*sessions_, &Sessions::GetSession, request, &response).ok());
    return response.session();
  }

  v1::Session CloseSession(const std::string& session_id) {
    v1::CloseSessionRequest request;
    request.set_session_id(session_id);
    v1::CloseSessionResponse response;
    EXPECT_TRUE(Call(*sessions_, &Sessions::CloseSession, request, &response).ok());
    return response.session();
  }

  grpc::Status TryStart(const v1::ProcessSpec& spec, const std::string& session_id,
                        const std::string& request_id, v1::Process* process) {
    v1::StartProcessRequest request;
    request.set_session_id(session_id);
    request.set_request_id(request_id);
    *request.mutable_spec() = spec;
    v1::StartProcessResponse response;
    grpc::Status status = Call(*processes_, &Processes::StartProcess, request, &response);
    *process = response.process();
    return status;
  }

  grpc::Status CancelStart(const std::string& session_id, const std::string& request_id,
                           v1::CancelStartResponse* response) {
    v1::CancelStartRequest request;
    request.set_session_id(session_id);
    request.set_request_id(request_id);
    return Call(*processes_, &Processes::CancelStart, request, response);
  }

  grpc::Status Signal(const std::string& process_id, const std::string& signal,
                      v1::SignalScope scope, v1::SignalProcessResponse* response) {
    v1::SignalProcessRequest request;
    request.set_process_id(process_id);
    request.set_signal(signal);
    request.set_scope(scope);
    return Call(*processes_, &Processes::SignalProcess, request, response);
  }

  grpc::Status Remove(const std::string& process_id) {
    v1::RemoveProcessRequest request;
    request.set_process_id(process_id);
    v1::RemoveProcessResponse response;
    return Call(*processes_, &Processes::RemoveProcess, request, &response);
  }

  v1::Process GetProcess(const std::string& process_id) {
    v1::GetProcessRequest request;
    request.set_process_id(process_id);
    v1::GetProcessResponse response;
    EXPECT_TRUE(Call(*processes_, &Processes::GetProcess, request, &response).ok());
    return response.process();
  }

  // Waits, and returns how that failed, or OK.
  grpc::Status TryWait(const std::string& process_id, v1::WaitUntil until, absl::Duration timeout,
                       v1::Process* process) {
    v1::WaitProcessRequest request;
    request.set_process_id(process_id);
    request.set_until(until);
    request.mutable_timeout()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(timeout)));
    v1::WaitProcessResponse response;
    grpc::Status status = Call(*processes_, &Processes::WaitProcess, request, &response);
    *process = response.process();
    return status;
  }

  // Reads events, from the first on, until `wanted` accepts one. Returns that event.
  v1::Event AwaitEvent(const std::function<bool(const v1::Event&)>& wanted) {
    v1::GetServerInfoResponse info;
    EXPECT_TRUE(
        Call(*info_, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest(), &info)
            .ok());
    v1::WatchEventsRequest request;
    request.mutable_resume_after()->set_log_id(info.last_event().log_id());
    grpc::ClientContext context;
    auto stream = events_->WatchEvents(&context, request);
    v1::WatchEventsResponse response;
    while (stream->Read(&response)) {
      if (!response.has_event() || !wanted(response.event())) continue;
      context.TryCancel();
      return response.event();
    }
    ADD_FAILURE() << "the stream of events ended: " << stream->Finish().error_message();
    return {};
  }

  std::string AwaitSessionClosed(const std::string& session_id) {
    return AwaitEvent([&](const v1::Event& event) {
             return event.session_id() == session_id && event.has_session_closed();
           })
        .session_closed()
        .reason();
  }

  // Blocks until a process has written a line. Returns the line.
  std::string FirstLineOf(const std::string& process_id) {
    v1::ReadOutputRequest request;
    request.set_process_id(process_id);
    request.set_follow(true);
    grpc::ClientContext context;
    auto stream = processes_->ReadOutput(&context, request);
    std::string text;
    v1::ReadOutputResponse response;
    while (text.find('\n') == std::string::npos && stream->Read(&response)) {
      text += response.message().output().data();
    }
    context.TryCancel();
    return text.substr(0, text.find('\n'));
  }

  // Returns the pid of the daemon that the program `daemonize` leaves behind.
  pid_t DaemonOf(const std::string& process_id) {
    int pid = 0;
    EXPECT_TRUE(absl::SimpleAtoi(FirstLineOf(process_id), &pid));
    return pid;
  }

  using Processes = v1::ProcessService::Stub;
  using Sessions = v1::SessionService::Stub;
};

// Returns whether a process exists and is no zombie.
bool Runs(pid_t pid);

// Blocks until a process has ended.
void AwaitEnd(pid_t pid);

}  // namespace proctor

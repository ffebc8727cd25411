#include "tests/chaos/state_server.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace proctor {
namespace {

std::vector<std::string> WithStateDir(const std::string& state_dir,
                                      const std::vector<std::string>& flags) {
  std::vector<std::string> all = {absl::StrCat("--state-dir=", state_dir), "--cgroup=none"};
  all.insert(all.end(), flags.begin(), flags.end());
  return all;
}

// What all pages of a list hold. `list` is the method of the stub, `items` what one page holds.
template <typename Stub, typename Request, typename Response, typename Item>
std::vector<Item> ListAll(
    Stub& stub, grpc::Status (Stub::*list)(grpc::ClientContext*, const Request&, Response*),
    const google::protobuf::RepeatedPtrField<Item>& (Response::*items)() const) {
  std::vector<Item> all;
  Request request;
  request.set_page_size(1000);
  do {
    grpc::ClientContext context;
    Response response;
    const grpc::Status status = (stub.*list)(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    all.insert(all.end(), (response.*items)().begin(), (response.*items)().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

}  // namespace

v1::ProcessSpec TestProgram(const std::string& program, const std::string& argument) {
  v1::ProcessSpec spec;
  spec.add_argv(absl::StrCat(PROCTOR_TEST_PROGRAMS, "/", program));
  if (!argument.empty()) spec.add_argv(argument);
  return spec;
}

StateServer::StateServer(const std::string& state_dir, const std::vector<std::string>& flags)
    : process(WithStateDir(state_dir, flags)) {}

v1::GetServerInfoResponse StateServer::Info() {
  grpc::ClientContext context;
  v1::GetServerInfoResponse response;
  const grpc::Status status = info->GetServerInfo(&context, {}, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

grpc::Status StateServer::Start(const v1::ProcessSpec& spec, v1::Process* process) {
  grpc::ClientContext context;
  v1::StartProcessRequest request;
  *request.mutable_spec() = spec;
  v1::StartProcessResponse response;
  const grpc::Status status = processes->StartProcess(&context, request, &response);
  *process = response.process();
  return status;
}

v1::Process StateServer::Wait(const std::string& id) {
  grpc::ClientContext context;
  v1::WaitProcessRequest request;
  request.set_process_id(id);
  request.set_until(v1::WAIT_UNTIL_DRAINED);
  v1::WaitProcessResponse response;
  const grpc::Status status = processes->WaitProcess(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.process();
}

v1::Process StateServer::Run(const v1::ProcessSpec& spec) {
  v1::Process process;
  const grpc::Status status = Start(spec, &process);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return status.ok() ? Wait(process.process_id()) : process;
}

v1::Process StateServer::Stop(const std::string& id) {
  grpc::ClientContext context;
  v1::StopProcessRequest request;
  request.set_process_id(id);
  v1::StopProcessResponse response;
  const grpc::Status status = processes->StopProcess(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return Wait(id);
}

v1::Process StateServer::Get(const std::string& id) {
  grpc::ClientContext context;
  v1::GetProcessRequest request;
  request.set_process_id(id);
  v1::GetProcessResponse response;
  const grpc::Status status = processes->GetProcess(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.process();
}

std::vector<v1::Event> StateServer::ListEvents() {
  const auto all =
      ListAll(*events, &v1::EventService::Stub::ListEvents, &v1::ListEventsResponse::events);
  for (size_t i = 1; i < all.size(); ++i) {
    EXPECT_EQ(all[i].sequence(), all[i - 1].sequence() + 1);
  }
  return all;
}

std::vector<v1::Process> StateServer::ListProcesses() {
  return ListAll(*processes, &v1::ProcessService::Stub::ListProcesses,
                 &v1::ListProcessesResponse::processes);
}

grpc::Status StateServer::Resume(const v1::EventPosition& position) {
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

int StateServer::End(int signal) {
  processes.reset();
  sessions.reset();
  events.reset();
  info.reset();
  channel.reset();
  return process.End(signal);
}

int CountExits(const std::vector<v1::Event>& events, const std::string& process_id) {
  int exits = 0;
  for (const v1::Event& event : events) {
    if (event.process_id() == process_id && event.has_process_exited()) ++exits;
  }
  return exits;
}

}  // namespace proctor

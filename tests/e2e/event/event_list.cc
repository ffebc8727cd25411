#include "tests/e2e/event/event_list.h"

#include "tests/e2e/event/event_validators.h"

namespace proctor {

grpc::Status EventListE2e::List(v1::EventService::Stub& events,
                                const v1::ListEventsRequest& request,
                                v1::ListEventsResponse* response) {
  grpc::ClientContext context;
  response->Clear();
  return events.ListEvents(&context, request, response);
}

v1::ListEventsResponse EventListE2e::List(const v1::ListEventsRequest& request) {
  v1::ListEventsResponse response;
  const grpc::Status status = List(*events_, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

ErrorDetails EventListE2e::Error(const v1::ListEventsRequest& request) {
  v1::ListEventsResponse response;
  return Details(List(*events_, request, &response));
}

std::vector<v1::Event> EventListE2e::ListAll(v1::ListEventsRequest request, int* pages) {
  std::vector<v1::Event> events;
  do {
    const v1::ListEventsResponse response = List(request);
    EXPECT_LE(response.events_size(), request.page_size());
    events.insert(events.end(), response.events().begin(), response.events().end());
    request.set_page_token(response.next_page_token());
    if (pages != nullptr) ++*pages;
  } while (!request.page_token().empty() && !HasFailure());
  return events;
}

v1::GetServerInfoResponse EventListE2e::Info() {
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  EXPECT_TRUE(info_->GetServerInfo(&context, {}, &info).ok());
  return info;
}

v1::EventPosition EventListE2e::LastPosition() { return Info().last_event(); }

v1::ListEventsRequest EventListE2e::PagesOf(int size) {
  v1::ListEventsRequest request;
  request.set_page_size(size);
  return request;
}

std::vector<std::string> EventListE2e::BytesOfAll(const std::vector<v1::Event>& events) {
  std::vector<std::string> bytes;
  for (const v1::Event& event : events) bytes.push_back(BytesOf(event));
  return bytes;
}

void EventListE2e::MakeVariety() {
  v1::CreateSessionRequest create;
  (*create.mutable_labels())["team"] = "a";
  create.mutable_lease()->set_seconds(3600);
  create.set_watcher("threaded");
  create.mutable_quota()->set_max_running_processes(5);
  grpc::ClientContext create_context;
  v1::CreateSessionResponse created;
  ASSERT_TRUE(sessions_->CreateSession(&create_context, create, &created).ok());
  const std::string session = created.session().session_id();

  v1::ProcessSpec spec = Spec("exit_with", {"3"});
  (*spec.mutable_labels())["b"] = "2";
  (*spec.mutable_labels())["a"] = "1";
  const v1::Process ended = Start(spec, session);
  Wait(ended.process_id());
  const v1::Process running = Start(Spec("wait_forever"), session);
  Update(running.process_id());
  Update(ended.process_id());
  Wait(Start(Spec("kill_self", {"15"}), session).process_id());
  Wait(Start(Spec("spew", {"5000", "10"})).process_id());
  grpc::ClientContext signal_context;
  v1::SignalProcessRequest signal;
  signal.set_process_id(running.process_id());
  signal.set_signal("KILL");
  signal.set_scope(v1::SIGNAL_SCOPE_GROUP);
  v1::SignalProcessResponse signalled;
  ASSERT_TRUE(processes_->SignalProcess(&signal_context, signal, &signalled).ok());
  Wait(running.process_id());
  grpc::ClientContext remove_context;
  v1::RemoveProcessRequest remove;
  remove.set_process_id(ended.process_id());
  v1::RemoveProcessResponse removed;
  ASSERT_TRUE(processes_->RemoveProcess(&remove_context, remove, &removed).ok());
  grpc::ClientContext close_context;
  v1::CloseSessionRequest close;
  close.set_session_id(session);
  v1::CloseSessionResponse closed;
  ASSERT_TRUE(sessions_->CloseSession(&close_context, close, &closed).ok());
}

void EventListE2e::Update(const std::string& process_id) {
  grpc::ClientContext context;
  v1::UpdateProcessRequest request;
  request.set_process_id(process_id);
  (*request.mutable_labels())["c"] = "3";
  request.mutable_output()->set_retain_bytes(8192);
  v1::UpdateProcessResponse response;
  ASSERT_TRUE(processes_->UpdateProcess(&context, request, &response).ok());
}

}  // namespace proctor

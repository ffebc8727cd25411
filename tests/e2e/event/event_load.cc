#include "tests/e2e/event/event_load.h"

#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proctor/v1/session_service.grpc.pb.h"

namespace proctor {
namespace {

constexpr int kClients = 4;
constexpr int kOutstanding = 16;  // of each client
// A process without a handler ignores both.
constexpr char kSignal[] = "SIGCONT";
constexpr char kLastSignal[] = "SIGURG";

// Calls of SignalProcess from one client. A limited number is under way.
class Signals {
 public:
  explicit Signals(v1::ProcessService::Stub& stub) : stub_(stub) {}
  ~Signals() {
    while (under_way_ > 0) AwaitOne();
  }

  void Begin(const std::string& process_id, const char* signal) {
    if (under_way_ == kOutstanding) AwaitOne();
    auto call = std::make_unique<Call>();
    v1::SignalProcessRequest request;
    request.set_process_id(process_id);
    request.set_signal(signal);
    call->reader = stub_.AsyncSignalProcess(&call->context, request, &queue_);
    Call* const raw = call.release();
    raw->reader->Finish(&raw->response, &raw->status, raw);
    ++under_way_;
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::SignalProcessResponse response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::SignalProcessResponse>> reader;
  };

  void AwaitOne() {
    void* tag;
    bool ok;
    if (!queue_.Next(&tag, &ok)) return;
    const std::unique_ptr<Call> call(static_cast<Call*>(tag));
    --under_way_;
    EXPECT_TRUE(call->status.ok()) << call->status.error_message();
  }

  v1::ProcessService::Stub& stub_;
  grpc::CompletionQueue queue_;
  int under_way_ = 0;
};

}  // namespace

EventLoad::EventLoad(const ServerProcess& server, int processes) {
  for (int i = 0; i < kClients; ++i) {
    clients_.push_back(v1::ProcessService::NewStub(server.NewChannel()));
  }
  auto sessions = v1::SessionService::NewStub(server.NewChannel());
  for (int i = 0; i < 2; ++i) {
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    EXPECT_TRUE(sessions->CreateSession(&context, {}, &response).ok());
    session_ids_.push_back(response.session().session_id());
  }
  for (int i = 0; i < processes; ++i) {
    grpc::ClientContext context;
    v1::StartProcessRequest request;
    request.set_session_id(session_ids_[i % 2]);
    request.mutable_spec()->add_argv(absl::StrCat(PROCTOR_TEST_PROGRAMS, "/wait_forever"));
    (*request.mutable_spec()->mutable_labels())["number"] = absl::StrCat(i);
    (*request.mutable_spec()->mutable_labels())["parity"] = i % 2 == 0 ? "even" : "odd";
    v1::StartProcessResponse response;
    const grpc::Status status = clients_[0]->StartProcess(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    process_ids_.push_back(response.process().process_id());
  }
}

void EventLoad::AppendFrom(v1::ProcessService::Stub& stub, int count, size_t among,
                           double per_second) {
  Signals signals(stub);
  const absl::Time began = absl::Now();
  for (int i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    if (per_second > 0) absl::SleepFor(began + absl::Seconds(i / per_second) - absl::Now());
    signals.Begin(process_ids_[turn_++ % among], kSignal);
  }
}

void EventLoad::Append(int count, size_t among, double per_second) {
  turn_ = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    const int share = count / kClients + (i < count % kClients ? 1 : 0);
    threads.emplace_back([this, i, share, among, per_second] {
      AppendFrom(*clients_[i], share, among, per_second / kClients);
    });
  }
  for (auto& thread : threads) thread.join();
}

void EventLoad::AppendLast() {
  for (const std::string& process_id : process_ids_) {
    Signals(*clients_[0]).Begin(process_id, kLastSignal);
  }
}

bool EventLoad::IsLast(const v1::Event& event) {
  return event.process_signalled().signal() == kLastSignal;
}

}  // namespace proctor

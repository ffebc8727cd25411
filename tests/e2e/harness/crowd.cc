#include <map>

#include "absl/strings/str_cat.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

// Calls of StartProcess from one client. The caller limits how many are under way.
class Starts {
 public:
  explicit Starts(v1::ProcessService::Stub* processes) : processes_(processes) {}
  ~Starts() {
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  void Begin(const v1::ProcessSpec& spec, const std::string& session_id, int code) {
    auto call = std::make_unique<Call>();
    call->code = code;
    v1::StartProcessRequest request;
    request.set_session_id(session_id);
    *request.mutable_spec() = spec;
    call->reader = processes_->AsyncStartProcess(&call->context, request, &queue_);
    call->reader->Finish(&call->response, &call->status, call.get());
    calls_.emplace(call.get(), std::move(call));
  }

  // Waits for one call. Adds its process to `codes`, with the code that it will exit with.
  void AwaitOne(std::map<std::string, int>& codes) {
    void* tag;
    bool ok;
    ASSERT_TRUE(queue_.Next(&tag, &ok));
    auto call = std::move(calls_.extract(tag).mapped());
    ASSERT_TRUE(call->status.ok()) << call->status.error_message();
    EXPECT_TRUE(codes.emplace(call->response.process().process_id(), call->code).second);
  }

  int under_way() const { return static_cast<int>(calls_.size()); }

 private:
  struct Call {
    int code;
    grpc::ClientContext context;
    v1::StartProcessResponse response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::StartProcessResponse>> reader;
  };

  v1::ProcessService::Stub* const processes_;
  grpc::CompletionQueue queue_;
  std::map<void*, std::unique_ptr<Call>> calls_;
};

}  // namespace

void E2eTest::ExpectEachExitOnce(const std::vector<std::string>& session_ids, int each,
                                 int outstanding) {
  // The first start of a session makes what all others share.
  std::vector<std::string> first;
  for (const std::string& id : session_ids) {
    first.push_back(Start(Spec("exit_with"), id).process_id());
    AwaitReaped(first.back());
  }
  const std::vector<std::string> descriptors = server_.Descriptors();

  v1::WatchEventsResponse response;
  {
    grpc::ClientContext asking;
    auto bookmarks = events_->WatchEvents(&asking, v1::WatchEventsRequest());
    ASSERT_TRUE(bookmarks->Read(&response));
    ASSERT_TRUE(response.has_bookmark());
    asking.TryCancel();
    (void)bookmarks->Finish();  // CANCELLED
  }
  const v1::EventPosition before = response.bookmark().position();

  std::map<std::string, int> codes;
  {
    Starts starts(processes_.get());
    for (int i = 0; i < each; ++i) {
      for (const std::string& id : session_ids) {
        if (starts.under_way() == outstanding) starts.AwaitOne(codes);
        starts.Begin(Spec("exit_with", {absl::StrCat(i % 256)}), id, i % 256);
      }
    }
    while (starts.under_way() > 0) starts.AwaitOne(codes);
  }
  ASSERT_EQ(codes.size(), each * session_ids.size());

  // Resumes from `before`. The server would cut off a stream that is not read meanwhile.
  grpc::ClientContext watching;
  v1::WatchEventsRequest watch;
  *watch.mutable_resume_after() = before;
  watch.mutable_filter()->add_types(v1::EVENT_TYPE_PROCESS_EXITED);
  watch.mutable_filter()->add_types(v1::EVENT_TYPE_OUTPUT_DRAINED);
  auto events = events_->WatchEvents(&watching, watch);
  size_t undrained = codes.size();
  uint64_t last = 0;
  while (undrained > 0 && events->Read(&response)) {
    if (!response.has_event()) continue;
    EXPECT_GT(response.event().sequence(), last);
    last = response.event().sequence();
    if (response.event().type() == v1::EVENT_TYPE_OUTPUT_DRAINED) {
      --undrained;
      continue;
    }
    auto found = codes.find(response.event().process_id());
    ASSERT_NE(found, codes.end()) << "an exit was told twice, or invented";
    EXPECT_EQ(response.event().process_exited().exit_status().exit_code(), found->second);
    EXPECT_EQ(response.event().process_exited().exit_status().source(), v1::STATUS_SOURCE_WAITED);
    codes.erase(found);
  }
  EXPECT_TRUE(codes.empty()) << codes.size() << " exits were not told";
  EXPECT_EQ(undrained, 0u);
  watching.TryCancel();
  // Each session's thread has to reap its children first.
  for (const std::string& process : first) AwaitReaped(process);
#if !defined(__SANITIZE_ADDRESS__)  // which now and then looks at memory through a pipe
  EXPECT_THAT(server_.Descriptors(), testing::SizeIs(descriptors.size()))
      << "before: " << testing::PrintToString(descriptors);
#endif
  EXPECT_EQ(server_.CountChildren(), 0u);
}

}  // namespace proctor

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "server/call/late_call.h"
#include "server/process/process_calls.h"

namespace proctor::server {
namespace {

// Writes to the stdin of a process, and waits until the pipe has taken it.
class WriteStdinCall : public LateCall {
 public:
  using LateCall::LateCall;

  void Begin(SessionRegistry* sessions, const v1::WriteStdinRequest* request,
             v1::WriteStdinResponse* response) {
    auto located = sessions->FindProcess(request->process_id());
    if (!located.ok()) return Answer(located.status());
    if (located->session != nullptr) {
      auto session = located->session;
      const absl::Status entered = Enter(
          session, [this, session, id = located->info->id, request, response](bool cancelled) {
            if (cancelled) return Answer(grpc::Status::CANCELLED);
            auto process = session->FindProcess(id);
            if (!process.ok()) return Answer(process.status());
            Write(*process, *request, response);
          });
      if (entered.ok()) return;
    }
    Answer(MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStdinClosed,
                     "write stdin: the process has ended"));
  }

 private:
  void Write(std::shared_ptr<Process> process, const v1::WriteStdinRequest& request,
             v1::WriteStdinResponse* response) {
    process_ = std::move(process);
    StdinPipe& pipe = process_->stdin_pipe();
    if (auto claimed = pipe.Claim(this, request.force()); !claimed.ok()) return Answer(claimed);
    std::optional<uint64_t> offset;
    if (request.has_offset()) offset = request.offset();
    // The bytes go on into the pipe when the caller goes away: they were sent. `alive` shows
    // whether the call still exists.
    pipe.Write(this, request.data(), offset, request.eof(),
               [this, alive = std::weak_ptr<bool>(alive_), response](const absl::Status& status) {
                 if (alive.expired() || answered()) return;
                 response->set_stdin_bytes(process_->stdin_pipe().taken());
                 Answer(status);
               });
  }

  std::string DebugString() const override {
    return absl::StrCat(label().DebugString(), ": process ",
                        process_ == nullptr ? "" : process_->id());
  }

  void OnAnswered() override {
    if (process_ != nullptr) process_->stdin_pipe().Release(this);
  }

  std::shared_ptr<Process> process_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

grpc::ServerUnaryReactor* NewWriteStdinCall(SessionRegistry* sessions,
                                            grpc::CallbackServerContext* context,
                                            const v1::WriteStdinRequest* request,
                                            v1::WriteStdinResponse* response) {
  auto* call = new WriteStdinCall(CallLabel("WriteStdin", *context));
  call->Begin(sessions, request, response);
  return call;
}

}  // namespace proctor::server

#include <memory>
#include <string>
#include <utility>

#include "core/base/return_if_error.h"
#include "proctor/error.h"
#include "server/call/request_id.h"
#include "server/call/rpc_caller.h"
#include "server/call/unary.h"
#include "server/process/process_calls.h"
#include "server/stream/stream_call.h"
#include "server/wire/command.h"
#include "server/wire/field.h"
#include "server/wire/process.h"
#include "server/wire/time.h"

namespace proctor::server {
namespace {

class RunCall : public BidiStreamCall<v1::RunProcessRequest, v1::RunProcessResponse> {
 public:
  RunCall(SessionRegistry* sessions, grpc::CallbackServerContext* context)
      : BidiStreamCall(CallLabel("RunProcess", *context)), sessions_(sessions) {}

 private:
  void BeginWith(v1::RunProcessRequest& request) override {
    if (!request.has_start()) {
      return Refuse(InvalidField("request", "the first request of RunProcess must be `start`"));
    }
    const v1::RunStart& start = request.start();
    if (!start.has_spec()) return Refuse(InvalidField("start.spec", "is required"));
    auto on_disconnect = wire::DisconnectFromProto(start.on_disconnect(), start.spec().has_pty(),
                                                   "start.on_disconnect");
    if (!on_disconnect.ok()) return Refuse(on_disconnect.status());
    if (auto status = CheckRequestId(start.request_id(), "start.request_id"); !status.ok()) {
      return Refuse(status);
    }
    auto command = wire::CommandFromProto(start.spec(), OverflowPolicy::kBlockChild);
    if (!command.ok()) return Refuse(command.status());
    auto past = sessions_->FindStarted(start.session_id(), start.request_id(), *command);
    if (!past.ok()) return Refuse(past.status());
    if (*past != nullptr) {
      v1::OutputPosition from;
      from.mutable_offsets();
      return past_.Begin(sessions_, *past, std::move(from), {});
    }
    auto session = sessions_->Find(start.session_id());
    if (!session.ok()) return Refuse(session.status());
    ProcessFeed::Options options;
    options.output.attached = true;
    options.on_disconnect = *on_disconnect;
    options.end_of_input_is_eof = true;
    options.force_stdin = start.force_stdin();
    options.caller = label_.caller;
    auto begin = [this, session = *session, command = *std::move(command),
                  request_id = start.request_id(), options](bool cancelled) mutable {
      if (cancelled) return stream_.OnCancelled();  // nothing was started
      auto process = session->StartProcess(std::move(command), request_id);
      if (!process.ok()) return stream_.Fail(wire::InSpec(process.status()));
      // A retry with the same request_id finds a process that has written already.
      const OutputCursor cursor = (*process)->output().FromStart();
      stream_.Begin(session->loop(), *process, cursor, std::move(options));
    };
    if (auto status = Enter(*session, std::move(begin)); !status.ok()) Refuse(status);
  }

  SessionRegistry* const sessions_;
};

class AttachCall : public BidiStreamCall<v1::AttachProcessRequest, v1::AttachProcessResponse> {
 public:
  AttachCall(SessionRegistry* sessions, grpc::CallbackServerContext* context)
      : BidiStreamCall(CallLabel("AttachProcess", *context)), sessions_(sessions) {}

 private:
  void BeginWith(v1::AttachProcessRequest& request) override {
    if (!request.has_attach()) {
      return Refuse(InvalidField("request", "the first request of AttachProcess must be `attach`"));
    }
    auto located = sessions_->FindProcess(request.attach().process_id());
    if (!located.ok()) return Refuse(located.status());
    if (located->session == nullptr) {
      return past_.Begin(sessions_, located->info, request.attach().from(), {});
    }
    auto begin = [this, session = located->session, id = located->info->id,
                  attach = request.attach()](bool cancelled) {
      if (cancelled) return stream_.OnCancelled();
      auto process = session->FindProcess(id);
      if (!process.ok()) return stream_.Fail(process.status());
      auto cursor = OutputPump::Locate((*process)->output(), attach.from(), {true, true});
      if (!cursor.ok()) return stream_.Fail(cursor.status());
      ProcessFeed::Options options;
      options.output.attached = true;
      options.force_stdin = attach.force_stdin();
      options.caller = label_.caller;
      stream_.Begin(session->loop(), *process, *cursor, std::move(options));
    };
    if (auto status = Enter(located->session, std::move(begin)); !status.ok()) {
      past_.Begin(sessions_, located->info, request.attach().from(), {});
    }
  }

  SessionRegistry* const sessions_;
};

class ReadOutputCall
    : public StreamCall<grpc::ServerWriteReactor<v1::ReadOutputResponse>, v1::ReadOutputResponse> {
 public:
  explicit ReadOutputCall(grpc::CallbackServerContext* context)
      : StreamCall(CallLabel("ReadOutput", *context)) {}

  void Begin(SessionRegistry* sessions, const v1::ReadOutputRequest& request) {
    auto located = sessions->FindProcess(request.process_id());
    if (!located.ok()) return Refuse(located.status());
    ProcessFeed::Options options;
    options.output.follow = request.follow();
    if (auto status = ReadWishes(request, options.output); !status.ok()) return Refuse(status);
    if (located->session == nullptr) {
      return past_.Begin(sessions, located->info, request.from(), options.output);
    }
    auto begin = [this, session = located->session, id = located->info->id, from = request.from(),
                  options](bool cancelled) mutable {
      if (cancelled) return stream_.OnCancelled();
      auto process = session->FindProcess(id);
      if (!process.ok()) return stream_.Fail(process.status());
      auto cursor = OutputPump::Locate((*process)->output(), from, options.output.streams);
      if (!cursor.ok()) return stream_.Fail(cursor.status());
      stream_.Begin(session->loop(), *process, *cursor, std::move(options));
    };
    if (auto status = Enter(located->session, std::move(begin)); !status.ok()) {
      past_.Begin(sessions, located->info, request.from(), options.output);
    }
  }

  void OnWriteDone(bool ok) noexcept override {
    if (past_.begun()) return writing_last_ ? Finish(grpc::Status::OK) : past_.OnWritten(ok);
    strand_.Post([this, ok] {
      if (writing_last_) return Finish(grpc::Status::OK);
      stream_.OnWritten(ok);
    });
  }

 private:
  // The message first, then the status. gRPC's transport within a process (1.51) loses a message
  // that goes together with the status, and the call never ends; the HTTP side reads over it.
  void StartWritingLast() override {
    writing_last_ = true;
    StartWriting();
  }

  static absl::Status ReadWishes(const v1::ReadOutputRequest& request,
                                 OutputPump::Options& options) {
    if (request.has_until()) {
      ASSIGN_OR_RETURN(auto until, wire::FromProto(request.until(), "until"));
      options.until = until;
    }
    if (request.streams().empty()) return absl::OkStatus();
    options.streams = {};
    for (const int stream : request.streams()) {
      if (stream != v1::STREAM_STDOUT && stream != v1::STREAM_STDERR) {
        return InvalidField("streams", "a stream is STDOUT or STDERR");
      }
      options.streams[stream == v1::STREAM_STDERR] = true;
    }
    return absl::OkStatus();
  }

  bool writing_last_ = false;
};

}  // namespace

grpc::ServerBidiReactor<v1::RunProcessRequest, v1::RunProcessResponse>* NewRunCall(
    SessionRegistry* sessions, grpc::CallbackServerContext* context) {
  return new RunCall(sessions, context);
}

grpc::ServerBidiReactor<v1::AttachProcessRequest, v1::AttachProcessResponse>* NewAttachCall(
    SessionRegistry* sessions, grpc::CallbackServerContext* context) {
  return new AttachCall(sessions, context);
}

grpc::ServerWriteReactor<v1::ReadOutputResponse>* NewReadOutputCall(
    SessionRegistry* sessions, grpc::CallbackServerContext* context,
    const v1::ReadOutputRequest* request) {
  auto* call = new ReadOutputCall(context);
  call->Begin(sessions, *request);
  return call;
}

}  // namespace proctor::server

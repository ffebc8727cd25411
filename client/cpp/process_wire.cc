#include "client/cpp/process_wire.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <utility>

#include "proctor/client/stubs.h"

namespace proctor::client {
namespace {

// RunProcess and AttachProcess.
template <typename Request, typename Response>
class BidirectionalWire final : public ProcessWire {
 public:
  using Open = std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> (
      v1::ProcessService::Stub::*)(grpc::ClientContext*);

  BidirectionalWire(std::shared_ptr<const Stubs> stubs, Open open, Request first,
                    bool half_close_is_eof)
      : stubs_(std::move(stubs)),
        open_(open),
        half_close_is_eof_(half_close_is_eof),
        request_(std::move(first)) {}

  bool Start() override {
    stream_ = (stubs_->processes.get()->*open_)(&context_);
    return stream_->Write(request_);
  }

  bool Write(v1::StreamInput* input) override {
    request_.mutable_input()->Swap(input);
    return stream_->Write(request_);
  }

  bool HalfClose() override { return stream_->WritesDone(); }

  bool half_close_is_eof() const override { return half_close_is_eof_; }

  const v1::StreamMessage* Read() override {
    return stream_->Read(&response_) ? &response_.message() : nullptr;
  }

  absl::Status Finish() override { return StatusFromGrpc(stream_->Finish()); }

  void Cancel() override { context_.TryCancel(); }

 private:
  const std::shared_ptr<const Stubs> stubs_;
  const Open open_;
  const bool half_close_is_eof_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream_;
  // The writer's and the reader's, used over and over to spare allocations.
  Request request_;
  Response response_;
};

// ReadOutput.
class ReadWire final : public ProcessWire {
 public:
  ReadWire(std::shared_ptr<const Stubs> stubs, const v1::ReadOutputRequest& request)
      : stubs_(std::move(stubs)), request_(request) {}

  bool Start() override {
    stream_ = stubs_->processes->ReadOutput(&context_, request_);
    return true;
  }
  bool Write(v1::StreamInput*) override { return false; }
  bool HalfClose() override { return false; }
  bool half_close_is_eof() const override { return false; }
  const v1::StreamMessage* Read() override {
    return stream_->Read(&response_) ? &response_.message() : nullptr;
  }
  absl::Status Finish() override { return StatusFromGrpc(stream_->Finish()); }
  void Cancel() override { context_.TryCancel(); }

 private:
  const std::shared_ptr<const Stubs> stubs_;
  const v1::ReadOutputRequest request_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::ReadOutputResponse>> stream_;
  v1::ReadOutputResponse response_;
};

}  // namespace

std::unique_ptr<ProcessWire> MakeRunWire(std::shared_ptr<const Stubs> stubs,
                                         const v1::RunStart& start) {
  v1::RunProcessRequest first;
  *first.mutable_start() = start;
  return std::make_unique<BidirectionalWire<v1::RunProcessRequest, v1::RunProcessResponse>>(
      std::move(stubs), &v1::ProcessService::Stub::RunProcess, std::move(first),
      /*half_close_is_eof=*/true);
}

std::unique_ptr<ProcessWire> MakeAttachWire(std::shared_ptr<const Stubs> stubs,
                                            const v1::AttachStart& start) {
  v1::AttachProcessRequest first;
  *first.mutable_attach() = start;
  return std::make_unique<BidirectionalWire<v1::AttachProcessRequest, v1::AttachProcessResponse>>(
      std::move(stubs), &v1::ProcessService::Stub::AttachProcess, std::move(first),
      /*half_close_is_eof=*/false);
}

std::unique_ptr<ProcessWire> MakeReadWire(std::shared_ptr<const Stubs> stubs,
                                          const v1::ReadOutputRequest& request) {
  return std::make_unique<ReadWire>(std::move(stubs), request);
}

}  // namespace proctor::client

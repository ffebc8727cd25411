#pragma once

#include <chrono>
#include <memory>

#include "proctor/client/error.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::client {

struct Stubs;

// The deadline of a call beside a stream that is made now: it must not wait for ever for a lost
// server.
inline std::chrono::system_clock::time_point DeadlineBeside() {
  return std::chrono::system_clock::now() + std::chrono::seconds(10);
}

// The gRPC stream beneath a ProcessStream: RunProcess, AttachProcess or ReadOutput, which differ in
// their requests and carry the same messages back.
//
// One thread may read while one other writes; any thread may call Cancel. Internal to the library.
//
// Order of calls: Start; then Read until it returns null, beside any Write and at most one
// HalfClose; then Finish once no thread writes any more.
class ProcessWire {
 public:
  virtual ~ProcessWire() = default;

  // Sends the first request. Blocks until the connection is there. False: see Finish.
  virtual bool Start() = 0;
  // Sends a request, taking the content of `*input`. Blocks while the server does not read. False:
  // the stream has ended or will.
  virtual bool Write(v1::StreamInput* input) = 0;
  // Ends the requests.
  virtual bool HalfClose() = 0;
  // Whether ending the requests is end-of-file on stdin.
  virtual bool half_close_is_eof() const = 0;
  // The next message, valid until the next Read; blocks. Null at the end of the stream.
  virtual const v1::StreamMessage* Read() = 0;
  // How the stream ended.
  virtual absl::Status Finish() = 0;
  virtual void Cancel() = 0;
};

std::unique_ptr<ProcessWire> MakeRunWire(std::shared_ptr<const Stubs> stubs,
                                         const v1::RunStart& start);
std::unique_ptr<ProcessWire> MakeAttachWire(std::shared_ptr<const Stubs> stubs,
                                            const v1::AttachStart& start);
// Takes no input: Write and HalfClose return false.
std::unique_ptr<ProcessWire> MakeReadWire(std::shared_ptr<const Stubs> stubs,
                                          const v1::ReadOutputRequest& request);

}  // namespace proctor::client

#include "server/admin/dump_call.h"

#include <grpcpp/alarm.h>

#include <chrono>
#include <memory>
#include <utility>

namespace proctor::server {
namespace {

// As long as a person waits gladly. A part that takes longer is worth a look by itself.
constexpr std::chrono::seconds kPatience{1};

constexpr size_t kMostBytes = 1 << 20;

// One DumpState. Its timer is gRPC's: each of our own threads may be the one that does not get on.
//
// Thread-safety: gRPC calls the reactions. The dump ends on any thread, once.
// Lifetime: deletes itself when the RPC is over, which is after the end of the dump.
class DumpCall final : public grpc::ServerUnaryReactor {
 public:
  DumpCall(std::vector<StatePart> parts, size_t in_front, v1::DumpStateResponse* response)
      : dump_(std::make_shared<StateDump>(
            std::move(parts), in_front, kMostBytes,
            [this, response](StateDump::Result result) { Answer(std::move(result), response); })) {
    alarm_.Set(std::chrono::system_clock::now() + kPatience,
               [dump = dump_](bool) { dump->GiveUp(); });
    dump_->Begin();
  }

  void OnCancel() noexcept override { dump_->GiveUp(); }
  void OnDone() noexcept override { delete this; }

 private:
  void Answer(StateDump::Result result, v1::DumpStateResponse* response) {
    for (StateDump::Section& section : result.sections) {
      v1::StateSection* const told = response->add_sections();
      told->set_name(std::move(section.name));
      told->set_text(std::move(section.text));
      told->set_silent(section.silent);
    }
    response->set_omitted_sections(result.omitted);
    Finish(grpc::Status::OK);
  }

  const std::shared_ptr<StateDump> dump_;
  grpc::Alarm alarm_;
};

}  // namespace

grpc::ServerUnaryReactor* NewDumpCall(std::vector<StatePart> parts, size_t in_front,
                                      v1::DumpStateResponse* response) {
  return new DumpCall(std::move(parts), in_front, response);
}

}  // namespace proctor::server

// event_subscriber TARGET REQUEST: a subscriber as a process of its own. A test can kill or stop
// it. REQUEST is a WatchEventsRequest as text. The program writes each WatchEventsResponse to
// stdout before it reads the next one: first the length, in four bytes in the order of this
// machine. It exits with the code of the stream's status.
#include <google/protobuf/text_format.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "proctor/v1/event_service.grpc.pb.h"

namespace {

constexpr int kUsage = 64;
constexpr int kNoReader = 65;

bool WriteAll(const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t size = ::write(STDOUT_FILENO, bytes.data() + done, bytes.size() - done);
    if (size < 0) return false;
    done += static_cast<size_t>(size);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  namespace v1 = proctor::v1;
  v1::WatchEventsRequest request;
  if (argc != 3 || !google::protobuf::TextFormat::ParseFromString(argv[2], &request)) {
    return kUsage;
  }
  auto events =
      v1::EventService::NewStub(grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  auto stream = events->WatchEvents(&context, request);
  v1::WatchEventsResponse response;
  while (stream->Read(&response)) {
    const auto size = static_cast<uint32_t>(response.ByteSizeLong());
    std::string frame(reinterpret_cast<const char*>(&size), sizeof size);
    response.AppendToString(&frame);
    if (!WriteAll(frame)) return kNoReader;
  }
  return stream->Finish().error_code();
}

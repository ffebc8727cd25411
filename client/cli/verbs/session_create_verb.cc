// session create: a session of one's own.
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "client/cli/command/invocation.h"
#include "client/cli/command/verb.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/output/exit_code.h"
#include "client/cli/output/json.h"

namespace proctor::cli {
namespace {

constexpr int64_t kMostProcesses = 1'000'000;
constexpr absl::Duration kLeastLease = absl::Seconds(1);

}  // namespace

int SessionCreateVerb(Invocation& invocation) {
  bool json = false;
  v1::CreateSessionRequest request;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Text(0, "policy", "NAME", "the event loop policy", request.mutable_policy());
  flags.Text(0, "watcher", "NAME", "the child watcher, or 'auto'", request.mutable_watcher());
  flags.Value('l', "label", "K=V", "a label; repeatable", AcceptLabel(request.mutable_labels()));
  flags.Value(0, "lease", "DURATION", "it expires so long after its last renewal; 1s or more",
              AcceptDuration([&] { return request.mutable_lease(); }));
  flags.Value(0, "on-expiry", "kill|keep", "then its processes are ended (the default) or go on",
              AcceptWord({{"kill", v1::LEASE_EXPIRY_KILL}, {"keep", v1::LEASE_EXPIRY_KEEP}},
                         [&](int expiry) {
                           request.set_on_lease_expiry(static_cast<v1::LeaseExpiry>(expiry));
                         }));
  flags.Value(0, "max-processes", "N", "the most that run in it at one time",
              AcceptWithin(1, kMostProcesses, [&](int64_t count) {
                request.mutable_quota()->set_max_running_processes(static_cast<uint64_t>(count));
              }));
  flags.Value(0, "max-output", "SIZE", "the most output that is kept of all its processes",
              AcceptPositiveSize(
                  [&](uint64_t size) { request.mutable_quota()->set_max_output_bytes(size); }));
  flags.Value(0, "request-id", "ID", "makes a repetition harmless: it opens one session",
              AcceptText([&](const std::string& id) { request.set_request_id(id); }));
  flags.Switch(0, "json", "the session as one JSON object", &json);
  if (auto code = invocation.Parse(&flags, {.most = 0})) return *code;
  if (request.on_lease_expiry() != v1::LEASE_EXPIRY_UNSPECIFIED && !request.has_lease()) {
    return invocation.console().Fail("--on-expiry goes together with --lease");
  }
  if (request.has_lease() && FromProto(request.lease()) < kLeastLease) {
    return invocation.console().Fail("--lease: less than 1s");
  }
  const client::Client* client = invocation.Connect();
  if (client == nullptr) return kExitFailure;
  const auto response = client->CreateSession(request, Prompt());
  if (!response.ok()) return invocation.Refuse(response.status());
  invocation.out().Write(json ? JsonLine(response->session())
                              : response->session().session_id() + "\n");
  return kExitSuccess;
}

}  // namespace proctor::cli

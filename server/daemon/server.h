#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/event/event_log.h"
#include "core/registry/session_registry.h"
#include "core/self/absence.h"
#include "core/tree/process_tree.h"
#include "core/wait/stranger_reaper.h"
#include "proctor/event_loop.h"
#include "server/access/logins.h"
#include "server/admin/state_dump.h"
#include "server/daemon/shutdown_bound.h"
#include "server/metrics/metrics.h"
#include "server/options/options.h"

namespace proctor::server {

// The whole server: listeners, gRPC, services, sessions, events.
//
//   Start ──▶ serving ──Drain──▶ draining ──all sessions closed──▶ `ended` is called ──▶ Shutdown
//
// Draining: health says NOT_SERVING, starts are refused, processes are ended by
// their stop policies and killed when the grace is over. Streams go on as long as their callers
// read.
//
// Thread-safety: Drain from any thread; the rest on the main loop's thread.
// Lifetime: after Start, Shutdown comes before the destructor.
class Server {
 public:
  // Called once on the main loop when the server has drained. `clean` says whether
  // every process was seen to end.
  using Ended = std::function<void(bool clean)>;

  // Errors, in words for the operator: those of the listeners, of TLS files, of the policy, the
  // watcher, the control group, the state directory and the HTTP side; Internal if gRPC does not
  // start.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options,
                                                       std::shared_ptr<EventLoop> main_loop,
                                                       Ended ended);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Begins to drain, with the options' grace where `grace` is zero. A second call
  // kills what still runs.
  void Drain(absl::Duration grace = absl::ZeroDuration());

  // Reads the TLS files again, for connections from now on. Logs the outcome; a failure leaves all
  // as it was.
  void Reload();

  // Ends all RPCs, joins all threads. After `ended`; `bound` has begun.
  // Errors: DeadlineExceeded, naming the sessions with threads that do not end. These use what the
  // destructor would free, so call LeaveProcess next.
  absl::Status Shutdown(ShutdownBound& bound);

  // The addresses of its listeners, in the form that clients take.
  std::vector<std::string> Addresses() const;
  // A new link to the dashboard; nothing without the HTTP side.
  std::optional<http::LoginLink> NewDashboardLink(http::Role role);

 private:
  struct Parts;

  Server(const Options& options, std::shared_ptr<EventLoop> main_loop,
         std::shared_ptr<ProcessTrees> trees, std::unique_ptr<EventLog> events,
         std::shared_ptr<OutputStore> outputs, Ended ended);
  absl::Status Begin();
  absl::Status BeginHttp();
  Gauges ReadNow() const;
  // What DumpState shows of the server beside its sessions.
  std::vector<StatePart> ListParts();
  // Looks now and then for what nothing reports: vanished peers, memory that ran out.
  void LookAround();
  void DrainOnMain(absl::Duration grace);
  void KillAll();
  void End(bool clean);
  void BeginLooks();
  void Tick();

  const Options options_;
  const std::shared_ptr<EventLoop> main_loop_;
  const std::shared_ptr<ProcessTrees> trees_;
  const std::shared_ptr<Absence> absence_ = std::make_shared<Absence>();
  const bool adopts_orphans_ = AdoptsOrphans();
  Ended ended_;  // empty once called
  LoopHandle kill_timer_;
  LoopHandle give_up_timer_;
  LoopHandle tick_timer_;
  int ticks_ = 0;
  bool draining_ = false;

  Metrics metrics_;
  const std::unique_ptr<EventLog> events_;
  SessionRegistry sessions_;
  std::unique_ptr<Parts> parts_;  // what knows gRPC
};

}  // namespace proctor::server

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/own_thread.h"
#include "core/fact/event.h"
#include "core/ledger/ledger.h"
#include "core/process/process.h"
#include "core/process/process_observer.h"
#include "core/session/session_host.h"
#include "core/session/session_quota.h"

namespace proctor {

// The records of one session's processes, and their use of its quota:
//
//   Begin ──▶ RecordStart ──▶ OnExited ──▶ OnDrained ──▶ Forget
//     └─▶ Withdraw (no spawn)
//
// Thread-safety: none; the session's thread, but for the constructor.
// Lifetime: a part of the session.
class SessionLedger final : public ProcessObserver {
 public:
  // `request_scope` is that of the session's request_ids (StartRequests).
  SessionLedger(std::string session_id, std::string request_scope, const SessionQuota& quota,
                Ledger* ledger, SessionHost* host);

  // The id of the process that the request_id started, or may have; "" for none.
  // Errors: those of StartRequests::Find.
  absl::StatusOr<std::string> FindStarted(const std::string& request_id,
                                          const Command& command) const;
  // Sees to it that the request_id starts nothing. Returns what it started, or "".
  // Errors: those of StartRequests::Cancel.
  absl::StatusOr<std::string> CancelStart(const std::string& request_id);

  // The reservations of a start until RecordStart, or Withdraw.
  struct Start {
    std::string process_id;
    std::string name;        // may be empty
    std::string request_id;  // may be empty
    MemoryBudget::Hold memory;
  };
  // Takes a place for a start; that the request_id makes it is on record when this returns.
  // Errors: those of EventLog::CheckRoom, QuotaUse::TakeStart, ProcessTable::BeginStart and
  // StartRequests::Begin.
  absl::StatusOr<Start> Begin(const std::shared_ptr<const Command>& command,
                              const std::string& request_id, const ChildWatcher& watcher);
  // There was no spawn.
  void Withdraw(const Start& start);
  // The spawn took so long.
  void RecordStart(const Process& process, absl::Duration took);

  // Holds memory for so many bytes of output more. Errors: QuotaUse::TakeOutput.
  absl::StatusOr<MemoryBudget::Hold> TakeOutput(const Process& process, uint64_t more);
  // With `keeps_less`, an ended process keeps less of its output than before.
  void RecordUpdate(const Process& process, bool keeps_less);

  // Forgets an ended process; nothing of it is recorded from now on.
  void Forget(Process& process, RemovalReason reason);

  // How many of the processes have not come to the end of their output.
  size_t undrained() const {
    own_thread_.Check();
    return undrained_;
  }

  const std::string& session_id() const { return session_id_; }

  // Gives back what the processes use.
  void Clear() {
    own_thread_.Check();
    use_.Clear();
  }

  // Called from within the process.
  void OnExited(const Process& process) override;
  void OnDrained(const Process& process) override;
  void OnChanged(const Process& process) override;
  void OnSignalled(const Process& process, int signal, SignalScope scope,
                   const std::string& by) override;
  void OnOomKilled(const Process& process, uint64_t killed) override;

 private:
  Event MakeEvent(const Process& process, EventDetail detail) const;
  ProcessInfo Describe(const Process& process) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  uint64_t OrdinalOf(const Process& process) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  // What the process keeps and is made of, in the quota from now on.
  void CountUse(const Process& process) ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  void ForgetSurplus();

  const std::string session_id_;
  const std::string request_scope_;
  Ledger* const ledger_;
  SessionHost* const host_;

  [[no_unique_address]] OwnThread own_thread_{"SessionLedger"};
  // By process id, once it is on record.
  absl::flat_hash_map<std::string, uint64_t> ordinals_ ABSL_GUARDED_BY(own_thread_);
  size_t undrained_ ABSL_GUARDED_BY(own_thread_) = 0;
  QuotaUse use_ ABSL_GUARDED_BY(own_thread_);
};

}  // namespace proctor

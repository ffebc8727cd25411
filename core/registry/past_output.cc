// What is left of the output of a process when no session has it any more.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/output/output_file.h"
#include "core/registry/session_registry.h"
#include "proctor/error.h"

namespace proctor {
namespace {

absl::Status UnendedError(const ProcessInfo& info) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, Reason::kSessionClosed,
      absl::StrCat("process '", info.id, "': its session ended before its output was complete"),
      {{"process_id", info.id}, {"session_id", info.session_id}});
}

SessionRegistry::PastOutput Gone(const OutputTotals& totals) {
  return {OutputLog::OfNothing(totals), totals[0].total_bytes + totals[1].total_bytes > 0, nullptr};
}

// Of a budget that goes no earlier.
struct HeldMemory {
  std::shared_ptr<MemoryBudget> budget;
  MemoryBudget::Hold hold;
};

}  // namespace

SessionRegistry::OutputPlace SessionRegistry::OutputPlaceOf(const ProcessInfo& info) const {
  if (FindLive(info.session_id) != nullptr) return OutputPlace::kSession;
  const bool kept = ledger_.outputs() != nullptr && ledger_.outputs()->Has(info.id);
  return kept ? OutputPlace::kDisk : OutputPlace::kGone;
}

void SessionRegistry::ReadPastOutput(const ProcessInfo& info, PastOutputRead done) const {
  if (!info.drained.has_value()) return done(UnendedError(info));
  const OutputTotals totals = info.drained->output;
  if (ledger_.outputs() == nullptr || !ledger_.outputs()->Has(info.id)) return done(Gone(totals));
  auto held = ledger_.memory()->Take(absl::StrCat("read the output of process '", info.id, "'"),
                                     kMemoryPerFileByte * ledger_.outputs()->SizeOf(info.id));
  if (!held.ok()) return done(held.status());
  auto memory = std::make_shared<HeldMemory>(HeldMemory{ledger_.memory(), *std::move(held)});
  ledger_.outputs()->Read(info.id, [totals, memory = std::move(memory), done = std::move(done)](
                                       absl::StatusOr<std::shared_ptr<const OutputLog>> read) {
    if (absl::IsNotFound(read.status())) return done(Gone(totals));  // removed meanwhile
    if (!read.ok()) return done(read.status());
    memory->hold.ShrinkTo(OutputMemory(**read));
    done(PastOutput{*std::move(read), /*gone=*/false, memory});
  });
}

void SessionRegistry::AddPastReader() {
  absl::MutexLock lock(&mutex_);
  ++past_readers_;
}

void SessionRegistry::RemovePastReader() {
  absl::MutexLock lock(&mutex_);
  --past_readers_;
}

}  // namespace proctor

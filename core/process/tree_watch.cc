#include "core/process/tree_watch.h"

#include <utility>

namespace proctor {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);  // when the server is short of descriptors

}  // namespace

void TreeWatch::Begin() {
  if (!reaped_ || watched_ || empty() || mechanism_ == TreeMechanism::kGroup) return;
  const absl::StatusOr<bool> found_empty = tree_->Empty();
  if (found_empty.value_or(false)) return OnEmpty();
  absl::Status awaited = found_empty.status();
  awaited.Update(tree_->AwaitEmpty(
      loop_, {.on_empty = [this] { OnEmpty(); }, .on_members = [this] { OnLooked(); }}));
  watched_ = awaited.ok();
  if (!watched_ && !retry_.pending()) {
    loop_->ReportError({"wait for the end of a process tree", awaited});
    retry_ = loop_->CallLater(kRetry, [this] { Begin(); });
  }
}

void TreeWatch::BeginAndLook(std::function<void()> done) {
  const auto owner = owner_.lock();
  Begin();
  if (empty() || !watched_ || looked_) return done();
  on_looked_.push_back(std::move(done));
}

void TreeWatch::OnLooked() {
  const auto owner = owner_.lock();
  looked_ = true;
  for (const auto& done : std::exchange(on_looked_, {})) done();
}

void TreeWatch::OnEmpty() {
  const auto owner = owner_.lock();  // a callback may let go of it
  tree_.reset();
  retry_.Cancel();
  on_empty_();
  OnLooked();
}

}  // namespace proctor

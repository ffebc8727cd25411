#pragma once

#include <string>

#include "core/wait/orphan_reaper.h"
#include "core/watch/attached_child_watcher.h"

namespace proctor {

// Waits only for children that were added, so that those of other code in this process
// are untouched (asyncio.SafeChildWatcher; conformance 80).
//
// Thread-safety and lifetime: as AttachedChildWatcher.
class SafeChildWatcher final : public AttachedChildWatcher {
 public:
  ~SafeChildWatcher() override { Close(); }

  std::string name() const override { return "safe"; }
  void EnterScope() override {}
  void ExitScope() override {}

 private:
  // Conformance 82.
  void OnRemoved(const Watch& watch) override { ReapWhenEnded(watch.child); }
};

}  // namespace proctor

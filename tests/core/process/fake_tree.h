#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "core/tree/process_tree.h"

namespace proctor {

// A tree that a test plays, and that notes what is done to it.
class FakeTree final : public ProcessTree {
 public:
  // What a test sees of it, also when it is gone.
  struct Script {
    TreeMechanism mechanism = TreeMechanism::kCgroup;
    absl::StatusOr<bool> empty = false;
    absl::Status awaits;           // what AwaitEmpty answers
    std::optional<TreeWait> wait;  // of the last AwaitEmpty
    int looks = 0;                 // calls of AwaitEmpty
    bool reaped = false;
    bool gone = false;
    std::vector<TreeSignal> signals;
    std::vector<TreeSent> sent;  // for the test to tell
  };

  explicit FakeTree(Script* script) : script_(script) {}
  ~FakeTree() override { script_->gone = true; }

  TreeMechanism mechanism() const override { return script_->mechanism; }
  TreePlace place() const override { return {}; }
  void OnSpawned(const TreeLeader&) override {}
  void OnReaped() override { script_->reaped = true; }
  void Signal(EventLoop*, TreeSignal signal, TreeSent done) override {
    script_->signals.push_back(signal);
    script_->sent.push_back(std::move(done));
  }
  absl::StatusOr<bool> Empty() override { return script_->empty; }
  absl::Status AwaitEmpty(EventLoop*, TreeWait wait) override {
    ++script_->looks;
    if (script_->awaits.ok()) script_->wait = std::move(wait);
    return script_->awaits;
  }
  uint64_t OomKills() const override { return 0; }
  uint64_t MemoryPeak() const override { return 0; }

 private:
  Script* const script_;
};

}  // namespace proctor

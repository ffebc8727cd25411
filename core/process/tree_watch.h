#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/tree/process_tree.h"
#include "proctor/event_loop.h"

namespace proctor {

// The tree of a process, and the wait for its last member:
//
//   has a leader ──OnReaped──▶ unknown ──Begin──▶ watched ──no member left──▶ empty
//                                 └──Begin finds none at once, or a look fails: tried again──▶┘
//
// empty() costs nothing. A look may take a walk over /proc, so it happens only on demand (Begin). A
// mere process group (TreeMechanism::kGroup) is never known to be empty.
//
// Thread-safety: none; the thread of its loop.
// Lifetime: part of its process, which is the `owner` and is kept alive while this calls out.
class TreeWatch {
 public:
  // `on_empty` is called once, also from within Begin.
  TreeWatch(EventLoop* loop, std::unique_ptr<ProcessTree> tree, std::weak_ptr<const void> owner,
            std::function<void()> on_empty)
      : loop_(loop),
        mechanism_(tree->mechanism()),
        owner_(std::move(owner)),
        on_empty_(std::move(on_empty)),
        tree_(std::move(tree)) {}
  ~TreeWatch() { retry_.Cancel(); }
  TreeWatch(const TreeWatch&) = delete;
  TreeWatch& operator=(const TreeWatch&) = delete;

  // Whether it is known that the process ended and none of its descendants is left.
  bool empty() const { return tree_ == nullptr; }

  TreeMechanism mechanism() const { return mechanism_; }
  // Null once it is empty.
  ProcessTree* tree() { return tree_.get(); }

  // The process is reaped next.
  void OnReaped() {
    reaped_ = true;
    tree_->OnReaped();
  }

  // Looks for members, and watches until there is none. Does nothing before OnReaped, or if it
  // watches already.
  void Begin();

  // As Begin, and calls `done` after a look for members, or if there is nothing to look at: within
  // this call, or later on the loop. `done` is destroyed uncalled if this is destroyed first.
  void BeginAndLook(std::function<void()> done);

 private:
  void OnLooked();
  void OnEmpty();

  EventLoop* const loop_;
  const TreeMechanism mechanism_;
  const std::weak_ptr<const void> owner_;
  const std::function<void()> on_empty_;

  std::unique_ptr<ProcessTree> tree_;  // until it is empty
  bool reaped_ = false;
  bool watched_ = false;
  bool looked_ = false;  // while it is watched
  std::vector<std::function<void()>> on_looked_;
  LoopHandle retry_;
};

}  // namespace proctor

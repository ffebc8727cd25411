#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/wait/sigchld.h"
#include "core/watch/attached_child_watcher.h"

namespace proctor {

// Waits for any ended child, added or not (asyncio.FastChildWatcher): no zombie is ever left, but
// children of other code in its reach are reaped as well.
//
// Its reach is the children that a thread spawned itself (__WNOTHREAD), for each thread
// that opens scopes or adds children; or, strict as asyncio's, all of the process.
//
// A child is spawned and added within one Scope. Inside of a scope, an unknown child that ends
// stays a zombie, for an AddChildHandler still to come: nothing is reaped before its handler is
// called, while asyncio reaps and remembers. Children still unknown when the outermost scope ends
// are reaped then, with one warning (conformance 83 to 86).
//
// Children that another watcher of this process waits for are left to it: behind the
// zombie of such a child unknown ones are found only once it is gone, at the next SIGCHLD.
//
// Costs one look over the children in reach at each SIGCHLD, for each Fast watcher.
//
// Thread-safety and lifetime: as AttachedChildWatcher. In thread reach a child is added on the loop
// of the thread that spawned it.
class FastChildWatcher final : public AttachedChildWatcher {
 public:
  enum class Reach {
    kThread,   // the children of each thread that uses it
    kProcess,  // all of them
  };

  explicit FastChildWatcher(Reach reach = Reach::kThread) : reach_(reach) {}
  ~FastChildWatcher() override { Close(); }

  std::string name() const override { return "fast"; }

  // Errors: besides those of the base: FailedPrecondition (NO_SCOPE) outside of a scope
  // (83); in thread reach (NO_RUNNING_LOOP), because only this thread can wait.
  using ChildWatcher::AddChildHandler;
  absl::Status AddChildHandler(ChildRef child, ChildHandler handler) override;
  absl::Status AttachLoop(std::shared_ptr<EventLoop> loop) override;
  void Close() override;
  void EnterScope() override;
  void ExitScope() override;

 private:
  // The children that are waited for together. It goes with its loop.
  struct Territory {
    int depth = 0;                  // of scopes
    uint64_t signals_at_entry = 0;  // of the outermost scope
    std::weak_ptr<EventLoop> loop;  // which looks; null until there is one
    bool look_posted = false;
    bool blocked = false;               // a known zombie that is not told yet hides others
    std::map<pid_t, SharedFd> removed;  // lost their handler, and are not reaped yet
  };

  // A look on its way to the loop of a territory.
  class PostedLook;

  // The calling thread's territory: its thread id, or 0 for all.
  pid_t Here() const;

  void OnSigchld() override;
  // Conformance 92.
  void OnRemoved(const Watch& watch) override;
  void OnReaped() override;

  // Posts a look to the loops of the territories that `wanted` picks, where none is on its
  // way.
  void PostLooks(const std::function<bool(pid_t here, Territory&)>& wanted);
  // A look was dropped, because that loop is closed. Its removed children are left to the
  // OrphanReaper.
  void OnLoopClosed(pid_t here, const std::weak_ptr<EventLoop>& loop);
  // Ends a scope. Whether it was the outermost one, and something may have ended in it.
  bool LeaveScope(pid_t here);
  // Looks at what has ended and is unknown, and warns of each; on the territory's thread.
  void Look(pid_t here);
  // Reaps the unknown ended children in the territory of this thread. For a known child in the way,
  // calls the handler if `may_tell`, or else looks later.
  std::vector<std::pair<pid_t, WaitStatus>> ReapUnknown(pid_t here, bool may_tell);
  // Tells of a known child. False if its loop has to do that first.
  bool TellKnown(const std::shared_ptr<Watch>& watch, const WaitStatus& status);
  void NoteBlocked(pid_t here);

  const Reach reach_;

  absl::Mutex mutex_;
  std::map<pid_t, Territory> territories_ ABSL_GUARDED_BY(mutex_);
  std::optional<SigchldWish> wish_ ABSL_GUARDED_BY(mutex_);  // while attached
};

}  // namespace proctor

#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "proctor/child_exit.h"
#include "proctor/child_ref.h"
#include "proctor/event_loop.h"

namespace proctor {

// Tells when child processes have ended (asyncio.AbstractChildWatcher). Only a child's watcher
// peeks at it (waitid with WNOWAIT), calls its handler, then reaps it.
//
// Thread-safety: all methods from any thread.
// Lifetime: shared. A watcher may be closed and destroyed while children live; they are then still
// reaped, and their handlers never called.
class ChildWatcher {
 public:
  virtual ~ChildWatcher() = default;

  // The watcher's name as flags and requests take it: "pidfd", "threaded".
  virtual std::string name() const = 0;

  // Calls `handler` once when the child has ended, also if that happened already, but never
  // from within this call. A second call for the same child replaces the handler.
  //
  // With a pidfd (clone3(2)) the watcher looks at this very child, even when other code has reaped
  // it and another process has its number: `handler` gets its exit as far as the kernel still knows
  // it. The watcher shares the descriptor until the child is reaped. It serves one handler: a child
  // that is to be added again is added by its number.
  //
  // If the loop is closed first, there is a warning and no call, and the child is reaped.
  // Errors: InvalidArgument without a handler; FailedPrecondition if the watcher is not
  // active, is closed, or no loop runs on this thread where one is needed. `handler` is then not
  // called.
  virtual absl::Status AddChildHandler(ChildRef child, ChildHandler handler) = 0;

  // The same for a child of which only the number is known, as asyncio has it: opens a pidfd of
  // its own. A class that overrides one of the two names the other with `using`.
  // Errors: also NotFound for what is not a child, where the watcher finds that out at once.
  virtual absl::Status AddChildHandler(pid_t pid, ChildHandler handler);

  // Makes sure that the handler of `pid` is not called any more; the child is
  // still reaped. Returns whether there was a handler to remove.
  virtual bool RemoveChildHandler(pid_t pid) = 0;

  // Attaches the watcher to a loop, or with null to none. The meaning depends on the watcher;
  // several need no loop.
  virtual absl::Status AttachLoop(std::shared_ptr<EventLoop> loop) = 0;

  // Whether children can be spawned and watched now. Asked before each spawn.
  virtual bool IsActive() const = 0;

  // Drops all handlers and frees all descriptors and threads. Children that
  // still run are reaped when they end. Idempotent.
  virtual void Close() = 0;

  // Opens and ends a scope of spawning, as Scope does. They pair, on one thread.
  virtual void EnterScope() = 0;
  virtual void ExitScope() = 0;

  // Children with a handler, for people.
  virtual std::string DebugString() const = 0;

  // Covers a spawn and the AddChildHandler that follows it, on one thread (asyncio's
  // `with watcher:`). Most watchers need none; the Fast one refuses a child that was
  // spawned outside of one. Code that takes any watcher always has one.
  //
  // Lifetime: on the stack; the watcher outlives it.
  class Scope {
   public:
    explicit Scope(ChildWatcher& watcher) : watcher_(watcher) { watcher_.EnterScope(); }
    ~Scope() { watcher_.ExitScope(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    ChildWatcher& watcher_;
  };
};

}  // namespace proctor

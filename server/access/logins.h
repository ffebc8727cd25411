#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace proctor::server::http {

// What a signed-in browser may do.
enum class Role {
  kLook,  // read all that is shown
  kAct,   // and stop, signal, restart, feed and remove processes
};

// A link that signs a browser in: a URL with a code in its fragment, which no browser sends and no
// proxy logs. The page itself sends the code, once.
struct LoginLink {
  std::string url;
  std::string code;
  absl::Duration life;
};

// The signed-in browsers. Each has a *login* of two secrets that are worth nothing apart:
// - the cookie, which scripts cannot see, but which a browser sends to every port of the
//   host, to any server there;
// - the proof, which is made from the cookie with a key of this run of the server. The page
//   keeps it where only pages from this very port can read it, and shows it as a header.
//
//   NewLink ──code──▶ LogIn ──cookie, proof──▶ Find, each time ──12 h without──▶ ended
//                                                 └──LogOut──▶ ended
//
// A link fixes what its login may do, and that never grows. A browser that uses a second link may
// do what either allows. Where the second allows more, the browser gets a new login: it takes
// cookies from any port, and a planted cookie must not gain rights by that browser's link.
//
// Nothing of it is stored: codes and cookies are kept as hashes in memory, and end with the
// server. There are at most kMostCodes and kMostLogins; one more ends the oldest code, or the login
// that was unused for the longest time.
//
// Thread-safety: safe from any thread. Lifetime: outlives its users.
class Logins {
 public:
  static constexpr absl::Duration kCodeLife = absl::Minutes(10);
  static constexpr absl::Duration kLoginLife = absl::Hours(12);  // since its last request
  static constexpr size_t kMostCodes = 16;
  static constexpr size_t kMostLogins = 64;

  // Names a login and opens nothing: the hash of its cookie.
  using Id = std::string;

  struct Secrets {
    std::string cookie;
    std::string proof;
    Role role = Role::kLook;
    std::string name;  // NameOf
  };

  // What records call a login: "1a2b3c4d".
  static std::string NameOf(const Id& id);

  // `clock` returns the time since some moment and never goes back. Without one, time counts from
  // the start of the machine, its sleep included.
  explicit Logins(std::function<absl::Duration()> clock = nullptr);

  // Says that from now on the page is at `site`, "http://127.0.0.1:7878/".
  void OpenAt(std::string site);

  // The site; empty before OpenAt.
  std::string site();

  // Makes a link with a new code. Errors: FailedPrecondition (NO_DASHBOARD) before OpenAt.
  absl::StatusOr<LoginLink> NewLink(Role role);

  // Exchanges the code, which is used up by this, for the secrets of a login. That is the login of
  // one of the browser's cookies, so that its tabs share it, if it may do what the code allows; or
  // else a new one. Returns nothing for a code that is wrong, used or too old.
  std::optional<Secrets> LogIn(std::string_view code,
                               const std::vector<std::string_view>& cookies = {});

  // Returns the login of these secrets and begins its time anew; nothing when there is none.
  std::optional<Id> Find(std::string_view cookie, std::string_view proof);

  // Whether the login has not ended yet. Does not count as its use.
  // A stream asks this before each frame: a lock and a lookup.
  bool IsOpen(const Id& id);

  // Whether the login may act.
  bool MayAct(const Id& id);

  void LogOut(const Id& id);

  // The number of logins.
  size_t size();

 private:
  struct Code {
    std::string hash;
    absl::Duration ends;
    Role role;
  };
  struct Login {
    absl::Duration ends;
    Role role = Role::kLook;
  };

  std::string ProofOf(std::string_view cookie) const;
  std::optional<Role> TakeCodeLocked(std::string_view code) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether there is this login. Removes it when its time has run out.
  bool IsOpenLocked(const Id& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoomLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<absl::Duration()> clock_;
  const std::string key_;

  absl::Mutex mutex_;
  std::string site_ ABSL_GUARDED_BY(mutex_);
  std::deque<Code> codes_ ABSL_GUARDED_BY(mutex_);  // in the order of their making
  absl::flat_hash_map<Id, Login> logins_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server::http

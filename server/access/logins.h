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

// What a browser may do that is signed in.
enum class Role {
  kLook,  // read all that is shown
  kAct,   // and stop, signal, restart, feed and remove processes
};

// What signs a browser in: a URL with a code in its fragment, which no browser sends to
// anybody and no proxy writes down. The page sends it, by itself and once.
struct LoginLink {
  std::string url;
  std::string code;
  absl::Duration life;
};

// The browsers that are signed in, each as a *login* of two secrets that are worth nothing
// apart:
// - the cookie, which scripts cannot see, but which a browser sends to every port of the
//   host, whoever listens there;
// - the proof, which is made from the cookie with a key of this run of the server. The page
//   keeps it where only pages from this very port can read it, and shows it as a header.
//
//   NewLink ──code──▶ LogIn ──cookie, proof──▶ Find, each time ──12 h without──▶ ended
//                                                 └──LogOut──▶ ended
//
// Who makes a link says what its login may do, and that never grows. A browser that uses a second
// link may do what either allows; where the second allows more, by a new login: who planted a
// cookie in a browser, which takes it from any port, must not act by that browser's link.
//
// Nothing of it is stored: codes and cookies are kept as hashes in memory, and end with the
// server. There are no more than kMostCodes and kMostLogins; one more ends the oldest code,
// and the login that was not used for the longest time.
//
// Thread-safety: safe from any thread. Lifetime: outlives who uses it.
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

  // `clock` tells the time since some moment, never backwards; without one, that since the
  // machine was started, its sleep included.
  explicit Logins(std::function<absl::Duration()> clock = nullptr);

  // From now on there is a page at `site`, "http://127.0.0.1:7878/".
  void OpenAt(std::string site);

  // Where that is; empty before.
  std::string site();

  // A link with a new code. Errors: FailedPrecondition (NO_DASHBOARD) before OpenAt.
  absl::StatusOr<LoginLink> NewLink(Role role);

  // Takes the code, which is worth nothing from then on, for the secrets of a login: that of
  // one of the cookies that the browser has, so that its tabs share it, if that may do what the
  // code allows; or else a new one.
  // Nothing for a code that is wrong, was used or is too old.
  std::optional<Secrets> LogIn(std::string_view code,
                               const std::vector<std::string_view>& cookies = {});

  // The login of these secrets, which begins its time anew; nothing where there is none.
  std::optional<Id> Find(std::string_view cookie, std::string_view proof);

  // Whether the login has not ended yet. Does not count as its use.
  bool IsOpen(const Id& id);

  // Whether it is one that may act.
  bool MayAct(const Id& id);

  void LogOut(const Id& id);

  // How many there are.
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
  // Whether there is this login; what has run out goes.
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

#include "server/access/logins.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/random_id.h"
#include "proctor/error.h"

namespace proctor::server::http {
namespace {

absl::Duration SinceBoot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);  // cannot fail for a clock that exists
  return absl::DurationFromTimespec(now);
}

std::string Hash(std::string_view secret) {
  std::string hash(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  // Fails only out of memory; no secret has the hash then, so no login opens.
  if (EVP_Digest(secret.data(), secret.size(), reinterpret_cast<unsigned char*>(hash.data()), &size,
                 EVP_sha256(), nullptr) != 1) {
    return NewRandomId();
  }
  hash.resize(size);
  return hash;
}

// Compares in a time that does not depend on where they differ.
bool IsSame(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

Logins::Logins(std::function<absl::Duration()> clock)
    : clock_(clock != nullptr ? std::move(clock) : SinceBoot),
      key_(absl::StrCat(NewRandomId(), NewRandomId())) {}

void Logins::OpenAt(std::string site) {
  absl::MutexLock lock(&mutex_);
  site_ = std::move(site);
}

std::string Logins::site() {
  absl::MutexLock lock(&mutex_);
  return site_;
}

std::string Logins::NameOf(const Id& id) {
  return absl::BytesToHexString(absl::string_view(id).substr(0, 4));
}

absl::StatusOr<LoginLink> Logins::NewLink(Role role) {
  const std::string code = NewRandomId();
  absl::MutexLock lock(&mutex_);
  if (site_.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kNoDashboard,
                     "this server has no dashboard: start it with --http=HOST:PORT");
  }
  if (codes_.size() >= kMostCodes) codes_.pop_front();
  codes_.push_back({Hash(code), clock_() + kCodeLife, role});
  return LoginLink{absl::StrCat(site_, "#code=", code), code, kCodeLife};
}

std::optional<Logins::Secrets> Logins::LogIn(std::string_view code,
                                             const std::vector<std::string_view>& cookies) {
  absl::MutexLock lock(&mutex_);
  const std::optional<Role> role = TakeCodeLocked(code);
  if (!role.has_value()) return std::nullopt;
  // Others may know the secrets of a login that is found, so it gets no more rights.
  const auto known = std::find_if(cookies.begin(), cookies.end(), [&](std::string_view cookie) {
    mutex_.AssertHeld();
    const Id id = Hash(cookie);
    return IsOpenLocked(id) && (*role == Role::kLook || logins_[id].role == Role::kAct);
  });
  if (known == cookies.end()) MakeRoomLocked();
  std::string cookie = known != cookies.end() ? std::string(*known) : NewRandomId();
  const Id id = Hash(cookie);
  Login& login = logins_[id];
  login.ends = clock_() + kLoginLife;
  if (known == cookies.end()) login.role = *role;
  std::string proof = ProofOf(cookie);
  return Secrets{std::move(cookie), std::move(proof), login.role, NameOf(id)};
}

std::optional<Logins::Id> Logins::Find(std::string_view cookie, std::string_view proof) {
  if (cookie.empty() || !IsSame(proof, ProofOf(cookie))) return std::nullopt;
  Id id = Hash(cookie);
  absl::MutexLock lock(&mutex_);
  if (!IsOpenLocked(id)) return std::nullopt;
  logins_[id].ends = clock_() + kLoginLife;
  return id;
}

bool Logins::IsOpen(const Id& id) {
  absl::MutexLock lock(&mutex_);
  return IsOpenLocked(id);
}

bool Logins::MayAct(const Id& id) {
  absl::MutexLock lock(&mutex_);
  return IsOpenLocked(id) && logins_[id].role == Role::kAct;
}

void Logins::LogOut(const Id& id) {
  absl::MutexLock lock(&mutex_);
  logins_.erase(id);
}

size_t Logins::size() {
  absl::MutexLock lock(&mutex_);
  return logins_.size();
}

std::string Logins::ProofOf(std::string_view cookie) const {
  unsigned char proof[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
           reinterpret_cast<const unsigned char*>(cookie.data()), cookie.size(), proof,
           &size) == nullptr) {
    return NewRandomId();  // as in Hash: no browser has it
  }
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(proof), size));
}

std::optional<Role> Logins::TakeCodeLocked(std::string_view code) {
  while (!codes_.empty() && codes_.front().ends <= clock_()) codes_.pop_front();
  const std::string hash = Hash(code);
  const auto found = std::find_if(codes_.begin(), codes_.end(),
                                  [&hash](const Code& known) { return IsSame(known.hash, hash); });
  if (found == codes_.end()) return std::nullopt;
  const Role role = found->role;
  codes_.erase(found);
  return role;
}

bool Logins::IsOpenLocked(const Id& id) {
  const auto found = logins_.find(id);
  if (found == logins_.end()) return false;
  if (clock_() < found->second.ends) return true;
  logins_.erase(found);
  return false;
}

void Logins::MakeRoomLocked() {
  while (logins_.size() >= kMostLogins) {
    logins_.erase(std::min_element(
        logins_.begin(), logins_.end(),
        [](const auto& one, const auto& other) { return one.second.ends < other.second.ends; }));
  }
}

}  // namespace proctor::server::http

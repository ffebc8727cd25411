#pragma once

#include <string>
#include <vector>

#include "absl/base/call_once.h"
#include "proctor/client/client.h"
#include "proctor/client/error.h"

namespace proctor::cli {

// The ids that a server knows, of one kind: completes the shortened ones that people type. Gets the
// list of them all once, for the first id that needs it.
//
// Thread-safe, as Client is. The client outlives it.
class KnownIds {
 public:
  KnownIds(const KnownIds&) = delete;
  KnownIds& operator=(const KnownIds&) = delete;
  virtual ~KnownIds() = default;

  // Makes `*id` a whole id. An id that the server knows stands for itself; any other is the start
  // of one, if it has at least three characters. Returns the server's own error when no id begins
  // so; INVALID_ARGUMENT (AMBIGUOUS_ID) when several do.
  absl::Status Complete(std::string* id);

 protected:
  explicit KnownIds(const client::Client& client) : client_(client) {}
  const client::Client& client() const { return client_; }

 private:
  // Asks the server for this id or name, and sets `*id` to its id.
  virtual absl::Status Find(std::string* id) const = 0;
  virtual absl::Status List(std::vector<std::string>* ids) const = 0;

  const client::Client& client_;
  absl::once_flag once_;
  // Written once.
  absl::Status error_;
  std::vector<std::string> ids_;
};

class ProcessIds final : public KnownIds {
 public:
  explicit ProcessIds(const client::Client& client) : KnownIds(client) {}

 private:
  absl::Status Find(std::string* id) const override;
  absl::Status List(std::vector<std::string>* ids) const override;
};

class SessionIds final : public KnownIds {
 public:
  explicit SessionIds(const client::Client& client) : KnownIds(client) {}

 private:
  absl::Status Find(std::string* id) const override;
  absl::Status List(std::vector<std::string>* ids) const override;
};

// For one id alone.
absl::Status CompleteProcessId(const client::Client& client, std::string* id);
absl::Status CompleteSessionId(const client::Client& client, std::string* id);

}  // namespace proctor::cli

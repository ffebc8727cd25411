#include "server/daemon/state_directory.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/spawn/spawn_fence.h"
#include "core/storage/sqlite_event_store.h"
#include "server/access/token.h"
#include "server/storage/stored_event.h"

namespace proctor::server {

absl::StatusOr<std::unique_ptr<EventLog>> OpenEventLog(const Options& options,
                                                       std::string* notice) {
  const EventLog::Options kept = {.max_events = static_cast<size_t>(options.max_events),
                                  .max_age = options.max_event_age,
                                  .recorder = options.durability == Durability::kPower};
  if (options.state_dir == "none") return std::make_unique<EventLog>(kept);
  auto store = SqliteEventStore::Open(options.state_dir, options.durability);
  if (!store.ok()) return store.status();
  RETURN_IF_ERROR(SpawnFence::Set((*store)->fence()));
  *notice = (*store)->notice();
  if (!notice->empty()) spdlog::error("{}", *notice);
  auto log = EventLog::Open(kept, *std::move(store), storage::MakeEventCodec());
  if (!log.ok()) return log.status();
  spdlog::info("event log path={}/events.db log_id={} last={}", options.state_dir, (*log)->log_id(),
               (*log)->range().last);
  return log;
}

std::shared_ptr<OutputStore> OpenOutputStore(const Options& options) {
  if (options.state_dir == "none") return nullptr;
  const std::string directory = absl::StrCat(options.state_dir, "/output");
  if (options.max_output_on_disk == 0) {
    OutputStore::Clear(directory);
    return nullptr;
  }
  auto store = OutputStore::Open({.directory = directory,
                                  .max_bytes = options.max_output_on_disk,
                                  .durable = options.durability == Durability::kPower});
  if (store.ok()) return *std::move(store);
  spdlog::error("no output is kept on disk: {}", std::string(store.status().message()));
  return nullptr;
}

absl::StatusOr<std::string> LoadToken(const Options& options, const std::string& file,
                                      const char* name) {
  if (!file.empty()) return http::LoadOrMakeToken(file);
  if (options.state_dir == "none") return "";
  return http::LoadOrMakeToken(absl::StrCat(options.state_dir, "/", name));
}

}  // namespace proctor::server

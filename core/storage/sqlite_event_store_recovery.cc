// How an event store finds out whether the log that it opens is whole, and goes on with it.
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/random_id.h"
#include "core/base/return_if_error.h"
#include "core/storage/event_tables.h"
#include "core/storage/sqlite_event_store.h"
#include "proctor/error.h"

namespace proctor {
namespace {

const char* NameOf(Durability durability) {
  return durability == Durability::kPower ? "power" : "process";
}

// This boot of the machine; see random(4).
std::string BootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace

absl::Status SqliteEventStore::BeginLog() {
  auto log_id = GetMeta(writer_, "log_id");
  auto closed = GetMeta(writer_, "closed");
  auto boot_id = GetMeta(writer_, "boot_id");
  auto durability = GetMeta(writer_, "durability");
  for (const auto* value : {&log_id, &closed, &boot_id, &durability}) {
    if (!value->ok()) return value->status();
  }
  const std::string boot = BootId();
  const bool tail_may_be_lost =
      *closed != "1" && *durability == NameOf(Durability::kProcess) && *boot_id != boot;
  ASSIGN_OR_RETURN(auto doubt, FindDoubt(*log_id));
  // The processes of a copy may run on the machine of the original.
  machine_booted_ = is_original_ && !boot_id->empty() && !boot.empty() && *boot_id != boot;
  if (tail_may_be_lost) doubt = "the machine ended without notice, and the last events may be lost";
  log_id_ = *log_id;
  if (log_id_.empty() || !doubt.empty()) log_id_ = NewRandomId();
  if (!doubt.empty() && notice_.empty()) {
    notice_ =
        log_id->empty()
            ? absl::StrCat(doubt, ": the event log begins anew as '", log_id_, "'")
            : absl::StrCat(doubt, ": the event log '", *log_id, "' goes on as '", log_id_, "'");
  }
  absl::Status status = writer_.Execute("BEGIN IMMEDIATE");
  status.Update(SetMeta(writer_, "log_id", log_id_));
  status.Update(SetMeta(writer_, "boot_id", boot));
  status.Update(SetMeta(writer_, "durability", NameOf(durability_)));
  status.Update(SetMeta(writer_, "closed", "0"));
  status.Update(SetMeta(writer_, "witness", "1"));
  if (status.ok()) status = writer_.Execute("COMMIT");
  if (!status.ok()) {
    (void)writer_.Execute("ROLLBACK");
    return status;
  }
  end_.log_id = log_id_;
  WriteWitness();
  return status;
}

// Why it is not certain that the database has all that was ever shown of the log; "" if it is.
// Finds its end, too.
absl::StatusOr<std::string> SqliteEventStore::FindDoubt(const std::string& log_id) {
  auto database = FileIdentity::Of(path_);
  if (!database.ok()) return database.status();
  end_.database = *database;
  ASSIGN_OR_RETURN(
      auto newest,
      writer_.Prepare("SELECT sequence, checksum FROM event ORDER BY sequence DESC LIMIT 1"));
  ASSIGN_OR_RETURN(auto row, newest.Step());
  end_.last = row ? static_cast<uint64_t>(newest.Int(0)) : 0;
  end_.checksum = row ? newest.Int(1) : 0;
  ASSIGN_OR_RETURN(auto expected, GetMeta(writer_, "witness"));

  ASSIGN_OR_RETURN(auto witness, LogWitness::Open(directory_->File("witness")));
  witness_ = std::move(witness);
  auto record = witness_->Read();
  if (absl::IsDataLoss(record.status())) return std::string(record.status().message());
  if (!record.ok()) return record.status();
  is_original_ = record->database == end_.database;
  if (record->log_id.empty()) {
    return expected == "1" ? absl::StrCat("'", directory_->File("witness"),
                                          "', which proves the end of the event log, is gone")
                           : "";  // an earlier version kept none
  }
  if (log_id.empty()) {
    return absl::StrCat("the database of the event log '", record->log_id, "' with ", record->last,
                        " events is gone");
  }
  if (record->log_id != log_id) {
    return absl::StrCat("'", path_,
                        "' is not the database that was written last, of the event log '",
                        record->log_id, "'");
  }
  return CompareEnd(*record);
}

absl::StatusOr<std::string> SqliteEventStore::CompareEnd(const LogWitness::Record& record) {
  if (record.last > end_.last) {
    return absl::StrCat("the last ", record.last - end_.last,
                        " events of the event log are missing in '", path_, "'");
  }
  ASSIGN_OR_RETURN(auto row, writer_.Prepare("SELECT checksum FROM event WHERE sequence = ?1"));
  row.BindInt(1, static_cast<int64_t>(record.last));
  ASSIGN_OR_RETURN(auto found, row.Step());
  if (record.last > 0 && (!found || row.Int(0) != record.checksum)) {
    return absl::StrCat("event ", record.last, " in '", path_, "' is not the one that was written");
  }
  if (record.database != end_.database) {
    return absl::StrCat("'", path_,
                        "' is a copy, and what the original was used for since is not in it");
  }
  return "";
}

}  // namespace proctor

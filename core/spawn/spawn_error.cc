#include "core/spawn/spawn_error.h"

#include <errno.h>
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "core/command/excerpt.h"
#include "proctor/error.h"

namespace proctor {
namespace {

using absl::StatusCode;

std::string StageName(SpawnStage stage) {
  switch (stage) {
    case SpawnStage::kPipe:
      return "pipe";
    case SpawnStage::kTerminal:
      return "terminal";
    case SpawnStage::kCgroup:
      return "cgroup";
    case SpawnStage::kClone:
      return "clone";
    case SpawnStage::kSetsid:
      return "setsid";
    case SpawnStage::kNice:
      return "nice";
    case SpawnStage::kOomScore:
      return "oom_score_adj";
    case SpawnStage::kUmask:
      return "umask";
    case SpawnStage::kDup2:
      return "dup2";
    case SpawnStage::kClose:
      return "close";
    case SpawnStage::kLimit:
      return "rlimit";
    case SpawnStage::kIdentity:
      return "identity";
    case SpawnStage::kChdir:
      return "chdir";
    case SpawnStage::kPrivileges:
      return "no_new_privs";
    case SpawnStage::kExec:
      return "exec";
  }
  return "unknown";
}

bool IsExhaustion(int error) {
  return error == EMFILE || error == ENFILE || error == EAGAIN || error == ENOMEM;
}

bool IsNotRunnable(int error) {
  switch (error) {
    case EACCES:
    case ENOEXEC:
    case EISDIR:
    case EPERM:
    case ETXTBSY:
    case ELIBBAD:
    case ELOOP:
    case ENAMETOOLONG:
      return true;
    default:
      return false;
  }
}

absl::Status Error(StatusCode code, Reason reason, std::string_view operation,
                   std::string_view object, SpawnStage stage, int error,
                   ErrorMetadata metadata = {}) {
  metadata.emplace("stage", StageName(stage));
  return ErrnoError(code, reason, operation, Excerpt(object), error, std::move(metadata));
}

// Whether a program that could not be executed for ENOENT is there after all: then
// it is what interprets it, named in its first line or its ELF header, that is
// missing.
bool IsThere(const SpawnPlan& plan) {
  for (const std::string& candidate : plan.candidates()) {
    std::string path = candidate;
    if (!path.starts_with('/') && !plan.cwd().empty()) {
      path = absl::StrCat(plan.cwd(), "/", candidate);
    }
    struct stat file;
    if (::stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode)) return true;
  }
  return false;
}

absl::Status ExecError(const SpawnPlan& plan, int error) {
  const std::string& program = plan.command().argv[0];
  constexpr SpawnStage kStage = SpawnStage::kExec;
  const bool missing = error == ENOENT || error == ENOTDIR;
  if (missing && IsThere(plan)) {
    return MakeError(
        StatusCode::kFailedPrecondition, Reason::kExecutableNotRunnable,
        absl::StrCat("spawn '", Excerpt(program),
                     "': its interpreter is missing: ", ErrnoText(error)),
        {{"stage", "exec"}, {"errno", absl::StrCat(error)}, {"errno_name", ErrnoName(error)}});
  }
  if (missing) {
    return Error(StatusCode::kNotFound, Reason::kExecutableNotFound, "spawn", program, kStage,
                 error);
  }
  if (error == E2BIG) {
    return Error(StatusCode::kInvalidArgument, Reason::kArgumentsTooLong, "spawn", program, kStage,
                 error, {{"field", "argv"}});
  }
  if (IsNotRunnable(error)) {
    return Error(StatusCode::kFailedPrecondition, Reason::kExecutableNotRunnable, "spawn", program,
                 kStage, error);
  }
  return Error(StatusCode::kInternal, Reason::kSpawnFailed, "spawn", program, kStage, error);
}

absl::Status AnyStageError(const Command& command, SpawnStage stage, int error) {
  if (IsExhaustion(error)) {
    return Error(StatusCode::kResourceExhausted, Reason::kSpawnResources, "spawn", command.argv[0],
                 stage, error);
  }
  return Error(StatusCode::kInternal, Reason::kSpawnFailed, "spawn", command.argv[0], stage, error);
}

// A limit that this server has not the privilege to set.
absl::Status LimitError(std::string_view limit, std::string_view field, SpawnStage stage,
                        int error) {
  return Error(StatusCode::kFailedPrecondition, Reason::kLimitUnavailable, "set the limit", limit,
               stage, error, {{"limit", std::string(limit)}, {"field", std::string(field)}});
}

}  // namespace

absl::Status SpawnError(const SpawnPlan& plan, SpawnStage stage, int error, int detail) {
  const Command& command = plan.command();
  const bool denied = error == EPERM || error == EACCES || error == EINVAL;
  // The limit that is the mark of a tree comes after those of the command.
  if (stage == SpawnStage::kLimit && denied &&
      static_cast<size_t>(detail) < command.rlimits.size()) {
    return LimitError(command.rlimits[static_cast<size_t>(detail)].resource,
                      absl::StrCat("rlimits[", detail, "]"), stage, error);
  }
  if (stage == SpawnStage::kNice && denied) return LimitError("nice", "nice", stage, error);
  if (stage == SpawnStage::kIdentity && denied) {
    return IdentityError(plan.request().uid, plan.request().gid, error);
  }
  if (IsExhaustion(error)) return AnyStageError(plan.command(), stage, error);
  if (stage == SpawnStage::kOomScore) {
    return LimitError("oom_score_adj", "oom_score_adj", stage, error);
  }
  if (stage == SpawnStage::kChdir) {
    return Error(StatusCode::kFailedPrecondition, Reason::kWorkingDirectoryUnusable, "chdir",
                 plan.cwd(), stage, error);
  }
  if (stage == SpawnStage::kExec) return ExecError(plan, error);
  return AnyStageError(plan.command(), stage, error);
}

absl::Status SpawnTimeoutError(const SpawnPlan& plan, SpawnStage stage, bool stopped,
                               absl::Duration timeout) {
  const std::string program = plan.command().argv[0];
  const std::string name = StageName(stage);
  const std::string after = absl::FormatDuration(timeout);
  return MakeError(
      StatusCode::kAborted, Reason::kSpawnTimeout,
      absl::StrCat("spawn '", Excerpt(program), "': not through after ", after, ", at the stage '",
                   name, stopped ? "', stopped by a signal" : "', in the kernel", ": killed"),
      {{"stage", name}, {"found", stopped ? "stopped" : "in_kernel"}, {"timeout", after}});
}

absl::Status IdentityError(uid_t uid, gid_t gid, int error) {
  return Error(StatusCode::kFailedPrecondition, Reason::kIdentityUnavailable, "become",
               absl::StrCat(uid, ":", gid), SpawnStage::kIdentity, error, {{"field", "user"}});
}

absl::Status StdioError(const Command& command, SpawnStage stage, int error) {
  return AnyStageError(command, stage, error);
}

}  // namespace proctor

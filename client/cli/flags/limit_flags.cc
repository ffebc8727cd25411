#include "client/cli/flags/limit_flags.h"

#include <cmath>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"

namespace proctor::cli {
namespace {

constexpr int kMostPids = 1 << 22;
constexpr int kMostIoWeight = 10000;
constexpr double kLeastCpus = 0.01;

// USER, USER:GROUP or :GROUP.
absl::Status SetUser(const std::string& text, v1::ProcessUser* user) {
  const size_t colon = text.find(':');
  const std::string group = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (text.empty() || (colon != std::string::npos && group.empty()) ||
      group.find(':') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not of the form USER, USER:GROUP or :GROUP"));
  }
  user->set_user(text.substr(0, colon));
  user->set_group(group);
  return absl::OkStatus();
}

absl::Status SetUmask(const std::string& text, v1::ProcessSpec* spec) {
  // At most a leading 0 and three digits.
  const bool octal = !text.empty() && text.size() <= 4 &&
                     text.find_first_not_of("01234567") == std::string::npos &&
                     (text.size() < 4 || text[0] == '0');
  if (!octal) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not an octal number from 0 to 777"));
  }
  uint32_t mask = 0;
  for (const char digit : text) mask = mask * 8 + static_cast<uint32_t>(digit - '0');
  spec->set_umask(mask);
  return absl::OkStatus();
}

absl::Status SetCpus(const std::string& text, v1::CgroupLimits* limits) {
  double cpus = 0;
  if (text.find_first_not_of("0123456789.") != std::string::npos ||
      !absl::SimpleAtod(text, &cpus) || !std::isfinite(cpus) || cpus < kLeastCpus) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not a number of processors, 0.01 or more, such as 1.5"));
  }
  limits->set_cpus(cpus);
  return absl::OkStatus();
}

absl::Status AddResourceLimit(const std::string& text, v1::ProcessSpec* spec) {
  const absl::StatusOr<v1::ResourceLimit> limit = ParseResourceLimit(text);
  if (!limit.ok()) return limit.status();
  for (v1::ResourceLimit& said : *spec->mutable_rlimits()) {
    if (said.resource() != limit->resource()) continue;
    said = *limit;
    return absl::OkStatus();
  }
  *spec->add_rlimits() = *limit;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ResourceLimit> ParseResourceLimit(const std::string& text) {
  const auto malformed = [&text](const std::string& wanted) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' ", wanted));
  };
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return malformed("is not of the form NAME=SOFT[:HARD]");
  }
  v1::ResourceLimit limit;
  limit.set_resource(absl::AsciiStrToLower(text.substr(0, equals)));
  const std::string values = text.substr(equals + 1);
  const size_t colon = values.find(':');
  const std::string soft = values.substr(0, colon);
  const std::string hard = colon == std::string::npos ? soft : values.substr(colon + 1);
  for (const bool is_soft : {true, false}) {
    const std::string& value = is_soft ? soft : hard;
    // An unset limit is unlimited.
    if (value == "unlimited" || value == "-1") continue;
    const absl::StatusOr<uint64_t> size = ParseSize(value);
    if (!size.ok()) {
      return malformed(absl::StrCat("has '", value,
                                    "' for a limit: neither a number such as 1024, 64K or 1M nor "
                                    "'unlimited'"));
    }
    if (is_soft) {
      limit.set_soft(*size);
    } else {
      limit.set_hard(*size);
    }
  }
  if (limit.has_hard() && (!limit.has_soft() || limit.soft() > limit.hard())) {
    return malformed("has a soft limit above the hard one");
  }
  return limit;
}

void AddIdentityFlags(v1::ProcessSpec* spec, FlagSet* flags) {
  flags->Heading("As whom it runs (as the server itself if not told):");
  flags->Value('u', "user", "USER[:GROUP]", "names or numbers; also :GROUP alone",
               [spec](const std::string& text) { return SetUser(text, spec->mutable_user()); });
  flags->Value(0, "group-add", "GROUP", "a supplementary group, in place of the user's; repeatable",
               AcceptText([spec](const std::string& group) {
                 spec->mutable_user()->add_supplementary_groups(group);
               }));
  flags->Action(0, "allow-new-privileges", "let sudo and its like raise privileges",
                [spec] { spec->mutable_user()->set_allow_new_privileges(true); });
  flags->Value(0, "umask", "OCTAL", "the mask of the modes of new files, such as 022",
               [spec](const std::string& text) { return SetUmask(text, spec); });
  flags->Value(
      0, "nice", "N", "added to the nice value: -20 to 19",
      AcceptWithin(-20, 19, [spec](int64_t n) { spec->set_nice(static_cast<int32_t>(n)); }));
  flags->Value(0, "oom-score-adj", "N", "kill it sooner when memory is out: -1000 to 1000 (0)",
               AcceptWithin(-1000, 1000, [spec](int64_t n) {
                 spec->set_oom_score_adj(static_cast<int32_t>(n));
               }));
}

void AddLimitFlags(v1::ProcessSpec* spec, FlagSet* flags) {
  flags->Heading("What it may use (from --memory on: the whole tree, by a control group):");
  flags->Value(0, "rlimit", "NAME=SOFT[:HARD]",
               "as setrlimit(2): nofile=1K:4K, core=unlimited; repeatable",
               [spec](const std::string& text) { return AddResourceLimit(text, spec); });
  flags->Value('m', "memory", "SIZE", "memory; beyond it the kernel kills the whole tree",
               AcceptPositiveSize(
                   [spec](uint64_t size) { spec->mutable_cgroup()->set_memory_bytes(size); }));
  flags->Value(0, "swap", "SIZE", "just the swap, 0 for none; not docker's sum of the two",
               AcceptSize([spec](uint64_t size) { spec->mutable_cgroup()->set_swap_bytes(size); }));
  flags->Value(0, "cpus", "N", "time of so many processors, such as 1.5",
               [spec](const std::string& text) { return SetCpus(text, spec->mutable_cgroup()); });
  flags->Value(0, "pids-limit", "N", "processes and threads at one time",
               AcceptWithin(1, kMostPids, [spec](int64_t count) {
                 spec->mutable_cgroup()->set_pids(static_cast<uint64_t>(count));
               }));
  flags->Value(0, "io-weight", "N", "its share of block devices: 1 to 10000, by default 100",
               AcceptWithin(1, kMostIoWeight, [spec](int64_t weight) {
                 spec->mutable_cgroup()->set_io_weight(static_cast<uint32_t>(weight));
               }));
}

}  // namespace proctor::cli

#include "client/cli/flags/flag_accept.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cli/flags/flag_value.h"
#include "core/base/return_if_error.h"

namespace proctor::cli {

FlagSet::Accept AcceptLabel(google::protobuf::Map<std::string, std::string>* labels) {
  return [labels](const std::string& text) {
    const auto label = ParseKeyValue(text);
    if (label.ok()) (*labels)[label->first] = label->second;
    return label.status();
  };
}

FlagSet::Accept AcceptWantedLabel(google::protobuf::Map<std::string, std::string>* labels) {
  return [labels](const std::string& text) -> absl::Status {
    ASSIGN_OR_RETURN(const auto label, ParseKeyValue(text));
    const auto known = labels->find(label.first);
    if (known != labels->end() && known->second != label.second) {
      return absl::InvalidArgumentError(absl::StrCat("label '", label.first,
                                                     "' is asked for twice, as '", known->second,
                                                     "' and as '", label.second, "'"));
    }
    (*labels)[label.first] = label.second;
    return absl::OkStatus();
  };
}

FlagSet::Accept AcceptDuration(std::function<google::protobuf::Duration*()> field) {
  return [field = std::move(field)](const std::string& text) {
    const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
    if (duration.ok()) *field() = ToProto(*duration);
    return duration.status();
  };
}

FlagSet::Accept AcceptPositiveDuration(std::function<google::protobuf::Duration*()> field) {
  return [accept = AcceptDuration(std::move(field))](const std::string& text) {
    const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
    if (duration.ok() && *duration == absl::ZeroDuration()) {
      return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no time at all"));
    }
    return accept(text);
  };
}

FlagSet::Accept AcceptSize(std::function<void(uint64_t)> set) {
  return [set = std::move(set)](const std::string& text) {
    const absl::StatusOr<uint64_t> size = ParseSize(text);
    if (size.ok()) set(*size);
    return size.status();
  };
}

FlagSet::Accept AcceptPositiveSize(std::function<void(uint64_t)> set) {
  return [accept = AcceptSize(std::move(set))](const std::string& text) {
    const absl::StatusOr<uint64_t> size = ParseSize(text);
    if (size.ok() && *size == 0) return absl::InvalidArgumentError("'0' is no size");
    return accept(text);
  };
}

FlagSet::Accept AcceptWithin(int64_t least, int64_t most, std::function<void(int64_t)> set) {
  return [least, most, set = std::move(set)](const std::string& text) -> absl::Status {
    int64_t number = 0;
    // SimpleAtoi would take spaces as well.
    const bool digits = text.find_first_not_of("+-0123456789") == std::string::npos;
    if (!digits || !absl::SimpleAtoi(text, &number) || number < least || number > most) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", text, "' is not a whole number from ", least, " to ", most));
    }
    set(number);
    return absl::OkStatus();
  };
}

FlagSet::Accept AcceptWord(std::vector<std::pair<std::string, int>> words,
                           std::function<void(int)> set) {
  return [words = std::move(words), set = std::move(set)](const std::string& text) -> absl::Status {
    std::string known;
    for (size_t i = 0; i < words.size(); ++i) {
      if (text == words[i].first) {
        set(words[i].second);
        return absl::OkStatus();
      }
      const char* separator = i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
      absl::StrAppend(&known, separator, "'", words[i].first, "'");
    }
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not ", known));
  };
}

FlagSet::Accept AcceptOverflow(std::function<v1::OutputRetention*()> field) {
  return AcceptWord(
      {{"block", v1::OVERFLOW_POLICY_BLOCK_CHILD}, {"drop", v1::OVERFLOW_POLICY_DROP_OLDEST}},
      [field = std::move(field)](int policy) {
        field()->set_overflow(static_cast<v1::OverflowPolicy>(policy));
      });
}

FlagSet::Accept AcceptText(std::function<void(const std::string&)> set) {
  return [set = std::move(set)](const std::string& text) -> absl::Status {
    if (text.empty()) return absl::InvalidArgumentError("the value is empty");
    set(text);
    return absl::OkStatus();
  };
}

}  // namespace proctor::cli

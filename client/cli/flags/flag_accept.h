#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/flags/flag_set.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/map.h"
#include "proctor/v1/process.pb.h"

namespace proctor::cli {

// The usual uses of a flag's value, ready for FlagSet::Value.
//
// Pure functions; thread-safe. The messages that results point into outlive the parsing. A sub
// message is a function, so that it stays unset where its flag is not given.

// KEY=VALUE into `*labels`.
FlagSet::Accept AcceptLabel(google::protobuf::Map<std::string, std::string>* labels);

// The same for labels that a thing must have. Refuses two values of one key: nothing has both, so
// the user means something else.
FlagSet::Accept AcceptWantedLabel(google::protobuf::Map<std::string, std::string>* labels);

// 5 (seconds), 500ms, 10s, 1h30m.
FlagSet::Accept AcceptDuration(std::function<google::protobuf::Duration*()> field);
// The same, and not 0.
FlagSet::Accept AcceptPositiveDuration(std::function<google::protobuf::Duration*()> field);

// 4096, 64K, 1M.
FlagSet::Accept AcceptSize(std::function<void(uint64_t)> set);

// The same, and not 0.
FlagSet::Accept AcceptPositiveSize(std::function<void(uint64_t)> set);

// A whole number from `least` to `most`.
FlagSet::Accept AcceptWithin(int64_t least, int64_t most, std::function<void(int64_t)> set);

// One of a few words, as its number.
FlagSet::Accept AcceptWord(std::vector<std::pair<std::string, int>> words,
                           std::function<void(int)> set);

// block or drop.
FlagSet::Accept AcceptOverflow(std::function<v1::OutputRetention*()> field);

// Any text that is not empty.
FlagSet::Accept AcceptText(std::function<void(const std::string&)> set);

}  // namespace proctor::cli

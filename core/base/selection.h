#pragma once

#include <algorithm>

namespace proctor {

// What a caller selects processes, sessions and events by. The same for the values of the core and
// for the fields of messages, both of which these take.
//
// Thread-safety: pure functions, from any thread. Errors: none.

// Whether `labels` has each key of `wanted`, with that value. Both are maps.
template <typename Labels, typename Wanted>
bool HasLabels(const Labels& labels, const Wanted& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    const auto found = labels.find(label.first);
    return found != labels.end() && found->second == label.second;
  });
}

// Whether `value` is in a list of those that are wanted. An empty list wants all.
template <typename List, typename Value>
bool IsSelected(const List& wanted, const Value& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

}  // namespace proctor

#include "server/admin/state_dump.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/printable_text.h"

namespace proctor::server {
namespace {

// The least that a part is given, however many there are.
constexpr size_t kLeastShare = 2048;

// Of a section, beside its name and its text: the tags and lengths of its message.
constexpr size_t kSectionBytes = 32;

// Of its name, which is an id at most.
constexpr size_t kNameBytes = 96;

// The lines again, with nothing in them that is not printable.
std::string PrintableLines(std::string_view text) {
  std::string lines;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n', absl::SkipEmpty())) {
    absl::StrAppend(&lines, Printable({line.data(), line.size()}), "\n");
  }
  return lines;
}

}  // namespace

StateDump::StateDump(std::vector<StatePart> parts, size_t in_front, size_t max_bytes, Done done)
    : parts_(std::move(parts)),
      in_front_(in_front),
      max_bytes_(max_bytes),
      texts_(parts_.size()),
      missing_(parts_.size() + 1),  // and Begin itself
      done_(std::move(done)) {}

void StateDump::Begin() {
  const size_t equal = max_bytes_ / std::max<size_t>(parts_.size(), 1);
  const size_t share =
      std::max(equal, kLeastShare + kSectionBytes + kNameBytes) - kSectionBytes - kNameBytes;
  // First those that others describe, so that they do it meanwhile.
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (!parts_[i].post) continue;
    const absl::Status posted = parts_[i].post([self = shared_from_this(), i, share] {
      if (self->Waits()) self->Keep(i, self->parts_[i].describe(share));
    });
    if (!posted.ok()) Keep(i, "its thread has ended\n");
  }
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (!parts_[i].post) Keep(i, parts_[i].describe(share));
  }
  Keep(parts_.size(), "");
}

bool StateDump::Waits() {
  absl::MutexLock lock(&mutex_);
  return done_ != nullptr;
}

void StateDump::Keep(size_t part, std::string text) {
  Done done;
  Texts texts;
  {
    absl::MutexLock lock(&mutex_);
    if (!done_) return;  // too late
    if (part < texts_.size()) texts_[part] = std::move(text);
    if (--missing_ > 0) return;
    done = std::exchange(done_, nullptr);
    texts = std::move(texts_);
  }
  Finish(done, std::move(texts));
}

void StateDump::GiveUp() {
  Done done;
  Texts texts;
  {
    absl::MutexLock lock(&mutex_);
    if (!done_) return;
    done = std::exchange(done_, nullptr);
    texts = std::move(texts_);
  }
  Finish(done, std::move(texts));
}

std::string StateDump::TellSilent(const StatePart& part) const {
  const absl::Duration turn = part.turn_time ? part.turn_time() : absl::ZeroDuration();
  const std::string since = turn == absl::ZeroDuration() ? ""
                                                         : absl::StrCat(": its turn has lasted ",
                                                                        absl::FormatDuration(turn));
  return absl::StrCat("does not answer", since, "\n", part.outside ? part.outside() : "");
}

void StateDump::Finish(const Done& done, Texts texts) const {
  std::vector<Section> sections;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const bool silent = !texts[i].has_value();
    sections.push_back({Printable(parts_[i].name),
                        PrintableLines(silent ? TellSilent(parts_[i]) : *texts[i]), silent});
  }
  const size_t in_front = std::min(in_front_, sections.size());
  std::stable_partition(sections.begin() + static_cast<std::ptrdiff_t>(in_front), sections.end(),
                        [](const Section& section) { return section.silent; });
  Result result;
  size_t bytes = 0;
  for (Section& section : sections) {
    bytes += section.name.size() + section.text.size() + kSectionBytes;
    if (bytes > max_bytes_) break;
    result.sections.push_back(std::move(section));
  }
  result.omitted = sections.size() - result.sections.size();
  done(std::move(result));
}

}  // namespace proctor::server

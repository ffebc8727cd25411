#include "core/output/output_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/return_if_error.h"

namespace proctor {
namespace {

constexpr uint64_t kBytesPerChunk = 64;     // of the capacity, at least
constexpr uint64_t kMergedBytes = 4 << 10;  // the most that a chunk grows to
constexpr absl::Duration kMergedTime = absl::Milliseconds(10);

size_t MostChunks(uint64_t capacity) { return std::max<uint64_t>(capacity / kBytesPerChunk, 1); }

}  // namespace

OutputLog::OutputLog(uint64_t capacity) : ring_(capacity), most_chunks_(MostChunks(capacity)) {}

// ---- Writing. -------------------------------------------------------------

void OutputLog::OpenStream(OutputStream stream) {
  own_thread_.Check();
  totals_[IndexOf(stream)].piped = true;
}

uint64_t OutputLog::Room() const {
  if (attached_.empty()) return ring_.capacity();
  uint64_t owed_from = ring_.end();
  for (const OutputCursor* cursor : attached_) owed_from = std::min(owed_from, cursor->position_);
  owed_from = std::max(owed_from, ring_.begin());
  if (chunks_.size() >= most_chunks_ &&
      owed_from < chunks_.front().position + chunks_.front().size) {
    return 0;
  }
  return ring_.capacity() - (ring_.end() - owed_from);
}

absl::Status OutputLog::Append(OutputStream stream, std::string_view data, absl::Time time) {
  own_thread_.Check();
  PROCTOR_CHECK(!totals_[IndexOf(stream)].eof, "nothing comes after the end of a stream");
  while (!data.empty()) {
    std::string_view piece = data.substr(0, ring_.capacity());
    data.remove_prefix(piece.size());
    auto status = AppendPiece(stream, piece, time);
    if (status.ok()) continue;
    // What is dropped is always the oldest: nothing is kept before a hole.
    const uint64_t lost = piece.size() + data.size();
    DropBefore(ring_.end());
    totals_[IndexOf(stream)].total_bytes += lost;
    totals_[IndexOf(stream)].dropped_bytes += lost;
    ring_.Skip(lost);
    return status;
  }
  return absl::OkStatus();
}

absl::Status OutputLog::AppendPiece(OutputStream stream, std::string_view data, absl::Time time) {
  const uint64_t position = ring_.end();
  RETURN_IF_ERROR(ring_.Append(data));
  AddToIndex(stream, position, data.size(), time);
  totals_[IndexOf(stream)].total_bytes += data.size();
  DropBefore(ring_.begin());
  if (chunks_.size() > most_chunks_) DropBefore(chunks_[1].position);
  return absl::OkStatus();
}

void OutputLog::AddToIndex(OutputStream stream, uint64_t position, uint64_t size, absl::Time time) {
  if (!chunks_.empty()) {
    Chunk& last = chunks_.back();
    const bool timely = time >= last.time && time - last.time <= kMergedTime;
    if (last.stream == stream && last.size + size <= kMergedBytes &&
        (timely || chunks_.size() >= most_chunks_)) {
      last.size += size;
      return;
    }
  }
  chunks_.push_back({position, totals_[IndexOf(stream)].total_bytes, size, time, stream});
}

void OutputLog::DropBefore(uint64_t position) {
  while (!chunks_.empty() && chunks_.front().position < position) {
    Chunk& oldest = chunks_.front();
    const uint64_t bytes = std::min(position - oldest.position, oldest.size);
    totals_[IndexOf(oldest.stream)].dropped_bytes += bytes;
    oldest.position += bytes;
    oldest.offset += bytes;
    oldest.size -= bytes;
    if (oldest.size == 0) chunks_.pop_front();
  }
  ring_.DropBefore(position);
}

void OutputLog::AppendEof(OutputStream stream) {
  own_thread_.Check();
  if (totals_[IndexOf(stream)].eof) return;
  totals_[IndexOf(stream)].eof = true;
  milestones_.push_back({ring_.end(), stream});
}

void OutputLog::SetMark() {
  own_thread_.Check();
  for (const Milestone& milestone : milestones_) {
    if (!milestone.eof.has_value()) return;
  }
  milestones_.push_back({ring_.end(), std::nullopt});
}

// ---- Reading. -------------------------------------------------------------

std::optional<OutputItem> OutputLog::Next(OutputCursor& cursor, size_t max_bytes) const {
  for (int i = 0; i < kOutputStreams; ++i) {
    const uint64_t from = cursor.offset_[i];
    const uint64_t to = totals_[i].dropped_bytes;
    if (from >= to) continue;
    cursor.offset_[i] = to;
    return OutputGap{static_cast<OutputStream>(i), from, to};
  }
  cursor.position_ = std::max(cursor.position_, ring_.begin());

  const Milestone* milestone = NextMilestone(cursor);
  while (cursor.position_ < ring_.end() &&
         (milestone == nullptr || cursor.position_ < milestone->position)) {
    const Chunk& chunk = ChunkAt(cursor.position_);
    uint64_t& seen = cursor.offset_[IndexOf(chunk.stream)];
    const uint64_t offset = chunk.offset + (cursor.position_ - chunk.position);
    uint64_t bytes = chunk.position + chunk.size - cursor.position_;
    if (milestone != nullptr) bytes = std::min(bytes, milestone->position - cursor.position_);
    if (offset < seen) {  // a cursor FromOffsets has seen this already
      cursor.position_ += std::min(bytes, seen - offset);
      continue;
    }
    bytes = std::min<uint64_t>(bytes, std::max<size_t>(max_bytes, 1));
    std::string_view data = ring_.View(cursor.position_, bytes);
    cursor.position_ += data.size();
    seen += data.size();
    return OutputChunk{chunk.stream, offset, chunk.time, data};
  }
  if (milestone == nullptr) return std::nullopt;
  if (!milestone->eof.has_value()) {
    cursor.mark_told_ = true;
    return OutputMark{};
  }
  const int stream = IndexOf(*milestone->eof);
  cursor.eof_told_[stream] = true;
  return OutputEof{*milestone->eof, totals_[stream].total_bytes};
}

bool OutputLog::HasNext(const OutputCursor& cursor) const {
  OutputCursor copy = cursor;
  return Next(copy, 1).has_value();
}

const OutputLog::Chunk& OutputLog::ChunkAt(uint64_t position) const {
  auto after =
      std::upper_bound(chunks_.begin(), chunks_.end(), position,
                       [](uint64_t wanted, const Chunk& chunk) { return wanted < chunk.position; });
  PROCTOR_CHECK(after != chunks_.begin(), "a chunk covers each kept byte");
  return *std::prev(after);
}

const OutputLog::Milestone* OutputLog::NextMilestone(const OutputCursor& cursor) const {
  for (const Milestone& milestone : milestones_) {
    const bool told =
        milestone.eof.has_value() ? cursor.eof_told_[IndexOf(*milestone.eof)] : cursor.mark_told_;
    if (!told) return &milestone;
  }
  return nullptr;
}

void OutputLog::Attach(const OutputCursor* cursor) {
  own_thread_.Check();
  attached_.insert(cursor);
}

void OutputLog::Detach(const OutputCursor* cursor) {
  own_thread_.Check();
  attached_.erase(cursor);
}

// ---- What is kept. --------------------------------------------------------

OutputTotals OutputLog::Totals() const { return totals_; }

uint64_t OutputLog::retained_bytes() const { return ring_.end() - ring_.begin(); }

void OutputLog::SetCapacity(uint64_t capacity) {
  own_thread_.Check();
  ring_.SetCapacity(capacity);
  DropBefore(ring_.begin());
  most_chunks_ = MostChunks(capacity);
  if (chunks_.size() > most_chunks_) {
    DropBefore(chunks_[chunks_.size() - most_chunks_].position);
  }
}

void OutputLog::Settle() {
  own_thread_.Check();
  ring_.Settle();
}

void OutputLog::DropAll() {
  own_thread_.Check();
  DropBefore(ring_.end());
  ring_.Clear();
}

uint64_t OutputLog::Lag(const OutputCursor& cursor) const {
  uint64_t lag = 0;
  for (int i = 0; i < kOutputStreams; ++i) lag += totals_[i].total_bytes - cursor.offset_[i];
  return lag;
}

std::string OutputLog::DebugString() const {
  constexpr const char* kNames[kOutputStreams] = {"stdout", "stderr"};
  std::string text;
  for (int i = 0; i < kOutputStreams; ++i) {
    const StreamTotals& totals = totals_[i];
    if (!totals.piped) continue;
    absl::StrAppend(&text, kNames[i], ": ", totals.total_bytes, totals.eof ? " and its end" : "",
                    ", ", totals.dropped_bytes, " dropped; ");
  }
  return absl::StrCat(text, "kept: ", retained_bytes(), " of ", capacity(), " in ", chunks_.size(),
                      " chunks; readers that hold it back: ", attached_.size());
}

}  // namespace proctor

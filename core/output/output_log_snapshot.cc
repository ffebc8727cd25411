// How an OutputLog that is complete is handed to others, and made again from what was written down.
#include <algorithm>
#include <utility>

#include "core/output/output_log.h"

namespace proctor {

OutputLog::OutputLog(ByteRing ring) : ring_(std::move(ring)), most_chunks_(0) {}

std::shared_ptr<const OutputLog> OutputLog::Snapshot() const {
  if (!ring_.settled()) return nullptr;
  std::shared_ptr<OutputLog> snapshot(new OutputLog(ring_.Share()));
  snapshot->most_chunks_ = most_chunks_;
  snapshot->chunks_ = chunks_;
  snapshot->totals_ = totals_;
  snapshot->milestones_ = milestones_;
  return snapshot;
}

OutputIndex OutputLog::MakeIndex() const {
  OutputIndex index;
  index.totals = totals_;
  const uint64_t begin = ring_.begin();
  for (const Milestone& milestone : milestones_) {
    index.milestones.push_back({std::max(milestone.position, begin) - begin, milestone.eof});
  }
  index.chunks.reserve(chunks_.size());
  for (const Chunk& chunk : chunks_) {
    index.chunks.push_back({chunk.stream, chunk.offset, chunk.size, chunk.time});
  }
  return index;
}

absl::StatusOr<std::shared_ptr<const OutputLog>> OutputLog::Restore(const OutputIndex& index,
                                                                    std::shared_ptr<char[]> bytes,
                                                                    uint64_t size) {
  std::shared_ptr<OutputLog> log(new OutputLog(ByteRing::Of(std::move(bytes), size)));
  log->most_chunks_ = index.chunks.size() + 1;
  log->totals_ = index.totals;
  uint64_t position = 0;
  Offsets next;
  for (int i = 0; i < kOutputStreams; ++i) next[i] = index.totals[i].dropped_bytes;
  for (const OutputIndex::Chunk& chunk : index.chunks) {
    uint64_t& offset = next[static_cast<int>(chunk.stream)];
    if (chunk.offset != offset || chunk.size == 0 || chunk.size > size - position) {
      return absl::DataLossError("a chunk does not follow the one before it");
    }
    log->chunks_.push_back({position, chunk.offset, chunk.size, chunk.time, chunk.stream});
    offset += chunk.size;
    position += chunk.size;
  }
  for (int i = 0; i < kOutputStreams; ++i) {
    if (next[i] != index.totals[i].total_bytes) {
      return absl::DataLossError("the chunks are not all of a stream");
    }
  }
  if (position != size) return absl::DataLossError("there are bytes of no chunk");
  uint64_t last = 0;
  for (const OutputIndex::Milestone& milestone : index.milestones) {
    if (milestone.position < last || milestone.position > size) {
      return absl::DataLossError("a milestone stands at no place of the output");
    }
    last = milestone.position;
    log->milestones_.push_back({milestone.position, milestone.eof});
  }
  return log;
}

std::shared_ptr<const OutputLog> OutputLog::OfNothing(OutputTotals totals) {
  std::shared_ptr<OutputLog> log(new OutputLog(ByteRing(0)));
  for (int i = 0; i < kOutputStreams; ++i) {
    totals[i].dropped_bytes = totals[i].total_bytes;
    if (totals[i].eof) log->milestones_.push_back({0, static_cast<OutputStream>(i)});
  }
  log->totals_ = totals;
  log->milestones_.push_back({0, std::nullopt});
  return log;
}

}  // namespace proctor

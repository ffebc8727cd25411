#include "core/loop/descriptor_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace proctor {

void DescriptorHandler::Run() {
  queued_ = false;
  if (removed_) return;
  running_ = true;
  try {
    callback_();
  } catch (...) {
    OnReturn();
    throw;
  }
  OnReturn();
}

void DescriptorHandler::OnReturn() {
  running_ = false;
  if (removed_) const ReadyCallback dropped = std::exchange(callback_, nullptr);
}

void DescriptorHandler::Remove() {
  removed_ = true;
  if (!running_) const ReadyCallback dropped = std::exchange(callback_, nullptr);
}

DescriptorTable::Entry DescriptorTable::Get(int fd) const {
  const auto it = entries_.find(fd);
  return it == entries_.end() ? Entry{} : it->second;
}

void DescriptorTable::Put(int fd, Entry entry) {
  if (entry.interest().any()) {
    entries_[fd] = std::move(entry);
  } else {
    entries_.erase(fd);
  }
}

const DescriptorTable::Entry* DescriptorTable::Find(uint64_t token) const {
  const auto it = entries_.find(static_cast<int>(static_cast<uint32_t>(token)));
  return it == entries_.end() || it->second.token != token ? nullptr : &it->second;
}

uint64_t DescriptorTable::NewToken(int fd) {
  if (++generation_ == 0) ++generation_;  // kNoToken is not a token of fd 0
  return uint64_t{generation_} << 32 | static_cast<uint32_t>(fd);
}

void DescriptorTable::Clear() {
  const auto dropped = std::exchange(entries_, {});
  for (const auto& [fd, entry] : dropped) {
    if (entry.reader != nullptr) entry.reader->Remove();
    if (entry.writer != nullptr) entry.writer->Remove();
  }
}

std::string DescriptorTable::DebugString() const {
  std::vector<int> fds;
  for (const auto& [fd, entry] : entries_) fds.push_back(fd);
  std::sort(fds.begin(), fds.end());
  std::string text;
  for (int fd : fds) {
    const Interest interest = entries_.at(fd).interest();
    absl::StrAppend(&text, text.empty() ? "" : ", ", fd, " ", interest.read ? "r" : "",
                    interest.write ? "w" : "", interest.edge ? " edge" : "");
  }
  return text;
}

}  // namespace proctor

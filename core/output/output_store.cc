#include "core/output/output_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <new>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/directory.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/output/output_file.h"
#include "core/self/background_thread.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// A file takes whole blocks: it frees up to so much more than its size.
constexpr uint64_t kBlockBytes = 4096;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

BackgroundThread& Thread() {
  static auto* const thread = new BackgroundThread;
  return *thread;
}

// Calls `see` with the name of each file in a directory.
absl::Status ListFiles(const std::string& directory,
                       const std::function<void(const std::string& name)>& see) {
  const Directory list(::opendir(directory.c_str()));
  if (list == nullptr) return OutputStorageError("open", directory, errno);
  while (const dirent* entry = ::readdir(list.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") see(name);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<OutputStore>> OutputStore::Open(Options options) {
  if (::mkdir(options.directory.c_str(), 0700) == 0) {
    if (options.durable) {
      RETURN_IF_ERROR(SyncDirectoryOf(options.directory));
    }
  } else if (errno != EEXIST) {
    return OutputStorageError("mkdir", options.directory, errno);
  }
  std::shared_ptr<OutputStore> store(new OutputStore(std::move(options)));
  RETURN_IF_ERROR(store->Scan());
  return store;
}

void OutputStore::Clear(const std::string& directory) {
  std::vector<std::string> names;
  // Where there is no such directory there is nothing to remove.
  (void)ListFiles(directory, [&](const std::string& name) { names.push_back(name); });
  for (const std::string& name : names) ::unlink(absl::StrCat(directory, "/", name).c_str());
}

// A restart counts the age of files from when they were written.
absl::Status OutputStore::Scan() {
  std::vector<std::tuple<int64_t, int64_t, std::string, uint64_t>> found;
  absl::Status listed = ListFiles(options_.directory, [&](const std::string& name) {
    const std::string path = PathOf(name);
    struct stat look {};
    if (absl::EndsWith(name, kUnfinishedSuffix)) {
      ::unlink(path.c_str());
    } else if (::lstat(path.c_str(), &look) == 0 && S_ISREG(look.st_mode)) {
      found.emplace_back(look.st_mtim.tv_sec, look.st_mtim.tv_nsec, name,
                         static_cast<uint64_t>(look.st_size));
    }
  });
  if (!listed.ok()) return listed;
  std::sort(found.begin(), found.end());
  {
    absl::MutexLock lock(&mutex_);
    use_.max_bytes = options_.max_bytes;
    for (const auto& [seconds, nanoseconds, name, size] : found) NoteFile(name, size);
  }
  // The bound may be lower than that of the server before.
  return MakeRoom("", 0);
}

std::string OutputStore::PathOf(std::string_view process_id) const {
  return absl::StrCat(options_.directory, "/", View(process_id));
}

void OutputStore::RetainOnly(const std::function<bool(const std::string& process_id)>& is_known) {
  std::vector<std::string> unknown;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [process_id, file] : files_) unknown.push_back(process_id);
  }
  std::erase_if(unknown, is_known);
  for (const std::string& process_id : unknown) Remove(process_id);
}

absl::Status OutputStore::Post(absl::AnyInvocable<void()> work) {
  try {
    return Thread().Post([self = shared_from_this(), work = std::move(work)]() mutable { work(); });
  } catch (const std::bad_alloc&) {
    return MakeError(absl::StatusCode::kResourceExhausted, Reason::kOutputMemory,
                     "there is no memory to wait for the disk in");
  }
}

void OutputStore::Keep(const std::string& process_id, std::shared_ptr<const OutputLog> output) {
  const uint64_t bytes = OutputMemory(*output);
  const uint64_t size = OutputFileSize(process_id, *output);
  {
    absl::MutexLock lock(&mutex_);
    const bool fits = pending_.empty() || pending_bytes_ + bytes <= options_.max_pending_bytes;
    if (fits) {
      Pending& pending = pending_[process_id];
      ++pending.writes;
      pending.size = std::max(pending.size, size);
      pending_bytes_ += bytes;
    } else {
      output.reset();
    }
  }
  if (output == nullptr) {
    return GiveUp(process_id, MakeError(absl::StatusCode::kResourceExhausted, Reason::kStorageSlow,
                                        "too much waits to be written already"));
  }
  absl::Status posted = Post([this, process_id, bytes, output = std::move(output)]() mutable {
    Write(process_id, *output);
    output.reset();
    EndPending(process_id, bytes);
  });
  if (posted.ok()) return;
  EndPending(process_id, bytes);
  GiveUp(process_id, posted);
}

// An earlier one may have what is not to be kept any more.
void OutputStore::GiveUp(const std::string& process_id, const absl::Status& why) {
  Remove(process_id);
  Lose(process_id, why);
}

void OutputStore::EndPending(const std::string& process_id, uint64_t bytes) {
  absl::MutexLock lock(&mutex_);
  pending_bytes_ -= bytes;
  const auto pending = pending_.find(process_id);
  if (--pending->second.writes == 0) pending_.erase(pending);
}

void OutputStore::Write(const std::string& process_id, const OutputLog& output) {
  const uint64_t size = OutputFileSize(process_id, output);
  absl::Status written = MakeRoom(process_id, size);
  if (written.ok()) {
    written = WriteOutputFile(PathOf(process_id), process_id, output, options_.durable);
  }
  if (!written.ok()) {
    Unlink(process_id);  // as GiveUp does
    return Lose(process_id, written);
  }
  absl::MutexLock lock(&mutex_);
  DropFile(process_id);
  NoteFile(process_id, size);
  trouble_told_ = false;
}

absl::Status OutputStore::MakeRoom(const std::string& process_id, uint64_t size) {
  if (size > options_.max_bytes) {
    return MakeError(absl::StatusCode::kResourceExhausted, Reason::kOutputTooLarge,
                     absl::StrCat("its ", size, " bytes are more than the ", options_.max_bytes,
                                  " that all may have"));
  }
  const uint64_t needed = size == 0 ? 0 : size + options_.left_free;
  while (true) {
    const uint64_t left = FreeBytes();
    std::string oldest;
    {
      absl::MutexLock lock(&mutex_);
      const auto own = files_.find(process_id);
      const uint64_t replaced = own == files_.end() ? 0 : own->second.size;
      const bool within = use_.bytes - replaced + size <= options_.max_bytes;
      if (within && left >= needed) return absl::OkStatus();
      // The others are not given for one that has no room even then.
      const uint64_t freed = use_.bytes + files_.size() * kBlockBytes;
      if (within && (files_.empty() || left + freed < needed)) {
        return MakeError(absl::StatusCode::kResourceExhausted, Reason::kStorageFull,
                         absl::StrCat("'", options_.directory, "' has ", left,
                                      " bytes left, which are for events"));
      }
      auto first = by_turn_.begin();
      if (first->second == process_id && by_turn_.size() > 1) ++first;
      oldest = first->second;
      if (oldest != process_id) ++use_.removed;
    }
    Unlink(oldest);
  }
}

// Of a file system that does not tell, a write does.
uint64_t OutputStore::FreeBytes() const {
  if (options_.free_bytes) return options_.free_bytes();
  struct statvfs disk {};
  if (::statvfs(options_.directory.c_str(), &disk) != 0) {
    return std::numeric_limits<uint64_t>::max();
  }
  return static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
}

void OutputStore::NoteFile(const std::string& process_id, uint64_t size) {
  files_[process_id] = {++last_turn_, size};
  by_turn_[last_turn_] = process_id;
  use_.bytes += size;
}

bool OutputStore::DropFile(const std::string& process_id) {
  const auto found = files_.find(process_id);
  if (found == files_.end()) return false;
  use_.bytes -= found->second.size;
  by_turn_.erase(found->second.turn);
  files_.erase(found);
  return true;
}

void OutputStore::Unlink(const std::string& process_id) {
  {
    absl::MutexLock lock(&mutex_);
    if (!DropFile(process_id)) return;
  }
  ::unlink(PathOf(process_id).c_str());  // a file that stays is found by the next start
}

void OutputStore::Lose(const std::string& process_id, const absl::Status& why) {
  {
    absl::MutexLock lock(&mutex_);
    ++use_.lost;
    if (std::exchange(trouble_told_, true)) return;
  }
  Warn(absl::StrCat("keep the output of process '", process_id, "': ", std::string(why.message()),
                    ": it is lost once its session is closed, as may be that of others"));
}

void OutputStore::Remove(const std::string& process_id) {
  if (!Has(process_id)) return;
  (void)Post([this, process_id] { Unlink(process_id); });  // else the next start removes it
}

bool OutputStore::Has(std::string_view process_id) const {
  absl::MutexLock lock(&mutex_);
  return files_.contains(View(process_id)) || pending_.contains(View(process_id));
}

uint64_t OutputStore::SizeOf(std::string_view process_id) const {
  absl::MutexLock lock(&mutex_);
  const auto found = files_.find(View(process_id));
  const auto pending = pending_.find(View(process_id));
  return std::max(found == files_.end() ? 0 : found->second.size,
                  pending == pending_.end() ? 0 : pending->second.size);
}

void OutputStore::Read(const std::string& process_id, Done done) {
  // Shared, because what was not posted is gone.
  auto told = std::make_shared<Done>(std::move(done));
  absl::Status posted =
      Post([this, process_id, told] { (*told)(ReadOutputFile(PathOf(process_id), process_id)); });
  if (!posted.ok()) (*told)(posted);
}

bool OutputStore::Flush(absl::Time deadline) const {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithDeadline(absl::Condition(this, &OutputStore::NothingPending), deadline);
}

OutputStore::Use OutputStore::use() const {
  absl::MutexLock lock(&mutex_);
  Use use = use_;
  use.outputs = files_.size();
  return use;
}

std::string OutputStore::DebugString() const {
  absl::MutexLock lock(&mutex_);
  return absl::StrCat("kept outputs: ", files_.size(), ", ", use_.bytes, " of ", use_.max_bytes,
                      " bytes; removed: ", use_.removed, ", lost: ", use_.lost, "; processes with ",
                      "writes that wait: ", pending_.size(), ", ", pending_bytes_, " bytes");
}

}  // namespace proctor

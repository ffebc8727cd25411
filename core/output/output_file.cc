#include "core/output/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "proctor/unique_fd.h"

namespace proctor {
namespace {

constexpr std::string_view kMagic = "proctor\n";
constexpr uint32_t kVersion = 1;
constexpr size_t kChecksumAt = 12;
constexpr size_t kHeaderBytes = 40;
constexpr size_t kStreamBytes = 1 + 8 + 8;
constexpr size_t kMilestoneBytes = 8 + 1;
constexpr size_t kChunkBytes = 1 + 8 + 8 + 8;
// Of one chunk in an OutputLog: as in the index, and its position.
constexpr uint64_t kChunkMemory = sizeof(OutputIndex::Chunk) + sizeof(uint64_t);
static_assert(1 + kChunkMemory <= kMemoryPerFileByte * (1 + kChunkBytes));
constexpr uint8_t kMarkMilestone = kOutputStreams;  // below: the end of that stream

void PutNumber(std::string* to, uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) to->push_back(static_cast<char>(number >> (8 * i)));
}

uint64_t TakeNumber(std::string_view* from, int bytes) {
  uint64_t number = 0;
  for (int i = 0; i < bytes; ++i) {
    number |= uint64_t{static_cast<unsigned char>((*from)[static_cast<size_t>(i)])} << (8 * i);
  }
  from->remove_prefix(static_cast<size_t>(bytes));
  return number;
}

// Of pieces that follow one another, from `checksum` on.
uint32_t Checksum(uint32_t checksum, std::string_view piece) {
  if (piece.empty()) return checksum;  // zlib takes a null pointer for a wish to begin anew
  return static_cast<uint32_t>(
      ::crc32_z(checksum, reinterpret_cast<const Bytef*>(piece.data()), piece.size()));
}

// All but the bytes of the output.
std::string EncodeHead(std::string_view process_id, const OutputLog& output) {
  const OutputIndex index = output.MakeIndex();
  const std::string_view bytes = output.SettledBytes();
  std::string head(kMagic);
  PutNumber(&head, kVersion, 4);
  PutNumber(&head, 0, 4);  // the checksum, in the end
  PutNumber(&head, bytes.size(), 8);
  PutNumber(&head, index.chunks.size(), 8);
  PutNumber(&head, index.milestones.size(), 4);
  PutNumber(&head, process_id.size(), 4);
  head.append(process_id);
  for (const StreamTotals& totals : index.totals) {
    PutNumber(&head, (totals.piped ? 1u : 0u) | (totals.eof ? 2u : 0u), 1);
    PutNumber(&head, totals.total_bytes, 8);
    PutNumber(&head, totals.dropped_bytes, 8);
  }
  for (const OutputIndex::Milestone& milestone : index.milestones) {
    PutNumber(&head, milestone.position, 8);
    PutNumber(&head, milestone.eof ? static_cast<uint64_t>(*milestone.eof) : kMarkMilestone, 1);
  }
  for (const OutputIndex::Chunk& chunk : index.chunks) {
    PutNumber(&head, static_cast<uint64_t>(chunk.stream), 1);
    PutNumber(&head, chunk.offset, 8);
    PutNumber(&head, chunk.size, 8);
    PutNumber(&head, static_cast<uint64_t>(absl::ToUnixNanos(chunk.time)), 8);
  }
  std::string checksum;
  PutNumber(&checksum, Checksum(Checksum(0, std::string_view(head).substr(kChecksumAt + 4)), bytes),
            4);
  head.replace(kChecksumAt, 4, checksum);
  return head;
}

absl::Status MemoryError(const char* operation, const std::string& path) {
  return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kOutputMemory, operation, path,
                    ENOMEM);
}

absl::Status Damaged(const std::string& path, const std::string& what) {
  return MakeError(absl::StatusCode::kDataLoss, Reason::kOutputDamaged,
                   absl::StrCat("kept output '", path, "' is damaged: ", what), {{"path", path}});
}

bool WriteAll(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// False at an error, with errno, and at the file's end, with 0.
bool ReadAll(int fd, char* to, uint64_t size) {
  while (size > 0) {
    const ssize_t got = ::read(fd, to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = 0;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<uint64_t>(got);
  }
  return true;
}

// The sizes in a header.
struct Sizes {
  uint64_t bytes = 0, chunks = 0, milestones = 0, id = 0;

  // Of what stands between header and bytes; nothing if that is not to be believed.
  std::optional<uint64_t> Middle(uint64_t file_size) const {
    if (bytes > file_size || chunks > file_size / kChunkBytes ||
        milestones > file_size / kMilestoneBytes || id > file_size) {
      return std::nullopt;
    }
    return id + kOutputStreams * kStreamBytes + milestones * kMilestoneBytes + chunks * kChunkBytes;
  }
};

// What stands between the id and the bytes, which has the right size.
absl::StatusOr<OutputIndex> DecodeIndex(std::string_view from, const Sizes& sizes) {
  OutputIndex index;
  for (StreamTotals& totals : index.totals) {
    const uint64_t flags = TakeNumber(&from, 1);
    totals.piped = (flags & 1) != 0;
    totals.eof = (flags & 2) != 0;
    totals.total_bytes = TakeNumber(&from, 8);
    totals.dropped_bytes = TakeNumber(&from, 8);
  }
  for (uint64_t i = 0; i < sizes.milestones; ++i) {
    OutputIndex::Milestone& milestone = index.milestones.emplace_back();
    milestone.position = TakeNumber(&from, 8);
    const uint64_t kind = TakeNumber(&from, 1);
    if (kind > kMarkMilestone) return absl::DataLossError("a milestone of no kind");
    if (kind != kMarkMilestone) milestone.eof = static_cast<OutputStream>(kind);
  }
  index.chunks.reserve(sizes.chunks);
  for (uint64_t i = 0; i < sizes.chunks; ++i) {
    OutputIndex::Chunk& chunk = index.chunks.emplace_back();
    const uint64_t stream = TakeNumber(&from, 1);
    if (stream >= kOutputStreams) return absl::DataLossError("a chunk of no stream");
    chunk.stream = static_cast<OutputStream>(stream);
    chunk.offset = TakeNumber(&from, 8);
    chunk.size = TakeNumber(&from, 8);
    chunk.time = absl::FromUnixNanos(static_cast<int64_t>(TakeNumber(&from, 8)));
  }
  return index;
}

absl::Status Write(const std::string& path, std::string_view process_id, const OutputLog& output,
                   bool durable) {
  const std::string unfinished = path + kUnfinishedSuffix;
  const std::string head = EncodeHead(process_id, output);
  UniqueFd file(
      ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return OutputStorageError("open", unfinished, errno);
  absl::Status status;
  if (!WriteAll(file.get(), head) || !WriteAll(file.get(), output.SettledBytes())) {
    status = OutputStorageError("write", unfinished, errno);
  } else if (durable && ::fdatasync(file.get()) != 0) {
    status = OutputStorageError("fdatasync", unfinished, errno);
  } else if (::close(file.Release()) != 0 && errno != EINTR) {
    status = OutputStorageError("close", unfinished, errno);  // some disks are full only now
  } else if (::rename(unfinished.c_str(), path.c_str()) != 0) {
    status = OutputStorageError("rename", unfinished, errno);
  } else if (durable) {
    status = SyncDirectoryOf(path);
    if (!status.ok()) ::unlink(path.c_str());
    return status;
  }
  if (!status.ok()) ::unlink(unfinished.c_str());
  return status;
}

absl::StatusOr<std::shared_ptr<const OutputLog>> Read(const std::string& path,
                                                      std::string_view process_id) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) {
    return MakeError(absl::StatusCode::kNotFound, Reason::kOutputNotKept,
                     absl::StrCat("no output of process '", std::string(process_id), "' is kept"),
                     {{"process_id", std::string(process_id)}});
  }
  struct stat look {};
  if (!file || ::fstat(file.get(), &look) != 0) return OutputStorageError("open", path, errno);
  const uint64_t file_size = static_cast<uint64_t>(look.st_size);

  std::string head(kHeaderBytes, '\0');
  if (file_size < kHeaderBytes || !ReadAll(file.get(), head.data(), head.size())) {
    return Damaged(path, "it is shorter than its header");
  }
  std::string_view left = head;
  if (left.substr(0, kMagic.size()) != kMagic) return Damaged(path, "it is no kept output");
  left.remove_prefix(kMagic.size());
  if (const uint64_t version = TakeNumber(&left, 4); version != kVersion) {
    return Damaged(path, absl::StrCat("its version is ", version, ", not ", kVersion));
  }
  const uint64_t checksum = TakeNumber(&left, 4);
  const std::string_view checked = left;
  Sizes sizes;
  sizes.bytes = TakeNumber(&left, 8);
  sizes.chunks = TakeNumber(&left, 8);
  sizes.milestones = TakeNumber(&left, 4);
  sizes.id = TakeNumber(&left, 4);
  const auto middle_size = sizes.Middle(file_size);
  if (!middle_size || kHeaderBytes + *middle_size + sizes.bytes != file_size) {
    return Damaged(path, absl::StrCat("it has ", file_size, " bytes, which is not what it says"));
  }
  std::string middle(*middle_size, '\0');
  std::shared_ptr<char[]> bytes(new (std::nothrow) char[std::max<uint64_t>(sizes.bytes, 1)]);
  if (bytes == nullptr) return MemoryError("read", path);
  if (!ReadAll(file.get(), middle.data(), middle.size()) ||
      !ReadAll(file.get(), bytes.get(), sizes.bytes)) {
    if (errno == 0) return Damaged(path, "it has become shorter");
    return OutputStorageError("read", path, errno);
  }
  const std::string_view output(bytes.get(), sizes.bytes);
  if (Checksum(Checksum(Checksum(0, checked), middle), output) != checksum) {
    return Damaged(path, "its checksum is wrong");
  }
  if (std::string_view(middle).substr(0, sizes.id) != process_id) {
    return Damaged(path, "it is that of another process");
  }
  auto index = DecodeIndex(std::string_view(middle).substr(sizes.id), sizes);
  if (!index.ok()) return Damaged(path, std::string(index.status().message()));
  auto restored = OutputLog::Restore(*index, std::move(bytes), sizes.bytes);
  if (!restored.ok()) return Damaged(path, std::string(restored.status().message()));
  return restored;
}

}  // namespace

absl::Status OutputStorageError(const char* operation, const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return ErrnoError(full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kInternal,
                    full ? Reason::kStorageFull : Reason::kStorageFailed, operation, path, error);
}

uint64_t OutputFileSize(std::string_view process_id, const OutputLog& output) {
  const OutputLog::Counts counts = output.CountIndex();
  return kHeaderBytes + process_id.size() + kOutputStreams * kStreamBytes +
         counts.milestones * kMilestoneBytes + counts.chunks * kChunkBytes +
         output.retained_bytes();
}

uint64_t OutputMemory(const OutputLog& output) {
  return output.retained_bytes() + output.CountIndex().chunks * kChunkMemory;
}

absl::Status SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return OutputStorageError("open", directory, errno);
  if (::fsync(opened.get()) != 0) return OutputStorageError("fsync", directory, errno);
  return absl::OkStatus();
}

// Both are called on threads that nothing may be thrown to.
absl::Status WriteOutputFile(const std::string& path, std::string_view process_id,
                             const OutputLog& output, bool durable) {
  try {
    return Write(path, process_id, output, durable);
  } catch (const std::bad_alloc&) {
    return MemoryError("write", path);
  }
}

absl::StatusOr<std::shared_ptr<const OutputLog>> ReadOutputFile(const std::string& path,
                                                                std::string_view process_id) {
  try {
    return Read(path, process_id);
  } catch (const std::bad_alloc&) {
    return MemoryError("read", path);
  }
}

}  // namespace proctor

#include "core/output/output_file.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "proctor/error.h"
#include "tests/core/output/kept_output.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

using testing::HasSubstr;

class OutputFileTest : public testing::Test {
 protected:
  std::string Content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void Overwrite(const std::string& content) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.File("id");
};

TEST_F(OutputFileTest, IsReadAsItWasWritten) {
  const auto output = MakeOutput({"one\n", "err\n", "two\n", std::string(5000, 'x')});
  ASSERT_TRUE(WriteOutputFile(path_, "id", *output, /*durable=*/true).ok());
  EXPECT_EQ(std::filesystem::file_size(path_), OutputFileSize("id", *output));
  struct stat look {};
  ASSERT_EQ(::stat(path_.c_str(), &look), 0);
  EXPECT_EQ(look.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(path_ + kUnfinishedSuffix));

  const auto read = ReadOutputFile(path_, "id");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(BytesOf(**read), BytesOf(*output));
  EXPECT_EQ((*read)->Totals(), output->Totals());
  OutputCursor cursor = (*read)->FromOldest();
  const auto first = (*read)->Next(cursor, 100);
  EXPECT_EQ(std::get<OutputChunk>(*first).time,
            absl::FromUnixSeconds(1700000000) + absl::Nanoseconds(7));
}

TEST_F(OutputFileTest, KnowsWhatWasDropped) {
  const auto output = MakeOutput({std::string(5000, 'a')}, /*capacity=*/1000);
  ASSERT_TRUE(WriteOutputFile(path_, "id", *output, false).ok());
  const auto read = ReadOutputFile(path_, "id");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->Totals()[0].dropped_bytes, 4000u);
}

TEST_F(OutputFileTest, NeverGivesWrongBytes) {
  ASSERT_TRUE(WriteOutputFile(path_, "id", *MakeOutput({"one\n", "err\n"}), false).ok());
  const std::string good = Content();
  // Any byte that is another one, and any length.
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x41);
    Overwrite(bad);
    const auto read = ReadOutputFile(path_, "id");
    ASSERT_EQ(ErrorReason(read.status()), "OUTPUT_DAMAGED") << at;
    EXPECT_TRUE(absl::IsDataLoss(read.status()));
    Overwrite(good.substr(0, at));
    ASSERT_EQ(ErrorReason(ReadOutputFile(path_, "id").status()), "OUTPUT_DAMAGED") << at;
  }
  Overwrite(good + "x");
  EXPECT_EQ(ErrorReason(ReadOutputFile(path_, "id").status()), "OUTPUT_DAMAGED");
  Overwrite(good);
  EXPECT_TRUE(ReadOutputFile(path_, "id").ok());
  EXPECT_THAT(std::string(ReadOutputFile(path_, "xx").status().message()),
              HasSubstr("that of another process"));
}

TEST_F(OutputFileTest, WithoutMemoryTheReadingFails) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer needs more memory than this leaves";
#endif
  // A header that belongs to a file of this size, all of which would be an index.
  constexpr uint64_t kChunks = uint64_t{1} << 30;
  constexpr uint64_t kSize = 40 + 2 + 2 * 17 + kChunks * 25;
  std::string header("proctor\n\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
  for (const uint64_t number : {kChunks, uint64_t{2} << 32}) {
    for (int i = 0; i < 8; ++i) header.push_back(static_cast<char>(number >> (8 * i)));
  }
  Overwrite(header);
  std::filesystem::resize_file(path_, kSize);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  const rlimit less{rlim_t{8} << 30, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &less), 0);
  const absl::Status read = ReadOutputFile(path_, "id").status();
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(ErrorReason(read), "OUTPUT_MEMORY") << read;
  EXPECT_TRUE(absl::IsResourceExhausted(read));
}

TEST_F(OutputFileTest, SyncsTheDirectoryOfAName) {
  EXPECT_TRUE(SyncDirectoryOf(path_).ok());
  EXPECT_TRUE(SyncDirectoryOf("of the working directory").ok());
  EXPECT_EQ(ErrorReason(SyncDirectoryOf(directory_.File("no/id"))), "STORAGE_FAILED");
}

TEST_F(OutputFileTest, MemoryIsBoundedByTheSizeOfTheFile) {
  const auto smallest = MakeOutput(std::vector<std::string>(1000, "x"));
  EXPECT_LE(OutputMemory(*smallest), kMemoryPerFileByte * OutputFileSize("id", *smallest));
  EXPECT_GT(OutputMemory(*smallest), OutputFileSize("id", *smallest));
}

TEST_F(OutputFileTest, SaysThatThereIsNone) {
  EXPECT_EQ(ErrorReason(ReadOutputFile(path_, "id").status()), "OUTPUT_NOT_KEPT");
  const auto written = WriteOutputFile(directory_.File("no/id"), "id", *MakeOutput({"x"}), false);
  EXPECT_EQ(ErrorReason(written), "STORAGE_FAILED");
}

}  // namespace
}  // namespace proctor

#include "core/output/output_store.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "core/output/output_file.h"
#include "proctor/error.h"
#include "tests/core/output/kept_output.h"
#include "tests/core/storage/noted_warnings.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class OutputStoreTest : public testing::Test {
 protected:
  std::shared_ptr<OutputStore> Open(uint64_t max_bytes = 1 << 20) {
    auto store = OutputStore::Open(
        {.directory = directory_.File("output"), .max_bytes = max_bytes, .left_free = 0});
    EXPECT_TRUE(store.ok()) << store.status();
    return *store;
  }

  static absl::StatusOr<std::shared_ptr<const OutputLog>> Read(OutputStore& store,
                                                               const std::string& id) {
    absl::StatusOr<std::shared_ptr<const OutputLog>> result;
    absl::Notification told;
    store.Read(id, [&](absl::StatusOr<std::shared_ptr<const OutputLog>> read) {
      result = std::move(read);
      told.Notify();
    });
    told.WaitForNotification();
    return result;
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.File("output"))) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  uint64_t BytesOfFiles() const {
    uint64_t bytes = 0;
    for (const std::string& name : Files()) {
      bytes += std::filesystem::file_size(directory_.File("output/" + name));
    }
    return bytes;
  }

  TemporaryDirectory directory_;
};

// Keeps the thread that writes from going on, while it is there.
class HeldUp {
 public:
  explicit HeldUp(OutputStore& store) {
    store.Read("nobody", [go_on = go_on_](const auto&) { go_on->WaitForNotification(); });
  }
  HeldUp(const HeldUp&) = delete;
  HeldUp& operator=(const HeldUp&) = delete;
  ~HeldUp() { go_on_->Notify(); }

 private:
  const std::shared_ptr<absl::Notification> go_on_ = std::make_shared<absl::Notification>();
};

TEST_F(OutputStoreTest, KeepsUntilToldOtherwise) {
  const auto store = Open();
  store->Keep("a", MakeOutput({"of a"}));
  store->Keep("b", MakeOutput({"of b"}));
  EXPECT_TRUE(store->Has("a"));
  // What is asked for right after is there: it comes after the writing.
  auto read = Read(*store, "a");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(BytesOf(**read).first, "of a");
  EXPECT_EQ(store->use().outputs, 2u);
  EXPECT_EQ(store->use().bytes, store->SizeOf("a") + store->SizeOf("b"));
  store->Remove("a");
  EXPECT_EQ(ErrorReason(Read(*store, "a").status()), "OUTPUT_NOT_KEPT");
  EXPECT_FALSE(store->Has("a"));
  EXPECT_THAT(Files(), ElementsAre("b"));
  store->Keep("b", MakeOutput({"again"}));
  EXPECT_EQ(BytesOf(**Read(*store, "b")).first, "again");
  EXPECT_EQ(store->use().outputs, 1u);
  struct stat look {};
  ASSERT_EQ(::stat(directory_.File("output").c_str(), &look), 0);
  EXPECT_EQ(look.st_mode & 0777, 0700u);
}

TEST_F(OutputStoreTest, AnotherServerFindsThem) {
  {
    const auto store = Open();
    for (const char* id : {"a", "b", "c"}) store->Keep(id, MakeOutput({id}));
    EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  }
  std::ofstream(directory_.File("output/d.new")) << "half of an out";
  const auto store = Open();
  EXPECT_EQ(store->use().outputs, 3u);
  store->RetainOnly([](const std::string& id) { return id != "b"; });
  EXPECT_EQ(BytesOf(**Read(*store, "c")).first, "c");
  EXPECT_THAT(Files(), UnorderedElementsAre("a", "c"));
}

TEST_F(OutputStoreTest, TheOldestMakeRoom) {
  const uint64_t size = OutputFileSize("a", *MakeOutput({std::string(1000, 'x')}));
  auto store = Open(2 * size);
  for (const char* id : {"a", "b", "c"}) store->Keep(id, MakeOutput({std::string(1000, 'x')}));
  EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  EXPECT_THAT(Files(), UnorderedElementsAre("b", "c"));
  EXPECT_EQ(store->use().removed, 1u);
  EXPECT_EQ(store->use().bytes, 2 * size);
  // One that is kept anew takes its own place.
  store->Keep("b", MakeOutput({std::string(1000, 'y')}));
  EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  EXPECT_THAT(Files(), UnorderedElementsAre("b", "c"));
  // So does the next server, with less room: by the age of the files.
  store.reset();
  const auto less = Open(size);
  EXPECT_THAT(Files(), ElementsAre("b"));
  EXPECT_EQ(less->use().bytes, size);
}

TEST_F(OutputStoreTest, WhatIsTooLargeIsLostAndNothingElse) {
  const NotedWarnings warnings;
  const auto store = Open(1000);
  store->Keep("small", MakeOutput({"x"}));
  store->Keep("large", MakeOutput({std::string(2000, 'x')}));
  store->Keep("larger", MakeOutput({std::string(3000, 'x')}));
  EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  EXPECT_THAT(Files(), ElementsAre("small"));
  EXPECT_FALSE(store->Has("large"));
  EXPECT_EQ(store->use().lost, 2u);
  EXPECT_EQ(warnings.Count("keep the output of process"), 1u) << "once until it goes well again";
}

TEST_F(OutputStoreTest, LeavesTheRestOfTheDiskToOthers) {
  const NotedWarnings warnings;
  {
    const auto before = Open();
    before->Keep("a", MakeOutput({"x"}));
    EXPECT_TRUE(before->Flush(absl::InfiniteFuture()));
  }
  // No disk has as much left.
  const auto store = OutputStore::Open({.directory = directory_.File("output"),
                                        .max_bytes = 1 << 20,
                                        .left_free = uint64_t{1} << 62});
  ASSERT_TRUE(store.ok()) << store.status();
  (*store)->Keep("b", MakeOutput({"y"}));
  EXPECT_TRUE((*store)->Flush(absl::InfiniteFuture()));
  EXPECT_FALSE((*store)->Has("b"));
  EXPECT_EQ((*store)->use().lost, 1u);
  EXPECT_EQ(warnings.Count("which are for events"), 1u);
  EXPECT_TRUE(Read(**store, "a").ok());
}

TEST_F(OutputStoreTest, TheOldestMakeRoomInAFullFileSystem) {
  const NotedWarnings warnings;
  const auto output = MakeOutput({std::string(1000, 'x')});
  const uint64_t size = OutputFileSize("a", *output);
  uint64_t disk = 5000 + 2 * size;
  const auto store = *OutputStore::Open({.directory = directory_.File("output"),
                                         .max_bytes = 1 << 20,
                                         .left_free = 5000,
                                         .free_bytes = [&] {
                                           const uint64_t used = BytesOfFiles();
                                           return disk > used ? disk - used : 0;
                                         }});
  for (const char* id : {"a", "b", "c"}) store->Keep(id, output);
  EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  EXPECT_THAT(Files(), UnorderedElementsAre("b", "c"));
  EXPECT_EQ(store->use().removed, 1u);
  EXPECT_EQ(store->use().lost, 0u);
  // One that is kept anew goes last, for itself.
  disk = 5000 + size;
  store->Keep("b", output);
  EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  EXPECT_THAT(Files(), ElementsAre("b"));
  EXPECT_EQ(store->use().removed, 2u);
  EXPECT_EQ(store->use().lost, 0u);
  // Nothing goes where that does not help.
  disk = 0;
  store->Keep("d", output);
  EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  EXPECT_THAT(Files(), ElementsAre("b"));
  EXPECT_EQ(store->use().lost, 1u);
  EXPECT_EQ(warnings.Count("which are for events"), 1u);
}

TEST_F(OutputStoreTest, TheIndexCountsAmongWhatWaits) {
  const NotedWarnings warnings;
  const auto output = MakeOutput(std::vector<std::string>(1000, "x"));
  const auto store = *OutputStore::Open({.directory = directory_.File("output"),
                                         .max_bytes = 1 << 20,
                                         .left_free = 0,
                                         .max_pending_bytes = 40000});
  {
    const HeldUp held_up(*store);
    store->Keep("a", output);
    store->Keep("b", output);
    EXPECT_EQ(store->SizeOf("a"), OutputFileSize("a", *output));
    EXPECT_EQ(store->use().lost, 1u);
  }
  EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  EXPECT_THAT(Files(), ElementsAre("a"));
  EXPECT_EQ(warnings.Count("too much waits"), 1u);
}

TEST_F(OutputStoreTest, WhatIsNotKeptAnewIsNotLeftAsItWas) {
  const NotedWarnings warnings;
  const auto store = *OutputStore::Open({.directory = directory_.File("output"),
                                         .max_bytes = 1 << 20,
                                         .left_free = 0,
                                         .max_pending_bytes = 4000});
  store->Keep("a", MakeOutput({std::string(3000, 'x')}));
  EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  {
    const HeldUp held_up(*store);
    store->Keep("b", MakeOutput({std::string(3000, 'x')}));
    store->Keep("a", MakeOutput({std::string(2000, 'x')}));
  }
  EXPECT_EQ(ErrorReason(Read(*store, "a").status()), "OUTPUT_NOT_KEPT");
  EXPECT_FALSE(store->Has("a"));
  store->GiveUp("b", absl::ResourceExhaustedError("no memory"));
  EXPECT_EQ(ErrorReason(Read(*store, "b").status()), "OUTPUT_NOT_KEPT");
  EXPECT_EQ(store->use().lost, 2u);
}

TEST_F(OutputStoreTest, ADiskThatFailsLosesTheCopyAlone) {
  const NotedWarnings warnings;
  const auto store = Open();
  store->Keep("a", MakeOutput({"x"}));
  EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  // Nothing can be made under that name.
  ASSERT_TRUE(std::filesystem::create_directory(directory_.File("output/b.new")));
  store->Keep("b", MakeOutput({"y"}));
  store->Keep("c", MakeOutput({"z"}));
  EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  EXPECT_EQ(store->use().lost, 1u);
  EXPECT_EQ(warnings.Count("Is a directory"), 1u);
  EXPECT_EQ(ErrorReason(Read(*store, "b").status()), "OUTPUT_NOT_KEPT");
  EXPECT_TRUE(Read(*store, "c").ok());
}

TEST_F(OutputStoreTest, RemovesAllWhereNoneIsToBeKept) {
  {
    const auto store = Open();
    store->Keep("a", MakeOutput({"x"}));
    EXPECT_TRUE(store->Flush(absl::InfiniteFuture()));
  }
  OutputStore::Clear(directory_.File("output"));
  EXPECT_THAT(Files(), IsEmpty());
  OutputStore::Clear(directory_.File("there is none"));
}

}  // namespace
}  // namespace proctor

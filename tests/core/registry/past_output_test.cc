// The output of processes whose session is closed, as the registry reads it.
#include <memory>
#include <utility>

#include "core/output/output_file.h"
#include "tests/core/session/session_fixture.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

using PastOutput = SessionRegistry::PastOutput;

class PastOutputTest : public SessionTest {
 protected:
  // A process of a session that is closed, with so much of its output on disk.
  ProcessInfo MakePast(int bytes, SessionRegistry::Options options) {
    outputs_ = *OutputStore::Open(
        {.directory = directory_.File("output"), .max_bytes = 1 << 30, .left_free = 0});
    options.outputs = outputs_;
    Restart(std::move(options));
    Command command = MakeCommand("spew", absl::StrCat(bytes));
    command.retain_bytes = static_cast<uint64_t>(bytes);
    auto started = Start(Open(), command);
    EXPECT_TRUE(started.ok()) << started.status();
    AwaitExit(started->id);
    Drain();
    EXPECT_TRUE(outputs_->Flush(absl::InfiniteFuture()));
    return Published(started->id);
  }

  // Until the thread that reads has done, and forgotten, what it was told to before.
  void AwaitReader() {
    absl::Notification told;
    outputs_->Read("nobody", [&](const auto&) { told.Notify(); });
    told.WaitForNotification();
  }

  TemporaryDirectory directory_;
  std::shared_ptr<OutputStore> outputs_;
};

TEST_F(PastOutputTest, MemoryIsTakenBeforeItIsRead) {
  const ProcessInfo info = MakePast(96 << 10, {.max_memory = 300000});
  const uint64_t before = registry_->memory().used();
  const uint64_t most = kMemoryPerFileByte * outputs_->SizeOf(info.id);
  absl::Notification go_on;
  outputs_->Read("nobody", [&](const auto&) { go_on.WaitForNotification(); });

  absl::StatusOr<PastOutput> first;
  registry_->ReadPastOutput(info, [&](auto read) { first = std::move(read); });
  EXPECT_EQ(registry_->memory().used(), before + most);
  absl::StatusOr<PastOutput> second;
  registry_->ReadPastOutput(info, [&](auto read) { second = std::move(read); });
  EXPECT_EQ(ErrorReason(second.status()), "QUOTA_EXCEEDED") << second.status();
  EXPECT_EQ(ErrorVariables(second.status()).at("quota"), "memory");
  EXPECT_EQ(registry_->memory().used(), before + most);

  go_on.Notify();
  AwaitReader();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->log->retained_bytes(), uint64_t{96} << 10);
  EXPECT_EQ(registry_->memory().used(), before + OutputMemory(*first->log));
  first = PastOutput();
  EXPECT_EQ(registry_->memory().used(), before);
}

TEST_F(PastOutputTest, MemoryIsCountedWhereTheRegistryIsGone) {
  const ProcessInfo info = MakePast(4096, {.max_memory = 300000});
  absl::Notification go_on;
  outputs_->Read("nobody", [&](const auto&) { go_on.WaitForNotification(); });
  absl::StatusOr<PastOutput> read;
  registry_->ReadPastOutput(info, [&](auto result) { read = std::move(result); });
  Restart({});
  go_on.Notify();
  AwaitReader();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->log->retained_bytes(), 4096u);
}

TEST_F(PastOutputTest, TheEndWaitsForItsReaders) {
  registry_->AddPastReader();
  absl::Notification drained;
  registry_->Drain({}, [&] { drained.Notify(); });
  drained.WaitForNotification();
  EXPECT_FALSE(registry_->Join(absl::Now()));
  registry_->RemovePastReader();
  EXPECT_TRUE(registry_->Join());
}

}  // namespace
}  // namespace proctor

#include "core/base/private_path.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proctor/error.h"

namespace proctor {
namespace {

using ::testing::HasSubstr;

constexpr uid_t kNobody = 65534;

class PrivatePathTest : public testing::Test {
 protected:
  PrivatePathTest() { EXPECT_NE(::mkdtemp(parent_.data()), nullptr); }
  ~PrivatePathTest() override { std::filesystem::remove_all(parent_); }

  std::string In(const std::string& name) const { return parent_ + "/" + name; }
  static absl::Status Refusal(const std::string& path) {
    return OpenPrivateDirectory(path, "directory", Reason::kSecretExposed).status();
  }
  absl::Status FileRefusal(const std::string& name) const {
    const UniqueFd directory(::open(parent_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return OpenPrivateFile(directory.get(), name, "file", Reason::kSecretExposed).status();
  }
  static std::string ContentOf(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string parent_ = "/tmp/proctor-private-XXXXXX";
};

TEST_F(PrivatePathTest, MakesADirectoryForItsUserAlone) {
  ASSERT_TRUE(OpenPrivateDirectory(In("new"), "directory", Reason::kSecretExposed).ok());
  struct stat info;
  ASSERT_EQ(::lstat(In("new").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(PrivatePathTest, RefusesADirectoryThatOthersMayWriteTo) {
  for (const mode_t mode : {0770, 0707, 01777}) {
    ASSERT_EQ(::mkdir(In("open").c_str(), 0700), 0);
    ASSERT_EQ(::chmod(In("open").c_str(), mode), 0);
    EXPECT_EQ(ErrorReason(Refusal(In("open"))), "SECRET_EXPOSED");
    EXPECT_THAT(std::string(Refusal(In("open")).message()), HasSubstr("chmod go-w"));
    ::rmdir(In("open").c_str());
  }
}

TEST_F(PrivatePathTest, FollowsNoLinkToADirectory) {
  ASSERT_EQ(::mkdir(In("real").c_str(), 0700), 0);
  ASSERT_EQ(::symlink(In("real").c_str(), In("link").c_str()), 0);
  for (const std::string& path : {In("link"), In("link/"), In("link//")}) {
    EXPECT_THAT(std::string(Refusal(path).message()), HasSubstr("symbolic link")) << path;
  }
}

TEST_F(PrivatePathTest, RefusesTheDirectoryOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  ASSERT_EQ(::mkdir(In("foreign").c_str(), 0700), 0);
  ASSERT_EQ(::chown(In("foreign").c_str(), kNobody, kNobody), 0);
  EXPECT_THAT(std::string(Refusal(In("foreign")).message()), HasSubstr("belongs to uid 65534"));
}

TEST_F(PrivatePathTest, FollowsNoLinkToAFileAndChangesNoneByAnotherName) {
  std::ofstream(In("victim")) << "precious";
  ASSERT_EQ(::symlink(In("victim").c_str(), In("link").c_str()), 0);
  ASSERT_EQ(::link(In("victim").c_str(), In("second").c_str()), 0);
  EXPECT_THAT(std::string(FileRefusal("link").message()), HasSubstr("symbolic link"));
  EXPECT_THAT(std::string(FileRefusal("second").message()), HasSubstr("hard link"));
  EXPECT_EQ(ContentOf(In("victim")), "precious");
}

TEST_F(PrivatePathTest, DoesNotWaitForWhatIsNoFile) {
  ASSERT_EQ(::mkfifo(In("fifo").c_str(), 0600), 0);
  EXPECT_THAT(std::string(FileRefusal("fifo").message()), HasSubstr("is not a file"));
}

TEST_F(PrivatePathTest, ASecretIsClosedToOthers) {
  std::ofstream(In("secret")) << "x";
  const UniqueFd secret(::open(In("secret").c_str(), O_RDONLY | O_CLOEXEC));
  for (const mode_t mode : {0644, 0640, 0604, 0660}) {
    ASSERT_EQ(::chmod(In("secret").c_str(), mode), 0);
    const absl::Status status = CheckSecretFile(secret.get(), In("secret"));
    EXPECT_EQ(ErrorReason(status), "SECRET_EXPOSED") << std::oct << mode;
    EXPECT_THAT(std::string(status.message()), HasSubstr("chmod 600"));
  }
  for (const mode_t mode : {0600, 0400}) {
    ASSERT_EQ(::chmod(In("secret").c_str(), mode), 0);
    EXPECT_TRUE(CheckSecretFile(secret.get(), In("secret")).ok());
  }
}

TEST_F(PrivatePathTest, ASecretOfAnotherUserIsNone) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  std::ofstream(In("secret")) << "x";
  ASSERT_EQ(::chmod(In("secret").c_str(), 0600), 0);
  ASSERT_EQ(::chown(In("secret").c_str(), kNobody, kNobody), 0);
  const UniqueFd secret(::open(In("secret").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(ErrorReason(CheckSecretFile(secret.get(), In("secret"))), "SECRET_EXPOSED");
}

}  // namespace
}  // namespace proctor

#include "client/cli/text/line_stamper.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

TEST(LineStamperTest, StampsTheBeginningOfEachLine) {
  LineStamper stamper;
  const absl::Time time = absl::FromUnixSeconds(0);
  const std::string stamp = "1970-01-01T00:00:00.000000000Z ";
  EXPECT_EQ(stamper.Stamp("a\n\nb", time), stamp + "a\n" + stamp + "\n" + stamp + "b");
  EXPECT_EQ(stamper.Stamp("c", time), "c");
  EXPECT_EQ(stamper.Stamp("", time), "");
  EXPECT_EQ(stamper.Stamp("\n", time), "\n");
  EXPECT_EQ(stamper.Stamp("d\n", time + absl::Milliseconds(1500)),
            "1970-01-01T00:00:01.500000000Z d\n");
}

}  // namespace
}  // namespace proctor::cli

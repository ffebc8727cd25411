#include "server/http/connection_slots.h"

#include <gtest/gtest.h>

#include <array>

namespace proctor::server::http {
namespace {

constexpr char kA[] = "10.0.0.1";
constexpr char kB[] = "10.0.0.2";

// Eight connections, two of them for strangers, and five of a peer.
class ConnectionSlotsTest : public testing::Test {
 protected:
  // The slots only compare them.
  Connection* At(size_t index) { return reinterpret_cast<Connection*>(&names_[index]); }

  void AddKnown(size_t index, const std::string& owner) {
    ASSERT_FALSE(slots_.Find(owner).refusal.has_value());
    slots_.Add(At(index), owner);
    ASSERT_TRUE(slots_.Keep(At(index)));
  }

  ConnectionSlots slots_{8, 5};
  std::array<char, 16> names_;
};

TEST_F(ConnectionSlotsTest, ANewStrangerTakesThePlaceOfTheOldest) {
  slots_.Add(At(0), kA);
  slots_.Add(At(1), kA);
  const auto room = slots_.Find(kA);
  EXPECT_FALSE(room.refusal.has_value());
  EXPECT_EQ(room.leaves, At(0));
  slots_.Remove(At(0));
  EXPECT_EQ(slots_.Find(kA).leaves, nullptr);
}

TEST_F(ConnectionSlotsTest, ThePeerWithTheMostStrangersLosesOne) {
  ConnectionSlots slots(16, 16);
  slots.Add(At(0), kB);
  for (size_t i = 1; i < 4; ++i) slots.Add(At(i), kA);
  EXPECT_EQ(slots.Find(kB).leaves, At(1));
  EXPECT_EQ(slots.Find(kA).leaves, At(1));
}

TEST_F(ConnectionSlotsTest, StrangersTakeNoPlaceOfTheKnown) {
  for (size_t i = 0; i < 2; ++i) slots_.Add(At(i), kA);
  for (size_t i = 2; i < 8; ++i) {
    slots_.Remove(At(1));
    slots_.Add(At(i), i % 2 == 0 ? kA : kB);
    EXPECT_TRUE(slots_.Keep(At(i))) << i;
  }
}

TEST_F(ConnectionSlotsTest, TheKnownTakeNoPlaceOfStrangers) {
  for (size_t i = 0; i < 6; ++i) AddKnown(i, i < 3 ? kA : kB);
  ASSERT_FALSE(slots_.Find(kB).refusal.has_value());
  slots_.Add(At(6), kB);
  EXPECT_FALSE(slots_.Keep(At(6)));
  EXPECT_EQ(slots_.Find(kB).leaves, nullptr);  // there is one place more
  slots_.Add(At(7), kB);
  EXPECT_EQ(slots_.Find(kA).leaves, At(6));
  slots_.Remove(At(0));
  EXPECT_TRUE(slots_.Keep(At(7)));
  EXPECT_TRUE(slots_.Keep(At(7)));  // as it is already
}

TEST_F(ConnectionSlotsTest, APeerHasABound) {
  for (size_t i = 0; i < 5; ++i) AddKnown(i, kA);
  EXPECT_EQ(slots_.Find(kA).refusal, Refusal::kConnectionsOfPeer);
  EXPECT_FALSE(slots_.Find(kB).refusal.has_value());
  EXPECT_EQ(slots_.OwnerOf(At(4)), kA);
  slots_.Remove(At(4));
  slots_.Add(At(5), kA);
  EXPECT_EQ(slots_.OwnerOf(At(5)), kA);
  // Its own stranger leaves first.
  EXPECT_EQ(slots_.Find(kA).leaves, At(5));
  slots_.Remove(At(5));
  slots_.Remove(At(5));  // nothing
  EXPECT_EQ(slots_.Find(kA).leaves, nullptr);
}

TEST_F(ConnectionSlotsTest, ABoundOfOneLeavesOneOfEach) {
  ConnectionSlots slots(1, 8);
  slots.Add(At(0), kA);
  EXPECT_TRUE(slots.Keep(At(0)));
  EXPECT_EQ(slots.Find(kA).leaves, nullptr);
}

}  // namespace
}  // namespace proctor::server::http

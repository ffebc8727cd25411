#include "core/ledger/stored_request.h"

#include <gtest/gtest.h>

#include "proctor/error.h"

namespace proctor {
namespace {

TEST(StoredRequest, ComesBackAsItWas) {
  const std::string bytes("\0\xff\n", 3);
  for (const StoredRequest& request :
       {StoredRequest{}, StoredRequest{"s", "r", "p", "digest", true, "intent"},
        StoredRequest{bytes, bytes, bytes, bytes, false, std::string(100000, 'x')}}) {
    const auto decoded = DecodeRequest(EncodeRequest(request));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, request);
  }
}

TEST(StoredRequest, WhatALaterVersionAddsIsPassedOver) {
  const StoredRequest request{"s", "r", "p"};
  EXPECT_EQ(*DecodeRequest(EncodeRequest(request) + "more"), request);
}

TEST(StoredRequest, WhatIsCutOffIsRefused) {
  const std::string whole = EncodeRequest({"s", "r", "p", "digest", true, "intent"});
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(ErrorReason(DecodeRequest(whole.substr(0, size)).status()), "STORAGE_CORRUPT")
        << size;
  }
  EXPECT_FALSE(DecodeRequest(std::string(24, '\xff')).ok());
}

}  // namespace
}  // namespace proctor

#include <lattice/base/base64.hpp>

#include <gtest/gtest.h>

namespace lattice {
namespace {

// RFC 4648 section 10, without the padding.
TEST(Base64Url, PublishedTexts) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(to_base64url(as_bytes(bytes)), text);
    EXPECT_EQ(from_base64url(text), to_bytes(as_bytes(bytes)));
  }
  EXPECT_EQ(to_base64url(Bytes{0xfb, 0xff}), "-_8");
}

TEST(Base64Url, OneTextForEachValue) {
  for (const char* text : {"Z", "Zh", "Zm9", "Zg==", "Zm+v", "Zm/v", "Z g", "Zm9vA"})
    EXPECT_FALSE(from_base64url(text)) << text;
}

}  // namespace
}  // namespace lattice

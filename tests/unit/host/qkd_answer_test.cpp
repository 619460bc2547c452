#include <lattice/host/qkd_answer.hpp>

#include <gtest/gtest.h>

#include <lattice/host/key_id.hpp>

namespace lattice {
namespace {

constexpr std::string_view id_text = "bc490419-7d60-487f-adc1-4ddcc177c139";
// 32 bytes 0..31.
constexpr std::string_view key_text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

std::string container(std::string_view id, std::string_view key) {
  return R"({"keys":[{"key_ID":")" + std::string(id) + R"(","key":")" + std::string(key) + R"("}]})";
}
std::string fault(std::string_view body, const std::optional<KeyId>& wanted = {}) {
  const auto parsed = parse_key_container(as_bytes(body), wanted);
  return parsed ? "a key" : std::string(key_fault_name(parsed.error().fault));
}

TEST(QkdAnswer, ReadsAKey) {
  const auto parsed = parse_key_container(as_bytes(container(id_text, key_text)), std::nullopt);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(key_id_text(parsed->id), id_text);
  Secret<32> expected;
  for (uint8_t i = 0; i < 32; ++i) expected.span()[i] = i;
  EXPECT_EQ(parsed->key, expected);
  EXPECT_EQ(fault(container(id_text, key_text), parsed->id), "a key");
  EXPECT_EQ(fault(container(id_text, key_text), KeyId{1}), "wrong_id");
}

TEST(QkdAnswer, PassesOverExtensionsAndOrder) {
  const std::string entry = R"({"key":")" + std::string(key_text) + R"(","key_extension":{"keys":[{"key":"x"}]},"key_ID":")" +
                            std::string(id_text) + R"(","key_ID_extension":[null,true,1.5,-3,"keys"]})";
  EXPECT_EQ(fault(R"({"key_container_extension":{"keys":[]},"keys":[)" + entry + R"(],"x":"y"})"), "a key");
  EXPECT_EQ(fault(" \n" + container(id_text, key_text) + "\r\n"), "a key");
  EXPECT_EQ(fault(container("BC490419-7D60-487F-ADC1-4DDCC177C139", key_text)), "a key");
}

TEST(QkdAnswer, RefusesWhatIsNoContainerWithOneKey) {
  const std::string entry = R"({"key_ID":")" + std::string(id_text) + R"(","key":")" + std::string(key_text) + R"("})";
  const std::string other = R"({"key_ID":"00000000-0000-4000-8000-000000000001","key":")" + std::string(key_text) + R"("})";
  for (const std::string& body :
       {std::string(""),
        std::string("null"),
        std::string("[]"),
        std::string("{}"),
        std::string("\"x\""),
        "[" + container(id_text, key_text) + "]",
        entry,
        "{\"keys\":" + entry + "}",
        "{\"keys\":[[" + entry + "]]}",
        "{\"keys\":[" + entry + "," + other + "]}",
        "{\"keys\":[" + entry + "],\"keys\":[" + other + "]}",
        container(id_text, key_text) + "x",
        container(id_text, key_text) + ",\"x\"",
        "\"x\"," + container(id_text, key_text),
        container(id_text, key_text) + "," + container(id_text, key_text),
        container(id_text, key_text).substr(0, 40),
        "{\"keys/[]/key_ID\":\"" + std::string(id_text) + "\",\"keys/[]/key\":\"" + std::string(key_text) + "\"}",
        "{\"keys\":[{\"key_ID\":\"" + std::string(id_text) + "\"},{\"key\":\"" + std::string(key_text) + "\"}]}",
        "{\"keys\":[{\"key_ID\":\"" + std::string(id_text) + "\"}]}",
        "{\"keys\":[{\"key\":\"" + std::string(key_text) + "\"}]}",
        "{\"keys\":[{\"key_ID\":1,\"key\":\"" + std::string(key_text) + "\"}]}",
        "{\"keys\":[{\"key_ID\":\"" + std::string(id_text) + "\",\"key\":null}]}",
        "{\"keys\":[{\"key\":\"" + std::string(key_text) + "\",\"key\":\"" + std::string(key_text) + "\",\"key_ID\":\"" +
            std::string(id_text) + "\"}]}",
        container("bc4904197d60487fadc14ddcc177c139", key_text),
        container("{" + std::string(id_text) + "}", key_text),
        container("", key_text),
        container(id_text, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9="),  // pad bits that are not zero
        container(id_text, "AAECAwQFBgcICQoLDA0O_xAREhMUFRYXGBkaGxwdHh8="),  // the alphabet of URLs
        container(id_text, "AAECAwQFBgcICQoLDA0O xAREhMUFRYXGBkaGxwdHh8=")}) {
    EXPECT_EQ(fault(body), "bad_answer") << body;
  }
  EXPECT_EQ(fault(container(id_text, key_text.substr(1))), "wrong_size");
  EXPECT_EQ(fault(container(id_text, "")), "wrong_size");
  EXPECT_EQ(fault(container(id_text, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A")), "wrong_size") << "33 bytes";
  EXPECT_EQ(fault(container(id_text, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==")), "wrong_size") << "31 bytes";
  EXPECT_EQ(fault(container(id_text, std::string(43, 'A') + "=")), "zero_key");
  EXPECT_EQ(fault("{\"keys\":[]}"), "used_up");
}

TEST(QkdAnswer, BoundsSizeAndDepth) {
  const auto nested = [](size_t depth) {
    return R"({"x":)" + std::string(depth, '[') + std::string(depth, ']') + "," + container(id_text, key_text).substr(1);
  };
  EXPECT_EQ(fault(nested(qkd_limits::depth_max - 1)), "a key");
  EXPECT_EQ(fault(nested(qkd_limits::depth_max)), "bad_answer");
  const auto padded = [](size_t size) {
    std::string body = container(id_text, key_text);
    return body + std::string(size - body.size(), ' ');
  };
  EXPECT_EQ(fault(padded(qkd_limits::body_bytes_max)), "a key");
  EXPECT_EQ(fault(padded(qkd_limits::body_bytes_max + 1)), "bad_answer");
  EXPECT_EQ(fault("{\"" + std::string(60'000, 'k') + "\":1," + container(id_text, key_text).substr(1)), "a key");
  EXPECT_EQ(fault(R"({"x":1e9999,)" + container(id_text, key_text).substr(1)), "bad_answer");
}

TEST(QkdAnswer, ReadsAStatus) {
  const std::string good =
      R"({"source_KME_ID":"AAAABBBBCCCCDDDD","target_KME_ID":"EEEEFFFFGGGGHHHH","master_SAE_ID":"IIIIJJJJKKKKLLLL",
    "slave_SAE_ID":"MMMMNNNNOOOOPPPP","key_size":352,"stored_key_count":25000,"max_key_count":100000,"max_key_per_request":128,
    "max_key_size":1024,"min_key_size":64,"max_SAE_ID_count":0})";
  const auto status = parse_kme_status(as_bytes(good));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->master_sae, "IIIIJJJJKKKKLLLL");
  EXPECT_EQ(status->slave_sae, "MMMMNNNNOOOOPPPP");
  EXPECT_EQ(status->key_size, 352u);
  EXPECT_EQ(status->stored_key_count, 25'000u);
  EXPECT_EQ(status->max_key_per_request, 128u);
  EXPECT_EQ(status->max_key_size, 1024u);
  EXPECT_EQ(status->min_key_size, 64u);
  for (const auto& [what, with] : std::vector<std::pair<std::string, std::string>>{{"25000", "\"25000\""},
                                                                                   {"25000", "-1"},
                                                                                   {"25000", "1.5"},
                                                                                   {"25000", "1e3"},
                                                                                   {"\"IIIIJJJJKKKKLLLL\"", "7"},
                                                                                   {"min_key_size", "x"}}) {
    std::string bad = good;
    bad.replace(bad.find(what), what.size(), with);
    EXPECT_FALSE(parse_kme_status(as_bytes(bad))) << with;
  }
}

TEST(QkdAnswer, TakesNoKeyAndNoControlCharacterFromAMessage) {
  const auto said = [](std::string_view body) { return parse_kme_message(as_bytes(body)); };
  EXPECT_EQ(said(R"({"message":"not enough keys","details":[{"a":"b"}]})"), "not enough keys");
  EXPECT_EQ(said(R"({"message":"one\n\u001b[31mtwo  three"})"), "one [31mtwo three");
  EXPECT_EQ(said(R"({"message":"the key )" + std::string(key_text) + R"( is gone"})"), "the key ... is gone");
  EXPECT_EQ(said(R"({"message":")" + std::string(id_text) + R"("})"), id_text);
  EXPECT_EQ(said(R"({"message":1})"), "");
  EXPECT_EQ(said("<html>"), "");
  std::string longer;
  for (int i = 0; i < 1000; ++i) longer += "word ";
  EXPECT_EQ(said(R"({"message":")" + longer + R"("})").size(), qkd_limits::message_bytes_max);
}

TEST(KeyIdText, ThereAndBack) {
  const auto id = parse_key_id(id_text);
  ASSERT_TRUE(id);
  EXPECT_EQ(key_id_text(*id), id_text);
  for (const char* wrong : {"", "bc490419-7d60-487f-adc1-4ddcc177c13", "bc490419-7d60-487f-adc1-4ddcc177c1399",
                            "bc490419+7d60-487f-adc1-4ddcc177c139", "bc49041-97d60-487f-adc1-4ddcc177c139",
                            "gc490419-7d60-487f-adc1-4ddcc177c139"}) {
    EXPECT_FALSE(parse_key_id(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace lattice

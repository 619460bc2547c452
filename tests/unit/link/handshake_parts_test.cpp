// What handshake messages are made of: hello, suites, signed payload.
#include <gtest/gtest.h>

#include <set>

#include <lattice/link/hello.hpp>
#include <lattice/link/payload.hpp>
#include <lattice/wire/tlv.hpp>

namespace lattice {
namespace {

using enum ErrorCode;

TEST(Hello, ComesBackAsItWas) {
  const Hello hello{{1, 2, 3, 4}, 1, {9, 8, 7, 6, 5, 4, 3, 2}, 2, {1, 2, 0x0101}};
  const Bytes bytes = encode_hello(hello);
  EXPECT_EQ(to_hex(bytes),
            "01020304"
            "01"
            "01"
            "0001"
            "0908070605040302"
            "0002"
            "03"
            "000100020101"
            "00");
  wire::Reader reader(bytes);
  const auto back = read_hello(reader, hello.magic);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, hello);
  for (size_t length = 0; length < bytes.size(); ++length) {
    wire::Reader shorter(ByteView(bytes).first(length));
    EXPECT_FALSE(read_hello(shorter, hello.magic));
  }
}

TEST(Hello, WhatItCannotBe) {
  const Bytes good = encode_hello({{1, 2, 3, 4}, 0, {}, 1, {1, 2}});
  const auto error_with = [&](size_t offset, uint8_t value) {
    Bytes bytes = good;
    bytes[offset] = value;
    wire::Reader reader(bytes);
    const auto hello = read_hello(reader, {1, 2, 3, 4});
    return hello ? none : hello.error().code;
  };
  EXPECT_EQ(error_with(0, 1), none);
  EXPECT_EQ(error_with(0, 2), wrong_magic);
  EXPECT_EQ(error_with(4, 2), wrong_version);
  EXPECT_EQ(error_with(5, handshake_type_retry), bad_handshake);
  EXPECT_EQ(error_with(17, 3), bad_handshake);   // a suite that is not offered
  EXPECT_EQ(error_with(18, 0), bad_handshake);   // no offers
  EXPECT_EQ(error_with(18, 9), bad_handshake);   // too many
  EXPECT_EQ(error_with(22, 1), bad_handshake);   // one twice
  EXPECT_EQ(error_with(23, 83), bad_handshake);  // the answer to a retry is 84 bytes
  EXPECT_EQ(error_with(23, 84), truncated);
}

TEST(Hello, AnswerToARetryAndTicketComeBack) {
  Hello hello{{1, 2, 3, 4}, Hello::resumes, {9, 8, 7, 6, 5, 4, 3, 2}, 1, {1}, RetryAnswer{}, TicketId{7}};
  hello.answer->hello_hash.fill(1);
  hello.answer->retry = encode_retry(hello.magic, {Retry::no_resumption, 1, 3, {}});
  hello.answer->solution.fill(2);
  const Bytes bytes = encode_hello(hello);
  EXPECT_EQ(bytes.size(), 22 + 84 + 16u);
  wire::Reader reader(bytes);
  EXPECT_EQ(read_hello(reader, hello.magic).value(), hello);
  for (size_t length = 0; length < bytes.size(); ++length) {
    wire::Reader shorter(ByteView(bytes).first(length));
    EXPECT_FALSE(read_hello(shorter, hello.magic));
  }
}

TEST(Retry, IsReadStrictly) {
  const ByteArray<4> magic{1, 2, 3, 4};
  const Retry retry{Retry::no_resumption, 0x0102, 17, RetryCookie{9}};
  const auto bytes = encode_retry(magic, retry);
  EXPECT_EQ(read_retry(bytes, magic).value(), retry);
  const auto error_with = [&](size_t offset, uint8_t value) {
    auto changed = bytes;
    changed[offset] = value;
    const auto read = read_retry(changed, magic);
    return read ? none : read.error().code;
  };
  EXPECT_EQ(error_with(0, 9), wrong_magic);
  EXPECT_EQ(error_with(4, 2), wrong_version);
  EXPECT_EQ(error_with(5, handshake_type_hello), bad_handshake);
  EXPECT_EQ(error_with(11, 1), bad_handshake) << "reserved";
  EXPECT_FALSE(read_retry(ByteView(bytes).first(43), magic));
}

TEST(Suites, ChoiceIsByStrength) {
  const auto choose = [](SuiteIds a, SuiteIds b) { return choose_suite(a, b); };
  EXPECT_EQ(choose({1}, {1}), 1);
  EXPECT_EQ(choose({1, 2}, {2, 1}), 2);
  EXPECT_EQ(choose({0x0101, 0x0001, 0x0011}, {0x0011, 0x0101}), 0x0011);
  EXPECT_EQ(choose({0x0101, 0x0021}, {0x0021, 0x0101}), 0x0021);
  EXPECT_EQ(choose({1}, {2}), std::nullopt);
  EXPECT_EQ(choose({0x7777}, {0x7777}), std::nullopt) << "unknown strength";
  EXPECT_EQ(choose({}, {1}), std::nullopt);
  EXPECT_EQ(cut_suites(SuiteIds{1, 2, 3}, SuiteIds{3, 1}), (SuiteIds{1, 3}));
}

TEST(Payload, FormIsStrict) {
  const auto build = [](PayloadHead head, size_t bytes) {
    Bytes payload = to_bytes(encode_payload_head(head));
    payload.resize(payload.size() + bytes);
    const auto read = read_payload(payload, traits_of(Suite::xxhfs_chacha));
    return read ? none : read.error().code;
  };
  EXPECT_EQ(build({0, 2024, 3309, 6}, 2024 + 3309 + 6), none);
  EXPECT_EQ(build({1, 32, 3309, 0}, 32 + 3309), none);
  EXPECT_EQ(build({1, 33, 3309, 0}, 33 + 3309), bad_handshake);
  EXPECT_EQ(build({2, 2024, 3309, 0}, 2024 + 3309), bad_handshake);
  EXPECT_EQ(build({0, 2024, 3308, 0}, 2024 + 3308), bad_handshake);
  EXPECT_EQ(build({0, 8193, 3309, 0}, 8193 + 3309), bad_handshake);
  EXPECT_EQ(build({0, 2024, 3309, 513}, 2024 + 3309 + 513), too_large);
  EXPECT_EQ(build({0, 2024, 3309, 6}, 2024 + 3309 + 5), truncated);
  EXPECT_EQ(build({0, 2024, 3309, 6}, 2024 + 3309 + 7), trailing_bytes);
}

TEST(Payload, RespondersOffersAreMandatory) {
  EXPECT_EQ(read_offers_extension(encode_offers_extension({1, 2})), (SuiteIds{1, 2}));
  EXPECT_FALSE(read_offers_extension({}));
  wire::Writer other;
  wire::write_tlv(other, 7, as_bytes("x"));
  EXPECT_FALSE(read_offers_extension(other.view()));
  EXPECT_TRUE(check_extensions(other.view()));
  for (const Bytes& value : {Bytes{}, Bytes{1}, Bytes{0, 1, 0, 1}, Bytes(18, 0)}) {
    wire::Writer bad;
    wire::write_tlv(bad, 1, value);
    EXPECT_FALSE(read_offers_extension(bad.view()));
  }
}

// Every field that is signed changes what is signed; only the initiator names the responder.
TEST(Payload, SignedContentCoversEverything) {
  const Bytes head(7, 1);
  const Bytes extensions(6, 2);
  const SignedContent content{Role::responder, 1, {}, {}, head, extensions, std::nullopt};
  const Bytes base = encode_signed(content);
  EXPECT_EQ(base.size(), 1 + 2 + 32 + 32 + 32u);
  EXPECT_EQ(base[0], 0x52);
  std::set<Bytes> all{base};
  SignedContent changed = content;
  changed.suite = 2;
  all.insert(encode_signed(changed));
  changed = content;
  changed.handshake_hash[0] = 1;
  all.insert(encode_signed(changed));
  changed = content;
  changed.certificate.bytes[0] = 1;
  all.insert(encode_signed(changed));
  const Bytes other(7, 3);
  changed = content;
  changed.head = other;
  all.insert(encode_signed(changed));
  changed = content;
  changed.extensions = other;
  all.insert(encode_signed(changed));
  changed = content;
  changed.role = Role::initiator;
  changed.responder = NodeId{};
  all.insert(encode_signed(changed));
  EXPECT_EQ(all.size(), 7u);
}

}  // namespace
}  // namespace lattice

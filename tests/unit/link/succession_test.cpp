#include <lattice/link/succession.hpp>

#include "link_pair.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using Added = Successions::Added;

constexpr auto day = std::chrono::hours{24};

class SuccessionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    provider = openssl_provider(std::make_unique<SeededRng>(5)).release();
    for (uint8_t seed = 1; seed <= 6; ++seed) ids.push_back(test::identity(*provider, seed));
  }
  static void TearDownTestSuite() {
    ids.clear();
    delete provider;
  }

  // From the identity of this index to the next, `count` times.
  static SuccessionChain chain(size_t count, size_t first = 0) {
    SuccessionChain out;
    for (size_t i = 0; i < count; ++i)
      out.push_back(make_succession(*provider, *ids[first + i], *ids[first + i + 1], now + i * day));
    return out;
  }
  static ErrorCode verdict(const Succession& succession, WallTime when = now) {
    const auto result = verify_succession(*provider, succession, when);
    return result ? none : result.error().code;
  }
  static ErrorCode decode_error(ByteView bytes) {
    const auto result = decode_successions(bytes);
    return result ? none : result.error().code;
  }

  static inline Provider* provider = nullptr;
  static inline std::vector<std::shared_ptr<const Identity>> ids;
  static inline const WallTime now = wall_from_unix(test::wall_start);
};

NodeId id(uint16_t number) {
  NodeId out;
  out.bytes[0] = static_cast<uint8_t>(number >> 8);
  out.bytes[1] = static_cast<uint8_t>(number);
  return out;
}

TEST_F(SuccessionTest, SignedByBothIsValid) {
  const Succession one = chain(1)[0];
  EXPECT_EQ(verdict(one), none);
  EXPECT_EQ(node_id_of(one.before), ids[0]->id);
  EXPECT_EQ(node_id_of(one.after), ids[1]->id);
}

TEST_F(SuccessionTest, NeitherSideAloneCanMakeOne) {
  Succession one = chain(1)[0];
  const Succession thief = make_succession(*provider, *ids[0], *ids[2], now);
  one.after_signature = thief.after_signature;  // by somebody else's key
  EXPECT_EQ(verdict(one), bad_signature);
  one = chain(1)[0];
  one.before_signature = make_succession(*provider, *ids[2], *ids[1], now).before_signature;
  EXPECT_EQ(verdict(one), bad_signature);
  one = chain(1)[0];
  std::swap(one.before_signature, one.after_signature);
  EXPECT_EQ(verdict(one), bad_signature);
  one = chain(1)[0];
  one.after = keys_of(*ids[2]);  // the good name handed to another
  EXPECT_EQ(verdict(one), bad_signature);
  one = chain(1)[0];
  one.before = keys_of(*ids[2]);  // another's ill repute taken over
  EXPECT_EQ(verdict(one), bad_signature);
}

TEST_F(SuccessionTest, ASignatureForAnotherUseIsNone) {
  Succession one = chain(1)[0];
  Secret<32> entropy;
  one.before_signature = ids[0]->signing->sign(as_bytes(certificate_context), succession_body(one), entropy);
  EXPECT_EQ(verdict(one), bad_signature);
  one.before_signature = ids[0]->signing->sign(as_bytes(succession_context), succession_body(one), entropy);
  EXPECT_EQ(verdict(one), none);
}

TEST_F(SuccessionTest, TimesAreBounded) {
  const Succession one = chain(1)[0];
  EXPECT_EQ(verdict(one, now - day), none);  // clocks differ
  EXPECT_EQ(verdict(one, now - day - std::chrono::seconds{1}), bad_time);
  EXPECT_EQ(verdict(one, now + succession_lifetime - std::chrono::seconds{1}), none);
  EXPECT_EQ(verdict(one, now + succession_lifetime), certificate_expired);
  Succession other = one;
  other.not_after += 2 * day;
  EXPECT_EQ(verdict(other), bad_succession);
  other.not_after = other.made;
  EXPECT_EQ(verdict(other), bad_succession);
  other = one;
  other.not_after -= day;
  EXPECT_EQ(verdict(other), bad_signature);
}

TEST_F(SuccessionTest, MadeIsLaterAlsoWhereTheClockWentBack) {
  const Succession first = make_succession(*provider, *ids[0], *ids[1], now);
  const Succession second = make_succession(*provider, *ids[1], *ids[2], now - 10 * day, first.made);
  EXPECT_EQ(second.made, first.made + std::chrono::seconds{1});
  EXPECT_EQ(decode_error(encode_successions({first, second})), none);
}

TEST_F(SuccessionTest, ChainsComeBackAsTheyWere) {
  for (size_t count = 1; count <= succession_chain_max; ++count) {
    const auto all = chain(count);
    const Bytes bytes = encode_successions(all);
    EXPECT_EQ(bytes.size(), 1 + count * 10'611);
    const auto back = decode_successions(bytes);
    ASSERT_TRUE(back) << back.error().where;
    EXPECT_EQ(*back, all);
    for (const auto& one : *back) EXPECT_EQ(verdict(one, now + 4 * day), none);
  }
}

TEST_F(SuccessionTest, LargerKeysFitToo) {
  Identity large = *ids[1];
  large.signing = provider->signing_key(SignAlg::mldsa87, Secret<32>(ByteArray<32>{9}));
  large.certificate.sign_alg = SignAlg::mldsa87;
  large.certificate.sign_public = to_bytes(large.signing->public_key());
  const SuccessionChain all{make_succession(*provider, *ids[0], large, now)};
  const auto back = decode_successions(encode_successions(all));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, all);
  EXPECT_EQ(verdict((*back)[0]), none);
  EXPECT_LE(1 + succession_chain_max * size_t{4 * 4 + 2 * (32 + 2592) + 17 + 2 * 4627}, limits::succession_bytes_max);
}

TEST_F(SuccessionTest, FormIsStrict) {
  EXPECT_EQ(decode_error({}), truncated);
  EXPECT_EQ(decode_error(Bytes{0}), bad_succession);
  EXPECT_EQ(decode_error(Bytes{succession_chain_max + 1}), too_large);
  EXPECT_EQ(decode_error(Bytes(limits::succession_bytes_max + 1, 1)), too_large);
  const auto one = chain(1)[0], next = chain(1, 1)[0], far = chain(1, 2)[0];
  EXPECT_EQ(decode_error(encode_successions({one, far})), bad_succession);   // a gap
  EXPECT_EQ(decode_error(encode_successions({next, one})), bad_succession);  // the wrong way round
  EXPECT_EQ(decode_error(encode_successions({one, one})), bad_succession);
  EXPECT_EQ(decode_error(encode_successions({one, next})), bad_succession);  // made at the same time
  const auto back = make_succession(*provider, *ids[1], *ids[0], now + day);
  EXPECT_EQ(decode_error(encode_successions({one, back})), bad_succession);  // a circle
  const auto same = make_succession(*provider, *ids[0], *ids[0], now);
  EXPECT_EQ(decode_error(encode_successions({same})), bad_succession);
  Identity half = *ids[1];
  half.certificate.dh = ids[0]->certificate.dh;
  EXPECT_EQ(decode_error(encode_successions({make_succession(*provider, *ids[0], half, now)})), bad_succession);
}

TEST_F(SuccessionTest, EachCutIsRefused) {
  const Bytes bytes = encode_successions(chain(2));
  for (size_t length = 0; length < bytes.size(); ++length) EXPECT_EQ(decode_error(ByteView(bytes).first(length)), truncated);
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_EQ(decode_error(longer), trailing_bytes);
}

// A flipped bit in each byte: refused by form, or by one of the signatures.
TEST_F(SuccessionTest, EachFlippedByteIsRefused) {
  const Bytes bytes = encode_successions(chain(1));
  for (size_t at = 0; at < bytes.size(); ++at) {
    Bytes changed = bytes;
    changed[at] ^= static_cast<uint8_t>(1 << at % 8);
    const auto back = decode_successions(changed);
    if (!back) continue;
    EXPECT_NE(verdict((*back)[0]), none) << at;
  }
}

TEST_F(SuccessionTest, OnlyWhatLeadsToUsAndHoldsIsShown) {
  const auto all = chain(3);
  EXPECT_EQ(chain_to(all, ids[3]->id, now), all);
  EXPECT_EQ(chain_to(all, ids[2]->id, now), (SuccessionChain{all[0], all[1]}));  // the last rotation was not finished
  EXPECT_TRUE(chain_to(all, ids[0]->id, now).empty());
  EXPECT_TRUE(chain_to(all, ids[4]->id, now).empty());
  EXPECT_EQ(chain_to(all, ids[3]->id, all[0].not_after), (SuccessionChain{all[1], all[2]}));
  EXPECT_EQ(chain_to(all, ids[3]->id, all[1].not_after), (SuccessionChain{all[2]}));
  EXPECT_TRUE(chain_to(all, ids[3]->id, all[2].not_after).empty());
}

TEST(Successions, TellTheNewest) {
  Successions known;
  EXPECT_EQ(known.current(id(1)), id(1));
  EXPECT_EQ(known.add(id(2), id(3)), Added::fresh);
  EXPECT_EQ(known.add(id(1), id(2)), Added::fresh);  // the earlier one is heard of later
  EXPECT_EQ(known.add(id(1), id(2)), Added::known);
  EXPECT_TRUE(known.knows(id(1), id(2)));
  EXPECT_FALSE(known.knows(id(1), id(3)));
  for (uint8_t i = 1; i <= 3; ++i) EXPECT_EQ(known.current(id(i)), id(3));
  EXPECT_EQ(known.ancestors(id(3)), (std::vector{id(2), id(1)}));
  EXPECT_TRUE(known.ancestors(id(1)).empty());
}

TEST(Successions, AForkCountsForNeither) {
  Successions known;
  known.add(id(1), id(2));
  known.add(id(2), id(3));
  EXPECT_EQ(known.add(id(2), id(9)), Added::forked);
  EXPECT_TRUE(known.forked(id(2)));
  EXPECT_EQ(known.current(id(1)), id(2));
  EXPECT_EQ(known.current(id(2)), id(2));
  EXPECT_EQ(known.current(id(9)), id(9));
  EXPECT_EQ(known.add(id(2), id(3)), Added::known);  // saying it again does not mend it
  EXPECT_TRUE(known.forked(id(2)));
  EXPECT_EQ(known.ancestors(id(3)), (std::vector{id(2), id(1)}));
}

TEST(Successions, TwoCannotBecomeOne) {
  Successions known;
  known.add(id(1), id(3));
  EXPECT_EQ(known.add(id(2), id(3)), Added::forked);
  EXPECT_EQ(known.current(id(1)), id(1));
  EXPECT_EQ(known.current(id(2)), id(2));
}

TEST(Successions, NoCirclesAndNoEndlessLines) {
  Successions known;
  EXPECT_EQ(known.add(id(1), id(1)), Added::refused);
  known.add(id(1), id(2));
  known.add(id(2), id(3));
  EXPECT_EQ(known.add(id(3), id(1)), Added::refused);
  Successions line;
  for (uint8_t i = 1; i < Successions::length_max; ++i) EXPECT_EQ(line.add(id(i), id(i + 1)), Added::fresh);
  EXPECT_EQ(line.add(id(Successions::length_max), id(100)), Added::refused);
  EXPECT_EQ(line.add(id(100), id(1)), Added::refused);
  EXPECT_EQ(line.current(id(1)), id(Successions::length_max));
}

TEST(Successions, StrangersCannotPushOutThePinned) {
  Successions known;
  known.add(id(1), id(2), true);
  known.add(id(2), id(3));  // follows one that is pinned
  for (uint16_t i = 0; i < 2 * Successions::entries_max; ++i)
    EXPECT_EQ(known.add(id(1000 + 2 * i), id(1001 + 2 * i)), Added::fresh);
  EXPECT_EQ(known.size(), Successions::entries_max);
  EXPECT_EQ(known.current(id(1)), id(3));
  EXPECT_EQ(known.current(id(1000)), id(1000));  // the oldest stranger is gone
}

TEST(Successions, WhereAllArePinnedNoMoreAreTaken) {
  Successions known;
  for (uint16_t i = 0; i < Successions::entries_max; ++i) known.add(id(2 * i), id(2 * i + 1), true);
  EXPECT_EQ(known.add(id(20'001), id(20'000)), Added::refused);
  EXPECT_EQ(known.size(), Successions::entries_max);
}

}  // namespace
}  // namespace lattice

// The signed record and the table of them; the table held against a plain model.
#include <gtest/gtest.h>

#include <lattice/discovery/announcements.hpp>
#include <lattice/wire/writer.hpp>

#include "../../model_operations.hpp"

namespace lattice::test {
namespace {

using enum ErrorCode;
using Look = Announcements::Look;
using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;

const WallTime start = wall_from_unix(1'800'000'000);
constexpr ChainId chain{{7}};

struct announcement_test : ::testing::Test {
  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(5));

  std::shared_ptr<const Identity> identity(uint8_t seed, SignAlg alg = SignAlg::mldsa65) {
    ByteArray<64> bytes;
    bytes.fill(seed);
    IdentityOptions options;
    options.sign_alg = alg;
    options.not_before = start - hours{1};
    options.not_after = start + hours{1000};
    return make_identity(*provider, Secret<64>(bytes), options);
  }
  Announcement record(uint8_t seed = 1, SignAlg alg = SignAlg::mldsa65, size_t endpoints = 2) {
    std::vector<Endpoint> where;
    for (size_t i = 0; i < endpoints; ++i) where.push_back({IpAddress::v4(20, seed, 0, static_cast<uint8_t>(i)), 8333});
    return make_announcement(*provider, *identity(seed, alg), chain, 9, start, start + announcement_lifetime, 1, where);
  }
  bool verifies(const Announcement& announcement) {
    const VerifyWork work = announcement_work(announcement, encode_announcement(announcement));
    return provider->verify(work.alg, work.public_key, work.context, work.message, work.signature);
  }
};

ErrorCode decode_error(ByteView bytes) {
  const auto decoded = decode_announcement(bytes);
  return decoded ? none : decoded.error().code;
}

TEST_F(announcement_test, travels_and_verifies) {
  for (const SignAlg alg : {SignAlg::mldsa65, SignAlg::mldsa87}) {
    for (const size_t endpoints : {1u, 4u}) {
      const Announcement made = record(1, alg, endpoints);
      const Bytes bytes = encode_announcement(made);
      EXPECT_EQ(bytes.size(), (alg == SignAlg::mldsa65 ? 5'395u : 7'353u) + 18 * endpoints);
      const auto decoded = decode_announcement(bytes);
      ASSERT_TRUE(decoded);
      EXPECT_EQ(*decoded, made);
      EXPECT_EQ(*read_announcement_head(bytes), made.head);
      EXPECT_TRUE(check_announcement_id(*decoded));
      EXPECT_TRUE(verifies(*decoded));
    }
  }
}

TEST_F(announcement_test, each_bit_is_signed) {
  const Announcement made = record();
  const Bytes bytes = encode_announcement(made);
  // Of the keys' inside a sample; of everything before it each bit.
  const size_t keys_at = 98 + 36 + 4 + 32;
  for (size_t bit = 0; bit < bytes.size() * 8; bit += bit < keys_at * 8 ? 1 : 797) {
    Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    const auto decoded = decode_announcement(changed);
    if (!decoded || !check_announcement_id(*decoded)) continue;
    const VerifyWork work = announcement_work(*decoded, changed);
    EXPECT_FALSE(provider->verify(work.alg, work.public_key, work.context, work.message, work.signature)) << bit;
  }
}

TEST_F(announcement_test, a_signature_for_another_use_is_none) {
  const Announcement made = record();
  const Bytes bytes = encode_announcement(made);
  VerifyWork work = announcement_work(made, bytes);
  work.context = to_bytes(as_bytes(succession_context));
  EXPECT_FALSE(provider->verify(work.alg, work.public_key, work.context, work.message, work.signature));
}

TEST_F(announcement_test, one_form_only) {
  const Announcement made = record();
  const Bytes bytes = encode_announcement(made);
  for (size_t length = 0; length < bytes.size(); length += length < 200 ? 1 : 61) {
    EXPECT_EQ(decode_error(ByteView(bytes).first(length)), truncated) << length;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_EQ(decode_error(longer), trailing_bytes);
  EXPECT_EQ(decode_error(Bytes(limits::announcement_bytes_max + 1, 1)), too_large);
  const auto with = [&](size_t at, uint8_t value) {
    Bytes changed = bytes;
    changed[at] = value;
    return decode_error(changed);
  };
  EXPECT_EQ(with(0, 0), bad_value);
  EXPECT_EQ(with(0, 2), wrong_version);  // of a later version
  EXPECT_EQ(with(97, 0), bad_value);     // no endpoint
  EXPECT_EQ(with(97, 5), too_large);
  EXPECT_EQ(with(97, 1), bad_value);     // the second endpoint where the algorithms are
  EXPECT_EQ(with(73, 0x80), bad_value);  // issued beyond 2^40
  Announcement twice = made;
  twice.endpoints[1] = twice.endpoints[0];
  EXPECT_EQ(decode_error(encode_announcement(twice)), not_canonical);
  Announcement no_port = made;
  no_port.endpoints[0].port = 0;
  EXPECT_EQ(decode_error(encode_announcement(no_port)), bad_value);
  Announcement nowhere = made;
  nowhere.endpoints[0].ip = {};
  EXPECT_EQ(decode_error(encode_announcement(nowhere)), bad_value);
  Announcement long_lived = made;
  long_lived.head.expires = start + announcement_lifetime_max + seconds{1};
  EXPECT_EQ(decode_error(encode_announcement(long_lived)), bad_value);
  long_lived.head.expires = start;
  EXPECT_EQ(decode_error(encode_announcement(long_lived)), bad_value);
}

TEST_F(announcement_test, keys_of_another_node) {
  Announcement taken = record(1);
  taken.head.node = record(2).head.node;
  EXPECT_EQ(check_announcement_id(taken).error().code, contradiction);
}

// --- the table ---

Announcement said(uint64_t node, uint64_t sequence, WallTime issued, std::chrono::seconds life, Endpoint endpoint) {
  Announcement out;
  for (size_t i = 0; i < 8; ++i) out.head.node.bytes[i] = static_cast<uint8_t>(node >> (8 * i));
  out.head.sequence = sequence;
  out.head.issued = issued;
  out.head.expires = issued + life;
  out.endpoints = {endpoint};
  return out;
}
Endpoint place(uint64_t group, uint8_t host = 1) {
  return {IpAddress::v4(static_cast<uint8_t>(20 + group / 256 % 100), static_cast<uint8_t>(group), 0, host), 8333};
}

TEST(announcements, newest_counts_until_it_expires) {
  Announcements table;
  Now now{Instant{hours{1}}, start};
  const auto first = said(1, 10, start, hours{3}, place(1));
  EXPECT_TRUE(table.take(first, now).news);
  EXPECT_EQ(table.look(first.head, now), Look::known);
  EXPECT_EQ(table.look(said(1, 9, start, hours{24}, place(1)).head, now), Look::known);
  EXPECT_FALSE(table.take(first, now).fresh);
  now.mono += Announcements::spacing;
  now.wall += minutes{5};
  const auto second = said(1, 11, now.wall, hours{3}, place(1));
  const auto taken = table.take(second, now);
  EXPECT_TRUE(taken.fresh);
  EXPECT_FALSE(taken.news);
  now.mono += Announcements::spacing;
  EXPECT_TRUE(table.take(said(1, 12, now.wall, hours{3}, place(2)), now).news);
  table.expire(start + hours{3});
  EXPECT_EQ(table.size(), 1u);
  table.expire(start + hours{3} + minutes{5});
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.groups(), 0u);
}

TEST(announcements, expired_and_early_ones_are_nothing) {
  const Announcements table;
  const Now now{Instant{}, start};
  const auto look = [&](WallTime issued, std::chrono::seconds life) {
    return table.look(said(1, 1, issued, life, place(1)).head, now);
  };
  EXPECT_EQ(look(start - hours{3}, hours{3}), Look::expired);
  EXPECT_EQ(look(start - hours{3}, hours{3} + seconds{1}), Look::fresh);
  EXPECT_EQ(look(start + announcement_clock_tolerance, hours{3}), Look::fresh);
  EXPECT_EQ(look(start + announcement_clock_tolerance + seconds{1}, hours{3}), Look::early);
}

TEST(announcements, a_node_speaks_now_and_then) {
  Announcements table;
  Now now{Instant{}, start};
  table.take(said(1, 1, start, hours{3}, place(1)), now);
  now.mono += Announcements::spacing - seconds{1};
  EXPECT_EQ(table.look(said(1, 2, start, hours{3}, place(1)).head, now), Look::soon);
  now.mono += seconds{1};
  EXPECT_EQ(table.look(said(1, 2, start, hours{3}, place(1)).head, now), Look::fresh);
}

// A newer record that ends sooner: the older one that outlives it is not taken again.
TEST(announcements, an_older_record_that_lives_longer_does_not_come_back) {
  Announcements table;
  Now now{Instant{}, start};
  const auto first = said(1, 1, start, hours{20}, place(1));
  table.take(first, now);
  now.mono += hours{1};
  now.wall += hours{1};
  EXPECT_TRUE(table.take(said(1, 2, now.wall, hours{1}, place(2)), now).fresh);
  now.wall += hours{2};
  now.mono += hours{2};
  table.expire(now.wall);
  EXPECT_EQ(table.look(first.head, now), Look::known);
}

TEST(announcements, sequences_at_the_end_of_their_bits) {
  Announcements table;
  Now now{Instant{}, start};
  EXPECT_TRUE(table.take(said(1, 0, start, hours{1}, place(1)), now).fresh);
  now.mono += hours{1};
  EXPECT_TRUE(table.take(said(1, UINT64_MAX, start, hours{2}, place(1)), now).fresh);
  now.mono += hours{1};
  for (const uint64_t sequence : {uint64_t{0}, uint64_t{1}, UINT64_MAX - 1, UINT64_MAX}) {
    EXPECT_EQ(table.look(said(1, sequence, start, hours{2}, place(1)).head, now), Look::known);
  }
  table.expire(start + hours{2});
  EXPECT_EQ(table.look(said(1, 1, start + hours{2}, hours{2}, place(1)).head, {now.mono, start + hours{2}}), Look::fresh);
}

TEST(announcements, a_crowded_group_pushes_out_itself_alone) {
  Announcements table;
  const Now now{Instant{}, start};
  for (uint64_t node = 0; node < 100; ++node) table.take(said(1000 + node, 1, start, hours{3}, place(node)), now);
  for (uint64_t node = 0; node < 5000; ++node) table.take(said(10'000 + node, 1, start, hours{3}, place(200)), now);
  EXPECT_EQ(table.size(), 100u + AnnouncementLimits{}.per_group);
  for (uint64_t node = 0; node < 100; ++node)
    EXPECT_NE(table.find(said(1000 + node, 1, start, hours{3}, place(0)).head.node), nullptr);
}

// 10^6 random inputs against a plain list.
struct ModelTable {
  struct Row {
    Announcement record;
    Instant taken;
    WallTime forget;
  };
  AnnouncementLimits limits;
  std::vector<Row> rows;  // the longest unheard of first

  auto of(const NodeId& node) {
    return std::ranges::find_if(rows, [&](const Row& row) { return row.record.head.node == node; });
  }
  static AddressGroup group(const Row& row) { return group_of(row.record.endpoints.front().ip); }
  Look look(const AnnouncementHead& head, Now now) {
    if (head.expires <= now.wall) return Look::expired;
    if (head.issued > now.wall + announcement_clock_tolerance) return Look::early;
    const auto row = of(head.node);
    if (row == rows.end()) return Look::fresh;
    if (head.sequence <= row->record.head.sequence) return Look::known;
    return now.mono - row->taken < Announcements::spacing ? Look::soon : Look::fresh;
  }
  size_t count(const AddressGroup& wanted) {
    return static_cast<size_t>(std::ranges::count_if(rows, [&](const Row& row) { return group(row) == wanted; }));
  }
  std::pair<bool, bool> take(const Announcement& record, Now now) {
    if (look(record.head, now) != Look::fresh) return {};
    Row fresh{record, now.mono, record.head.expires};
    bool news = true;
    if (const auto row = of(record.head.node); row != rows.end()) {
      news = row->record.endpoints != record.endpoints;
      fresh.forget = std::max(fresh.forget, row->forget);
      rows.erase(row);
    }
    if (count(group(fresh)) >= limits.per_group) {
      rows.erase(std::ranges::find_if(rows, [&](const Row& row) { return group(row) == group(fresh); }));
    }
    if (rows.size() >= limits.entries) {
      size_t most = 0;
      for (const Row& row : rows) most = std::max(most, count(group(row)));
      rows.erase(std::ranges::find_if(rows, [&](const Row& row) { return count(group(row)) == most; }));
    }
    rows.push_back(std::move(fresh));
    return {true, news};
  }
  void expire(WallTime now) {
    std::erase_if(rows, [&](const Row& row) { return row.forget <= now; });
  }
};

TEST(announcements, as_the_model) {
  constexpr AnnouncementLimits small{40, 8};
  Announcements table(small);
  ModelTable model{small, {}};
  SeededRng rng(3);
  Now now{Instant{hours{1}}, start};
  const size_t operations = model_operations();
  size_t fresh = 0, moved = 0;
  for (size_t i = 0; i < operations; ++i) {
    if (rng.below(4) == 0) {
      now.mono += seconds{rng.below(120)};
      now.wall += seconds{static_cast<int64_t>(rng.below(125)) - 2};
    }
    if (rng.below(50) == 0) {
      table.expire(now.wall);
      model.expire(now.wall);
    }
    const auto issued = now.wall + seconds{static_cast<int64_t>(rng.below(8'000)) - 400};
    // Most often the groups 0 to 3.
    const auto record = said(rng.below(80), rng.below(200) + i / 1000, issued, seconds{1 + rng.below(9'000)},
                             place(rng.below(2) ? rng.below(4) : rng.below(30), static_cast<uint8_t>(rng.below(2))));
    ASSERT_EQ(table.look(record.head, now), model.look(record.head, now)) << i;
    const auto taken = table.take(record, now);
    ASSERT_EQ(std::pair(taken.fresh, taken.news), model.take(record, now)) << i;
    fresh += taken.fresh;
    moved += taken.news;
    ASSERT_EQ(table.size(), model.rows.size()) << i;
    if (i % 97 != 0) continue;
    for (const auto& row : model.rows) {
      const auto* entry = table.find(row.record.head.node);
      ASSERT_NE(entry, nullptr) << i;
      ASSERT_EQ(entry->head, row.record.head);
      ASSERT_EQ(entry->endpoints, row.record.endpoints);
      ASSERT_EQ(entry->forget, row.forget);
    }
  }
  EXPECT_GT(fresh, operations / 50);
  EXPECT_LT(moved, fresh);
}

}  // namespace
}  // namespace lattice::test

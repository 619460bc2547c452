// Bans over a restart: what is written is read, what is damaged is refused, and who was banned stays so until the same moment.
#include <gtest/gtest.h>

#include <lattice/base/crc32c.hpp>
#include <lattice/base/random.hpp>
#include <lattice/peers/reputation.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr ChainId chain{{7}};
constexpr int64_t wall_start = 1'800'000'000;

Now at(Duration since) {
  return {Instant{hours{1000}} + since, wall_from_unix(wall_start) + std::chrono::floor<seconds>(since)};
}
Endpoint address(uint64_t number) {
  return {IpAddress::v4(8, static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number), 1), 0};
}
NodeId node(uint64_t number) { return {{static_cast<uint8_t>(number), static_cast<uint8_t>(number >> 8), 1}}; }

BanMemory sample() {
  return {{{address(1), 2, ErrorCode::bad_block, wall_from_unix(wall_start + 3600)},
           {Endpoint{*IpAddress::parse("2001:db8:1:2::"), 0}, 5, ErrorCode::bad_header, wall_from_unix(wall_start - 10)},
           {node(9), 1, ErrorCode::unrequested, wall_from_unix(wall_start + 600)}},
          {node(4), node(3)}};
}

Bytes with_sum(ByteView content) {
  wire::Writer out;
  out.bytes(content).u32(crc32c(content));
  return out.take();
}

TEST(ban_memory, is_read_as_it_was_written) {
  for (const BanMemory& memory : {BanMemory{}, sample()}) {
    const Bytes file = encode_ban_memory(memory, chain);
    const auto read = decode_ban_memory(file, chain);
    ASSERT_TRUE(read);
    EXPECT_EQ(encode_ban_memory(*read, chain), file);
    EXPECT_EQ(read->bans.size(), memory.bans.size());
    EXPECT_EQ(read->for_ever, memory.for_ever);
  }
}

TEST(ban_memory, every_cut_and_every_flip_is_refused) {
  const Bytes file = encode_ban_memory(sample(), chain);
  for (size_t size = 0; size < file.size(); ++size) EXPECT_FALSE(decode_ban_memory(ByteView(file).first(size), chain)) << size;
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    Bytes flipped = file;
    flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(decode_ban_memory(flipped, chain)) << bit;
  }
}

// The sum is right, and what it sums is not.
TEST(ban_memory, what_nobody_writes_is_refused) {
  const auto refused = [](BanMemory memory, size_t offset, uint8_t byte) {
    Bytes file = encode_ban_memory(std::move(memory), chain);
    file.resize(file.size() - 4);
    file[offset] = byte;
    const auto read = decode_ban_memory(with_sum(file), chain);
    return read ? ErrorCode::none : read.error().code;
  };
  const BanMemory one{{{address(1), 2, ErrorCode::bad_block, wall_from_unix(wall_start)}}, {}};
  constexpr size_t first = 8 + 1 + 32 + 4, step = first + 1 + 16 + 2, reason = step + 1, until = reason + 2;
  EXPECT_EQ(refused(one, step, 2), ErrorCode::none);
  EXPECT_EQ(refused(one, 0, 'x'), ErrorCode::bad_value);
  EXPECT_EQ(refused(one, 8, 2), ErrorCode::wrong_version);
  EXPECT_EQ(refused(one, 9, 0), ErrorCode::wrong_chain);
  EXPECT_EQ(refused(one, first - 4, 1), ErrorCode::too_large);
  EXPECT_EQ(refused(one, first - 1, 2), ErrorCode::bad_value);  // what follows is no second one
  EXPECT_EQ(refused(one, first - 1, 0), ErrorCode::truncated);  // 256 for ever do not follow
  EXPECT_EQ(refused(one, first, 3), ErrorCode::bad_value);
  EXPECT_EQ(refused(one, step, 0), ErrorCode::bad_value);
  EXPECT_EQ(refused(one, step, 6), ErrorCode::bad_value);
  EXPECT_EQ(refused(one, reason, 99), ErrorCode::bad_value);
  EXPECT_EQ(refused(one, until, 1), ErrorCode::bad_value);
  BanMemory two = one;
  two.bans.push_back({address(2), 2, ErrorCode::bad_block, wall_from_unix(wall_start)});
  constexpr size_t second_address = until + 8 + 1 + 14;
  EXPECT_EQ(refused(two, second_address, 1), ErrorCode::not_canonical);  // the same again
  EXPECT_EQ(refused(two, second_address, 0), ErrorCode::not_canonical);
  EXPECT_EQ(refused({{}, {node(1), node(2)}}, first + 2 + 32, 1), ErrorCode::not_canonical);
  Bytes longer = encode_ban_memory({}, chain);
  longer.insert(longer.end() - 4, 0);
  EXPECT_EQ(decode_ban_memory(with_sum(ByteView(longer).first(longer.size() - 4)), chain).error().code,
            ErrorCode::trailing_bytes);
  EXPECT_FALSE(decode_ban_memory(Bytes(ban_memory_bytes_max + 1), chain));
}

TEST(ban_memory, who_was_banned_stays_so_until_the_same_moment) {
  Reputation before;
  before.on_fault(address(1), ErrorCode::bad_proof_of_work, at({}).mono);                          // an hour
  for (int i = 0; i < 5; ++i) before.on_node_fault(node(1), ErrorCode::unrequested, at({}).mono);  // ten minutes
  before.avoid(address(2), ErrorCode::stalled, at({}).mono);                                       // a pause
  before.ban_for_ever(node(2));
  EXPECT_EQ(before.changes(), 3u);

  const Now restart = at(seconds{300});
  const auto memory = decode_ban_memory(encode_ban_memory(before.memory(restart), chain), chain);
  ASSERT_TRUE(memory);
  Reputation after;
  const Now boot{Instant{seconds{5}}, restart.wall + seconds{60}};  // another boot: the clock begins anew, a minute has passed
  after.restore(*memory, boot);
  EXPECT_EQ(after.avoided(address(1), boot.mono), ErrorCode::bad_proof_of_work);
  EXPECT_TRUE(after.avoided(address(1), boot.mono + hours{1} - seconds{361}));
  EXPECT_FALSE(after.avoided(address(1), boot.mono + hours{1} - seconds{360}));
  EXPECT_TRUE(after.node_avoided(node(1), boot.mono + seconds{600 - 361}));
  EXPECT_FALSE(after.node_avoided(node(1), boot.mono + seconds{600 - 360}));
  EXPECT_FALSE(after.avoided(address(2), boot.mono));
  EXPECT_TRUE(after.node_avoided(node(2), boot.mono + hours{100'000}));
  // The next one is the longer one.
  const Instant later = boot.mono + hours{2};
  after.on_fault(address(1), ErrorCode::bad_proof_of_work, later);
  EXPECT_TRUE(after.avoided(address(1), later + hours{6} - seconds{1}));
}

TEST(ban_memory, a_step_fades_while_the_process_is_away) {
  Reputation before;
  before.on_fault(address(1), ErrorCode::bad_header, at({}).mono);
  const auto memory = before.memory(at({}));
  Reputation next_day, days_later;
  next_day.restore(memory, at(hours{20}));
  EXPECT_EQ(next_day.response(address(1), {}, at(hours{20}).mono), Response::discourage);
  days_later.restore(memory, at(hours{24 * 6}));
  EXPECT_EQ(days_later.size(), 0u);
}

// Whatever the clock was then or is now, no ban is longer than the longest, and an old one does not come back.
TEST(ban_memory, a_wrong_clock_bans_nobody_for_years) {
  for (const int64_t until : {int64_t{0}, int64_t{wall_start + 60}, int64_t{253'402'300'799}}) {
    for (const int64_t now : {int64_t{-1'000'000}, int64_t{0}, int64_t{wall_start}, int64_t{253'402'300'799}}) {
      Reputation r;
      r.restore({{{address(1), 2, ErrorCode::bad_block, wall_from_unix(until)}}, {}}, {Instant{hours{1}}, wall_from_unix(now)});
      EXPECT_EQ(r.avoided(address(1), Instant{hours{1}}).has_value(), until > now);
      EXPECT_FALSE(r.avoided(address(1), Instant{hours{1 + 24 * 7}}));
    }
  }
}

// Any history, and a restart somewhere in it: the same answers as without, but for points and pauses, which are not kept.
TEST(ban_memory, a_restart_changes_no_ban) {
  SeededRng rng(5);
  for (int round = 0; round < 200; ++round) {
    Reputation whole;
    Duration time{};
    for (int i = 0; i < 300; ++i) {
      time += seconds{rng.below(i % 50 == 0 ? 100'000 : 60)};
      const uint64_t who = rng.below(20);
      const ErrorCode code = rng.below(10) == 0 ? ErrorCode::bad_header : ErrorCode::unrequested;
      if (rng.below(2) == 0) {
        whole.on_fault(address(who), code, at(time).mono);
      } else {
        whole.on_node_fault(node(who), code, at(time).mono);
      }
    }
    Reputation restarted;
    restarted.restore(*decode_ban_memory(encode_ban_memory(whole.memory(at(time)), chain), chain), at(time));
    for (int look = 0; look < 50; ++look) {
      const Instant then = at(time + seconds{rng.below(500'000)}).mono;
      for (uint64_t who = 0; who < 20; ++who) {
        EXPECT_EQ(restarted.avoided(address(who), then), whole.avoided(address(who), then));
        EXPECT_EQ(restarted.node_avoided(node(who), then), whole.node_avoided(node(who), then));
      }
    }
    const Instant later = at(time + hours{30}).mono;
    for (uint64_t who = 0; who < 20; ++who) {
      whole.avoid(address(who), ErrorCode::bad_header, later);
      restarted.avoid(address(who), ErrorCode::bad_header, later);
      for (const Duration after : {hours{2}, hours{7}, hours{25}})
        EXPECT_EQ(restarted.avoided(address(who), later + after), whole.avoided(address(who), later + after));
    }
  }
}

TEST(ban_memory, as_much_as_there_can_be) {
  Reputation r;
  for (uint64_t i = 0; i < 2 * Reputation::entries_max; ++i) {
    const Endpoint where{
        IpAddress::v4(static_cast<uint8_t>(20 + (i >> 16)), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i), 1), 0};
    r.avoid(where, ErrorCode::bad_header, at({}).mono);
    r.avoid_node(node(i), ErrorCode::bad_header, at({}).mono);
    r.ban_for_ever(node(i));
  }
  const BanMemory memory = r.memory(at({}));
  const Bytes file = encode_ban_memory(memory, chain);
  EXPECT_LE(file.size(), ban_memory_bytes_max);
  EXPECT_EQ(memory.for_ever.size(), bans_for_ever_max);
  Reputation again;
  again.restore(*decode_ban_memory(file, chain), at({}));
  EXPECT_EQ(again.size(), r.size());
  EXPECT_EQ(again.nodes(), r.nodes());
}

}  // namespace
}  // namespace lattice

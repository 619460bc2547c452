#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <map>

#include <lattice/base/random.hpp>
#include <lattice/link/lanes.hpp>

#include "link_pair.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using wire::Lane;

constexpr uint32_t window = limits::channel_credit_bytes;
constexpr uint32_t step = limits::channel_credit_step;

ErrorCode code_of(const Result<void>& result) { return result ? none : result.error().code; }

TEST(SendCredit, IsSpentAndComesBack) {
  SendCredit credit;
  EXPECT_TRUE(credit.covers(window));
  EXPECT_FALSE(credit.covers(window + 1));
  credit.spend(window - 10);
  EXPECT_TRUE(credit.covers(10));
  EXPECT_FALSE(credit.covers(11));
  EXPECT_EQ(code_of(credit.on_grant(5)), none);
  EXPECT_TRUE(credit.covers(15));
  EXPECT_FALSE(credit.covers(16));
}

// A counter that is added to would wrap here, and an attacker would have a window of his own making.
TEST(SendCredit, GrantsNearTheGreatestNumberNeverOverflow) {
  for (const uint32_t spent : {0u, 1u, 256u, window - 1, window}) {
    SendCredit credit;
    credit.spend(spent);
    for (const uint32_t grant : {spent + 1, window + 1, uint32_t{1} << 31, std::numeric_limits<uint32_t>::max() - spent,
                                 std::numeric_limits<uint32_t>::max() - window, std::numeric_limits<uint32_t>::max()}) {
      EXPECT_EQ(code_of(credit.on_grant(grant)), credit_exceeded) << spent << " " << grant;
      EXPECT_TRUE(credit.covers(window - spent)) << "and nothing has changed";
      EXPECT_FALSE(credit.covers(window - spent + 1));
    }
    EXPECT_EQ(code_of(credit.on_grant(0)), bad_frame);
    EXPECT_EQ(code_of(credit.on_grant(spent)), spent > 0 ? none : bad_frame);
    EXPECT_TRUE(credit.covers(window));
  }
}

TEST(ReceiveCredit, BeyondTheWindowIsAFault) {
  ReceiveCredit credit;
  EXPECT_EQ(code_of(credit.on_begun(1, window - 256)), none);
  EXPECT_EQ(code_of(credit.on_begun(1, 257)), credit_exceeded);
  EXPECT_EQ(code_of(credit.on_begun(1, std::numeric_limits<uint32_t>::max())), credit_exceeded);
  EXPECT_EQ(code_of(credit.on_begun(1, 256)), none);
  EXPECT_EQ(code_of(credit.on_begun(1, 1)), credit_exceeded);
  EXPECT_EQ(code_of(credit.on_begun(2, window)), none) << "another channel has its own";
}

TEST(ReceiveCredit, ChannelsAreBounded) {
  ReceiveCredit credit;
  for (wire::ChannelId channel = 1; channel <= limits::channels_max; ++channel)
    EXPECT_EQ(code_of(credit.on_begun(channel, 256)), none);
  EXPECT_EQ(code_of(credit.on_begun(limits::channels_max + 1, 256)), credit_exceeded);
  EXPECT_EQ(code_of(credit.on_begun(limits::channels_max, 256)), none);
}

TEST(ReceiveCredit, GivesBackInSteps) {
  ReceiveCredit credit;
  ASSERT_TRUE(credit.on_begun(7, step));
  credit.on_taken(7, step - 1);
  EXPECT_FALSE(credit.grant_due());
  EXPECT_FALSE(credit.poll_grant());
  credit.on_taken(7, 1);
  EXPECT_TRUE(credit.grant_due());
  const auto grant = credit.poll_grant();
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->channel, 7);
  EXPECT_EQ(grant->bytes, step);
  EXPECT_FALSE(credit.poll_grant());
  EXPECT_EQ(code_of(credit.on_begun(7, window)), none);
}

// --- both ends against a model that remembers every message and adds up anew each time ---

struct Model {
  struct Sent {
    uint32_t cost;
    bool taken = false, granted = false, arrived = false;  // the grant, back at the sender
  };
  std::map<wire::ChannelId, std::vector<Sent>> channels;

  uint32_t sum(wire::ChannelId channel, bool (*counts)(const Sent&)) {
    uint32_t total = 0;
    for (const Sent& sent : channels[channel]) total += counts(sent) ? sent.cost : 0;
    return total;
  }
};

struct Grant {
  CreditGrant grant;
  std::vector<size_t> of;  // which messages it gives back
};

TEST(Credit, BothEndsAgreeWithANaiveModel) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRng rng(seed);
    Model model;
    std::map<wire::ChannelId, SendCredit> senders;
    ReceiveCredit receiver;
    std::deque<Grant> under_way;
    for (int turn = 0; turn < 4000; ++turn) {
      const auto channel = static_cast<wire::ChannelId>(1 + rng.below(3));
      auto& sent = model.channels[channel];
      const uint64_t what = rng.below(4);
      if (what < 2) {
        const uint32_t cost = credit_of(rng.below(8) == 0 ? rng.below(4'194'316) : rng.below(200'000));
        const bool covered = model.sum(channel, [](const auto& s) { return !s.arrived; }) + cost <= window;
        ASSERT_EQ(senders[channel].covers(cost), covered);
        if (!covered) continue;
        senders[channel].spend(cost);
        ASSERT_TRUE(receiver.on_begun(channel, cost)) << "an honest sender is never at fault";
        sent.push_back({cost});
      } else if (what == 2) {
        const auto next = std::ranges::find(sent, false, &Model::Sent::taken);
        if (next == sent.end()) continue;
        next->taken = true;
        receiver.on_taken(channel, next->cost);
      } else if (!under_way.empty()) {
        const Grant grant = under_way.front();
        under_way.pop_front();
        ASSERT_TRUE(senders[grant.grant.channel].on_grant(grant.grant.bytes)) << "an honest receiver is never at fault";
        for (const size_t i : grant.of) model.channels[grant.grant.channel][i].arrived = true;
      }
      while (const auto grant = receiver.poll_grant()) {
        auto& given = model.channels[grant->channel];
        Grant entry{*grant, {}};
        uint32_t bytes = 0;
        for (size_t i = 0; i < given.size(); ++i) {
          if (!given[i].taken || given[i].granted) continue;
          given[i].granted = true;
          bytes += given[i].cost;
          entry.of.push_back(i);
        }
        ASSERT_EQ(grant->bytes, bytes);
        ASSERT_GE(bytes, step);
        under_way.push_back(std::move(entry));
      }
      ASSERT_LT(model.sum(channel, [](const auto& s) { return s.taken && !s.granted; }), step);
    }
  }
}

// --- lanes: any order of sending, taking and granting; nobody is at fault, nothing is lost or out of order ---

wire::Message numbered(uint32_t number, size_t bytes) {
  Bytes body(std::max<size_t>(bytes, 4), static_cast<uint8_t>(number));
  std::memcpy(body.data(), &number, 4);
  return wire::Block{SharedBytes(std::move(body))};
}

struct Line {
  SendLanes out;
  ReceiveLanes in;
  std::map<wire::ChannelId, std::deque<uint32_t>> expected;  // by their numbers
  struct Came {
    wire::ChannelId channel;
    size_t bytes;
  };
  std::map<wire::ChannelId, std::deque<Came>> waiting;
  size_t begun_most = 0;

  void carry(size_t room) {
    Bytes bytes(room);
    const size_t filled = out.fill(bytes);
    wire::Reader reader(ByteView(bytes).first(filled));
    while (!reader.empty()) {
      const auto frame = wire::read_frame(reader);
      ASSERT_TRUE(frame);
      auto whole = in.on_frame(*frame);
      ASSERT_TRUE(whole) << whole.error().where;
      begun_most = std::max(begun_most, in.bytes());
      if (!*whole) continue;
      uint32_t number = 0;
      std::memcpy(&number, (*whole)->data() + limits::message_header_bytes, 4);
      ASSERT_FALSE(expected[frame->channel].empty());
      ASSERT_EQ(number, expected[frame->channel].front()) << "on channel " << frame->channel;
      expected[frame->channel].pop_front();
      waiting[frame->channel].push_back({frame->channel, (*whole)->size()});
    }
  }
  bool take(wire::ChannelId channel) {
    auto& queue = waiting[channel];
    if (queue.empty()) return false;
    in.on_taken(channel, Lane::blocks, queue.front().bytes);
    queue.pop_front();
    while (const auto grant = in.poll_grant()) EXPECT_TRUE(out.on_grant(*grant));
    return true;
  }
};

TEST(Credit, LanesDeliverAllInOrderWhateverIsTakenWhen) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SeededRng rng(seed);
    Line line;
    uint32_t number = 0;
    for (int turn = 0; turn < 600; ++turn) {
      const auto channel = static_cast<wire::ChannelId>(1 + rng.below(4));
      switch (rng.below(4)) {
        case 0: {
          const size_t bytes = rng.below(5) == 0 ? limits::block_bytes_max : rng.below(300'000);
          if (!line.out.push(channel, Lane::blocks, numbered(number, bytes))) break;
          line.expected[channel].push_back(number++);
          break;
        }
        case 1: line.take(channel); break;
        default: line.carry(rng.below(400'000));
      }
      ASSERT_FALSE(HasFatalFailure());
    }
    // Who is slow wakes up at last.
    for (bool moved = true; moved;) {
      moved = line.out.can_fill();
      line.carry(65'000);
      ASSERT_FALSE(HasFatalFailure());
      for (wire::ChannelId channel = 1; channel <= 4; ++channel) {
        while (line.take(channel)) moved = true;
      }
    }
    EXPECT_TRUE(line.out.empty());
    EXPECT_EQ(line.in.bytes(), 0u);
    EXPECT_LE(line.begun_most, limits::message_bytes_max) << "one message of a lane at once";
  }
}

TEST(Credit, AChannelWithoutCreditIsPassedOver) {
  Line line;
  for (uint32_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(line.out.push(1, Lane::blocks, numbered(i, limits::block_bytes_max)));
    line.expected[1].push_back(i);
  }
  while (line.out.can_fill()) line.carry(65'000);
  EXPECT_EQ(line.waiting[1].size(), 1u) << "two do not fit the window with their headers";
  EXPECT_FALSE(line.out.empty());
  // The other channel and the lanes without credit go on, at the same lane and beside it.
  ASSERT_TRUE(line.out.push(2, Lane::blocks, numbered(100, 1'000'000)));
  line.expected[2].push_back(100);
  ASSERT_TRUE(line.out.push(1, Lane::control, wire::Ping{1}));
  Bytes small(40);
  EXPECT_EQ(line.out.fill(small), 6u + 20u) << "the ping";
  while (line.out.can_fill()) line.carry(65'000);
  EXPECT_EQ(line.waiting[2].size(), 1u);
  // Taken, and the channel goes on.
  EXPECT_TRUE(line.take(1));
  EXPECT_TRUE(line.out.can_fill());
  while (line.out.can_fill()) line.carry(65'000);
  EXPECT_EQ(line.waiting[1].size(), 1u);
}

// Small and large messages on one lane: bytes are shared, not turns.
TEST(Credit, ChannelsShareALaneByBytes) {
  Line line;
  uint32_t number = 0;
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(line.out.push(1, Lane::blocks, numbered(number, 900'000)));
    line.expected[1].push_back(number++);
  }
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(line.out.push(2, Lane::blocks, numbered(number, 2'000)));
    line.expected[2].push_back(number++);
  }
  for (size_t carried = 0; carried < 4'000'000; carried += 65'000) line.carry(65'000);
  size_t bytes[3] = {};
  for (const auto& [channel, queue] : line.waiting) {
    for (const auto& came : queue) bytes[channel] += came.bytes;
  }
  EXPECT_NEAR(static_cast<double>(bytes[1]), static_cast<double>(bytes[2]), 1'000'000.0);
}

TEST(Credit, QueuesOfChannelsAreTheirOwn) {
  SendLanes lanes;
  for (size_t i = 0; i < limits::send_queue_messages_max; ++i) ASSERT_TRUE(lanes.push(1, Lane::blocks, numbered(0, 4)));
  EXPECT_EQ(lanes.push(1, Lane::headers, numbered(0, 4)).error().code, queue_full);
  EXPECT_TRUE(lanes.push(1, Lane::control, wire::Ping{1})) << "a ping does not wait for blocks";
  EXPECT_TRUE(lanes.push(2, Lane::blocks, numbered(0, 4)));
  for (wire::ChannelId channel = 3; channel <= limits::channels_max; ++channel)
    EXPECT_TRUE(lanes.push(channel, Lane::blocks, numbered(0, 4)));
  EXPECT_EQ(lanes.push(limits::channels_max + 1, Lane::control, numbered(0, 4)).error().code, limit_reached);
}

// --- whole links ---

struct OpenPair : test::LinkPair {
  OpenPair() {
    handshake();
    initiator_events.clear();
    responder_events.clear();
  }
  // Moves all that can move; the responder's application takes nothing.
  void carry_all() {
    while (carry(*initiator, *responder, Role::initiator) || carry(*responder, *initiator, Role::responder)) {
    }
  }
};

wire::Block block(size_t bytes) { return {SharedBytes(Bytes(bytes, 7))}; }

// The receiver of channel 1 does not take its blocks. Channel 2 and control get through all the same, again and again.
TEST(Link, AChannelThatIsNotDrainedHoldsNobodyUp) {
  OpenPair pair;
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(pair.initiator->send(1, block(1'000'000)));
  pair.carry_all();
  const size_t stuck = pair.initiator->queued_bytes();
  EXPECT_EQ(stuck, 22u * 1'000'012) << "8 MiB are at the receiver, no more";
  for (uint64_t round = 0; round < 3; ++round) {
    ASSERT_TRUE(pair.initiator->send(2, block(2'000'000)));
    ASSERT_TRUE(pair.initiator->send(1, wire::Ping{round}));
    ASSERT_TRUE(pair.initiator->send(1, wire::Consensus{SharedBytes(Bytes(10, 1))}));
    pair.carry_all();
    EXPECT_EQ(pair.initiator->queued_bytes(), stuck);
    EXPECT_TRUE(pair.initiator->pending_output().empty()) << "and no memory waits for what may not go";
  }
  EXPECT_TRUE(pair.initiator->established() && pair.responder->established());
  // At last its consumer wakes up.
  pair.run();
  EXPECT_EQ(pair.initiator->queued_bytes(), 0u);
  EXPECT_EQ(pair.messages(Role::responder).size(), 30u + 3 * 3);
}

TEST(Link, TwoChannelsGetEqualShares) {
  OpenPair pair;
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(pair.initiator->send(1, block(1'000'000)));
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(pair.initiator->send(2, block(1'000'000)));
  size_t came[3] = {};
  while (came[1] + came[2] < 20) {
    pair.carry(*pair.initiator, *pair.responder, Role::initiator);
    while (auto event = pair.responder->poll_event()) came[std::get<LinkMessage>(*event).channel] += 1;
    pair.carry(*pair.responder, *pair.initiator, Role::responder);
  }
  EXPECT_NEAR(static_cast<double>(came[1]), static_cast<double>(came[2]), 1.0);
}

// Nothing else bounds what costs no credit: who reads on while nobody takes it would keep it all.
TEST(Link, UntakenControlStopsTheReader) {
  OpenPair pair;
  const wire::Consensus vote{SharedBytes(Bytes(limits::consensus_bytes_max, 1))};
  size_t sent = 0;
  while (pair.responder->wants_bytes() && sent < 100) {
    ASSERT_TRUE(pair.initiator->send(1, vote));
    pair.carry_all();
    ++sent;
  }
  EXPECT_EQ(sent, limits::urgent_bytes_max / (limits::consensus_bytes_max + 12) + 1);
  EXPECT_TRUE(pair.responder->poll_event());
  EXPECT_TRUE(pair.responder->wants_bytes());
}

}  // namespace
}  // namespace lattice

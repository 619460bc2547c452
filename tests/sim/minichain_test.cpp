// The chain with finality by votes: through the same Node, and by itself.
#include <gtest/gtest.h>

#include <examples/minichain/minichain.hpp>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

using minichain::Validators;
using std::chrono::seconds;

struct Keys {
  Validators validators;
  std::vector<std::shared_ptr<const SigningKey>> signing;
};

Keys make_keys(Provider& provider) {
  Keys keys;
  for (size_t i = 0; i < minichain::validator_count; ++i) {
    Secret<32> seed;
    provider.rng().fill(seed.span());
    keys.signing.push_back(provider.signing_key(SignAlg::mldsa65, seed));
    keys.validators[i] = to_bytes(keys.signing[i]->public_key());
  }
  return keys;
}

uint64_t score_of(const Tip& tip) {
  uint64_t value = 0;
  for (const uint8_t byte : tip.score) value = value << 8 | byte;
  return value;
}

class MiniChainNet : public testing::Test {
 protected:
  MiniChainNet()
      : provider_(openssl_provider(std::make_unique<SeededRng>(99))), keys_(make_keys(*provider_)), world_(options()) {
    for (size_t i = 0; i < 3; ++i) dns_.addresses.push_back(address(i));
    world_.set_dns("mini.sim", dns_);
    // Each hash that is ever called final, by height: there is one a height.
    world_.on_chain_event([this](HostId host, const ChainEvent& event) {
      const auto* changed = std::get_if<TipChanged>(&event);
      if (!changed) return;
      tips_[host] = changed->tip;
      if (score_of(changed->tip) != changed->tip.block.height) return;
      const auto [known, fresh] = finals_.try_emplace(changed->tip.block.height, changed->tip.block.hash);
      EXPECT_TRUE(fresh || known->second == changed->tip.block.hash) << "two final blocks at " << changed->tip.block.height;
    });
  }

  static WorldOptions options() {
    WorldOptions options;
    options.seed = 11;
    options.weather.loss = 0.01;
    return options;
  }
  static IpAddress address(size_t index) { return IpAddress::v4(20, static_cast<uint8_t>(1 + index), 7, 1); }

  HostId add(size_t index, std::shared_ptr<const SigningKey> key) {
    SimNodeConfig config;
    config.node.magic = {'m', 'i', 'n', 'i'};
    config.node.default_port = config.node.listen_port = 7000;
    config.node.seeds.push_back({"mini.sim", {}, 0});
    config.node.user_agent = "/mini/";
    config.address = address(index);
    config.chain = [this, key](Provider& provider) { return minichain::make_minichain(keys_.validators, key, provider); };
    return world_.add_node(std::move(config));
  }
  void add_all(size_t observers) {
    for (size_t i = 0; i < 4; ++i) hosts_.push_back(add(i, keys_.signing[i]));
    for (size_t i = 0; i < observers; ++i) hosts_.push_back(add(4 + i, nullptr));
  }
  bool all_final(uint64_t height) {
    return std::ranges::all_of(hosts_, [&](HostId host) { return world_.running(host) && score_of(tips_[host]) >= height; });
  }
  bool run_to(uint64_t height, Duration limit) {
    return world_.run_until([&] { return all_final(height); }, world_.now() + limit);
  }

  std::unique_ptr<Provider> provider_;
  Keys keys_;
  World world_;
  DnsRecord dns_;
  std::vector<HostId> hosts_;
  std::map<HostId, Tip> tips_;
  std::map<uint64_t, BlockHash> finals_;
};

TEST_F(MiniChainNet, FinalisesTwentyBlocksSurvivesARestartAndALateJoiner) {
  add_all(slow_build ? 2 : 6);
  ASSERT_TRUE(run_to(6, seconds{120}));
  world_.kill(hosts_[1], Crash::power);
  tips_[hosts_[1]] = {};
  world_.run_for(seconds{7});
  world_.start(hosts_[1]);
  ASSERT_TRUE(run_to(12, seconds{240}));
  hosts_.push_back(add(20, nullptr));
  ASSERT_TRUE(run_to(20, seconds{240}));
  EXPECT_GE(finals_.size(), 15u);
  for (const HostId host : hosts_)
    for (const auto& left : world_.report(host).left)
      EXPECT_LT(error_info(left.reason).penalty, 100) << error_name(left.reason);
}

TEST_F(MiniChainNet, TwoOfFourFinaliseNothing) {
  hosts_ = {add(0, keys_.signing[0]), add(1, keys_.signing[1]), add(2, nullptr)};
  EXPECT_FALSE(run_to(1, seconds{60}));
}

// One command after the other, without a network.
class MiniChainAlone : public testing::Test {
 protected:
  MiniChainAlone() : provider_(openssl_provider(std::make_unique<SeededRng>(5))), keys_(make_keys(*provider_)) {}

  struct Member {
    std::unique_ptr<Chain> chain;
    SimStore store;
  };
  Member member(std::shared_ptr<const SigningKey> key) {
    Member out{minichain::make_minichain(keys_.validators, std::move(key), *provider_), {}};
    out.chain->apply(LoadChain{}, out.store, {});
    return out;
  }
  // What a proposer says on a tick, and what another answers to it: votes.
  SharedBytes proposal_by(Member& proposer, int64_t wall = 1) {
    const auto said = votes_of(proposer.chain->apply(ChainTick{}, proposer.store, {{}, wall_from_unix(wall)}));
    return said.size() == 1 ? said[0] : SharedBytes();
  }
  static std::vector<SharedBytes> answers_of(Member& voter, const SharedBytes& vote) {
    return votes_of(voter.chain->apply(SubmitConsensus{{1}, vote}, voter.store, {}));
  }
  // Block 1 by validator 1 with the votes of 2 and 3.
  SharedBytes block_one() {
    auto proposer = member(keys_.signing[1]);
    const auto proposal = proposal_by(proposer);
    Bytes block = to_bytes(proposal.view());
    for (const size_t i : {2, 3}) {
      auto voter = member(keys_.signing[i]);
      append(block, answers_of(voter, proposal).at(0).view());
    }
    return SharedBytes(std::move(block));
  }
  static std::vector<SharedBytes> votes_of(const ChainEvents& events) {
    std::vector<SharedBytes> out;
    for (const auto& event : events)
      if (const auto* vote = std::get_if<PublishConsensus>(&event)) out.push_back(vote->message);
    return out;
  }
  static ErrorCode verdict_of(const ChainEvents& events) {
    for (const auto& event : events) {
      if (const auto* block = std::get_if<BlockVerdict>(&event)) return block->error.code;
      if (const auto* headers = std::get_if<HeadersVerdict>(&event)) return headers->error.code;
      if (const auto* vote = std::get_if<ConsensusVerdict>(&event)) return vote->error.code;
    }
    return ErrorCode::not_found;
  }

  std::unique_ptr<Provider> provider_;
  Keys keys_;
};

TEST_F(MiniChainAlone, AVoteIsCastOnceAHeightAlsoAfterAPowerCut) {
  auto proposer = member(keys_.signing[1]);
  auto voter = member(keys_.signing[2]);
  const auto first = answers_of(voter, proposal_by(proposer));
  ASSERT_EQ(first.size(), 1u);
  voter.store.cut_power();
  voter.chain = minichain::make_minichain(keys_.validators, keys_.signing[2], *provider_);
  EXPECT_TRUE(votes_of(voter.chain->apply(LoadChain{}, voter.store, {})).empty());

  // Another block 1 by the same false proposer: no vote for it, and the old vote said again.
  auto liar = member(keys_.signing[1]);
  const auto second = proposal_by(liar, 2);
  ASSERT_FALSE(second.empty());
  const auto events = voter.chain->apply(SubmitHeaders{{2}, {to_bytes(second.view())}}, voter.store, {});
  EXPECT_EQ(verdict_of(events), ErrorCode::none);  // a header it may be, until one of the two is complete
  EXPECT_TRUE(votes_of(events).empty());
  const auto said = votes_of(voter.chain->apply(ChainTick{}, voter.store, {}));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_TRUE(equal(said[0].view(), first[0].view()));
}

TEST_F(MiniChainAlone, WhatIsWrongIsRefused) {
  const auto block = block_one();
  const size_t vote_size = block.size() / minichain::quorum;
  const auto wrong_at = [&](size_t place) {
    auto bytes = to_bytes(block.view());
    bytes[place] ^= 1;
    return bytes;
  };
  auto observer = member(nullptr);
  const auto judged = [&](ChainCommand command) { return verdict_of(observer.chain->apply(command, observer.store, {})); };
  const auto as_block = [&](Bytes bytes) { return judged(SubmitBlock{{1}, SharedBytes(std::move(bytes))}); };
  const auto as_header = [&](Bytes bytes) { return judged(SubmitHeaders{{1}, {std::move(bytes)}}); };
  const auto as_vote = [&](Bytes bytes) { return judged(SubmitConsensus{{1}, SharedBytes(std::move(bytes))}); };
  const auto first = [&](Bytes bytes) { return Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(vote_size)); };

  EXPECT_EQ(as_header(Bytes(10)), ErrorCode::bad_header);
  EXPECT_EQ(as_header(first(wrong_at(8))), ErrorCode::unconnected_header);   // height 0
  EXPECT_EQ(as_header(first(wrong_at(20))), ErrorCode::unconnected_header);  // parent
  EXPECT_EQ(as_header(first(wrong_at(45))), ErrorCode::bad_signature);       // time
  EXPECT_EQ(as_header(first(wrong_at(0))), ErrorCode::bad_signature);        // who
  EXPECT_EQ(as_vote(Bytes(3)), ErrorCode::bad_signature);
  EXPECT_EQ(as_vote(first(wrong_at(0))), ErrorCode::bad_signature);
  EXPECT_EQ(as_block(Bytes(3)), ErrorCode::bad_block);
  EXPECT_EQ(as_block(wrong_at(2 * vote_size)), ErrorCode::bad_block);        // a vote of somebody else
  EXPECT_EQ(as_block(wrong_at(2 * vote_size + 100)), ErrorCode::bad_block);  // a wrong signature
  auto twice = to_bytes(block.view().first(2 * vote_size));
  append(twice, block.view().subspan(vote_size, vote_size));
  auto other = member(nullptr);
  EXPECT_EQ(verdict_of(other.chain->apply(SubmitBlock{{1}, SharedBytes(twice)}, other.store, {})), ErrorCode::bad_block);
  EXPECT_EQ(as_block(to_bytes(block.view())), ErrorCode::none);
  EXPECT_TRUE(equal((**observer.store.read(Column::bodies, blake2s(block.view().subspan(1, 48)))).view(), block.view()));

  // A second block 1: too late.
  auto liar = member(keys_.signing[1]);
  EXPECT_EQ(as_header(to_bytes(proposal_by(liar, 2).view())), ErrorCode::bad_header);
}

TEST_F(MiniChainAlone, ThreeVotesMakeABlockFinalAndTwoDoNot) {
  const auto block = block_one();
  const size_t vote_size = block.size() / minichain::quorum;
  auto observer = member(nullptr);
  const auto final_height = [](const ChainEvents& events) {
    for (const auto& event : events)
      if (const auto* changed = std::get_if<TipChanged>(&event)) return score_of(changed->tip);
    return uint64_t{0};
  };
  // The proposer's vote comes second: what came before it is kept.
  for (const size_t i : {1, 0, 2}) {
    const SubmitConsensus vote{{2}, SharedBytes(to_bytes(block.view().subspan(i * vote_size, vote_size)))};
    const auto events = observer.chain->apply(vote, observer.store, {});
    EXPECT_EQ(final_height(events), i == 2 ? 1u : 0u);
    const auto again = observer.chain->apply(vote, observer.store, {});
    ASSERT_FALSE(again.empty());
    EXPECT_FALSE(std::get<ConsensusVerdict>(again[0]).relay);
  }
}

}  // namespace
}  // namespace lattice::sim

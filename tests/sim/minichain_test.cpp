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
    options.loss = 0.01;
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
  // Block 1 by validator 1, as bytes, and the votes for it by the others.
  static SharedBytes block_of(const Member& proposer, const ChainEvents& events) {
    for (const auto& event : events)
      if (const auto* made = std::get_if<PublishBlock>(&event))
        return **proposer.store.read(Column::bodies, made->block.hash.view());
    return {};
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
  const auto block = block_of(proposer, proposer.chain->apply(ChainTick{}, proposer.store, {}));
  ASSERT_FALSE(block.empty());
  const auto first = votes_of(voter.chain->apply(SubmitBlock{{1}, block}, voter.store, {}));
  ASSERT_EQ(first.size(), 1u);
  voter.store.cut_power();
  voter.chain = minichain::make_minichain(keys_.validators, keys_.signing[2], *provider_);
  EXPECT_TRUE(votes_of(voter.chain->apply(LoadChain{}, voter.store, {})).empty());

  // Another block 1 by the same false proposer: no vote for it, and its old vote said again.
  auto liar = member(keys_.signing[1]);
  Bytes second = to_bytes(block_of(liar, liar.chain->apply(ChainTick{}, liar.store, {})).view());
  second.push_back(1);
  const auto body_hash = blake2s(ByteView(second).subspan(72 + 3309));
  std::ranges::copy(body_hash, second.begin() + 40);
  Bytes text{0, 0, 0, 0, 0, 0, 0, 1};
  append(text, blake2s(ByteView(second).first(72)));
  const auto by = keys_.signing[1]->sign(as_bytes("lattice/1/vote"), text, {});
  std::ranges::copy(by, second.begin() + 72);
  EXPECT_TRUE(votes_of(voter.chain->apply(SubmitBlock{{2}, SharedBytes(second)}, voter.store, {})).empty());
  const auto said = votes_of(voter.chain->apply(ChainTick{}, voter.store, {}));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_TRUE(equal(said[0].view(), first[0].view()));
}

TEST_F(MiniChainAlone, WrongSignaturesAndBodiesAreRefused) {
  auto proposer = member(keys_.signing[1]);
  auto observer = member(nullptr);
  const auto events = proposer.chain->apply(ChainTick{}, proposer.store, {});
  const auto block = block_of(proposer, events);
  const auto votes = votes_of(events);
  ASSERT_EQ(votes.size(), 1u);

  auto changed = to_bytes(block.view());
  changed.push_back(1);
  EXPECT_EQ(verdict_of(observer.chain->apply(SubmitBlock{{1}, SharedBytes(changed)}, observer.store, {})),
            ErrorCode::mutated_block);
  changed = to_bytes(block.view());
  changed[100] ^= 1;
  EXPECT_EQ(verdict_of(observer.chain->apply(SubmitBlock{{1}, SharedBytes(changed)}, observer.store, {})),
            ErrorCode::bad_signature);
  EXPECT_EQ(verdict_of(observer.chain->apply(SubmitHeaders{{1}, {Bytes(10)}}, observer.store, {})), ErrorCode::bad_header);
  auto vote = to_bytes(votes[0].view());
  vote[0] = 2;
  EXPECT_EQ(verdict_of(observer.chain->apply(SubmitConsensus{{1}, SharedBytes(vote)}, observer.store, {})),
            ErrorCode::bad_signature);
  EXPECT_EQ(verdict_of(observer.chain->apply(SubmitConsensus{{1}, SharedBytes(Bytes(3))}, observer.store, {})),
            ErrorCode::bad_value);
  EXPECT_EQ(verdict_of(observer.chain->apply(SubmitBlock{{1}, block}, observer.store, {})), ErrorCode::none);
}

TEST_F(MiniChainAlone, ThreeVotesMakeABlockFinalAndTwoDoNot) {
  auto proposer = member(keys_.signing[1]);
  auto observer = member(nullptr);
  const auto made = proposer.chain->apply(ChainTick{}, proposer.store, {});
  const auto block = block_of(proposer, made);
  const auto final_height = [](const ChainEvents& events) {
    for (const auto& event : events)
      if (const auto* changed = std::get_if<TipChanged>(&event)) return score_of(changed->tip);
    return uint64_t{0};
  };
  EXPECT_EQ(final_height(observer.chain->apply(SubmitBlock{{1}, block}, observer.store, {})), 0u);
  for (const size_t i : {0, 2}) {
    auto voter = member(keys_.signing[i]);
    const auto votes = votes_of(voter.chain->apply(SubmitBlock{{1}, block}, voter.store, {}));
    ASSERT_EQ(votes.size(), 1u);
    const auto events = observer.chain->apply(SubmitConsensus{{2}, votes[0]}, observer.store, {});
    EXPECT_EQ(final_height(events), i == 2 ? 1u : 0u);
    const auto again = observer.chain->apply(SubmitConsensus{{3}, votes[0]}, observer.store, {});
    ASSERT_FALSE(again.empty());
    EXPECT_FALSE(std::get<ConsensusVerdict>(again[0]).relay);
  }
}

}  // namespace
}  // namespace lattice::sim

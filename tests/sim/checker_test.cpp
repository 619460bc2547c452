// Each invariant of the checker fires in a world where it is broken on purpose, and not in the same world where it holds.
#include <gtest/gtest.h>

#include <algorithm>

#include <lattice/chains/bitcoin/mkchain.hpp>
#include <lattice/chains/bitcoin/primitives.hpp>
#include <lattice/sim/address_spy.hpp>
#include <lattice/sim/checker.hpp>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

using std::chrono::seconds;

constexpr uint16_t port = 8333;
IpAddress address(size_t index) { return IpAddress::v4(20, static_cast<uint8_t>(1 + index), 7, 1); }

// Says of every tip and every good block that it is another one.
class LyingChain final : public Chain {
 public:
  explicit LyingChain(std::unique_ptr<Chain> chain) : chain_(std::move(chain)) {}
  const ChainIdentity& identity() const override { return chain_->identity(); }
  ChainEvents apply(const ChainCommand& command, Store& store, Now now) override {
    auto events = chain_->apply(command, store, now);
    for (auto& event : events)
      if (auto* changed = std::get_if<TipChanged>(&event)) changed->tip.block.hash.bytes[0] ^= 1;
    return events;
  }

 private:
  std::unique_ptr<Chain> chain_;
};

// A few nodes under a checker.
class Checked : public testing::Test {
 protected:
  Checked()
      : kit_(regtest_kit({.blocks = 40, .block_bytes = 500})), world_({.seed = 3, .cryptography = Cryptography::modelled}) {
    DnsRecord dns;
    dns.addresses = {address(0)};
    world_.set_dns(std::string(plan_dns_name), dns);
  }
  Checker& checker(const CheckedLimits& bounds = {}) {
    if (!checker_) {
      checker_.emplace(world_, kit_, bounds);
      world_.on_chain_event([this](HostId host, const ChainEvent& event) { checker_->on_chain_event(host, event); });
    }
    return *checker_;
  }
  SimNodeConfig config(size_t index, bool filled) {
    SimNodeConfig out;
    out.node.magic = plan_magic;
    out.node.default_port = out.node.listen_port = port;
    out.node.seeds.push_back({std::string(plan_dns_name), {}, 0});
    out.address = address(index);
    out.chain = [this](Provider&) { return kit_.chain(); };
    if (filled) out.store = SimStore{kit_.filled};
    return out;
  }
  HostId add(size_t index, bool filled, bool told = true) { return add(config(index, filled), told); }
  HostId add(SimNodeConfig node, bool told = true) {
    const IpAddress ip = node.address;
    const HostId host = world_.add_node(std::move(node));
    checker().add_honest(host, ip, told);
    return host;
  }
  // Some simulated time, with a look now and then.
  void run(Duration time) {
    for (Duration passed{}; passed < time; passed += seconds{1}) {
      world_.run_for(seconds{1});
      checker().look_at_all();
    }
  }
  bool broken(std::string_view what) {
    return std::ranges::any_of(checker().broken(), [&](const auto& text) { return text.find(what) != std::string::npos; });
  }
  std::string all_broken() {
    std::string out;
    for (const auto& text : checker().broken()) out += text + "\n";
    return out;
  }

  ChainKit kit_;
  World world_;
  std::optional<Checker> checker_;
};

TEST_F(Checked, AHealthyNetworkBreaksNothing) {
  for (size_t i = 0; i < 5; ++i) add(i, i == 0);
  run(seconds{30});
  EXPECT_TRUE(checker().broken().empty()) << all_broken();
  EXPECT_EQ(world_.tip(4).block.height, 40u);
}

TEST_F(Checked, ATipThatTheChainDoesNotAllow) {
  add(0, true);
  auto lying = config(1, false);
  lying.chain = [this](Provider&) { return std::make_unique<LyingChain>(kit_.chain()); };
  add(std::move(lying));
  run(seconds{5});
  EXPECT_TRUE(broken("invalid tip")) << all_broken();
}

TEST_F(Checked, ABlockThatTheChainDoesNotAllow) {
  std::erase(kit_.valid, kit_.valid[20]);  // as if the rules had forbidden it
  add(0, true);
  add(1, false);
  run(seconds{15});
  EXPECT_TRUE(broken("took an invalid block")) << all_broken();
}

// Found by mixed seed 7293: a mutator flips a bit of a nonce, and where anybody can find a proof of work that is a valid block.
TEST_F(Checked, AValidBlockThatIsMinedAnewIsNoneOfThose) {
  const HostId host = add(0, true);
  run(seconds{3});
  const auto mined_anew = [&](size_t changed) {
    Bytes bytes = to_bytes(kit_.future[0].block.view());
    bytes[changed] ^= 1;
    do ++bytes[76];
    while (bitcoin::hash_header(bytes).bytes[31] >= 0x7f);
    return bytes;
  };
  const auto give = [&](const Bytes& bytes) {
    world_.make_block(host, to_bytes(ByteView(bytes).first(bitcoin::header_bytes)), SharedBytes(Bytes(bytes)));
    run(seconds{1});
    return world_.tip(host).block.hash == bitcoin::hash_header(bytes);
  };
  EXPECT_TRUE(give(mined_anew(77)));
  EXPECT_TRUE(checker().broken().empty()) << all_broken();
  kit_.made_anew = nullptr;
  EXPECT_FALSE(give(mined_anew(78)));  // beside the tip
  EXPECT_TRUE(broken("took an invalid block")) << all_broken();
}

TEST(MinedAnew, OnlyWhatAMinerChooses) {
  const auto& kit = mixed_kit();
  const Bytes block = to_bytes(kit.future[0].block.view());
  const auto changed = [&](size_t at) {
    Bytes bytes = block;
    bytes[at] ^= 1;
    for (int tries = 0; tries < 255 && bitcoin::hash_header(bytes).bytes[31] >= 0x7f; ++tries) ++bytes[77];
    return kit.made_anew(bytes, block);
  };
  for (const size_t at : {0u, 68u, 76u}) EXPECT_TRUE(changed(at)) << at;              // version, time, nonce
  for (const size_t at : {4u, 36u, 72u, 81u, 120u}) EXPECT_FALSE(changed(at)) << at;  // parent, root, bits, body
  EXPECT_FALSE(kit.made_anew({}, block));
  EXPECT_FALSE(kit.made_anew(block, kit.future[1].block.view()));
}

TEST_F(Checked, TwoFinalTips) {
  kit_.is_final = [](const Tip&) { return true; };
  const HostId one = add(0, true), other = add(1, true);
  world_.set_side(other, 1);
  run(seconds{3});
  EXPECT_TRUE(checker().broken().empty()) << all_broken();
  world_.make_block(one, kit_.future[0].header, kit_.future[0].block);
  world_.make_block(other, kit_.branch[0].header, kit_.branch[0].block);
  run(seconds{3});
  EXPECT_TRUE(broken("another final block")) << all_broken();
}

TEST_F(Checked, AnHonestNodeThatIsBanned) {
  auto corrupting = config(0, true);
  corrupting.bodies = Bodies::corrupted;
  add(std::move(corrupting));
  add(1, false);
  run(seconds{20});
  EXPECT_TRUE(broken("left the honest")) << all_broken();
  EXPECT_TRUE(broken("avoids the honest")) << all_broken();
}

TEST_F(Checked, MoreConnectionsThanAllowed) {
  CheckedLimits bounds;
  bounds.connections_max = 2;
  bounds.half_open_max = 0;
  checker(bounds);
  for (size_t i = 0; i < 5; ++i) add(i, i == 0);
  run(seconds{20});
  EXPECT_TRUE(broken("more than connections_max")) << all_broken();
  EXPECT_TRUE(broken("peers")) << all_broken();
}

TEST_F(Checked, EveryOtherLimit) {
  CheckedLimits bounds;
  bounds.sealed_bytes_max = bounds.addresses_max = bounds.questions_max = bounds.sockets_max = 0;
  checker(bounds);
  for (size_t i = 0; i < 5; ++i) add(i, i == 0);
  for (int i = 0; i < 200; ++i) {  // often enough to see a question while it is open
    world_.run_for(std::chrono::milliseconds{50});
    checker().look_at_all();
  }
  for (const auto* what : {"sealed bytes", "known addresses", "sockets"}) EXPECT_TRUE(broken(what)) << what << all_broken();
}

TEST_F(Checked, AnAddressThatMustStayUnknown) {
  for (size_t i = 0; i < 4; ++i) add(i, i == 0, i != 2);  // node 2 is said to be unreachable, and is not
  size_t told = 0;
  AttackContext context;
  context.attack.connections = 8;
  context.magic = plan_magic;
  context.port = port;
  for (size_t i = 0; i < 4; ++i) context.victims.push_back({address(i), port});
  context.own = {{address(30), port}};
  context.kit = {std::shared_ptr<void>(), &kit_};
  context.wall_start = sim_wall_start;
  const auto own = context.own;
  world_.add_raw(own, address_spy(std::move(context), [&](const Endpoint& endpoint) {
                   ++told;
                   checker().on_told(endpoint);
                 }));
  run(seconds{90});
  EXPECT_GT(told, 3u);
  EXPECT_TRUE(broken("must stay unknown")) << all_broken();
}

TEST_F(Checked, AFailureWithASoundDisk) {
  const HostId sound = add(0, true), excused = add(1, true);
  checker().excuse(excused);
  run(seconds{2});
  for (const HostId host : {sound, excused}) {
    world_.store(host).fail_commits(true);
    world_.make_block(host, kit_.future[0].header, kit_.future[0].block);
  }
  run(seconds{2});
  ASSERT_EQ(checker().broken().size(), 1u) << all_broken();
  EXPECT_TRUE(broken("host 0 at")) << all_broken();
  EXPECT_TRUE(broken("failed with a sound disk")) << all_broken();
}

TEST(CheckedPlan, ANetworkThatDoesNotRecover) {
  Plan plan = sync_plan(1, 6, 0);
  plan.arrive = plan.faults_end = std::chrono::milliseconds{1};
  plan.recovery = std::chrono::milliseconds{100};
  const auto result = run_plan(plan, mixed_kit());
  ASSERT_EQ(result.broken.size(), 1u) << described(result);
  EXPECT_NE(result.broken[0].find("of 6 nodes reached height 60"), std::string::npos) << described(result);
  plan.recovery = std::chrono::minutes{5};
  EXPECT_TRUE(run_plan(plan, mixed_kit()).passed);
}

}  // namespace
}  // namespace lattice::sim

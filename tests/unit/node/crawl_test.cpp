// A node that crawls, among others that do not.
#include <gtest/gtest.h>

#include <algorithm>

#include "line_chain.hpp"
#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct NodeCrawl : testing::Test {
  World world;
  // `count` nodes of which each dials the next and is known to it; and a crawler that is told of the last, and has to walk back.
  Machine& network(int count) {
    const auto blocks = make_line(genesis().hash, 30, 200);
    for (int i = 0; i < count; ++i) world.add(blocks);
    for (int i = 0; i + 1 < count; ++i)
      world.machines[static_cast<size_t>(i)]->config.connect = {{endpoint(static_cast<uint8_t>(i + 2)), std::nullopt}};
    Machine& crawler = world.add();
    crawler.config.crawl = CrawlLimits{};
    crawler.config.crawl->visit_interval = minutes{5};
    crawler.config.listen_port = 0;
    crawler.config.connect = {{endpoint(static_cast<uint8_t>(count)), std::nullopt}};
    for (int i = count; i > 0; --i) world.machines[static_cast<size_t>(i - 1)]->start();
    world.run([] { return false; }, seconds{20});
    crawler.start();
    return crawler;
  }
};

TEST_F(NodeCrawl, FindsAllAndStays) {
  Machine& crawler = network(5);
  ASSERT_TRUE(world.run([&] { return crawler.report().crawl->good == 5; }, minutes{3}));
  std::vector<Endpoint> found;
  for (const auto& entry : crawler.node->choose_seeds(64, world.now)) {
    found.push_back(entry.endpoint);
    const auto& machine =
        *std::ranges::find_if(world.machines, [&](const auto& m) { return m->config.identity->id == entry.node; });
    EXPECT_EQ(endpoint(machine->number), entry.endpoint);
  }
  EXPECT_EQ(found.size(), 5u);
  // It visits: each link has ended, nothing was synced, nobody has a bad word for it.
  ASSERT_TRUE(world.run([&] { return crawler.report().peers.empty(); }, seconds{20}));
  EXPECT_EQ(crawler.report().tip.block.height, 0u);
  EXPECT_EQ(crawler.report().headers_received, 0u);
  for (const auto& left : crawler.report().left) EXPECT_EQ(left.reason, ErrorCode::not_needed) << left.where;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(world.machines[static_cast<size_t>(i)]->report().avoided.empty());
}

TEST_F(NodeCrawl, WhoIsGoneIsNotChosen) {
  Machine& crawler = network(4);
  ASSERT_TRUE(world.run([&] { return crawler.report().crawl->good == 4; }, minutes{3}));
  world.machines[2]->listening = false;
  ASSERT_TRUE(world.run([&] { return crawler.report().crawl->good == 3; }, minutes{15}));
  for (const auto& entry : crawler.node->choose_seeds(64, world.now)) EXPECT_NE(entry.endpoint, endpoint(3));
}

}  // namespace
}  // namespace lattice::test

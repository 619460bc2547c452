// Whole nodes on real sockets in one process: each NodeHost runs in a thread of its own.
#include <lattice/host/node_host.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <lattice/discovery/address_book_file.hpp>
#include <lattice/host/clock.hpp>
#include <lattice/host/locked_memory_store.hpp>

namespace lattice {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto patience = 30s;

ChainIdentity test_chain() {
  ChainIdentity identity;
  identity.id.bytes[0] = 1;
  identity.genesis.bytes[0] = 2;
  identity.block_bytes_max = 1 << 20;
  return identity;
}

// A chain of a genesis alone: enough for links to be made and kept.
class GenesisChain final : public Chain {
 public:
  const ChainIdentity& identity() const override { return identity_; }
  ChainEvents apply(const ChainCommand& command, Store&, Now) override {
    const Tip tip{{identity_.genesis, 0}, Bytes{1}};
    if (std::holds_alternative<LoadChain>(command)) return {BestHeaderChanged{tip, {identity_.genesis}, 0}, TipChanged{tip, 0}};
    if (const auto* headers = std::get_if<SubmitHeaders>(&command)) {
      return {HeadersVerdict{headers->request, {ErrorCode::unknown_parent, "GenesisChain"}, 0, {}}};
    }
    if (const auto* block = std::get_if<SubmitBlock>(&command)) {
      // One that begins with the genesis's hash stands on it.
      if (!block->block.view().empty() && block->block.view()[0] == identity_.genesis.bytes[0]) {
        const Tip next{{BlockHash{{9}}, 1}, Bytes{2}};
        return {BestHeaderChanged{next, {identity_.genesis}, 0}, TipChanged{next, 0}, BlockVerdict{block->request, {{9}}, {}}};
      }
      return {BlockVerdict{block->request, {}, {ErrorCode::unknown_parent, "GenesisChain"}}};
    }
    if (const auto* find = std::get_if<FindHeaders>(&command)) return {HeadersFound{find->request, {}}};
    if (const auto* find = std::get_if<FindMissing>(&command)) return {MissingFound{find->request, {}}};
    if (const auto* message = std::get_if<SubmitConsensus>(&command)) return {ConsensusVerdict{message->request, {}, false}};
    return {};
  }

 private:
  ChainIdentity identity_ = test_chain();
};

// Counts the warnings of one name. All of a NodeHost's events come from its own thread.
class WarningLog final : public LogSink {
 public:
  bool wants(LogLevel level) const override { return level >= LogLevel::warning; }
  void log(const LogEvent& event) override { not_saved_ += event.name == "addresses_not_saved"; }
  size_t not_saved() const { return not_saved_; }

 private:
  size_t not_saved_ = 0;
};

// One node with its thread. Its newest report can be read from the test's thread.
class RunningNode {
 public:
  explicit RunningNode(const std::string& listen, std::vector<Endpoint> connect = {}, size_t connections_max = 16,
                       const std::function<void(HostConfig&)>& change = {})
      : provider_(openssl_provider()) {
    Secret<64> secret;
    provider_->rng().fill(secret.span());
    IdentityOptions options;
    const int64_t wall = unix_seconds(real_now().wall);
    options.not_before = wall_from_unix(wall - 3600);
    options.not_after = wall_from_unix(wall + 3600);
    HostConfig config;
    config.node.magic = {1, 2, 3, 4};
    config.node.chain = test_chain();
    config.node.user_agent = "/test/";
    config.node.identity = make_identity(*provider_, secret, options);
    config.node.connections_max = connections_max;
    for (const auto& endpoint : connect) config.node.connect.push_back({endpoint, {}});
    if (!listen.empty()) config.listen = Endpoint::parse(listen);
    if (change) change(config);
    id_ = config.node.identity->id;
    host_ = std::make_unique<NodeHost>(std::move(config), std::make_unique<GenesisChain>(),
                                       std::make_unique<LockedMemoryStore>(), *provider_, log_);
  }
  ~RunningNode() { stop(); }

  HostResult<void> start() { return host_->start(); }
  void run() {
    thread_ = std::thread([this] {
      const auto ended = host_->run(
          [this](const NodeReport& report) {
            const std::lock_guard lock(mutex_);
            report_ = report;
            ++ticks_;
            if (mined_ && host_->submit_block(Bytes{*mined_}, SharedBytes(Bytes{*mined_, 1, 2}))) mined_.reset();
            return !leave_;
          },
          10ms);
      EXPECT_TRUE(ended) << ended.error().text();
    });
  }
  void stop() {
    if (!thread_.joinable()) return;
    host_->stop();
    thread_.join();
  }
  void leave() { leave_ = true; }
  // A block made beside the node: given at the next tick that takes it.
  void mine(uint8_t begins) {
    const std::lock_guard lock(mutex_);
    mined_ = begins;
  }
  bool given() const {
    const std::lock_guard lock(mutex_);
    return !mined_;
  }
  void join() { thread_.join(); }
  NodeReport report() const {
    const std::lock_guard lock(mutex_);
    return report_;
  }
  template <class Condition>
  bool until(Condition condition) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition(report())) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  bool until_linked(size_t count) const {
    return until([count](const NodeReport& report) {
      return std::ranges::count_if(report.peers, [](const PeerReport& peer) { return peer.established; }) >=
             static_cast<ptrdiff_t>(count);
    });
  }
  NodeHost& host() { return *host_; }
  const WarningLog& warnings() const { return log_; }  // after stop
  const NodeId& id() const { return id_; }
  Endpoint local() const { return *host_->local(); }

 private:
  WarningLog log_;
  std::unique_ptr<Provider> provider_;
  std::unique_ptr<NodeHost> host_;
  NodeId id_;
  mutable std::mutex mutex_;
  NodeReport report_;
  size_t ticks_ = 0;
  std::optional<uint8_t> mined_;
  std::atomic<bool> leave_ = false;
  std::thread thread_;
};

TEST(NodeHost, TwoNodesLinkAndKnowEachOther) {
  RunningNode server("127.0.0.1:0");
  ASSERT_TRUE(server.start());
  ASSERT_NE(server.local().port, 0);
  server.run();
  RunningNode client("127.0.0.2:0", {server.local()});
  ASSERT_TRUE(client.start());
  client.run();
  ASSERT_TRUE(client.until_linked(1));
  ASSERT_TRUE(server.until_linked(1));
  const auto seen_by_client = client.report().peers.front(), seen_by_server = server.report().peers.front();
  EXPECT_EQ(seen_by_client.node, server.id());
  EXPECT_EQ(seen_by_server.node, client.id());
  EXPECT_FALSE(seen_by_client.inbound);
  EXPECT_TRUE(seen_by_server.inbound);
  // The dial came from the client's own listening address, not from 127.0.0.1.
  EXPECT_EQ(seen_by_server.endpoint.ip, *IpAddress::parse("127.0.0.2"));
}

TEST(NodeHost, LinksOverIpv6) {
  RunningNode server("[::1]:0");
  if (!server.start()) GTEST_SKIP() << "this machine has no IPv6 loopback";
  server.run();
  RunningNode client("", {server.local()});
  ASSERT_TRUE(client.start());
  client.run();
  EXPECT_TRUE(client.until_linked(1));
}

TEST(NodeHost, StoppingTellsThePeerWhy) {
  RunningNode server("127.0.0.1:0");
  ASSERT_TRUE(server.start());
  server.run();
  RunningNode client("", {server.local()});
  ASSERT_TRUE(client.start());
  client.run();
  ASSERT_TRUE(client.until_linked(1));
  ASSERT_TRUE(server.until_linked(1));
  const auto before = std::chrono::steady_clock::now();
  server.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 4s);
  ASSERT_TRUE(client.until([](const NodeReport& report) { return !report.left.empty(); }));
  const auto left = client.report().left.front();
  EXPECT_TRUE(left.by_peer);
  EXPECT_EQ(left.reason, ErrorCode::shutting_down) << error_name(left.reason);
}

TEST(NodeHost, ALinkThatIsLostIsMadeAgain) {
  auto server = std::make_unique<RunningNode>("127.0.0.1:0");
  ASSERT_TRUE(server->start());
  const Endpoint address = server->local();
  server->run();
  RunningNode client("", {address});
  ASSERT_TRUE(client.start());
  client.run();
  ASSERT_TRUE(client.until_linked(1));
  server.reset();
  ASSERT_TRUE(client.until([](const NodeReport& report) { return report.peers.empty(); }));
  server = std::make_unique<RunningNode>(address.text());
  ASSERT_TRUE(server->start());
  server->run();
  EXPECT_TRUE(client.until_linked(1));
}

TEST(NodeHost, AnAddressInUseIsSaidAtStart) {
  RunningNode first("127.0.0.1:0");
  ASSERT_TRUE(first.start());
  RunningNode second(first.local().text());
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().text().find(first.local().text()), std::string::npos) << started.error().text();
  EXPECT_NE(started.error().text().find("another program listens there"), std::string::npos) << started.error().text();
}

TEST(NodeHost, AnAddressOfAnotherMachineIsSaidAtStart) {
  RunningNode node("192.0.2.1:0");
  const auto started = node.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().text().find("does not have that address"), std::string::npos) << started.error().text();
}

TEST(NodeHost, ADialToNobodyIsCountedAndSurvived) {
  Endpoint gone{IpAddress::v4(127, 0, 0, 1), 0};
  {
    asio::io_context io;
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    gone.port = acceptor.local_endpoint().port();
  }
  RunningNode client("", {gone});
  ASSERT_TRUE(client.start());
  client.run();
  EXPECT_TRUE(client.until([](const NodeReport& report) { return report.dials_failed > 0; }));
}

TEST(NodeHost, TakesABlockMadeBesideItAndBlamesNobodyForABadOne) {
  RunningNode server("127.0.0.1:0");
  ASSERT_TRUE(server.start());
  server.mine(test_chain().genesis.bytes[0]);  // before the chain is read back: not yet taken
  server.run();
  EXPECT_TRUE(server.until([](const NodeReport& report) { return report.tip.block.height == 1; }));
  RunningNode client("127.0.0.2:0", {server.local()});
  ASSERT_TRUE(client.start());
  client.run();
  ASSERT_TRUE(client.until_linked(1));
  client.mine(77);
  ASSERT_TRUE(client.until([&](const NodeReport&) { return client.given(); }));
  std::this_thread::sleep_for(100ms);  // for what must not happen
  EXPECT_EQ(client.report().tip.block.height, 0u);
  EXPECT_TRUE(client.report().left.empty());
  EXPECT_TRUE(client.until_linked(1));
}

TEST(NodeHost, EndsWhenTheCallbackSaysSo) {
  RunningNode node("127.0.0.1:0");
  ASSERT_TRUE(node.start());
  node.run();
  node.leave();
  node.join();
  EXPECT_TRUE(node.host().report().loaded);
}

TEST(NodeHost, StopBeforeRunEndsItAtOnce) {
  RunningNode node("127.0.0.1:0");
  ASSERT_TRUE(node.start());
  node.host().stop();
  node.host().stop();
  node.run();
  node.join();
}

// What is known is handed over before run returns; that it could not be kept is said, and nothing else comes of it.
TEST(NodeHost, AddressesAreSavedAtTheEnd) {
  for (const bool works : {true, false}) {
    std::atomic<size_t> saves = 0;
    Bytes newest;
    RunningNode node("127.0.0.1:0", {}, 16, [&](HostConfig& config) {
      config.node.bootstrap = {{*Endpoint::parse("127.0.0.9:9"), {}}};  // nobody is there
      config.save_addresses = [&](ByteView file) -> HostResult<void> {
        ++saves;
        if (!works) return std::unexpected(HostError{"the file could not be written", "the disk is full", ""});
        newest = to_bytes(file);
        return {};
      };
    });
    ASSERT_TRUE(node.start());
    node.run();
    ASSERT_TRUE(node.until([](const NodeReport& report) { return report.dials_failed > 0; }));
    EXPECT_EQ(saves, 0u);
    node.stop();
    EXPECT_EQ(saves, 1u);
    EXPECT_EQ(node.warnings().not_saved(), works ? 0u : 1u);
    if (!works) continue;
    SeededRng rng(1);
    AddressBook read(rng);
    ASSERT_TRUE(load_address_book(read, newest, test_chain().id, wall_from_unix(0), Instant{}));
    ASSERT_EQ(read.size(), 1u);
    EXPECT_TRUE(read.find(*Endpoint::parse("127.0.0.9:9")));
  }
}

// Strangers that connect and say nothing, or nonsense, or leave in the middle: the node goes on and links with an honest peer.
TEST(NodeHost, SurvivesStrangers) {
  RunningNode server("127.0.0.1:0", {}, 8);
  ASSERT_TRUE(server.start());
  server.run();
  asio::io_context io;
  const tcp::endpoint address(asio::ip::address_v4::loopback(), server.local().port);
  for (int i = 0; i < 30; ++i) {
    tcp::socket stranger(io);
    stranger.connect(address);
    boost::system::error_code ignored;
    if (i % 3 == 0) asio::write(stranger, asio::buffer(std::string(5000, static_cast<char>(i))), ignored);
    if (i % 3 == 1) stranger.set_option(asio::socket_base::linger(true, 0));  // leaves by a reset
  }
  RunningNode client("127.0.0.3:0", {server.local()});
  ASSERT_TRUE(client.start());
  client.run();
  EXPECT_TRUE(client.until_linked(1));
  EXPECT_FALSE(server.report().failed);
}

}  // namespace
}  // namespace lattice

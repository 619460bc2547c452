// The resolver against a real name server (Knot DNS), against one that lies, and against none.
#include <lattice/host/resolver.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <lattice/base/random.hpp>

#include "temp_folder.hpp"

namespace lattice {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

const IpAddress loopback = IpAddress::v4(127, 0, 0, 1);

DnsAnswer ask(const std::vector<Endpoint>& servers, const std::string& name) {
  asio::io_context io;
  Resolver resolver(io.get_executor(), servers);
  std::optional<DnsAnswer> answer;
  resolver.resolve(name, [&](DnsAnswer got) { answer = std::move(got); });
  io.run();
  EXPECT_TRUE(answer.has_value());
  return answer.value_or(DnsAnswer{});
}

// A port that nobody has, for UDP and TCP alike, at least at this moment.
uint16_t free_port() {
  asio::io_context io;
  udp::socket socket(io, udp::endpoint(asio::ip::address_v4::loopback(), 0));
  return socket.local_endpoint().port();
}

std::string quoted(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += 255) out += "\"" + text.substr(at, 255) + "\" ";
  return out;
}

// A server's folder is in root's path only.
std::string find_knotd() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path ? path : "") + ":/usr/sbin:/usr/local/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (const auto file = folder + "/knotd"; ::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

class KnotServer {
 public:
  explicit KnotServer(const std::string& zone) : port_(free_port()) {
    const std::string dir = folder_.path().string();
    std::filesystem::create_directories(folder_ / "run");
    std::ofstream(folder_ / "seeds.test.zone") << zone;
    std::ofstream(folder_ / "knot.conf") << "server:\n  listen: 127.0.0.1@" << port_ << "\n  rundir: " << dir << "/run\n"
                                         << "  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
                                         << "control:\n  listen: " << dir << "/run/knot.sock\n"
                                         << "database:\n  storage: " << dir << "/db\n  journal-db-max-size: 64M\n"
                                         << "zone:\n  - domain: seeds.test\n    storage: " << dir
                                         << "\n    file: seeds.test.zone\n    zonefile-sync: -1\n    zonefile-load: whole\n"
                                         << "    journal-content: none\n";
    const std::string knotd = find_knotd(), config = folder_ / "knot.conf", log = folder_ / "log";
    child_ = ::fork();
    if (child_ == 0) {
      const int out = ::creat(log.c_str(), 0600);
      ::dup2(out, STDOUT_FILENO);
      ::dup2(out, STDERR_FILENO);
      ::execl(knotd.c_str(), "knotd", "-c", config.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
  }
  ~KnotServer() {
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
  }
  KnotServer(const KnotServer&) = delete;
  KnotServer& operator=(const KnotServer&) = delete;

  Endpoint endpoint() const { return {loopback, port_}; }

  // Until it answers over TCP, which it opens last.
  bool ready() const {
    for (int i = 0; i < 200; ++i) {
      asio::io_context io;
      tcp::socket socket(io);
      boost::system::error_code error;
      socket.connect({asio::ip::address_v4::loopback(), port_}, error);
      if (!error) return true;
      ::usleep(50'000);
    }
    std::ifstream log(folder_.path() / "log");
    ADD_FAILURE() << "knotd did not start: " << std::string(std::istreambuf_iterator<char>(log), {});
    return false;
  }

 private:
  test::TempFolder folder_;
  uint16_t port_;
  pid_t child_ = -1;
};

std::string long_text() {
  std::string text = "lattice-seeds-1:";
  while (text.size() < 10'000) text += static_cast<char>('A' + text.size() % 26);
  return text;
}

constexpr const char* zone_start = "$ORIGIN seeds.test.\n$TTL 60\n@ SOA ns admin 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n";

class KnotTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (find_knotd().empty()) return;
    std::string zone = zone_start;
    zone += "@ A 192.0.2.1\n@ A 192.0.2.2\n@ AAAA 2001:db8::1\n";
    zone += "_lattice._tcp SRV 20 0 9002 second\n_lattice._tcp SRV 10 1 9001 light\n_lattice._tcp SRV 10 9 9000 heavy\n";
    zone += "heavy A 192.0.2.10\nheavy AAAA 2001:db8::10\nlight A 192.0.2.11\nsecond A 192.0.2.12\n";
    zone += "_lattice._tcp TXT " + quoted(long_text()) + "\n_lattice._tcp TXT \"short\"\n";
    zone += "only-a A 192.0.2.3\nalias CNAME only-a\n_lattice._tcp.none SRV 0 0 0 .\n";
    for (int i = 0; i < 40; ++i) {
      zone += "_lattice._tcp.many SRV " + std::to_string(i) + " 0 9000 t" + std::to_string(i) + "\n";
      zone += "t" + std::to_string(i) + " A 192.0.2." + std::to_string(i) + "\n";
    }
    for (int i = 0; i < 300; ++i) {
      zone += "crowd A 198.18." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\n";
    }
    server_ = std::make_unique<KnotServer>(zone);
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (!server_) GTEST_SKIP() << "knotd is not installed (Debian package knot): the resolver is not tried on a real server";
    ASSERT_TRUE(server_->ready());
  }
  static DnsAnswer ask_knot(const std::string& name) { return ask({server_->endpoint()}, name); }
  static std::unique_ptr<KnotServer> server_;
};
std::unique_ptr<KnotServer> KnotTest::server_;

TEST_F(KnotTest, BringsAddressesServicesAndTexts) {
  auto answer = ask_knot("seeds.test");
  EXPECT_FALSE(answer.failed) << answer.detail;
  EXPECT_EQ(answer.detail, "");
  std::ranges::sort(answer.addresses);
  std::vector expected{*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.2"), *IpAddress::parse("2001:db8::1")};
  std::ranges::sort(expected);
  EXPECT_EQ(answer.addresses, expected);
}

TEST_F(KnotTest, OrdersServicesByPriorityThenWeight) {
  const auto answer = ask_knot("seeds.test");
  std::vector<std::string> services;
  for (const auto& service : answer.services) services.push_back(service.text());
  ASSERT_EQ(services.size(), 4u);
  std::ranges::sort(services.begin(), services.begin() + 2);  // A and AAAA of one target come in any order
  EXPECT_EQ(services,
            (std::vector<std::string>{"192.0.2.10:9000", "[2001:db8::10]:9000", "192.0.2.11:9001", "192.0.2.12:9002"}));
}

TEST_F(KnotTest, JoinsALongTextThatComesOverTcp) {
  auto answer = ask_knot("seeds.test");
  std::ranges::sort(answer.texts);
  ASSERT_EQ(answer.texts.size(), 2u);
  EXPECT_EQ(answer.texts[0], long_text());
  EXPECT_EQ(answer.texts[1], "short");
}

TEST_F(KnotTest, MissingRecordsDoNotSpoilTheOthers) {
  const auto answer = ask_knot("only-a.seeds.test");
  EXPECT_FALSE(answer.failed);
  EXPECT_EQ(answer.addresses, std::vector{*IpAddress::parse("192.0.2.3")});
  EXPECT_TRUE(answer.services.empty());
  EXPECT_TRUE(answer.texts.empty());
  EXPECT_NE(answer.detail.find("TXT"), std::string::npos) << answer.detail;
}

TEST_F(KnotTest, FollowsAnAlias) {
  EXPECT_EQ(ask_knot("alias.seeds.test").addresses, std::vector{*IpAddress::parse("192.0.2.3")});
}

TEST_F(KnotTest, ANameThatIsNotThereFailsFast) {
  const auto answer = ask_knot("nobody.seeds.test");
  EXPECT_TRUE(answer.failed);
  EXPECT_NE(answer.detail.find("A: "), std::string::npos) << answer.detail;
  EXPECT_LT(answer.elapsed, std::chrono::seconds(1));
}

TEST_F(KnotTest, ATargetOfADotMeansNoService) {
  const auto answer = ask_knot("none.seeds.test");
  EXPECT_TRUE(answer.services.empty());
  EXPECT_TRUE(answer.failed);
}

TEST_F(KnotTest, TakesNoMoreThanItsLimits) {
  const auto many = ask_knot("many.seeds.test");
  ASSERT_EQ(many.services.size(), dns_limits::targets_max);
  EXPECT_EQ(many.services.back().ip, IpAddress::v4(192, 0, 2, dns_limits::targets_max - 1));
  EXPECT_EQ(ask_knot("crowd.seeds.test").addresses.size(), dns_limits::addresses_max);
}

TEST_F(KnotTest, GoesOnToTheNextServerWhereTheFirstIsDead) {
  const auto answer = ask({{loopback, free_port()}, server_->endpoint()}, "only-a.seeds.test");
  EXPECT_EQ(answer.addresses, std::vector{*IpAddress::parse("192.0.2.3")});
}

TEST_F(KnotTest, AnswersManyNamesAtOnce) {
  asio::io_context io;
  Resolver resolver(io.get_executor(), {server_->endpoint()});
  size_t answered = 0;
  for (int i = 0; i < 50; ++i) {
    resolver.resolve("only-a.seeds.test", [&](const DnsAnswer& answer) { answered += answer.addresses.size(); });
  }
  io.run();
  EXPECT_EQ(answered, 50u);
}

TEST(Resolver, SaysThatNoServerAnswers) {
  const auto answer = ask({{loopback, free_port()}}, "seeds.test");
  EXPECT_TRUE(answer.failed);
  EXPECT_FALSE(answer.detail.empty());
  EXPECT_LT(answer.elapsed, dns_limits::deadline + std::chrono::seconds(1));
}

TEST(Resolver, RefusesNamesThatDnsCannotHold) {
  for (const std::string& name : {std::string(), std::string(300, 'a'), std::string("a..b"), std::string(64, 'a') + ".test"}) {
    const auto answer = ask({{loopback, free_port()}}, name);
    EXPECT_TRUE(answer.failed) << name;
    EXPECT_FALSE(answer.detail.empty()) << name;
  }
}

TEST(Resolver, CallsNobodyAfterItsEnd) {
  asio::io_context io;
  bool called = false;
  {
    Resolver resolver(io.get_executor(), {{loopback, free_port()}});
    resolver.resolve("seeds.test", [&](DnsAnswer) { called = true; });
    io.run_for(std::chrono::milliseconds(20));
    called = false;
  }
  io.restart();
  io.run();
  EXPECT_FALSE(called);
}

// Answers each question by `lie`, from a thread of its own, until it goes.
class LyingServer {
 public:
  explicit LyingServer(std::function<Bytes(Bytes)> lie)
      : socket_(io_, udp::endpoint(asio::ip::address_v4::loopback(), 0)),
        port_(socket_.local_endpoint().port()),
        lie_(std::move(lie)) {
    receive();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~LyingServer() {
    io_.stop();
    thread_.join();
  }
  LyingServer(const LyingServer&) = delete;
  LyingServer& operator=(const LyingServer&) = delete;
  Endpoint endpoint() const { return {loopback, port_}; }

 private:
  void receive() {
    socket_.async_receive_from(asio::buffer(buffer_), from_, [this](boost::system::error_code error, size_t size) {
      if (error) return;
      const Bytes answer = lie_(Bytes(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(size)));
      socket_.send_to(asio::buffer(answer), from_, 0, error);
      receive();
    });
  }
  asio::io_context io_;
  udp::socket socket_;
  const uint16_t port_;
  udp::endpoint from_;
  ByteArray<2048> buffer_{};
  std::function<Bytes(Bytes)> lie_;
  std::thread thread_;
};

TEST(Resolver, IsNotFooledByGarbage) {
  SeededRng rng(7);
  LyingServer server([&](Bytes question) {
    Bytes answer(12 + rng.below(500));
    rng.fill(answer);
    // The right id, a response: so that it is looked at.
    std::copy_n(question.begin(), 2, answer.begin());
    answer[2] = 0x80;
    return answer;
  });
  const auto answer = ask({server.endpoint()}, "seeds.test");
  EXPECT_TRUE(answer.failed);
  EXPECT_TRUE(answer.addresses.empty() && answer.services.empty() && answer.texts.empty());
  EXPECT_LT(answer.elapsed, dns_limits::deadline + std::chrono::seconds(1));
}

// A true header and question, then records whose lengths and counts are lies.
TEST(Resolver, IsNotFooledByBrokenRecords) {
  SeededRng rng(8);
  LyingServer server([&](Bytes question) {
    question[2] = 0x84;
    question[3] = 0;
    question[6] = static_cast<uint8_t>(rng.below(2));  // up to 511 answers, of which none is whole
    question[7] = 0xff;
    question[10] = question[11] = 0;
    Bytes tail(rng.below(300));
    rng.fill(tail);
    append(question, tail);
    return question;
  });
  const auto answer = ask({server.endpoint()}, "seeds.test");
  EXPECT_TRUE(answer.failed);
  EXPECT_TRUE(answer.addresses.empty() && answer.services.empty());
}

// Truncated, and no TCP behind it.
TEST(Resolver, GivesUpOnATruncatedAnswerWithoutTcp) {
  LyingServer server([](Bytes question) {
    question[2] = 0x86;  // response, authoritative, truncated
    return question;
  });
  const auto answer = ask({server.endpoint()}, "seeds.test");
  EXPECT_TRUE(answer.failed);
  EXPECT_LT(answer.elapsed, dns_limits::deadline + std::chrono::seconds(1));
}

// Silence is not waited for longer than the deadline.
TEST(Resolver, EndsAtTheDeadline) {
  asio::io_context io;
  udp::socket silent(io, udp::endpoint(asio::ip::address_v4::loopback(), 0));
  const auto answer = ask({{loopback, silent.local_endpoint().port()}}, "seeds.test");
  EXPECT_TRUE(answer.failed);
  EXPECT_GE(answer.elapsed, dns_limits::try_timeout);
  EXPECT_LT(answer.elapsed, dns_limits::deadline + std::chrono::seconds(1));
}

}  // namespace
}  // namespace lattice

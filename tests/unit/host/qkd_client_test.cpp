// Against a key server in a process of its own, over real TLS.
#include <lattice/host/qkd_client.hpp>

#include <future>

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <lattice/host/key_id.hpp>
#include <lattice/host/qkd_source.hpp>

#include "kme_process.hpp"

namespace lattice {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

QkdClient::Deadline soon(std::chrono::milliseconds time = 5s) { return steady_clock::now() + time; }

NodeId node(uint8_t number) {
  NodeId id;
  id.bytes[0] = number;
  return id;
}

class Qkd : public testing::Test {
 protected:
  static void SetUpTestSuite() { folder_ = new test::TempFolder; }
  static void TearDownTestSuite() { delete std::exchange(folder_, nullptr); }

  void start(const std::vector<std::string>& options = {}) {
    kme_ = std::make_unique<test::KmeProcess>(folder_->path(), options);
  }
  std::unique_ptr<QkdClient> client(const KmeAccess& access) {
    auto opened = QkdClient::open(access);
    EXPECT_TRUE(opened) << opened.error().text();
    return std::move(*opened);
  }
  std::unique_ptr<QkdClient> client(const std::string& who) { return client(kme_->access(who)); }
  QkdConfig config(const std::string& who, const std::string& other) {
    return {{kme_->access(who)}, {{node(2), other, 0}}, 5s};
  }
  static std::string fault(const KeyResult<OutsideKey>& result) {
    return result ? "a key" : std::string(key_fault_name(result.error().fault));
  }

  static test::TempFolder* folder_;
  std::unique_ptr<test::KmeProcess> kme_;
};
test::TempFolder* Qkd::folder_ = nullptr;

TEST_F(Qkd, BothSidesGetTheSameKeyOnce) {
  start();
  const auto a = client("sae-a"), b = client("sae-b");
  const auto mine = a->enc_key("sae-b", soon());
  ASSERT_TRUE(mine) << mine.error().why;
  EXPECT_NE(mine->key, Secret<32>());
  const auto theirs = b->dec_key("sae-a", mine->id, soon());
  ASSERT_TRUE(theirs) << theirs.error().why;
  EXPECT_EQ(theirs->id, mine->id);
  EXPECT_EQ(theirs->key, mine->key);
  const auto again = b->dec_key("sae-a", mine->id, soon());
  EXPECT_EQ(fault(again), "refused");
  EXPECT_EQ(again.error().why, "the key server answers 400: one or more keys specified are not found on KME");
  const auto another = a->enc_key("sae-b", soon());
  ASSERT_TRUE(another);
  EXPECT_NE(another->key, mine->key);
}

TEST_F(Qkd, AsksInTheFormOfTheStandard) {
  start();
  auto access = kme_->access("sae-a");
  ASSERT_TRUE(client(access)->enc_key("sae-b", soon()));
  access.key_request = KeyRequest::get;
  ASSERT_TRUE(client(access)->enc_key("sae-b", soon()));
  const KeyId id{0x55, 0x0e, 0x84, 0, 0xe2, 0x9b, 0x41, 0xd4, 0xa7, 0x16, 0x44, 0x66, 0x55, 0x44, 0, 0};
  EXPECT_EQ(fault(client(access)->dec_key("sae-b", id, soon())), "refused");
  const auto status = client(access)->status("sae-b", soon());
  ASSERT_TRUE(status) << status.error().why;
  EXPECT_EQ(status->master_sae, "sae-a");
  EXPECT_EQ(status->stored_key_count, 1000u);
  EXPECT_EQ(kme_->requests(),
            (std::vector<std::string>{
                R"(sae-a POST /api/v1/keys/sae-b/enc_keys {"number":1,"size":256})",
                "sae-a GET /api/v1/keys/sae-b/enc_keys?number=1&size=256 ",
                R"(sae-a POST /api/v1/keys/sae-b/dec_keys {"key_IDs":[{"key_ID":"550e8400-e29b-41d4-a716-446655440000"}]})",
                "sae-a GET /api/v1/keys/sae-b/status ",
            }));
}

TEST_F(Qkd, EveryWrongAnswerIsAFaultOfItsName) {
  start();
  const std::vector<std::pair<std::string, std::string>> cases{{"exhausted", "refused"},
                                                               {"status 400", "refused"},
                                                               {"status 401", "unauthorized"},
                                                               {"status 403", "unauthorized"},
                                                               {"status 503", "unavailable"},
                                                               {"status 500", "unexpected_status"},
                                                               {"status 204", "unexpected_status"},
                                                               {"redirect", "unexpected_status"},
                                                               {"garbage", "bad_answer"},
                                                               {"not_http", "bad_answer"},
                                                               {"deep", "bad_answer"},
                                                               {"types", "bad_answer"},
                                                               {"two_keys", "bad_answer"},
                                                               {"bad_base64", "bad_answer"},
                                                               {"no_keys", "used_up"},
                                                               {"big", "too_large"},
                                                               {"endless", "too_large"},
                                                               {"short_key", "wrong_size"},
                                                               {"long_key", "wrong_size"},
                                                               {"zero_key", "zero_key"},
                                                               {"close", "no_connection"},
                                                               {"cut", "no_connection"}};
  const auto a = client("sae-a");
  for (const auto& [mode, name] : cases) {
    kme_->mode(mode);
    const auto answer = a->enc_key("sae-b", soon());
    EXPECT_EQ(fault(answer), name) << mode << ": " << (answer ? "" : answer.error().why);
    const std::string said = answer ? "" : answer.error().why;
    EXPECT_EQ(said.find("KKKK"), std::string::npos) << "as long as a key: not for the log";
    // Whatever it was, the next request has a connection that works.
    kme_->mode("ok");
    ASSERT_TRUE(a->enc_key("sae-b", soon())) << "after " << mode;
  }
}

TEST_F(Qkd, AKeyOfAnotherIdIsRefused) {
  start();
  const auto a = client("sae-a"), b = client("sae-b");
  const auto key = a->enc_key("sae-b", soon());
  ASSERT_TRUE(key);
  kme_->mode("wrong_id");
  EXPECT_EQ(fault(b->dec_key("sae-a", key->id, soon())), "wrong_id");
}

TEST_F(Qkd, TheDeadlineIsOfTheWholeRequest) {
  start();
  kme_->mode("silent");
  const auto a = client("sae-a");
  const auto began = steady_clock::now();
  EXPECT_EQ(fault(a->enc_key("sae-b", soon(300ms))), "timeout");
  EXPECT_LT(steady_clock::now() - began, 3s);
  kme_->mode("ok");
  EXPECT_TRUE(a->enc_key("sae-b", soon()));
  // A server that takes the connection and never says a word of TLS.
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor mute(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  auto access = kme_->access("sae-a", "127.0.0.1");
  access.url.port = mute.local_endpoint().port();
  EXPECT_EQ(fault(client(access)->enc_key("sae-b", soon(300ms))), "timeout");
}

TEST_F(Qkd, AnInterruptEndsARequestThatWaits) {
  start();
  kme_->mode("silent");
  const auto a = client("sae-a");
  auto waiting = std::async(std::launch::async, [&] { return a->enc_key("sae-b", soon(60s)); });
  while (kme_->requests().empty()) std::this_thread::sleep_for(5ms);
  const auto began = steady_clock::now();
  a->interrupt();
  EXPECT_EQ(fault(waiting.get()), "stopped");
  EXPECT_LT(steady_clock::now() - began, 5s);
  EXPECT_EQ(fault(a->enc_key("sae-b", soon())), "stopped");
}

TEST_F(Qkd, ADeadServerIsNoConnection) {
  start();
  const auto a = client("sae-a");
  ASSERT_TRUE(a->enc_key("sae-b", soon()));
  kme_->stop();
  EXPECT_EQ(fault(a->enc_key("sae-b", soon())), "no_connection");
}

TEST_F(Qkd, AServerThatIsStartedAgainIsFoundAgain) {
  start();
  auto access = kme_->access("sae-a");
  const auto a = client(access);
  ASSERT_TRUE(a->enc_key("sae-b", soon()));
  start();  // on another port: the old connection is dead, and nobody listens on the old port
  EXPECT_EQ(fault(a->enc_key("sae-b", soon())), "no_connection");
  EXPECT_TRUE(client("sae-a")->enc_key("sae-b", soon()));
}

TEST_F(Qkd, TakesTheServersCertificateOnlyFromTheOperatorsAuthorityAndForTheHost) {
  start({"--certificate", "foreign"});
  EXPECT_EQ(fault(client("sae-a")->enc_key("sae-b", soon())), "tls_failed");
  start({"--certificate", "elsewhere"});
  EXPECT_EQ(fault(client("sae-a")->enc_key("sae-b", soon())), "tls_failed");
  EXPECT_EQ(fault(client(kme_->access("sae-a", "127.0.0.1"))->enc_key("sae-b", soon())), "tls_failed");
  start({"--certificate", "sae-b"});  // a client's certificate is no server's
  EXPECT_EQ(fault(client("sae-a")->enc_key("sae-b", soon())), "tls_failed");
  EXPECT_TRUE(kme_->requests().empty());
  start();
  EXPECT_TRUE(client(kme_->access("sae-a", "127.0.0.1"))->enc_key("sae-b", soon()));
}

TEST_F(Qkd, SpeaksTls13Only) {
  start({"--tls12"});
  EXPECT_EQ(fault(client("sae-a")->enc_key("sae-b", soon())), "tls_failed");
}

TEST_F(Qkd, ShowsItsOwnCertificate) {
  start();
  const auto refused = client("stranger")->enc_key("sae-b", soon());
  // The alert may be overtaken by the end of the connection.
  EXPECT_TRUE(fault(refused) == "tls_failed" || fault(refused) == "no_connection") << fault(refused);
  EXPECT_TRUE(kme_->requests().empty());
}

TEST_F(Qkd, RefusesFilesThatAreNotWhatTheyShouldBe) {
  start();
  const auto refused = [](const KmeAccess& access) {
    const auto opened = QkdClient::open(access);
    return opened ? "" : opened.error().text();
  };
  auto access = kme_->access("sae-a");
  std::filesystem::copy_file(access.private_key, folder_->path() / "open.key",
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::permissions(folder_->path() / "open.key", std::filesystem::perms{0640});
  access.private_key = folder_->path() / "open.key";
  EXPECT_NE(refused(access).find("others than its owner"), std::string::npos);
  access = kme_->access("sae-a");
  access.private_key = folder_->path() / "sae-b.key";
  EXPECT_NE(refused(access).find("sae-b.key"), std::string::npos);
  access = kme_->access("sae-a");
  access.authority = folder_->path() / "nowhere.pem";
  EXPECT_NE(refused(access).find("nowhere.pem"), std::string::npos);
  access = kme_->access("sae-a");
  access.certificate = folder_->path() / "sae-a.key";
  EXPECT_NE(refused(access).find("sae-a.key"), std::string::npos);
}

TEST_F(Qkd, SourceFindsTheKeyAlsoWhereItDoesNotKnowWhoseItIs) {
  start();
  auto a = QkdSource::open(config("sae-a", "sae-b")), b = QkdSource::open(config("sae-b", "sae-a"));
  ASSERT_TRUE(a && b);
  for (const auto& peer : {node(2), NodeId{}}) {
    const auto mine = (*a)->fetch(node(2), std::nullopt);
    ASSERT_TRUE(mine) << mine.error().why;
    const auto theirs = (*b)->fetch(peer, mine->id);
    ASSERT_TRUE(theirs) << theirs.error().why;
    EXPECT_EQ(theirs->key, mine->key);
    EXPECT_EQ(fault((*b)->fetch(peer, mine->id)), "used_id") << "it does not even ask";
  }
  EXPECT_EQ(fault((*a)->fetch(node(3), std::nullopt)), "unknown_peer");
  EXPECT_EQ(fault((*a)->fetch(NodeId{}, std::nullopt)), "unknown_peer");
  const auto stock = (*a)->stock();
  ASSERT_EQ(stock.size(), 1u);
  EXPECT_EQ(stock[0].keys, 1000u);
  kme_->mode("same_key");
  EXPECT_TRUE((*a)->fetch(node(2), std::nullopt));
  EXPECT_EQ(fault((*a)->fetch(node(2), std::nullopt)), "used_id") << "the server repeats itself";
}

TEST_F(Qkd, SourceLeavesADeadServerAloneButNotForWhatPeersCanBringAbout) {
  start();
  auto source = QkdSource::open(config("sae-a", "sae-b"));
  ASSERT_TRUE(source);
  for (uint8_t i = 1; i < 5; ++i) EXPECT_EQ(fault((*source)->fetch(node(2), KeyId{i})), "refused");
  ASSERT_TRUE((*source)->fetch(node(2), std::nullopt));
  kme_->stop();
  EXPECT_EQ(fault((*source)->fetch(node(2), std::nullopt)), "no_connection");
  const auto began = steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(fault((*source)->fetch(node(2), std::nullopt)), "backing_off");
  EXPECT_LT(steady_clock::now() - began, qkd_limits::backoff_min);
}

TEST(KmeBackoff, DoublesAndForgets) {
  KmeBackoff backoff;
  KmeBackoff::Time now{1000s};
  EXPECT_FALSE(backoff.waits(now));
  std::chrono::milliseconds pause = qkd_limits::backoff_min;
  for (int i = 0; i < 12; ++i) {
    backoff.on_result(KeyFault::timeout, now);
    EXPECT_TRUE(backoff.waits(now + pause - 1ms));
    EXPECT_FALSE(backoff.waits(now + pause));
    now += pause;
    pause = std::min(2 * pause, qkd_limits::backoff_max);
  }
  backoff.on_result(KeyFault::unavailable, now);
  backoff.on_result(KeyFault::refused, now);
  EXPECT_FALSE(backoff.waits(now));
  backoff.on_result(KeyFault::unavailable, now);
  EXPECT_FALSE(backoff.waits(now + qkd_limits::backoff_min));
  EXPECT_TRUE(backoff.waits(now + qkd_limits::backoff_min - 1ms));
}

TEST(KmeUrl, TakesHttpsAndNothingElse) {
  EXPECT_EQ(parse_kme_url("https://kme.example.org"), (KmeUrl{"kme.example.org", 443, ""}));
  EXPECT_EQ(parse_kme_url("https://kme:8443/"), (KmeUrl{"kme", 8443, ""}));
  EXPECT_EQ(parse_kme_url("https://192.0.2.1:1/a/b/"), (KmeUrl{"192.0.2.1", 1, "/a/b"}));
  EXPECT_EQ(parse_kme_url("https://[2001:db8::1]:8443/qkd"), (KmeUrl{"2001:db8::1", 8443, "/qkd"}));
  EXPECT_EQ(parse_kme_url("https://[::1]"), (KmeUrl{"::1", 443, ""}));
  for (const char* wrong : {"", "http://kme", "https://", "https://:1", "https://kme:", "https://kme:0", "https://kme:65536",
                            "https://kme:1x", "https://user@kme", "https://kme/a?b", "https://kme/a b", "https://kme/\r\nX: y",
                            "https://[::1", "https://[kme]", "https://[::1]x", "https://k\xc3\xa9", "https://kme#"}) {
    EXPECT_FALSE(parse_kme_url(wrong)) << wrong;
  }
  EXPECT_FALSE(parse_kme_url("https://" + std::string(600, 'a')));
  EXPECT_TRUE(is_sae_id("Alice_1.sae-7~"));
  for (const char* wrong : {"", ".", "..", "a/b", "a b", "a?b", "a%2f", "a\r\nb"}) EXPECT_FALSE(is_sae_id(wrong)) << wrong;
  EXPECT_FALSE(is_sae_id(std::string(129, 'a')));
}

}  // namespace
}  // namespace lattice

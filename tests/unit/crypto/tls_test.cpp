#include <lattice/crypto/tls.hpp>

#include <gtest/gtest.h>

#include <malloc.h>

#include <lattice/crypto/provider.hpp>
#include <lattice/crypto/tls_openssl.hpp>

namespace lattice {
namespace {

constexpr std::string_view label = "EXPORTER-lattice-1";

Bytes pattern(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 256);
  return bytes;
}

// One end with what it has said of its peer's bytes.
struct End {
  std::unique_ptr<TlsEndpoint> tls;
  Bytes plain;
  ErrorCode error = ErrorCode::none;

  void on_bytes(ByteView bytes) {
    const auto read = tls->on_bytes(bytes, plain);
    if (!read) error = read.error().code;
  }
};

class TlsTest : public testing::Test {
 protected:
  std::unique_ptr<Provider> provider = openssl_provider(), other_provider = openssl_provider();
  End client{provider->tls(TlsSide::client), {}}, server{other_provider->tls(TlsSide::server), {}};

  // Bytes of one end to the other, `step` at a time; false where there are none.
  static bool carry(End& from, End& to, size_t step) {
    const Bytes bytes = from.tls->take_output();
    for (size_t at = 0; at < bytes.size(); at += step)
      to.on_bytes(ByteView(bytes).subspan(at, std::min(step, bytes.size() - at)));
    return !bytes.empty();
  }
  void run(size_t step = 1 << 20) {
    for (bool moved = true; moved;) {
      const bool to_server = carry(client, server, step);
      const bool to_client = carry(server, client, step);
      moved = to_server || to_client;
    }
  }
  void connect(size_t step = 1 << 20) {
    run(step);
    ASSERT_TRUE(client.tls->established() && server.tls->established());
  }
};

TEST_F(TlsTest, BothEndsAgree) {
  connect();
  EXPECT_EQ(client.tls->group(), "X25519MLKEM768");
  EXPECT_EQ(server.tls->group(), "X25519MLKEM768");
  EXPECT_EQ(client.tls->exporter(label, pattern(90)), server.tls->exporter(label, pattern(90)));
  EXPECT_FALSE(client.tls->ended_by_peer() || server.tls->ended_by_peer());
}

TEST_F(TlsTest, AnExporterIsOfItsLabelContextAndConnection) {
  connect();
  const auto mine = client.tls->exporter(label, pattern(90));
  EXPECT_FALSE(mine == client.tls->exporter(label, pattern(91)));
  EXPECT_FALSE(mine == client.tls->exporter(label, {}));
  EXPECT_FALSE(mine == client.tls->exporter("EXPORTER-lattice-2", pattern(90)));
  client.tls = provider->tls(TlsSide::client);
  server.tls = other_provider->tls(TlsSide::server);
  connect();
  EXPECT_FALSE(mine == client.tls->exporter(label, pattern(90)));
}

TEST_F(TlsTest, EverySplitOfBytes) {
  for (size_t step : {1u, 2u, 3u, 5u, 16u, 17u, 100u, 1000u, 1u << 20}) {
    SCOPED_TRACE(step);
    client = {provider->tls(TlsSide::client), {}};
    server = {other_provider->tls(TlsSide::server), {}};
    connect(step);
    for (size_t size : {1u, 15u, 1000u, 16384u, 16385u, 100'000u}) {
      client.tls->write(pattern(size));
      server.tls->write(pattern(size + 1));
      run(step);
      ASSERT_EQ(std::exchange(server.plain, {}), pattern(size));
      ASSERT_EQ(std::exchange(client.plain, {}), pattern(size + 1));
    }
  }
}

// What a client says at once behind its last handshake message comes with it.
TEST_F(TlsTest, TextInTheHandshakesLastFlight) {
  carry(client, server, 1 << 20);
  carry(server, client, 1 << 20);
  ASSERT_TRUE(client.tls->established());
  client.tls->write(pattern(5000));
  carry(client, server, 1 << 20);
  ASSERT_TRUE(server.tls->established());
  EXPECT_EQ(server.plain, pattern(5000));
}

TEST_F(TlsTest, RekeysOnItsWay) {
  connect();
  for (int i = 0; i < 100; ++i) {
    client.tls->rekey();
    client.tls->write(pattern(100));
    server.tls->write(pattern(200));
    run(7);
  }
  EXPECT_EQ(server.plain.size(), 100u * 100);
  EXPECT_EQ(client.plain.size(), 100u * 200);
  EXPECT_EQ(server.tls->peer_rekeys(), 100u);
  EXPECT_EQ(client.tls->peer_rekeys(), 0u);
  EXPECT_EQ(client.error, ErrorCode::none);
  EXPECT_EQ(server.error, ErrorCode::none);
}

TEST_F(TlsTest, CloseIsSeen) {
  connect();
  server.tls->write(pattern(3));
  server.tls->close();
  run();
  EXPECT_EQ(client.plain, pattern(3));
  EXPECT_TRUE(client.tls->ended_by_peer());
  EXPECT_FALSE(server.tls->ended_by_peer());
  // RFC 8446 section 6.1: ignored.
  client.on_bytes(pattern(10));
  EXPECT_EQ(client.error, ErrorCode::none);
}

// A cut inside any record is "more is needed" and never text.
TEST_F(TlsTest, ACutRecordGivesNothing) {
  connect();
  client.tls->write(pattern(500));
  const Bytes record = client.tls->take_output();
  for (size_t i = 0; i + 1 < record.size(); ++i) {
    server.on_bytes(ByteView(record).subspan(i, 1));
    ASSERT_TRUE(server.plain.empty()) << i;
  }
  EXPECT_EQ(server.error, ErrorCode::none);
  EXPECT_FALSE(server.tls->ended_by_peer());
}

TEST_F(TlsTest, EveryByteOfARecordCounts) {
  for (size_t i = 0; i < 30; ++i) {
    client = {provider->tls(TlsSide::client), {}};
    server = {other_provider->tls(TlsSide::server), {}};
    connect();
    client.tls->write(pattern(8));
    Bytes record = client.tls->take_output();
    ASSERT_EQ(record.size(), 30u);
    record[i] ^= 0x40;
    record.resize(20'000);  // a greater length finds its bytes
    server.on_bytes(record);
    EXPECT_TRUE(server.plain.empty()) << i;
    EXPECT_EQ(server.error, ErrorCode::bad_record) << i;
    // It stays so.
    client.tls->write(pattern(8));
    carry(client, server, 100);
    EXPECT_TRUE(server.plain.empty()) << i;
  }
}

TEST_F(TlsTest, RecordsAreNotTakenTwiceOrOutOfOrder) {
  connect();
  client.tls->write(pattern(8));
  const Bytes first = client.tls->take_output();
  server.on_bytes(first);
  EXPECT_EQ(server.plain, pattern(8));
  server.on_bytes(first);
  EXPECT_EQ(server.plain, pattern(8));
  EXPECT_EQ(server.error, ErrorCode::bad_record);
}

// A flipped byte of either flight: nobody is fooled, and nothing but bad_handshake comes of it (the client is done before the
// server has seen its last flight).
TEST_F(TlsTest, EveryByteOfTheHandshakeCounts) {
  carry(client, server, 1 << 20);
  const size_t sizes[] = {provider->tls(TlsSide::client)->take_output().size(), server.tls->take_output().size()};
  ASSERT_GT(sizes[0], 1216u);
  ASSERT_GT(sizes[1], 1120u);
  for (const bool of_server : {false, true}) {
    for (size_t i = 0; i < sizes[of_server]; i += 13) {
      client = {provider->tls(TlsSide::client), {}};
      server = {other_provider->tls(TlsSide::server), {}};
      Bytes hello = client.tls->take_output();
      if (!of_server) hello[i % hello.size()] ^= 1;
      server.on_bytes(hello);
      Bytes answer = server.tls->take_output();
      if (of_server && !answer.empty()) answer[i % answer.size()] ^= 1;
      client.on_bytes(answer);
      if (client.tls->established()) continue;  // RFC 8446 appendix D.4: the version of a record is ignored
      EXPECT_FALSE(server.tls->established());
      EXPECT_TRUE(client.error == ErrorCode::bad_handshake || client.error == ErrorCode::none) << i;
      run();
      EXPECT_FALSE(client.tls->established() && server.tls->established()) << of_server << " " << i;
    }
  }
}

TEST_F(TlsTest, GarbageIsRefused) {
  Bytes noise(3000);
  SeededRng rng(5);
  for (int i = 0; i < 200; ++i) {
    rng.fill(noise);
    if (i % 2) noise[0] = 0x16, noise[1] = 0x03, noise[2] = 0x01;
    End end{provider->tls(i % 4 < 2 ? TlsSide::server : TlsSide::client), {}};
    end.on_bytes(noise);
    EXPECT_FALSE(end.tls->established());
    EXPECT_TRUE(end.plain.empty());
    if (i % 2 == 0) {
      EXPECT_EQ(end.error, ErrorCode::bad_handshake);
    }
    end.on_bytes(noise);
  }
}

// A handshake message that pretends to be long: it is not waited for beyond the limit.
TEST_F(TlsTest, TheHandshakeIsBounded) {
  const auto records = [](uint8_t message, size_t count) {
    Bytes bytes;
    for (size_t i = 0; i < count; ++i) {
      append(bytes, Bytes{0x16, 3, 1, 0x10, 0x00});
      Bytes body(0x1000, 0);
      if (i == 0) body[0] = message, body[1] = 0, body[2] = 0xff, body[3] = 0xff;
      append(bytes, body);
    }
    return bytes;
  };
  server.on_bytes(records(1, 4));
  EXPECT_TRUE(server.error == ErrorCode::too_large || server.error == ErrorCode::bad_handshake);
  End slow{provider->tls(TlsSide::server), {}};
  size_t taken = 0;
  for (const uint8_t byte : records(1, 4)) {
    if (slow.error != ErrorCode::none) break;
    slow.on_bytes({&byte, 1});
    ++taken;
  }
  EXPECT_LE(taken, tls_handshake_bytes_max + 1);
  EXPECT_NE(slow.error, ErrorCode::none);
}

// Whatever else the thread has left in OpenSSL's queue of errors, and whatever a peer makes TLS leave there.
TEST_F(TlsTest, TheErrorQueueIsNoOnesSurprise) {
  ERR_raise(ERR_LIB_USER, 1);
  connect();
  server.on_bytes(pattern(100));
  EXPECT_EQ(server.error, ErrorCode::bad_record);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

// --- Peers with other settings.

class StrangeClient : public TlsTest {
 protected:
  openssl::TlsContext context{SSL_CTX_new(TLS_method())};
  std::unique_ptr<TlsEndpoint> strange;

  void SetUp() override { SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr); }
  void begin(TlsSide side = TlsSide::client) { client = {openssl::tls_endpoint(context.get(), side), {}}; }
  void expect_refused() {
    run();
    EXPECT_FALSE(server.tls->established());
    EXPECT_EQ(server.error, ErrorCode::bad_handshake);
    EXPECT_FALSE(client.tls->established());
  }
};

TEST_F(StrangeClient, WithTheGroupIsTaken) {
  ASSERT_EQ(SSL_CTX_set1_groups_list(context.get(), "X25519MLKEM768:X25519:P-256"), 1);
  begin();
  connect();
  EXPECT_EQ(server.tls->group(), "X25519MLKEM768");
}

// It has guessed another group for its key share and must say it again (RFC 8446 section 4.1.4).
TEST_F(StrangeClient, WithTheGroupButAnotherShareIsAskedAgain) {
  ASSERT_EQ(SSL_CTX_set1_groups_list(context.get(), "X25519:X25519MLKEM768"), 1);
  begin();
  connect();
  EXPECT_EQ(server.tls->group(), "X25519MLKEM768");
}

TEST_F(StrangeClient, ClassicalOnlyIsRefused) {
  for (const char* groups : {"X25519:P-256", "P-384", "X448", "ffdhe2048", "SecP256r1MLKEM768", "MLKEM768"}) {
    SCOPED_TRACE(groups);
    ASSERT_EQ(SSL_CTX_set1_groups_list(context.get(), groups), 1);
    begin();
    server = {other_provider->tls(TlsSide::server), {}};
    expect_refused();
  }
}

TEST_F(StrangeClient, OldTlsIsRefused) {
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  begin();
  expect_refused();
}

TEST_F(StrangeClient, WeakerCiphersAreRefused) {
  ASSERT_EQ(SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256"), 1);
  begin();
  expect_refused();
}

TEST_F(StrangeClient, ChaChaIsTaken) {
  ASSERT_EQ(SSL_CTX_set_ciphersuites(context.get(), "TLS_CHACHA20_POLY1305_SHA256"), 1);
  begin();
  connect();
}

// Ours as the client of a server that knows only classical groups.
TEST_F(StrangeClient, AClassicalServerIsRefused) {
  const auto with_certificate = openssl::make_tls_context();
  ASSERT_EQ(SSL_CTX_set1_groups_list(with_certificate.get(), "X25519:P-256"), 1);
  server = {openssl::tls_endpoint(with_certificate.get(), TlsSide::server), {}};
  run();
  EXPECT_FALSE(client.tls->established() || server.tls->established());
}

// RFC 8446 section 4.6.1. Ours sends no tickets and takes none.
TEST_F(StrangeClient, TicketsAreRefused) {
  const auto with_tickets = openssl::make_tls_context();
  SSL_CTX_clear_options(with_tickets.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(with_tickets.get(), 2);
  server = {openssl::tls_endpoint(with_tickets.get(), TlsSide::server), {}};
  run();
  EXPECT_EQ(client.error, ErrorCode::bad_record);
  EXPECT_TRUE(client.plain.empty());
}

// A client of plain OpenSSL, which sends what ours would not.
class RecklessClient : public StrangeClient {
 protected:
  std::unique_ptr<SSL, openssl::Freer<SSL_free>> ssl;

  void SetUp() override {
    StrangeClient::SetUp();
    ASSERT_EQ(SSL_CTX_set1_groups_list(context.get(), "X25519MLKEM768"), 1);
    ssl.reset(SSL_new(context.get()));
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl.get());
    SSL_do_handshake(ssl.get());
    carry_to_server();
    const Bytes answer = server.tls->take_output();
    BIO_write(SSL_get_rbio(ssl.get()), answer.data(), static_cast<int>(answer.size()));
    ASSERT_EQ(SSL_do_handshake(ssl.get()), 1);
    carry_to_server();
    ASSERT_TRUE(server.tls->established());
  }
  Bytes said() {
    Bytes bytes(BIO_pending(SSL_get_wbio(ssl.get())));
    BIO_read(SSL_get_wbio(ssl.get()), bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }
  void carry_to_server() { server.on_bytes(said()); }
  void key_update(int type) {
    ASSERT_EQ(SSL_key_update(ssl.get(), type), 1);
    ASSERT_EQ(SSL_do_handshake(ssl.get()), 1);  // at once, not before the next text
  }
  void write(std::string_view text) { ASSERT_GT(SSL_write(ssl.get(), text.data(), static_cast<int>(text.size())), 0); }
};

// Text must lie between two changes of key: a peer shall not make us work for nothing.
TEST_F(RecklessClient, KeyUpdatesWithoutTextAreRefused) {
  key_update(SSL_KEY_UPDATE_NOT_REQUESTED);
  write("text");
  key_update(SSL_KEY_UPDATE_NOT_REQUESTED);
  carry_to_server();
  EXPECT_EQ(server.error, ErrorCode::none);
  key_update(SSL_KEY_UPDATE_NOT_REQUESTED);
  write("more");
  carry_to_server();
  EXPECT_EQ(server.error, ErrorCode::bad_record);
  EXPECT_EQ(as_text(server.plain), "text");
}

TEST_F(RecklessClient, FloodsOfKeyUpdatesAreCutShort) {
  for (size_t i = 0; i < tls_rekeys_at_once_max; ++i) {
    write("text");
    key_update(SSL_KEY_UPDATE_NOT_REQUESTED);
  }
  carry_to_server();
  EXPECT_EQ(server.error, ErrorCode::none);
  EXPECT_EQ(server.tls->peer_rekeys(), tls_rekeys_at_once_max);
  for (size_t i = 0; i < 1000; ++i) {
    write("text");
    key_update(SSL_KEY_UPDATE_NOT_REQUESTED);
  }
  carry_to_server();
  EXPECT_EQ(server.error, ErrorCode::bad_record);
  EXPECT_EQ(server.tls->peer_rekeys(), 2 * tls_rekeys_at_once_max + 1);  // the rest was not even read
}

// An answer to each would fill our output where the peer does not read.
TEST_F(RecklessClient, KeyUpdatesThatAskForAnotherAreRefused) {
  write("text");
  key_update(SSL_KEY_UPDATE_REQUESTED);
  carry_to_server();
  EXPECT_EQ(server.error, ErrorCode::bad_record);
}

TEST_F(RecklessClient, AnAlertEndsIt) {
  ASSERT_EQ(SSL_shutdown(ssl.get()), 0);
  carry_to_server();
  EXPECT_TRUE(server.tls->ended_by_peer());
  EXPECT_EQ(server.error, ErrorCode::none);
}

// What an idle link keeps. Printed, because docs/PERFORMANCE.md wants it; the limit is generous.
TEST_F(TlsTest, MemoryOfAConnection) {
  connect();
  constexpr size_t count = 64;
  const auto before = mallinfo2().uordblks;
  std::vector<End> ends;
  for (size_t i = 0; i < count; ++i) {
    client = {provider->tls(TlsSide::client), {}};
    server = {other_provider->tls(TlsSide::server), {}};
    connect();
    client.tls->write(pattern(1000));
    run();
    ends.push_back({std::move(server.tls), {}});
    client.tls.reset();
  }
  const auto each = (mallinfo2().uordblks - before) / count;
  RecordProperty("bytes_of_a_server_endpoint", std::to_string(each));
  EXPECT_LT(each, 64u * 1024);
}

}  // namespace
}  // namespace lattice

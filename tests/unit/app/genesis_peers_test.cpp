// QNET_GENESIS_CERT_* and QNET_BOOTSTRAP_ID: taken whole, or the node does not start.
#include "../../../apps/lattice/genesis_peers.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>
#include <lattice/base/base64.hpp>

#include "../../../apps/lattice/data_folder.hpp"

namespace lattice::app {
namespace {

class GenesisPeersTest : public testing::Test {
 protected:
  std::shared_ptr<const Identity> identity(uint8_t seed) {
    ByteArray<64> bytes;
    bytes.fill(seed);
    return identity_of(*provider, NodeSecret(bytes));
  }
  HostResult<GenesisPeers> read(const std::vector<std::string>& lines) { return read_genesis_peers(lines, *provider, now); }
  std::string why(const std::vector<std::string>& lines) {
    const auto result = read(lines);
    EXPECT_FALSE(result);
    return result ? "" : result.error().text();
  }
  void expect_refused(const std::vector<std::string>& lines, std::string_view word) {
    const auto text = why(lines);
    EXPECT_NE(text.find(word), std::string::npos) << text;
    EXPECT_LT(text.size(), 1000u);
  }

  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(8));
  WallTime now = clock_now().wall;
  std::shared_ptr<const Identity> one = identity(1), two = identity(2);
  std::string certificate = certificate_text(*one);
  std::string id = node_id_text(two->id);
};

TEST_F(GenesisPeersTest, NoneIsFine) {
  const auto peers = read({"PATH=/bin", "QNET_OTHER=x", "LATTICE=1", "noequals"});
  ASSERT_TRUE(peers);
  EXPECT_TRUE(peers->ids.empty());
  EXPECT_TRUE(peers->bootstrap.empty());
}

TEST_F(GenesisPeersTest, BothKindsAreTaken) {
  const auto peers =
      read({"QNET_GENESIS_CERT_1=" + certificate, "QNET_GENESIS_CERT_AGAIN=" + to_hex(*from_base64url(certificate)),
            "QNET_BOOTSTRAP_ID=" + id + "@192.0.2.1:8333, " + node_id_text(one->id) + "@[2001:db8::1]:9"});
  ASSERT_TRUE(peers) << peers.error().text();
  EXPECT_EQ(peers->ids, (std::vector{one->id, two->id}));
  ASSERT_EQ(peers->bootstrap.size(), 2u);
  EXPECT_EQ(peers->bootstrap[0].node, two->id);
  EXPECT_EQ(peers->bootstrap[0].endpoint.text(), "192.0.2.1:8333");
  EXPECT_EQ(peers->bootstrap[1].node, one->id);
  EXPECT_TRUE(peers->outdated.empty());
  NodeConfig config;
  config.bootstrap.push_back({*Endpoint::parse("192.0.2.9:1"), std::nullopt});
  add_genesis_peers(config, *peers);
  EXPECT_EQ(config.bootstrap.size(), 3u);
  EXPECT_EQ(config.genesis.size(), 2u);
}

TEST_F(GenesisPeersTest, AFileIsRead) {
  const auto path = std::filesystem::temp_directory_path() / ("lattice-genesis-" + std::to_string(::getpid()));
  std::ofstream(path) << certificate << "\n";
  const auto peers = read({"QNET_GENESIS_CERT_1=@" + path.string()});
  ASSERT_TRUE(peers) << peers.error().text();
  EXPECT_EQ(peers->ids, std::vector{one->id});
  std::ofstream(path) << std::string(certificate_text_bytes_max + 1, 'A');
  expect_refused({"QNET_GENESIS_CERT_1=@" + path.string()}, "larger than");
  std::filesystem::remove(path);
  expect_refused({"QNET_GENESIS_CERT_1=@" + path.string()}, "No such file");
}

// Row T6: nobody gets in by a certificate that its own key has not signed.
TEST_F(GenesisPeersTest, AWrongSignatureIsRefused) {
  Identity forged = *one;
  forged.self_signature[7] ^= 1;
  expect_refused({"QNET_GENESIS_CERT_1=" + certificate_text(forged)}, "signature is not valid");
  forged = *one;
  forged.certificate.dh[0] ^= 1;
  forged.body = encode_certificate(forged.certificate);
  expect_refused({"QNET_GENESIS_CERT_1=" + certificate_text(forged)}, "signature is not valid");
  // One that is good beside it does not help.
  expect_refused({"QNET_GENESIS_CERT_1=" + certificate, "QNET_GENESIS_CERT_2=" + certificate_text(forged)},
                 "QNET_GENESIS_CERT_2");
}

TEST_F(GenesisPeersTest, EachCutAndEachChangedCharacterIsRefused) {
  for (size_t length = 0; length < certificate.size(); length += 13)
    EXPECT_FALSE(read({"QNET_GENESIS_CERT_1=" + certificate.substr(0, length)})) << length;
  for (size_t at = 0; at < certificate.size(); at += 11) {
    std::string changed = certificate;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(read({"QNET_GENESIS_CERT_1=" + changed})) << at;
  }
}

TEST_F(GenesisPeersTest, WrongIdsAreRefused) {
  expect_refused({"QNET_BOOTSTRAP_ID="}, "names nobody");
  expect_refused({"QNET_BOOTSTRAP_ID= , "}, "names nobody");
  expect_refused({"QNET_BOOTSTRAP_ID=192.0.2.1:8333"}, "says no NodeID");
  expect_refused({"QNET_BOOTSTRAP_ID=" + id}, "QNET_BOOTSTRAP_ID");
  expect_refused({"QNET_BOOTSTRAP_ID=" + id + "@192.0.2.1"}, "port");
  expect_refused({"QNET_BOOTSTRAP_ID=" + id + "@192.0.2.1:0"}, "port");
  expect_refused({"QNET_BOOTSTRAP_ID=lat1qqqq@192.0.2.1:8333"}, "no NodeID");
  expect_refused({"QNET_BOOTSTRAP_ID=" + id + "@192.0.2.1:8333," + id.substr(1) + "@192.0.2.1:8333"}, "no NodeID");
  expect_refused({"QNET_BOOTSTRAP_ID=" + std::string(bootstrap_text_bytes_max + 1, 'a')}, "32 KiB");
  std::string many = "QNET_BOOTSTRAP_ID=";
  for (size_t i = 0; i <= bootstrap_ids_max; ++i) many += id + "@192.0.2.1:8333,";
  expect_refused({many}, "more than 64");
}

TEST_F(GenesisPeersTest, NoMoreThanSoMany) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < genesis_certificates_max; ++i)
    lines.push_back("QNET_GENESIS_CERT_" + std::to_string(i) + "=" + certificate);
  EXPECT_TRUE(read(lines));
  lines.push_back("QNET_GENESIS_CERT_LAST=" + certificate);
  expect_refused(lines, "more than 64");
}

TEST_F(GenesisPeersTest, AnOldCertificateStillNamesWhoItIs) {
  now += std::chrono::hours{24 * 400};
  const auto peers = read({"QNET_GENESIS_CERT_1=" + certificate});
  ASSERT_TRUE(peers);
  EXPECT_EQ(peers->ids, std::vector{one->id});
  EXPECT_EQ(peers->outdated, std::vector<std::string>{"QNET_GENESIS_CERT_1"});
}

}  // namespace
}  // namespace lattice::app

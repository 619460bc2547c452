#include <gtest/gtest.h>

#include <lattice/link/identity.hpp>

#include "../../../apps/lattice/outside_keys.hpp"

namespace lattice::app {
namespace {

NodeId node(uint8_t number) {
  NodeId id;
  id.bytes[0] = number;
  return id;
}
std::string peer(uint8_t number, const std::string& more) {
  return "[[outside_keys.peers]]\nnode = \"" + node_id_text(node(number)) + "\"\n" + more + "\n";
}
const std::string server = R"([outside_keys]
policy = "require"
url = "https://kme.example.org:8443/a"
authority = "ca.pem"
certificate = "/etc/own.pem"
private_key = "own.key"
)";

std::string refused(const std::string& text) {
  const auto config = parse_outside_keys(text, "/folder/keys.toml");
  return config ? "" : config.error().text();
}

TEST(OutsideKeys, NamesAFile) {
  const auto config = parse_outside_keys("[outside_keys]\npolicy = \"accept\"\nfile = \"keys\"\n", "/folder/keys.toml");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->policy, OutsideKeys::accept);
  EXPECT_EQ(std::get<std::filesystem::path>(config->source), "/folder/keys");
}

TEST(OutsideKeys, NamesKeyServersAndPeers) {
  const auto config =
      parse_outside_keys(server + "key_request = \"get\"\ndeadline_ms = 700\n" + peer(1, "sae = \"B\"") +
                             peer(2, "sae = \"C\"\nurl = \"https://other\"") + peer(3, "sae = \"D\"\nurl = \"https://other/\""),
                         "/folder/keys.toml");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->policy, OutsideKeys::require);
  const auto& qkd = std::get<QkdConfig>(config->source);
  EXPECT_EQ(qkd.deadline, std::chrono::milliseconds{700});
  ASSERT_EQ(qkd.kmes.size(), 2u);
  EXPECT_EQ(qkd.kmes[0].url, (KmeUrl{"kme.example.org", 8443, "/a"}));
  EXPECT_EQ(qkd.kmes[0].authority, "/folder/ca.pem");
  EXPECT_EQ(qkd.kmes[0].certificate, "/etc/own.pem");
  EXPECT_EQ(qkd.kmes[0].key_request, KeyRequest::get);
  EXPECT_EQ(qkd.kmes[1].url, (KmeUrl{"other", 443, ""}));
  EXPECT_EQ(qkd.kmes[1].private_key, "/folder/own.key");
  ASSERT_EQ(qkd.peers.size(), 3u);
  EXPECT_EQ(qkd.peers[0].node, node(1));
  EXPECT_EQ(qkd.peers[0].sae, "B");
  EXPECT_EQ(qkd.peers[0].kme, 0u);
  EXPECT_EQ(qkd.peers[1].kme, 1u);
  EXPECT_EQ(qkd.peers[2].kme, 1u);
}

TEST(OutsideKeys, OffNeedsNoSource) {
  const auto config = parse_outside_keys("[outside_keys]\npolicy = \"off\"\n", "keys.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(*open_outside_keys(*config, node(1)), nullptr);
}

TEST(OutsideKeys, RefusesWhatIsWrongWithItsPlace) {
  EXPECT_EQ(refused(server + peer(1, "sae = \"B\"")), "");
  const std::string file = "[outside_keys]\npolicy = \"require\"\n";
  EXPECT_EQ(refused("[outside_keys]\npolicy = \"offer\"\nfile = \"x\"\n"),
            "/folder/keys.toml:2:10: [outside_keys] policy must be \"off\", \"accept\" or \"require\"");
  for (const std::string& wrong :
       {std::string(""), std::string("x = 1"), file, file + "file = \"\"\n", file + "file = 1\n",
        file + "file = \"a\"\nurl = \"https://x\"\n", file + "file = \"a\"\nfoo = 1\n",
        file + "file = \"a\"\n" + peer(1, "sae = \"B\""), server, server + peer(1, ""), server + peer(1, "sae = \"a/b\""),
        server + peer(1, "sae = \"\""), server + peer(1, "sae = \"B\"") + peer(1, "sae = \"C\""),
        server + peer(1, "sae = \"B\"\nurl = \"http://x\""), server + peer(1, "sae = \"B\"\nx = 1"),
        server + "[[outside_keys.peers]]\nnode = \"lat1x\"\nsae = \"B\"\n", server + "peers = [1]\n",
        server + "key_request = \"put\"\n" + peer(1, "sae = \"B\""), server + "deadline_ms = 0\n" + peer(1, "sae = \"B\"")}) {
    EXPECT_NE(refused(wrong), "") << wrong;
  }
}

}  // namespace
}  // namespace lattice::app

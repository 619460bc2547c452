#include "../../../apps/lattice/chain_spec.hpp"

#include <set>

#include <gtest/gtest.h>

#include "../../../apps/lattice/presets.hpp"
#include "../../../apps/lattice/spec_chain.hpp"

namespace lattice::app {
namespace {

const std::string own_chain = R"([chain]
name = "mine"
rules = "bitcoin-regtest"

[network_protocol]
magic_bytes = "de ad be ef"
default_port = 9000
)";

// Refused with a message that begins "t.toml:LINE:" and holds every one of `parts`.
void expect_refused(const std::string& toml, size_t line, const std::vector<std::string>& parts) {
  const auto spec = parse_chain_spec(toml, "t.toml");
  ASSERT_FALSE(spec) << toml;
  EXPECT_EQ(spec.error().line, line) << spec.error().text();
  const auto place = line == 0 ? std::string("t.toml: ") : "t.toml:" + std::to_string(line) + ":";
  EXPECT_TRUE(spec.error().text().starts_with(place)) << spec.error().text();
  for (const auto& part : parts) EXPECT_NE(spec.error().what.find(part), std::string::npos) << spec.error().text();
}

ChainSpec accepted(const std::string& toml) {
  auto spec = parse_chain_spec(toml, "t.toml");
  EXPECT_TRUE(spec) << (spec ? "" : spec.error().text());
  return spec.value_or(ChainSpec{});
}

TEST(Presets, AreTheSixOfTheDescriptions) {
  EXPECT_EQ(preset_names(), "bitcoin, bitcoin-regtest, quantumcoin, quantumchain, hauptbuch, qnet");
  const auto* coin = find_preset("quantumcoin");
  ASSERT_TRUE(coin);
  EXPECT_EQ(to_hex(coin->magic), "5154434d");
  EXPECT_EQ(coin->protocol_version, 70015u);
  EXPECT_EQ(coin->default_port, 8333);
  EXPECT_EQ(coin->connections_max, 125u);
  EXPECT_EQ(coin->connection_timeout_s, 5u);
  ASSERT_EQ(coin->dns_seeds.size(), 4u);
  EXPECT_EQ(coin->dns_seeds[3].name, "seed4.quantumcoin.network");
  EXPECT_EQ(find_preset("quantumchain")->default_port, 5000);
  EXPECT_EQ(as_text(find_preset("quantumchain")->magic), "QCHN");
  EXPECT_EQ(find_preset("hauptbuch")->connections_max, 1000u);
  EXPECT_EQ(as_text(find_preset("hauptbuch")->magic), "HBCH");
  EXPECT_EQ(find_preset("qnet")->default_port, 9876);
  EXPECT_EQ(to_hex(find_preset("bitcoin")->magic), "f9beb4d9");
  EXPECT_FALSE(find_preset("dogecoin"));
}

TEST(Presets, EachIsAChainOfItsOwn) {
  std::set<std::string> ids, geneses;
  for (const auto& spec : presets()) {
    ids.insert(to_hex(spec_chain_id(spec).view()));
    geneses.insert(to_hex(spec.genesis));
    const auto rules = chain_rules(spec);
    EXPECT_TRUE(bitcoin::check_proof_of_work(rules, bitcoin::hash_of(rules.genesis), rules.genesis.bits)) << spec.name;
  }
  EXPECT_EQ(ids.size(), presets().size());
  EXPECT_EQ(geneses.size(), presets().size());
}

TEST(Presets, GenesisHashesNeverChange) {
  const auto hash = [](const char* name) { return bitcoin::display(bitcoin::hash_header(find_preset(name)->genesis)); };
  EXPECT_EQ(hash("bitcoin"), "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
  EXPECT_EQ(hash("bitcoin-regtest"), "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206");
  EXPECT_EQ(hash("quantumcoin"), "317cbc3055d4113e113f4b40926a09538c30df6a4ef187a9392c8fe239bb56ac");
  EXPECT_EQ(hash("quantumchain"), "34ced9126f4cbcdbf0b0bfc11b20b0d11cf679d19cc376e4ed0c47486df7d14b");
  EXPECT_EQ(hash("hauptbuch"), "04893bce3d38108239606e84f324e1041b0137b3b775f6d56b4d68c7a93a5597");
  EXPECT_EQ(hash("qnet"), "0a9d6b3f5ec7817118eb18c0a07e226b81f332f6e63e758fa1bbf98381272cea");
}

TEST(Presets, ShowReadsBackToTheSame) {
  for (const auto& preset : presets()) {
    const auto text = chain_spec_text(preset);
    const auto back = accepted(text);
    EXPECT_EQ(chain_spec_text(back), text);
    EXPECT_TRUE(back.is_preset);
    EXPECT_EQ(spec_chain_id(back), spec_chain_id(preset));
  }
}

TEST(ChainSpec, OwnChainHasItsRulesGenesisAndNoLeastWork) {
  const auto spec = accepted(own_chain);
  EXPECT_EQ(spec.name, "mine");
  EXPECT_FALSE(spec.is_preset);
  EXPECT_EQ(spec.genesis, find_preset("bitcoin-regtest")->genesis);
  EXPECT_EQ(spec.least_work, ByteArray<32>{});
  EXPECT_EQ(to_hex(spec.magic), "deadbeef");
  EXPECT_NE(spec_chain_id(spec), spec_chain_id(*find_preset("bitcoin-regtest")));
}

TEST(ChainSpec, EveryKeyIsReadAndWrittenBack) {
  const auto spec = accepted(R"([chain]
name = "recent"
rules = "bitcoin-mainnet"
least_work = "0000000000000000000000000000000000000000000000000000000100010001"
[network_protocol]
magic_bytes = [0x01, 0x02, 0x03, 0xff]
protocol_version = 7
default_port = 9000
max_connections = 40
connection_timeout = 3
[[dns_seeds]]
name = "seed.example.org"
[[dns_seeds]]
name = "signed.example.org"
operators = ["1111111111111111111111111111111111111111111111111111111111111111",
             "2222222222222222222222222222222222222222222222222222222222222222"]
threshold = 2
[bootstrap]
peers = ["192.0.2.1:9000", "[2001:db8::1]:9001"]
[trusted_header]
height = 831327
hash = "00000000000000000001e529aa1b6b7433794e9b33723be85daeab7fdaabf1c0"
bits = 0x1703ba5b
time = 1708300000
[[checkpoints]]
height = 831328
hash = "00000000000000000001e529aa1b6b7433794e9b33723be85daeab7fdaabf1c1"
[limits]
outbound_connections = 4
inbound_per_ip = 5
inbound_per_subnet = 6
handshake_timeout = 7
request_timeout = 8
ping_interval = 9
)");
  EXPECT_EQ(to_hex(spec.magic), "010203ff");
  ASSERT_EQ(spec.dns_seeds.size(), 2u);
  EXPECT_TRUE(spec.dns_seeds[0].operators.empty());
  EXPECT_EQ(spec.dns_seeds[1].threshold, 2u);
  ASSERT_EQ(spec.bootstrap.size(), 2u);
  EXPECT_EQ(spec.bootstrap[1].endpoint.text(), "[2001:db8::1]:9001");
  ASSERT_TRUE(spec.trusted_header);
  EXPECT_EQ(spec.trusted_header->bits, 0x1703ba5bu);
  EXPECT_EQ(spec.trusted_header->hash.bytes[0], 0xc0);
  EXPECT_EQ(spec.checkpoints.size(), 1u);
  const auto config = node_config(spec);
  EXPECT_EQ(config.connections_max, 40u);
  EXPECT_EQ(config.outbound_target, 4u);
  EXPECT_EQ(config.inbound_per_ip, 5u);
  EXPECT_EQ(config.inbound_per_subnet, 6u);
  EXPECT_EQ(config.ping_interval, std::chrono::seconds{9});
  EXPECT_EQ(chain_spec_text(accepted(chain_spec_text(spec))), chain_spec_text(spec));
}

TEST(ChainSpec, BitsAndTimeOfATrustedHeader) {
  const std::string head = own_chain + "[trusted_header]\nheight = 5\nhash = \"" + std::string(64, 'a') + "\"\n";
  const auto text = accepted(head + "bits = \"1703ba5b\"\n");
  EXPECT_EQ(text.trusted_header->bits, 0x1703ba5bu);
  EXPECT_FALSE(text.trusted_header->time);
  expect_refused(head + "bits = \"zz\"\n", 11, {"[trusted_header] bits", "8 hex digits"});
  expect_refused(head, 8, {"[trusted_header] needs the key \"bits\""});
}

TEST(ChainSpec, AFileAddsToAPreset) {
  const auto spec = accepted(R"(preset = "quantumcoin"
[network_protocol]
default_port = 18333
[[dns_seeds]]
name = "seed1.quantumcoin.network"
operators = ["1111111111111111111111111111111111111111111111111111111111111111"]
threshold = 1
[[dns_seeds]]
name = "seed.example.org"
[bootstrap]
peers = ["192.0.2.1:9000"]
)");
  EXPECT_EQ(spec.default_port, 18333);
  ASSERT_EQ(spec.dns_seeds.size(), 5u);
  EXPECT_EQ(spec.dns_seeds[0].threshold, 1u);
  EXPECT_EQ(spec_chain_id(spec), spec_chain_id(*find_preset("quantumcoin")));
}

TEST(ChainSpec, ConsensusParametersOfAPresetStay) {
  expect_refused("preset = \"bitcoin\"\n\n[chain]\nleast_work = \"00\"\n", 3, {"\"bitcoin\" cannot be changed", "remove"});
  expect_refused("preset = \"bitcoin\"\n[network_protocol]\nmagic_bytes = \"00 11 22 33\"\n", 3,
                 {"magic_bytes", "cannot be changed"});
  expect_refused("preset = \"bitcoin\"\n[network_protocol]\nprotocol_version = 2\n", 3,
                 {"protocol_version", "cannot be changed"});
  // By its name, too.
  auto renamed = own_chain;
  renamed.replace(renamed.find("mine"), 4, "qnet");
  expect_refused(renamed, 1, {"differs from the built-in preset \"qnet\""});
  auto easier = chain_spec_text(*find_preset("bitcoin"));
  const auto at = easier.find("least_work = \"") + 14;
  easier.replace(at, 64, std::string(64, '0'));
  expect_refused(easier, 6, {"least_work differs"});
}

TEST(ChainSpec, ATrustedHeaderDoesNotMakeAPresetAnotherChain) {
  const auto spec = accepted("preset = \"bitcoin\"\n[trusted_header]\nheight = 5\nhash = \"" + std::string(64, 'a') +
                             "\"\nbits = 0x1703ba5b\n");
  EXPECT_EQ(spec_chain_id(spec), spec_chain_id(*find_preset("bitcoin")));
}

TEST(ChainSpec, UnknownKeysAreNamedWithTheirPlace) {
  expect_refused("preset = \"bitcoin\"\ncolour = 1\n", 2, {"unknown key \"colour\"", "allowed: preset, chain"});
  expect_refused(own_chain + "max_conections = 5\n", 8,
                 {"unknown key \"max_conections\" in [network_protocol]", "max_connections"});
  expect_refused(own_chain + "[limit]\n", 8, {"unknown key \"limit\""});
  expect_refused(own_chain + "[[dns_seeds]]\nname = \"a.b\"\nport = 3\n", 10, {"unknown key \"port\" in [[dns_seeds]]"});
  const auto column = parse_chain_spec("preset = \"bitcoin\"\n  colour = 1\n", "t.toml");
  EXPECT_EQ(column.error().column, 3u);
}

TEST(ChainSpec, WrongTypesAndRanges) {
  expect_refused("preset = 5\n", 1, {"must be a text in quotes"});
  expect_refused("preset = \"dogecoin\"\n", 1, {"no preset \"dogecoin\"", "quantumcoin"});
  expect_refused("chain = 5\n", 1, {"chain must be a table"});
  expect_refused(own_chain + "max_connections = \"5\"\n", 8, {"must be a whole number"});
  expect_refused(own_chain + "max_connections = 5.0\n", 8, {"must be a whole number"});
  expect_refused(own_chain + "max_connections = 0\n", 8, {"is 0; allowed: 1 to"});
  expect_refused(own_chain + "max_connections = -1\n", 8, {"is -1; allowed: 1 to"});
  expect_refused(own_chain + "connection_timeout = 601\n", 8, {"is 601; allowed: 1 to 600"});
  expect_refused(own_chain + "max_connections = 5\n", 0, {"outbound_connections (10) is above max_connections (5)"});
  expect_refused(own_chain + "[bootstrap]\npeers = [\"192.0.2.1\"]\n", 9, {"bootstrap peer is"});
  expect_refused(own_chain + "[bootstrap]\npeers = [\n\"192.0.2.1:1\",\n\"lat1nonsense@192.0.2.1:1\"]\n", 11,
                 {"bootstrap peer is"});
  expect_refused(own_chain + "[bootstrap]\npeers = \"192.0.2.1:1\"\n", 9, {"must be a list"});
}

TEST(ChainSpec, WrongChains) {
  auto rules = own_chain;
  rules.replace(rules.find("bitcoin-regtest"), 15, "monero");
  expect_refused(rules, 3, {"\"monero\" are not known", "bitcoin-mainnet"});
  auto name = own_chain;
  name.replace(name.find("mine"), 4, "../x");
  expect_refused(name, 2, {"1 to 32 of a-z"});
  auto magic = own_chain;
  magic.replace(magic.find("de ad be ef"), 11, "de ad be");
  expect_refused(magic, 6, {"must be four bytes"});
  expect_refused("[chain]\nname = \"mine\"\n", 1, {"[chain] needs the key \"rules\""});
  expect_refused("[chain]\nname = \"mine\"\nrules = \"bitcoin-regtest\"\n", 0, {"needs [network_protocol]"});
  expect_refused("[chain]\nname = \"mine\"\nrules = \"bitcoin-regtest\"\ngenesis = \"00\"\n", 4, {"160 hex digits"});
  expect_refused("[limits]\n", 0, {"neither preset nor [chain]"});
  expect_refused("", 0, {"neither preset nor [chain]"});
}

TEST(ChainSpec, WrongSeeds) {
  const std::string seed = own_chain + "[[dns_seeds]]\nname = \"a.example\"\n";  // lines 8 and 9
  const std::string digest(64, '1');
  expect_refused(own_chain + "[[dns_seeds]]\nname = \"not a name\"\n", 9, {"\"not a name\" is no DNS name"});
  expect_refused(own_chain + "[[dns_seeds]]\nthreshold = 1\n", 8, {"needs the key \"name\""});
  expect_refused(seed + "threshold = 1\n", 10, {"threshold needs operators"});
  expect_refused(seed + "operators = [\"" + digest + "\"]\n", 8, {"needs the key \"threshold\""});
  expect_refused(seed + "operators = [\"" + digest + "\"]\nthreshold = 2\n", 11, {"is 2; allowed: 1 to 1"});
  expect_refused(seed + "operators = [\"" + digest + "\"]\nthreshold = 0\n", 11, {"is 0; allowed: 1 to 1"});
  expect_refused(seed + "operators = [\"" + digest + "\", \"" + digest + "\"]\nthreshold = 1\n", 10, {"twice"});
  expect_refused(seed + "operators = [\"abc\"]\nthreshold = 1\n", 10, {"64 hex digits"});
  expect_refused(seed + seed.substr(own_chain.size()), 10, {"twice"});
  expect_refused(own_chain + "dns_seeds = 5\n", 8, {"unknown key \"dns_seeds\" in [network_protocol]"});
}

TEST(ChainSpec, CheckpointsInOrder) {
  const auto checkpoint = [](int height) {
    return "[[checkpoints]]\nheight = " + std::to_string(height) + "\nhash = \"" + std::string(64, 'a') + "\"\n";
  };
  EXPECT_EQ(accepted(own_chain + checkpoint(5) + checkpoint(6)).checkpoints.size(), 2u);
  expect_refused(own_chain + checkpoint(5) + checkpoint(5), 12, {"in order of height"});
}

TEST(ChainSpec, NoTomlIsSaidWithItsPlace) {
  expect_refused("preset = \"bitcoin\"\npreset = \"bitcoin\"\n", 2, {"this is no TOML"});
  expect_refused("preset = \"bitcoin\n", 1, {"this is no TOML"});
  expect_refused(std::string(spec_bytes_max + 1, '#'), 0, {"larger than"});
}

// Found by a tester: 60,000 parts of one dotted key overflowed the parser's stack.
TEST(ChainSpec, DeeplyDottedKeysAreRefusedBeforeTheyAreParsed) {
  std::string key = "a";
  for (int i = 0; i < 60'000; ++i) key += ".a";
  for (const std::string& text : {"\n" + key + " = 1\n", "\n[" + key + "]\n", "\nx = {" + key + " = 1}\n"}) {
    const auto spec = parse_chain_spec(text, "deep.toml");
    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().line, 2u);
  }
}

TEST(ChainSpec, AFileThatIsNotThere) {
  const auto spec = load_chain_spec("no/such/file.toml");
  ASSERT_FALSE(spec);
  EXPECT_NE(spec.error().what.find("neither a preset (bitcoin,"), std::string::npos) << spec.error().what;
  EXPECT_FALSE(load_chain_spec("."));
  EXPECT_TRUE(load_chain_spec("qnet"));
}

TEST(ChainSpec, DnsNames) {
  for (const char* name : {"a", "seed.example.org", "_lattice._tcp.seed", "xn--bcher-kva.example"})
    EXPECT_TRUE(is_dns_name(name)) << name;
  for (const char* name : {"", ".", "a..b", "-a", "a-", "a b", "a/b", "a.", "\xc3\xa4"})
    EXPECT_FALSE(is_dns_name(name)) << name;
  EXPECT_FALSE(is_dns_name(std::string(64, 'a')));
}

}  // namespace
}  // namespace lattice::app

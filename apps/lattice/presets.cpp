#include "presets.hpp"

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/crypto/hash.hpp>

namespace lattice::app {

// A genesis of its own at the lowest difficulty: its Merkle root is the hash of the chain's name, its nonce the first that
// does.
static ByteArray<80> named_genesis(std::string_view name) {
  const auto& rules = bitcoin::regtest();
  const std::string text = "lattice genesis: " + std::string(name);
  bitcoin::Header header{1, {}, sha256d(as_bytes(text)), 1767225600, rules.pow_limit_bits, 0};
  while (!bitcoin::check_proof_of_work(rules, bitcoin::hash_of(header), header.bits)) ++header.nonce;
  return bitcoin::header_wire(header);
}

static ByteArray<4> magic_of(std::string_view hex) {
  const auto bytes = from_hex(hex);
  ASSERT(bytes && bytes->size() == 4);
  return {(*bytes)[0], (*bytes)[1], (*bytes)[2], (*bytes)[3]};
}

static ChainSpec bitcoin() {
  ChainSpec spec;
  spec.name = "bitcoin";
  spec.rules = Rules::bitcoin_mainnet;
  spec.genesis = bitcoin::header_wire(bitcoin::mainnet().genesis);
  // The work of the main chain up to height 832,608, which every full node can compute.
  const auto work = from_hex("00000000000000000000000000000000000000006cba5548513889a0030bd7b4");
  ASSERT(work && work->size() == 32);
  std::ranges::copy(*work, spec.least_work.begin());
  spec.magic = magic_of("f9beb4d9");
  spec.default_port = 8333;
  return spec;
}

static ChainSpec bitcoin_regtest() {
  ChainSpec spec;
  spec.name = "bitcoin-regtest";
  spec.genesis = bitcoin::header_wire(bitcoin::regtest().genesis);
  spec.magic = magic_of("fabfb5da");
  spec.default_port = 18444;
  return spec;
}

static ChainSpec named(std::string_view name, std::string_view magic_hex, uint16_t port) {
  ChainSpec spec;
  spec.name = name;
  spec.genesis = named_genesis(name);
  spec.magic = magic_of(magic_hex);
  spec.default_port = port;
  return spec;
}

static ChainSpec quantumcoin() {
  auto spec = named("quantumcoin", "5154434d", 8333);
  spec.protocol_version = 70015;
  for (const char* seed : {"seed1", "seed2", "seed3", "seed4"}) {
    spec.dns_seeds.push_back({std::string(seed) + ".quantumcoin.network", {}, 0});
  }
  return spec;
}

static ChainSpec hauptbuch() {
  auto spec = named("hauptbuch", "48424348", 8080);
  spec.connections_max = 1000;
  spec.connection_timeout_s = 30;
  return spec;
}

static ChainSpec qnet() {
  auto spec = named("qnet", "514e4554", 9876);
  spec.connections_max = 500;
  return spec;
}

std::span<const ChainSpec> presets() {
  static const std::vector<ChainSpec> all = [] {
    std::vector specs{bitcoin(), bitcoin_regtest(), quantumcoin(), named("quantumchain", "5143484e", 5000), hauptbuch(),
                      qnet()};
    for (auto& spec : specs) spec.is_preset = true;
    return specs;
  }();
  return all;
}

const ChainSpec* find_preset(std::string_view name) {
  const auto found = std::ranges::find(presets(), name, &ChainSpec::name);
  return found == presets().end() ? nullptr : &*found;
}

std::string preset_names() {
  std::string names;
  for (const auto& spec : presets()) names += (names.empty() ? "" : ", ") + spec.name;
  return names;
}

}  // namespace lattice::app

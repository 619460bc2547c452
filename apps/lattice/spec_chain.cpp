#include "spec_chain.hpp"

#include <lattice/base/assert.hpp>
#include <lattice/chains/bitcoin/blk_file.hpp>

namespace lattice::app {

bitcoin::Rules chain_rules(const ChainSpec& spec) {
  auto rules = base_rules(spec.rules);
  const auto genesis = bitcoin::parse_header(spec.genesis);
  ASSERT(genesis);
  rules.genesis = *genesis;
  return rules;
}

ChainId spec_chain_id(const ChainSpec& spec) {
  Bytes extra = to_bytes(spec.magic);
  for (int shift = 24; shift >= 0; shift -= 8) extra.push_back(static_cast<uint8_t>(spec.protocol_version >> shift));
  return bitcoin::chain_id(chain_rules(spec), extra);
}

Result<SpecChain> make_spec_chain(const ChainSpec& spec, Rng& rng) {
  SpecChain made;
  made.rules = std::make_unique<const bitcoin::Rules>(chain_rules(spec));
  bitcoin::ChainOptions options;
  options.rules = made.rules.get();
  options.id = spec_chain_id(spec);
  options.table_key = {rng.next(), rng.next()};
  if (const auto& header = spec.trusted_header) {
    options.start = bitcoin::TrustedHeader{header->height, header->hash, header->bits, header->time};
  }
  // A preset's least work counts from the genesis, and the work below a trusted header is not known.
  if (!spec.trusted_header || !spec.is_preset) options.least_work = spec.least_work;
  for (const auto& checkpoint : spec.checkpoints) {
    options.checkpoints.push_back({checkpoint.height, checkpoint.hash});
  }
  TRY(chain, bitcoin::make_chain(std::move(options)));
  made.chain = std::move(chain);
  return made;
}

std::array<ByteArray<4>, 2> file_magics(const ChainSpec& spec) {
  return {spec.magic, spec.rules == Rules::bitcoin_mainnet ? bitcoin::mainnet_magic : bitcoin::regtest_magic};
}

NodeConfig node_config(const ChainSpec& spec) {
  NodeConfig config;
  config.magic = spec.magic;
  config.default_port = spec.default_port;
  config.seeds = spec.dns_seeds;
  config.bootstrap = spec.bootstrap;
  config.connections_max = spec.connections_max;
  config.outbound_target = spec.outbound_connections;
  config.inbound_per_ip = spec.inbound_per_ip;
  config.inbound_per_subnet = spec.inbound_per_subnet;
  config.connection_timeout = std::chrono::seconds{spec.connection_timeout_s};
  config.handshake_timeout = std::chrono::seconds{spec.handshake_timeout_s};
  config.request_timeout = std::chrono::seconds{spec.request_timeout_s};
  config.suites = suites_here(spec.security);
  config.retired = spec.security.retired;
  config.ping_interval = std::chrono::seconds{spec.ping_interval_s};
  return config;
}

}  // namespace lattice::app

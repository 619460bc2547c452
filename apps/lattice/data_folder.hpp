// What a node keeps: DATA/node.key (who it is) and DATA/succession (who it was), DATA/chains/NAME (headers and blocks of one
// chain), DATA/peers/NAME (addresses known in its network), DATA/seeds/NAME (the newest list seen of its DNS seeds, and who signs
// them) and DATA/bans/NAME (whom it bans).
#pragma once

#include <filesystem>
#include <memory>

#include <lattice/host/host_error.hpp>
#include <lattice/host/key_text.hpp>
#include <lattice/host/node_host.hpp>
#include <lattice/link/identity.hpp>
#include <lattice/node/store.hpp>

#include "chain_spec.hpp"

namespace lattice::app {

constexpr auto certificate_lifetime = std::chrono::hours{24 * 90};

// Under a certificate from now on. Its suites are those of a chain spec that says nothing about them.
std::shared_ptr<const Identity> identity_of(Provider& provider, const NodeSecret& secret,
                                            std::chrono::seconds lifetime = certificate_lifetime);
// Makes the key where it is missing, sealed where there is a passphrase. Empty folder: a key that nobody keeps, for --in-memory.
HostResult<std::shared_ptr<const Identity>> load_identity(Provider& provider, const std::filesystem::path& data,
                                                          const Passphrase* passphrase);
// The same for a network: each kind of key under a certificate that allows what the network's policy allows.
struct Identities {
  std::shared_ptr<const Identity> identity;
  std::shared_ptr<const Identity> identity87;  // null where no suite of the policy needs it
};
HostResult<Identities> load_identities(Provider& provider, const std::filesystem::path& data, const Passphrase* passphrase,
                                       const SecurityPolicy& policy);
// Lets the node say who it was before. A file that is wrong is said in the log, and the node starts without.
void tell_succession(NodeConfig& config, const std::filesystem::path& data, LogSink& log);
HostResult<std::unique_ptr<Store>> open_store(const ChainSpec& spec, const std::filesystem::path& data, bool in_memory);
// Lets the node keep known addresses there, and gives it those of the last run. Nothing that is wrong with the file or the folder
// keeps a node from starting: it is said in the log, and the node starts without.
void keep_addresses(HostConfig& config, const ChainSpec& spec, const std::filesystem::path& data, LogSink& log);
// The same of what it remembers of its DNS seeds.
void keep_seeds(HostConfig& config, const ChainSpec& spec, const std::filesystem::path& data, LogSink& log);
// And of whom it bans.
void keep_bans(HostConfig& config, const ChainSpec& spec, const std::filesystem::path& data, LogSink& log);
std::filesystem::path bans_path(const ChainSpec& spec, const std::filesystem::path& data);
std::filesystem::path key_path(const std::filesystem::path& data);
Now clock_now();

}  // namespace lattice::app

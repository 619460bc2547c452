// New keys for a node that stays who it is: DATA/node.key gets a new secret, DATA/succession the statement that both sign.
#pragma once

#include <filesystem>

#include <lattice/host/key_file.hpp>
#include <lattice/link/succession.hpp>

namespace lattice::app {

std::filesystem::path succession_path(const std::filesystem::path& data);
// What DATA/succession holds; empty where there is none.
HostResult<SuccessionChain> load_succession(const std::filesystem::path& data);

struct KeyChange {
  NodeId before, after;
  std::filesystem::path kept;  // the old key, sealed as it was
};
// `old_passphrase` opens the key, `seal` is for the new one. The new key's name is the last thing written: killed before, the
// node is who it was, and a statement of an identity that nobody has means nothing to anybody.
HostResult<KeyChange> change_keys(Provider& provider, const std::filesystem::path& data, const Passphrase* old_passphrase,
                                  const KeySeal& seal);

}  // namespace lattice::app

// Links of two nodes with fixed keys, for fuzzers that break one of them.
#pragma once

#include <lattice/link/link.hpp>

namespace lattice::fuzz {

inline LinkConfig config_of(Role role, Provider& provider) {
  static const auto make = [](Provider& with, uint8_t seed) {
    ByteArray<64> bytes;
    bytes.fill(seed);
    IdentityOptions options;
    options.not_after = wall_from_unix(int64_t{1} << 40);
    return make_identity(with, Secret<64>(bytes), options);
  };
  static const auto initiator = make(provider, 1);
  static const auto responder = make(provider, 2);
  LinkConfig config;
  config.role = role;
  config.magic = {1, 2, 3, 4};
  config.identity = role == Role::initiator ? initiator : responder;
  return config;
}

}  // namespace lattice::fuzz

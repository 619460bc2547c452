#include "data_folder.hpp"

#include <chrono>

#include <lattice/host/key_file.hpp>
#include <lattice/host/locked_memory_store.hpp>
#include <lattice/host/rocks_store.hpp>

#include "files.hpp"

namespace lattice::app {

static constexpr auto certificate_lifetime = std::chrono::hours{24 * 90};
static constexpr auto clock_tolerance = std::chrono::hours{24};  // of a peer's clock that is behind ours

std::filesystem::path key_path(const std::filesystem::path& data) { return data / "node.key"; }

Now clock_now() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {Instant{std::chrono::steady_clock::now().time_since_epoch()},
          WallTime{std::chrono::duration_cast<std::chrono::seconds>(wall)}};
}

HostResult<std::shared_ptr<const Identity>> load_identity(Provider& provider, const std::filesystem::path& data) {
  NodeSecret secret;
  if (data.empty()) {
    provider.rng().fill(secret.span());
  } else {
    if (auto made = make_private_folder(data); !made) return std::unexpected(made.error());
    auto loaded = load_or_create_key_file(key_path(data), provider.rng());
    if (!loaded) return std::unexpected(loaded.error());
    secret = *loaded;
  }
  const auto wall = clock_now().wall;
  IdentityOptions options;
  options.not_before = wall - clock_tolerance;
  options.not_after = wall + certificate_lifetime;
  // Peers refuse a serial below the highest they have seen of us: the time of the start only grows.
  options.serial = static_cast<uint64_t>(unix_seconds(wall));
  return make_identity(provider, secret, options);
}

HostResult<std::unique_ptr<Store>> open_store(const ChainSpec& spec, const std::filesystem::path& data, bool in_memory) {
  if (in_memory) return std::make_unique<LockedMemoryStore>();
  if (auto made = make_private_folder(data); !made) return std::unexpected(made.error());
  const auto chains = data / "chains";
  if (auto made = make_private_folder(chains); !made) return std::unexpected(made.error());
  auto opened = RocksStore::open(chains / spec.name);
  if (!opened) return std::unexpected(opened.error());
  return std::move(*opened);
}

}  // namespace lattice::app

#include "data_folder.hpp"

#include <chrono>

#include <lattice/discovery/address_book_file.hpp>
#include <lattice/discovery/seed_memory.hpp>
#include <lattice/host/key_file.hpp>
#include <lattice/host/locked_memory_store.hpp>
#include <lattice/host/rocks_store.hpp>
#include <lattice/peers/ban_memory.hpp>

#include "files.hpp"
#include "key_change.hpp"

namespace lattice::app {

static constexpr auto clock_tolerance = std::chrono::hours{24};  // of a peer's clock that is behind ours

std::filesystem::path key_path(const std::filesystem::path& data) { return data / "node.key"; }

Now clock_now() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {Instant{std::chrono::steady_clock::now().time_since_epoch()},
          WallTime{std::chrono::duration_cast<std::chrono::seconds>(wall)}};
}

static IdentityOptions options_from_now(std::chrono::seconds lifetime) {
  const auto wall = clock_now().wall;
  IdentityOptions options;
  options.not_before = wall - clock_tolerance;
  options.not_after = wall + lifetime;
  // Peers refuse a serial below the highest they have seen of us: the time of the start only grows.
  options.serial = static_cast<uint64_t>(unix_seconds(wall));
  return options;
}

std::shared_ptr<const Identity> identity_of(Provider& provider, const NodeSecret& secret, std::chrono::seconds lifetime) {
  return make_identity(provider, secret, options_from_now(lifetime));
}

static HostResult<NodeSecret> load_secret(Provider& provider, const std::filesystem::path& data, const Passphrase* passphrase) {
  if (data.empty()) {
    NodeSecret secret;
    provider.rng().fill(secret.span());
    return secret;
  }
  if (auto made = make_private_folder(data); !made) return std::unexpected(made.error());
  return load_or_create_key_file(key_path(data), provider.rng(), {passphrase, {}});
}

HostResult<std::shared_ptr<const Identity>> load_identity(Provider& provider, const std::filesystem::path& data,
                                                          const Passphrase* passphrase) {
  const auto secret = load_secret(provider, data, passphrase);
  if (!secret) return std::unexpected(secret.error());
  return identity_of(provider, *secret);
}

HostResult<Identities> load_identities(Provider& provider, const std::filesystem::path& data, const Passphrase* passphrase,
                                       const SecurityPolicy& policy) {
  const auto secret = load_secret(provider, data, passphrase);
  if (!secret) return std::unexpected(secret.error());
  IdentityOptions options = options_from_now(certificate_lifetime);
  // A node is always known by its ML-DSA-65 key too, if only to its operator.
  if (auto allowed = suites_of_key(policy, SignAlg::mldsa65); !allowed.empty()) options.allowed_suites = std::move(allowed);
  Identities identities{make_identity(provider, *secret, options), nullptr};
  options.sign_alg = SignAlg::mldsa87;
  options.allowed_suites = suites_of_key(policy, SignAlg::mldsa87);
  if (!options.allowed_suites.empty()) identities.identity87 = make_identity(provider, *secret, options);
  return identities;
}

void tell_succession(NodeConfig& config, const std::filesystem::path& data, LogSink& log) {
  if (data.empty()) return;
  const auto chain = load_succession(data);
  if (!chain)
    log.log({LogLevel::warning, "succession_damaged", {{"file", succession_path(data).string()}, {"why", chain.error().why}}});
  if (chain && !chain->empty()) config.succession = encode_successions(*chain);
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

namespace {

// A small file in a folder of DATA that the node writes and reads back.
struct NodeFile {
  std::filesystem::path folder, file;
  std::string what;          // for messages
  std::string_view damaged;  // the event
  size_t bytes_max;

  // Opening a pipe would wait for whoever is at its other end.
  bool is_special() const {
    std::error_code ignored;
    const auto type = std::filesystem::status(file, ignored).type();
    return type != std::filesystem::file_type::not_found && type != std::filesystem::file_type::regular;
  }
  HostResult<void> write(ByteView bytes) const {
    if (is_special())
      return std::unexpected(HostError{what + " could not be kept", file.string() + " is no plain file", "remove it"});
    if (auto made = make_private_folder(folder); !made) return made;
    return write_file_atomically(file, as_text(bytes));
  }
  // Empty where there is none, or it cannot be used: said in the log.
  Bytes read(LogSink& log) const {
    const auto refused = [&](const std::string& why) {
      log.log({LogLevel::warning, damaged, {{"reason", "not_read"}, {"where", why}}});
      return Bytes{};
    };
    std::error_code missing;
    if (std::filesystem::status(file, missing).type() == std::filesystem::file_type::not_found) return {};
    if (is_special()) return refused(file.string() + " is no plain file");
    const auto content = read_small_file(file, bytes_max);
    if (!content) return refused(content.error().text());
    if (content->empty()) return refused(file.string() + " is empty");
    return to_bytes(as_bytes(*content));
  }
};

}  // namespace

void keep_addresses(HostConfig& config, const ChainSpec& spec, const std::filesystem::path& data, LogSink& log) {
  const NodeFile kept{data / "peers", data / "peers" / spec.name, "the addresses", "stored_addresses_damaged",
                      address_book_bytes_max};
  config.save_addresses = [kept](ByteView bytes) { return kept.write(bytes); };
  config.node.stored_addresses = kept.read(log);
}

void keep_seeds(HostConfig& config, const ChainSpec& spec, const std::filesystem::path& data, LogSink& log) {
  const NodeFile kept{data / "seeds", data / "seeds" / spec.name, "what is known of the seeds", "stored_seeds_damaged",
                      seed_memory_bytes_max};
  config.save_seeds = [kept](ByteView bytes) { return kept.write(bytes); };
  config.node.stored_seeds = kept.read(log);
}

std::filesystem::path bans_path(const ChainSpec& spec, const std::filesystem::path& data) { return data / "bans" / spec.name; }

void keep_bans(HostConfig& config, const ChainSpec& spec, const std::filesystem::path& data, LogSink& log) {
  const NodeFile kept{data / "bans", bans_path(spec, data), "the bans", "stored_bans_damaged", ban_memory_bytes_max};
  config.save_bans = [kept](ByteView bytes) { return kept.write(bytes); };
  config.node.stored_bans = kept.read(log);
}

}  // namespace lattice::app

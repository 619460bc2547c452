#include "key_change.hpp"

#include "data_folder.hpp"
#include "files.hpp"
#include "program.hpp"

namespace lattice::app {

namespace fs = std::filesystem;

fs::path succession_path(const fs::path& data) { return data / "succession"; }

HostResult<SuccessionChain> load_succession(const fs::path& data) {
  const auto path = succession_path(data);
  std::error_code error;
  const auto type = fs::status(path, error).type();
  if (type == fs::file_type::not_found) return SuccessionChain{};
  if (type != fs::file_type::regular)
    return failure("the file " + path.string() + " could not be read", "it is no plain file", "remove it");
  const auto text = read_small_file(path, limits::succession_bytes_max);
  if (!text) return std::unexpected(text.error());
  auto chain = decode_successions(as_bytes(*text));
  if (chain) return std::move(*chain);
  return failure("the file " + path.string() + " could not be used",
                 std::string(error_text(chain.error().code)) + " (" + chain.error().where + ")",
                 "restore it from a copy, or remove it: peers then no longer see who this node was before");
}

// Held together before it is written: nobody else could tell us later that it is wrong.
static bool holds(Provider& provider, const SuccessionChain& chain, WallTime now) {
  return !chain.empty() && verify_succession(provider, chain.back(), now) && decode_successions(encode_successions(chain));
}

HostResult<KeyChange> change_keys(Provider& provider, const fs::path& data, const Passphrase* old_passphrase,
                                  const KeySeal& seal) {
  const auto path = key_path(data);
  const auto old_secret = load_key_file(path, old_passphrase);
  if (!old_secret) return std::unexpected(old_secret.error());
  auto chain = load_succession(data);
  if (!chain) return std::unexpected(chain.error());
  NodeSecret secret;
  provider.rng().fill(secret.span());
  const auto before = identity_of(provider, *old_secret), after = identity_of(provider, secret);
  const auto now = clock_now().wall;

  *chain = chain_to(std::move(*chain), before->id, now);
  if (chain->size() == succession_chain_max) chain->erase(chain->begin());
  const auto last_made = chain->empty() ? std::nullopt : std::optional(chain->back().made);
  chain->push_back(make_succession(provider, *before, *after, now, last_made));
  if (!holds(provider, *chain, now)) {
    return failure("the keys were not changed", "the clock is before the last change of keys", "set the clock right");
  }
  if (auto written = write_file_atomically(succession_path(data), as_text(encode_successions(*chain))); !written) {
    return std::unexpected(written.error());
  }
  auto kept = keep_key_file(path);  // puts the folder on the medium, and with it the statement's name
  if (!kept) return std::unexpected(kept.error());
  if (auto replaced = replace_key_file(path, secret, seal, provider.rng()); !replaced) return std::unexpected(replaced.error());
  return KeyChange{before->id, after->id, std::move(*kept)};
}

}  // namespace lattice::app

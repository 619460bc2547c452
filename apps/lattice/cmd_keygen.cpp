// lattice keygen: who this node is, its passphrase, and new keys for it.
#include <cstdio>

#include <fmt/format.h>
#include <lattice/link/certificate_text.hpp>

#include "data_folder.hpp"
#include "files.hpp"
#include "key_change.hpp"
#include "passphrase.hpp"
#include "program.hpp"

namespace lattice::app {

namespace {

struct KeygenOptions {
  std::string data, passphrase_file, new_passphrase_file;
  bool remove_passphrase = false, rotate = false, certificate = false;
  unsigned valid_days = 365;
  bool changes_passphrase() const { return remove_passphrase || !new_passphrase_file.empty(); }
};

const Passphrase* pointer(const std::optional<Passphrase>& passphrase) { return passphrase ? &*passphrase : nullptr; }

// Null where the file is, and stays, in the open.
HostResult<std::optional<Passphrase>> next_passphrase(const KeygenOptions& options, const std::optional<Passphrase>& now,
                                                      bool sealed) {
  if (options.remove_passphrase) return std::nullopt;
  if (options.new_passphrase_file.empty()) return sealed ? now : std::nullopt;
  auto read = read_passphrase_file(options.new_passphrase_file);
  if (!read) return std::unexpected(read.error());
  return std::move(*read);
}

HostResult<void> make_key(const KeygenOptions& options, Provider& provider, const std::optional<Passphrase>& now) {
  if (options.rotate || options.remove_passphrase)
    return failure("there is no key in " + options.data, "none has been made",
                   "make one with: lattice keygen --data " + options.data);
  const auto next = next_passphrase(options, now, now.has_value());
  if (!next) return std::unexpected(next.error());
  NodeSecret secret;
  provider.rng().fill(secret.span());
  if (auto made = create_key_file(key_path(options.data), secret, {pointer(*next), {}}, provider.rng()); !made)
    return std::unexpected(made.error());
  return {};
}

HostResult<void> change_key(const KeygenOptions& options, Provider& provider, const std::optional<Passphrase>& now,
                            bool sealed) {
  const auto path = key_path(options.data);
  const auto next = next_passphrase(options, now, sealed);
  if (!next) return std::unexpected(next.error());
  const KeySeal seal{pointer(*next), {}};
  if (options.rotate) {
    const auto changed = change_keys(provider, options.data, pointer(now), seal);
    if (!changed) return std::unexpected(changed.error());
    fmt::print(stderr, "{} is now {}\n  the old key is kept as {}: remove it when nobody needs to be told any more\n",
               node_id_text(changed->before), node_id_text(changed->after), changed->kept.string());
    return {};
  }
  const auto secret = load_key_file(path, pointer(now));
  if (!secret) return std::unexpected(secret.error());
  if (auto replaced = replace_key_file(path, *secret, seal, provider.rng()); !replaced)
    return std::unexpected(replaced.error());
  return {};
}

HostResult<void> print_identity(const KeygenOptions& options, Provider& provider, const std::optional<Passphrase>& now) {
  // What it is sealed with by now.
  const auto next = next_passphrase(options, now, now.has_value());
  if (!next) return std::unexpected(next.error());
  const auto secret = load_key_file(key_path(options.data), pointer(*next));
  if (!secret) return std::unexpected(secret.error());
  const auto identity = identity_of(provider, *secret, std::chrono::hours{24} * options.valid_days);
  fmt::print("{}\n", options.certificate ? certificate_text(*identity) : node_id_text(identity->id));
  return {};
}

HostResult<void> run_keygen(const KeygenOptions& options) {
  const auto now = find_passphrase(options.passphrase_file);
  if (!now) return std::unexpected(now.error());
  const auto provider = openssl_provider();
  if (auto made = make_private_folder(options.data); !made) return made;
  remove_key_drafts(key_path(options.data));
  const auto sealed = key_file_is_sealed(key_path(options.data));
  if (!sealed && sealed.error().fault != KeyFileFault::missing) return std::unexpected(sealed.error());
  HostResult<void> done;
  if (!sealed) {
    done = make_key(options, *provider, *now);
  } else if (options.rotate || options.changes_passphrase()) {
    done = change_key(options, *provider, *now, *sealed);
  }
  if (!done) return done;
  return print_identity(options, *provider, *now);
}

}  // namespace

void add_keygen(Program& program) {
  auto* command = program.app.add_subcommand(
      "keygen", "Make the node's key where there is none, and print its NodeID; change its passphrase or its keys");
  const auto options = std::make_shared<KeygenOptions>();
  options->data = default_data_folder();
  command->add_option("--data", options->data, "Folder of the node: the key is DATA/node.key, mode 0600")
      ->capture_default_str();
  command->add_option(
      "--passphrase-file", options->passphrase_file,
      "File with the key's passphrase, mode 0600. Without it: the variable LATTICE_PASSPHRASE. A key that is made\n"
      "now is sealed with it");
  auto* fresh = command->add_option("--new-passphrase-file", options->new_passphrase_file,
                                    "Seal the key with the passphrase of this file from now on");
  command->add_flag("--remove-passphrase", options->remove_passphrase, "Keep the key in the open from now on")->excludes(fresh);
  command->add_flag(
      "--rotate", options->rotate,
      "New keys, and a statement signed by the old ones and the new ones (DATA/succession) that peers are shown.\n"
      "The old key is kept as DATA/node.key.N; a node that runs goes on with it until it is started again");
  command->add_flag("--certificate", options->certificate,
                    "Print the node's certificate with its self-signature (base64url), as QNET_GENESIS_CERT_* takes it");
  command->add_option("--valid-days", options->valid_days, "How long the certificate that is printed holds")
      ->check(number_in(1, 3660))
      ->capture_default_str();
  command->callback([&program, options] { program.action = [options] { return run_keygen(*options); }; });
}

}  // namespace lattice::app

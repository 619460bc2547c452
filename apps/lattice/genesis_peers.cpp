#include "genesis_peers.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "files.hpp"
#include "peer_address.hpp"
#include "program.hpp"

namespace lattice::app {

namespace {

std::unexpected<HostError> refused(std::string_view variable, std::string why, std::string advice) {
  return failure("the environment variable " + std::string(variable.substr(0, 100)) + " is not good", std::move(why),
                 std::move(advice));
}

void add_id(GenesisPeers& peers, const NodeId& id) {
  if (std::ranges::find(peers.ids, id) == peers.ids.end()) peers.ids.push_back(id);
}

HostResult<void> add_certificate(GenesisPeers& peers, std::string_view variable, std::string text, Provider& provider,
                                 WallTime now) {
  const std::string advice = "give what `lattice keygen --certificate` prints on that node, or @FILE that holds it";
  if (text.starts_with('@')) {
    auto content = read_small_file(text.substr(1), certificate_text_bytes_max);
    if (!content) return refused(variable, content.error().what + ": " + content.error().why, advice);
    text = std::move(*content);
  }
  const auto parsed = parse_certificate_text(text);
  if (!parsed)
    return refused(variable,
                   fmt::format("it is no certificate: {} ({})", error_text(parsed.error().code), parsed.error().where), advice);
  if (!verify_self_signature(provider, parsed->certificate, parsed->self_signature))
    return refused(variable, "the certificate's own signature is not valid", advice);
  if (now < parsed->certificate.not_before || parsed->certificate.not_after <= now) peers.outdated.emplace_back(variable);
  add_id(peers, parsed->id);
  return {};
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  constexpr std::string_view between = ", \t\r\n";
  while (true) {
    const auto begin = text.find_first_not_of(between);
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin);
    const auto word = text.substr(0, text.find_first_of(between));
    out.emplace_back(word);
    text.remove_prefix(word.size());
  }
}

HostResult<void> add_bootstrap_ids(GenesisPeers& peers, std::string_view text) {
  const std::string advice = "write NodeID@host:port, several divided by commas";
  if (text.size() > bootstrap_text_bytes_max) return refused(bootstrap_id_variable, "it is longer than 32 KiB", advice);
  const auto entries = words(text);
  if (entries.empty()) return refused(bootstrap_id_variable, "it names nobody", advice + ", or unset it");
  if (entries.size() > bootstrap_ids_max) return refused(bootstrap_id_variable, "it names more than 64 peers", advice);
  for (const auto& entry : entries) {
    const auto known = resolve_peer(entry);
    if (!known) return refused(bootstrap_id_variable, known.error().what + ": " + known.error().why, advice);
    for (const auto& peer : *known) {
      if (!peer.node) return refused(bootstrap_id_variable, "\"" + entry.substr(0, 160) + "\" says no NodeID", advice);
      add_id(peers, *peer.node);
      peers.bootstrap.push_back(peer);
    }
  }
  return {};
}

}  // namespace

HostResult<GenesisPeers> read_genesis_peers(const std::vector<std::string>& environment, Provider& provider, WallTime now) {
  GenesisPeers peers;
  size_t certificates = 0;
  for (const auto& line : environment) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string_view name = std::string_view(line).substr(0, equals);
    HostResult<void> added;
    if (name.starts_with(genesis_certificate_prefix)) {
      if (++certificates > genesis_certificates_max) return refused(name, "there are more than 64 of them", "unset some");
      added = add_certificate(peers, name, line.substr(equals + 1), provider, now);
    } else if (name == bootstrap_id_variable) {
      added = add_bootstrap_ids(peers, std::string_view(line).substr(equals + 1));
    }
    if (!added) return std::unexpected(added.error());
  }
  return peers;
}

std::vector<std::string> process_environment() {
  std::vector<std::string> out;
  for (char** line = environ; line != nullptr && *line != nullptr; ++line) {
    const std::string_view text(*line);
    if (text.starts_with("QNET_")) out.emplace_back(text);
  }
  return out;
}

void add_genesis_peers(NodeConfig& node, const GenesisPeers& peers) {
  node.genesis.insert(node.genesis.end(), peers.ids.begin(), peers.ids.end());
  node.bootstrap.insert(node.bootstrap.end(), peers.bootstrap.begin(), peers.bootstrap.end());
}

}  // namespace lattice::app

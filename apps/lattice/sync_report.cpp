#include "sync_report.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <lattice/chains/bitcoin/primitives.hpp>
#include <nlohmann/json.hpp>

namespace lattice::app {

using Json = nlohmann::ordered_json;

std::string grouped(uint64_t number) {
  auto text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string printable(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

static double per_second(uint64_t count, double seconds) { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }
static std::string suite_id(Suite suite) { return fmt::format("0x{:04x}", static_cast<uint16_t>(suite)); }
static std::string who(const std::optional<NodeId>& node) { return node ? node_id_text(*node) : std::string(); }

static Json dns_json(const DnsReport& dns) {
  return {{"name", dns.name},
          {"failed", dns.failed},
          {"detail", printable(dns.detail)},
          {"addresses", dns.addresses},
          {"services", dns.services},
          {"texts", dns.texts},
          {"signed", dns.is_signed},
          {"listed", dns.listed},
          {"rejected", dns.rejected},
          {"outcome", outcome_name(dns.outcome)},
          {"sequence", dns.sequence},
          {"operators_from", dns.statement},
          {"used", dns.used},
          {"dropped", dns.dropped},
          {"milliseconds", dns.seconds * 1000}};
}

static Json peer_json(const PeerReport& peer) {
  Json region = peer.region ? Json(*peer.region) : Json(nullptr);
  return {{"node_id", who(peer.node)},
          {"address", peer.endpoint.text()},
          {"inbound", peer.inbound},
          {"source", source_name(peer.source)},
          {"slot", slot_kind_name(peer.slot)},
          {"asn", peer.asn},
          {"region", std::move(region)},
          {"suite", suite_id(peer.suite)},
          {"suite_name", suite_name(peer.suite)},
          {"resumed", peer.resumed},
          {"handshake_milliseconds", peer.handshake_seconds * 1000},
          {"headers", peer.headers},
          {"blocks", peer.blocks},
          {"bytes_in", peer.bytes_in},
          {"bytes_out", peer.bytes_out},
          {"height", peer.height},
          {"user_agent", printable(peer.user_agent)}};
}

static Json left_json(const LeftReport& left) {
  return {{"node_id", who(left.node)},
          {"address", left.endpoint.text()},
          {"source", source_name(left.source)},
          {"reason", error_name(left.reason)},
          {"text", error_text(left.reason)},
          {"where", left.where},
          {"by_peer", left.by_peer}};
}

// Whom the node knows, whom it chose, and whom it did not let in.
static Json choice_json(const NodeReport& report) {
  Json refused = Json::object();
  for (const auto& [why, count] : report.refused) refused[std::string(slot_refusal_name(why))] = count;
  return {{"known", report.known_addresses},
          {"tried", report.tried_addresses},
          {"network_machines", report.network_machines},
          {"feelers", report.feelers},
          {"feelers_answered", report.feelers_answered},
          {"anchors_tried", report.anchors_tried},
          {"exchanged", report.exchanged},
          {"inbound_max", report.inbound_max},
          {"evicted", report.evicted},
          {"refused", std::move(refused)}};
}

static Json keys_json(const KeyCounts& keys) {
  Json failed = Json::object();
  for (size_t i = 0; i < key_fault_count; ++i) {
    if (keys.failed[i] > 0) failed[std::string(key_fault_name(static_cast<KeyFault>(i)))] = keys.failed[i];
  }
  return {{"fetched", keys.fetched}, {"failed", failed}};
}

std::string sync_report_json(const NodeReport& report, const std::string& chain, const NodeId& self, const SyncTimes& times,
                             const std::optional<KeyCounts>& keys) {
  Json out{{"chain", chain},
           {"node_id", node_id_text(self)},
           {"synced", report.synced},
           {"tip", bitcoin::display(report.tip.block.hash)},
           {"height", report.tip.block.height},
           {"seconds", times.seconds},
           {"download_seconds", times.download_seconds},
           {"headers", report.headers_received},
           {"blocks", report.blocks_received},
           {"bytes", report.block_bytes_received},
           {"blocks_per_second", per_second(report.blocks_received, times.seconds)},
           {"bytes_per_second", per_second(report.block_bytes_received, times.seconds)},
           {"handshakes", report.handshakes},
           {"dials_failed", report.dials_failed},
           {"known_addresses", report.known_addresses},
           {"addresses", choice_json(report)},
           {"dns", Json::array()},
           {"peers", Json::array()},
           {"left", Json::array()}};
  for (const auto& dns : report.dns) out["dns"].push_back(dns_json(dns));
  for (const auto& peer : report.peers) {
    if (peer.established) out["peers"].push_back(peer_json(peer));
  }
  for (const auto& left : report.left) out["left"].push_back(left_json(left));
  if (keys) out["outside_keys"] = keys_json(*keys);
  return out.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

static std::string dns_line(const DnsReport& dns) {
  auto line = fmt::format("DNS        {}  {} addresses, {} SRV, {} TXT", dns.name, dns.addresses, dns.services, dns.texts);
  if (dns.is_signed) line += fmt::format(", signed list of {} nodes", dns.listed);
  if (!dns.is_signed && !dns.failed && dns.rejected.empty()) line += ", unsigned";
  if (dns.outcome != DnsOutcome::none && dns.outcome != DnsOutcome::alone)
    line += fmt::format(", {}", outcome_name(dns.outcome));
  if (!dns.rejected.empty()) line += ", refused: " + dns.rejected;
  if (dns.failed) line += ", failed: " + printable(dns.detail);
  return line + fmt::format("  ({:.1f} ms)\n", dns.seconds * 1000);
}

std::string sync_summary(const NodeReport& report, const SyncTimes& times) {
  std::string out;
  for (const auto& dns : report.dns) out += dns_line(dns);
  for (const auto& peer : report.peers) {
    if (!peer.established) continue;
    out +=
        fmt::format("Peer       {}@{}\n           {} {}, {} {:.1f} ms, {}; {} headers, {} blocks\n", who(peer.node),
                    peer.endpoint.text(), suite_id(peer.suite), suite_name(peer.suite), peer.resumed ? "resumed" : "handshake",
                    peer.handshake_seconds * 1000, source_name(peer.source), grouped(peer.headers), grouped(peer.blocks));
  }
  for (const auto& left : report.left) {
    out += fmt::format("Left       {}  {}: {}{}\n", left.endpoint.text(), error_name(left.reason), error_text(left.reason),
                       left.by_peer ? " (by the peer)" : "");
  }
  const double seconds = times.download_seconds > 0 ? times.download_seconds : times.seconds;
  out += fmt::format("Handshakes {} done, {} dials failed\n", report.handshakes, report.dials_failed);
  out += fmt::format("Blocks     {} in {:.2f} s: {} blocks/s, {:.1f} MB/s; {:.2f} s from the start\n",
                     grouped(report.blocks_received), seconds,
                     grouped(static_cast<uint64_t>(per_second(report.blocks_received, seconds))),
                     per_second(report.block_bytes_received, seconds) / 1e6, times.seconds);
  out += fmt::format("Tip        {} {}{}\n", grouped(report.tip.block.height), bitcoin::display(report.tip.block.hash),
                     report.synced ? "" : " (not synced)");
  return out;
}

}  // namespace lattice::app

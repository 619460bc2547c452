// What a node did, for a person and for a program.
#pragma once

#include <string>

#include <lattice/host/key_source.hpp>
#include <lattice/node/node.hpp>

namespace lattice::app {

// Measured around the node: from its start to its end, and from the first block to the last.
struct SyncTimes {
  double seconds = 0;
  double download_seconds = 0;  // 0: no block came
};

// {"chain", "node_id", "synced", "tip", "height", "seconds", "download_seconds", "headers", "blocks", "bytes",
// "blocks_per_second",
//  "bytes_per_second", "dns": [...], "peers": [...], "left": [...]}. Rates are over all of `seconds`.
// With `keys`, also "outside_keys": {"fetched", "failed": {FAULT: how often}}.
std::string sync_report_json(const NodeReport& report, const std::string& chain, const NodeId& self, const SyncTimes& times,
                             const std::optional<KeyCounts>& keys = {});
// A few lines: DNS answers, handshakes, peers left, rates, tip.
std::string sync_summary(const NodeReport& report, const SyncTimes& times);
// "12,345".
std::string grouped(uint64_t number);
// What a peer or a DNS server said, in printable ASCII.
std::string printable(std::string_view text);

}  // namespace lattice::app

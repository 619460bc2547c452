// The bans that outlive the process: taken up at the start, given to the host soon after a new one and at the end.
#include <lattice/node/state.hpp>
#include <lattice/peers/ban_memory.hpp>

namespace lattice {

// Whoever gets banned a thousand times a minute has the file written once.
static constexpr Duration save_interval = std::chrono::minutes{1};

void Node::State::load_bans(Now now) {
  const Bytes stored = std::exchange(config.stored_bans, {});
  if (stored.empty()) return;
  const auto read = decode_ban_memory(stored, config.chain.id);
  if (!read) {
    return log(LogLevel::warning, "stored_bans_damaged",
               {{"reason", std::string(error_name(read.error().code))}, {"where", read.error().where}});
  }
  reputation.restore(*read, now);
  bans_saved = reputation.changes();
  log(LogLevel::info, "stored_bans_loaded",
      {{"bans", std::to_string(read->bans.size())}, {"for_ever", std::to_string(read->for_ever.size())}});
}

void Node::State::save_bans(Now now) {
  if (bans_saved == reputation.changes()) return;
  bans_saved = reputation.changes();
  bans_due = now.mono + save_interval;
  effects.push_back(SaveBans{encode_ban_memory(reputation.memory(now), config.chain.id)});
}

}  // namespace lattice

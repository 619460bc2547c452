// lattice bans: whom a node bans over its restarts, and lifting that.
#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <lattice/link/identity.hpp>
#include <lattice/peers/reputation.hpp>

#include "data_folder.hpp"
#include "files.hpp"
#include "load_spec.hpp"
#include "program.hpp"
#include "spec_chain.hpp"
#include "time_text.hpp"

namespace lattice::app {

namespace {

struct BansOptions {
  std::string chain, data = default_data_folder();
  std::vector<std::string> lift;
};

// What one ban of an address covers.
Subnet subnet_of(const Endpoint& banned) { return {banned.ip, banned.ip.is_v4() || banned.ip.is_loopback() ? 128u : 64u}; }

std::string who_text(const BanRecord& ban) {
  if (const auto* node = std::get_if<NodeId>(&ban.who)) return node_id_text(*node);
  const auto& address = std::get<Endpoint>(ban.who);
  if (address.port != 0) return address.text();
  return address.ip.text() + (subnet_of(address).bits == 64 ? "/64" : "");
}

std::string state_text(const BanRecord& ban, WallTime now) {
  const auto next = std::chrono::duration_cast<std::chrono::hours>(
      Reputation::ban_times[std::min<size_t>(ban.step, std::size(Reputation::ban_times) - 1)]);
  return fmt::format("{} {} ({}); {} h the next time", ban.until > now ? "banned until" : "free since", date_text(ban.until),
                     error_name(ban.reason), next.count());
}

void print(const BanMemory& memory, WallTime now) {
  for (const auto& ban : memory.bans) fmt::print("{} {}\n", who_text(ban), state_text(ban, now));
  for (const auto& node : memory.for_ever)
    fmt::print("{} banned for ever: it signed two things that exclude each other\n", node_id_text(node));
}

// Gives how many there were.
HostResult<size_t> lift(BanMemory& memory, const std::string& who) {
  if (who == "all") {
    const size_t count = memory.bans.size() + memory.for_ever.size();
    memory = {};
    return count;
  }
  const auto node = parse_node_id(who);
  const auto subnet = Subnet::parse(who);
  if (!node && !subnet)
    return failure("\"" + who.substr(0, 160) + "\" names nobody", "it is no address, subnet or NodeID",
                   "write --lift 203.0.113.7, --lift 203.0.113.0/24, --lift lat1... or --lift all");
  const auto is_meant = [&](const BanRecord& ban) {
    if (const auto* banned = std::get_if<NodeId>(&ban.who)) return node == *banned;
    const auto& address = std::get<Endpoint>(ban.who);
    return subnet && (subnet->contains(address.ip) || subnet_of(address).contains(subnet->ip));
  };
  return std::erase_if(memory.bans, is_meant) + (node ? std::erase(memory.for_ever, *node) : 0);
}

HostResult<void> run_bans(const BansOptions& options) {
  const auto spec = load_spec(options.chain);
  if (!spec) return std::unexpected(spec.error());
  const auto file = bans_path(*spec, options.data);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    fmt::print("no bans: {} does not exist\n", file.string());
    return {};
  }
  const auto content = read_small_file(file, ban_memory_bytes_max);
  if (!content) return std::unexpected(content.error());
  auto memory = decode_ban_memory(as_bytes(*content), spec_chain_id(*spec));
  if (!memory) {
    return failure("the bans of " + file.string() + " could not be read",
                   fmt::format("{} ({})", error_text(memory.error().code), memory.error().where),
                   "remove the file: the node begins without bans");
  }
  if (options.lift.empty()) {
    print(*memory, clock_now().wall);
    return {};
  }
  // A node that runs would write the file again: whoever has the chain's store open keeps it from others.
  const auto store = open_store(*spec, options.data, false);
  if (!store) return std::unexpected(store.error());
  size_t lifted = 0;
  for (const auto& who : options.lift) {
    const auto count = lift(*memory, who);
    if (!count) return std::unexpected(count.error());
    lifted += *count;
  }
  fmt::print("{} lifted, {} left\n", lifted, memory->bans.size() + memory->for_ever.size());
  return write_file_atomically(file, as_text(encode_ban_memory(std::move(*memory), spec_chain_id(*spec))));
}

}  // namespace

void add_bans(Program& program) {
  auto* command = program.app.add_subcommand("bans", "Show whom the node bans over its restarts; lift bans");
  const auto options = std::make_shared<BansOptions>();
  add_chain_option(*command, options->chain);
  command->add_option("--data", options->data, "Folder of the node")->capture_default_str();
  command->add_option("--lift", options->lift,
                      "Lift the bans of this address, subnet (IP/BITS) or NodeID, or `all` (repeatable). Stop the node before");
  command->footer(
      "The bans are those that the node itself imposed, DATA/bans/NAME; what `lattice node --ban` names is not among them.\n"
      "A ban that has ended stays in the list while it makes the next one longer: for each day without a new one by a step "
      "less.");
  command->callback([&program, options] { program.action = [options] { return run_bans(*options); }; });
}

}  // namespace lattice::app

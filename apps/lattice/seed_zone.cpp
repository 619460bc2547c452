#include "seed_zone.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "files.hpp"

namespace lattice::app {

// RFC 1035 3.3: a character-string holds at most 255 bytes.
static constexpr size_t txt_string_bytes_max = 255;

static std::string address_line(const SeedZone& zone, const std::string& owner, const IpAddress& ip) {
  return fmt::format("{}. {} IN {} {}\n", owner, zone.ttl, ip.is_v4() ? "A" : "AAAA", ip.text());
}

static std::string txt_record(const SeedZone& zone, const std::string& text) {
  std::string out = fmt::format("_lattice._tcp.{}. {} IN TXT (\n", zone.name, zone.ttl);
  for (size_t at = 0; at < text.size(); at += txt_string_bytes_max) {
    out += fmt::format("  \"{}\"\n", text.substr(at, txt_string_bytes_max));
  }
  return out + ")\n";
}

std::string seed_zone_text(const SeedZone& zone) {
  std::string at_name, services, hosts;
  std::vector<IpAddress> seen;
  for (size_t i = 0; i < zone.entries.size(); ++i) {
    const auto& endpoint = zone.entries[i].endpoint;
    const bool first = std::ranges::find(seen, endpoint.ip) == seen.end();
    if (first && endpoint.port == zone.default_port) {
      at_name += address_line(zone, zone.name, endpoint.ip);
      seen.push_back(endpoint.ip);
    }
    const auto host = fmt::format("node{}.{}", i + 1, zone.name);
    services += fmt::format("_lattice._tcp.{}. {} IN SRV 0 1 {} {}.\n", zone.name, zone.ttl, endpoint.port, host);
    hosts += address_line(zone, host, endpoint.ip);
  }
  std::string texts = zone.list_text.empty() ? "" : txt_record(zone, zone.list_text);
  for (const auto& statement : zone.statements) texts += txt_record(zone, statement);
  return at_name + services + hosts + texts;
}

static constexpr std::string_view first_words = "; lattice crawl: serial ", sequence_words = ", sequence ";
static constexpr size_t zone_bytes_max = 4 * 1024 * 1024;

std::string whole_zone_text(const SeedZone& zone, const ZoneServer& server, const ZoneNumbers& numbers) {
  std::string out = fmt::format("{}{}{}{}\n", first_words, numbers.serial, sequence_words, numbers.sequence);
  // Refresh, retry, expire, and how long a name that is not there may be remembered.
  out += fmt::format("{}. {} IN SOA {}. hostmaster.{}. {} 3600 600 604800 {}\n", zone.name, zone.ttl, server.name, zone.name,
                     numbers.serial, zone.ttl);
  out += fmt::format("{}. {} IN NS {}.\n", zone.name, zone.ttl, server.name);
  if (server.address) out += address_line(zone, server.name, *server.address);
  return out + seed_zone_text(zone);
}

template <class Number>
static bool read_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

std::optional<ZoneNumbers> zone_numbers(std::string_view text) {
  ZoneNumbers numbers;
  if (!text.starts_with(first_words)) return std::nullopt;
  text.remove_prefix(first_words.size());
  if (!read_number(text, numbers.serial) || !text.starts_with(sequence_words)) return std::nullopt;
  text.remove_prefix(sequence_words.size());
  if (!read_number(text, numbers.sequence) || !text.starts_with('\n')) return std::nullopt;
  return numbers;
}

ZoneNumbers next_zone_numbers(const std::optional<ZoneNumbers>& before, int64_t unix_now) {
  ZoneNumbers next{static_cast<uint32_t>(unix_now), static_cast<uint64_t>(std::max<int64_t>(unix_now, 1))};
  if (!before) return next;
  const bool rises = next.serial != before->serial && next.serial - before->serial < 0x8000'0000U;
  if (!rises) next.serial = before->serial + 1;
  if (next.sequence <= before->sequence) next.sequence = before->sequence + (before->sequence < UINT64_MAX ? 1 : 0);
  return next;
}

HostResult<std::optional<ZoneNumbers>> read_zone_numbers(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::status(file, error).type() == std::filesystem::file_type::not_found) return std::nullopt;
  const auto text = read_small_file(file, zone_bytes_max);
  if (!text) return std::unexpected(text.error());
  if (const auto numbers = zone_numbers(*text)) return numbers;
  return std::unexpected(HostError{"the zone " + file.string() + " was not written",
                                   "the file there is no zone of lattice crawl", "give another name, or move the file away"});
}

}  // namespace lattice::app

// lattice seeds: an operator's key, and the signed lists that a chain's DNS seeds give.
#include <algorithm>

#include <fmt/format.h>

#include "data_folder.hpp"
#include "files.hpp"
#include "load_spec.hpp"
#include "operator_key.hpp"
#include "program.hpp"
#include "seed_zone.hpp"
#include "spec_chain.hpp"
#include "time_text.hpp"

namespace lattice::app {

namespace {

constexpr size_t entries_file_bytes_max = 64 * 1024;

struct SeedOptions {
  std::string chain, expires, entries_file, zone, list_file, seed_name, out;
  std::vector<std::string> keys, entries;
  uint64_t sequence = 0;
  uint32_t ttl = 300;
};

HostResult<SeedEntry> parse_entry(const std::string& text) {
  const auto peer = parse_known_peer(text);
  if (peer && peer->node) return SeedEntry{peer->endpoint, *peer->node};
  return failure("\"" + text.substr(0, 120) + "\" is no seed", "a seed is NodeID@IP:PORT",
                 "`lattice keygen --data FOLDER` prints a node's NodeID: lat1...@192.0.2.1:8333");
}

// One entry a line; empty lines and lines that begin with # are skipped.
HostResult<std::vector<std::string>> read_entry_lines(const std::string& file) {
  auto content = read_small_file(file, entries_file_bytes_max);
  if (!content) return std::unexpected(content.error());
  std::vector<std::string> lines;
  for (size_t at = 0; at < content->size();) {
    const auto end = std::min(content->find('\n', at), content->size());
    auto line = content->substr(at, end - at);
    at = end + 1;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && line.front() != '#') lines.push_back(std::move(line));
  }
  return lines;
}

HostResult<std::vector<SeedEntry>> read_entries(const SeedOptions& options) {
  auto texts = options.entries;
  if (!options.entries_file.empty()) {
    auto lines = read_entry_lines(options.entries_file);
    if (!lines) return std::unexpected(lines.error());
    texts.insert(texts.end(), lines->begin(), lines->end());
  }
  std::vector<SeedEntry> entries;
  for (const auto& text : texts) {
    auto entry = parse_entry(text);
    if (!entry) return std::unexpected(entry.error());
    if (std::ranges::find(entries, *entry) != entries.end())
      return failure("the list was not made", text + " stands there twice", "name each seed once");
    entries.push_back(*entry);
  }
  if (entries.empty() || entries.size() > seed_entries_max) {
    return failure("the list was not made", fmt::format("{} seeds were named", entries.size()),
                   fmt::format("name 1 to {} of them by --entry or --entries", seed_entries_max));
  }
  return entries;
}

HostResult<void> run_seeds_keygen(const SeedOptions& options) {
  const auto provider = openssl_provider();
  const auto key = create_operator_key(options.out, *provider);
  if (!key) return std::unexpected(key.error());
  fmt::print("{}\n", to_hex(operator_hash((*key)->public_key())));
  return {};
}

HostResult<void> add_signatures(SeedList& list, const std::vector<std::string>& key_files) {
  const auto provider = openssl_provider();
  for (const auto& file : key_files) {
    const auto key = load_operator_key(file, *provider);
    if (!key) return std::unexpected(key.error());
    const auto same_key = [&](const SeedSignature& signature) { return equal(signature.public_key, (*key)->public_key()); };
    if (std::ranges::any_of(list.signatures, same_key)) {
      return failure("the list was not signed", file + " is a key that has signed already", "name each operator's key once");
    }
    Secret<32> entropy;
    provider->rng().fill(entropy.span());
    sign_seed_list(list, **key, entropy);
  }
  return {};
}

HostResult<void> run_seeds_sign(const SeedOptions& options) {
  const auto spec = load_spec(options.chain);
  if (!spec) return std::unexpected(spec.error());
  auto entries = read_entries(options);
  if (!entries) return std::unexpected(entries.error());
  const auto now = clock_now().wall;
  const auto expires = parse_expiry(options.expires, now);
  if (!expires || *expires <= now || unix_seconds(*expires) > seed_expires_max) {
    return failure("the list was not made", "\"" + options.expires + "\" is no time to come",
                   "write --expires 30d, or 2027-01-31T12:00:00Z");
  }
  SeedList list{spec_chain_id(*spec), options.sequence, *expires, std::move(*entries), {}};
  if (auto signed_list = add_signatures(list, options.keys); !signed_list) return signed_list;
  const auto text = seed_list_text(list);
  if (text.size() > seed_text_bytes_max) {
    return failure("the list does not fit into a TXT record",
                   fmt::format("it has {} bytes, with {} signatures", text.size(), list.signatures.size()),
                   "sign with fewer keys: eight fit");
  }
  if (options.zone.empty()) {
    fmt::print("{}\n", text);
  } else {
    fmt::print("; seed list {} of chain {}, until {}\n", options.sequence, spec->name, date_text(*expires));
    fmt::print("{}", seed_zone_text({options.zone, options.ttl, spec->default_port, list.entries, text}));
  }
  return {};
}

HostResult<void> run_seeds_zone(const SeedOptions& options) {
  const auto spec = load_spec(options.chain);
  if (!spec) return std::unexpected(spec.error());
  auto entries = read_entries(options);
  if (!entries) return std::unexpected(entries.error());
  fmt::print("{}", seed_zone_text({options.zone, options.ttl, spec->default_port, std::move(*entries), {}}));
  return {};
}

HostResult<const DnsSeed*> find_seed(const ChainSpec& spec, const std::string& name) {
  for (const auto& seed : spec.dns_seeds) {
    if (name.empty() ? !seed.operators.empty() : seed.name == name) return &seed;
  }
  return failure("the list was not verified",
                 name.empty() ? "the chain spec has no seed with operators" : "the chain spec has no seed " + name,
                 "add [[dns_seeds]] with name, operators and threshold to it");
}

HostResult<SeedList> read_list(const std::string& file) {
  auto content = read_small_file(file, seed_text_bytes_max + 2);
  if (!content) return std::unexpected(content.error());
  while (!content->empty() && (content->back() == '\n' || content->back() == '\r')) content->pop_back();
  auto list = parse_seed_list(*content);
  if (list) return std::move(*list);
  return failure("the list could not be read", list.error().where,
                 "give the text that `lattice seeds sign` printed, unchanged");
}

void print_list(const SeedList& list, const DnsSeed& seed) {
  fmt::print("sequence {}, until {}, {} signatures, {} of {} operators must sign\n", list.sequence, date_text(list.expires),
             list.signatures.size(), seed.threshold, seed.operators.size());
  for (const auto& entry : list.entries) fmt::print("  {}@{}\n", node_id_text(entry.node), entry.endpoint.text());
}

HostResult<void> run_seeds_verify(const SeedOptions& options) {
  const auto spec = load_spec(options.chain);
  if (!spec) return std::unexpected(spec.error());
  const auto seed = find_seed(*spec, options.seed_name);
  if (!seed) return std::unexpected(seed.error());
  const auto list = read_list(options.list_file);
  if (!list) return std::unexpected(list.error());
  print_list(*list, **seed);
  const auto chosen = check_seed_list(*list, spec_chain_id(*spec), (*seed)->operators, (*seed)->threshold, clock_now().wall);
  if (!chosen)
    return failure("the list is not good", fmt::format("{} ({})", error_text(chosen.error().code), chosen.error().where),
                   "sign a new one");
  const auto provider = openssl_provider();
  const auto body = seed_list_body(*list);
  for (const auto index : *chosen) {
    const auto& signature = list->signatures[index];
    if (provider->verify(signature.alg, signature.public_key, as_bytes(seed_list_context), body, signature.signature)) continue;
    return failure("the list is not good",
                   "the signature of operator " + to_hex(operator_hash(signature.public_key)) + " is wrong", "sign a new one");
  }
  fmt::print("good\n");
  return {};
}

void add_entry_options(CLI::App& command, SeedOptions& options) {
  command.add_option("--entry", options.entries, "A seed, NodeID@IP:PORT (repeatable)")->allow_extra_args(false);
  command.add_option("--entries", options.entries_file, "File with one NodeID@IP:PORT a line; - is standard input");
  command.add_option("--ttl", options.ttl, "Seconds that resolvers may keep the records")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
}

const CLI::Validator dns_name_validator(
    [](const std::string& text) { return is_dns_name(text) ? std::string() : text + " is no DNS name"; }, "NAME", "dns_name");

}  // namespace

void add_seeds(Program& program) {
  auto* command = program.app.add_subcommand("seeds", "Sign and check the seed lists that DNS seeds give, write zone lines");
  command->require_subcommand(1);
  const auto options = std::make_shared<SeedOptions>();
  const auto runs = [&program, options](HostResult<void> (*run)(const SeedOptions&)) {
    return [&program, options, run] { program.action = [options, run] { return run(*options); }; };
  };

  auto* keygen = command->add_subcommand("keygen", "Make an operator's key and print its hash for the chain spec");
  keygen->add_option("--out", options->out, "File to make, mode 0600")->required();
  keygen->callback(runs(run_seeds_keygen));

  auto* sign = command->add_subcommand("sign", "Sign a list of seeds; print the TXT text, or zone lines with --zone");
  sign->add_option("--key", options->keys, "An operator's key file (repeatable)")->required()->allow_extra_args(false);
  add_chain_option(*sign, options->chain);
  sign->add_option("--sequence", options->sequence, "Higher than any list signed before: it replaces lower ones")
      ->check(number_in(0, seed_max))
      ->required();
  sign->add_option("--expires", options->expires, "From now on: 12h, 30d; or a date in UTC: 2027-01-31T12:00:00Z")->required();
  sign->add_option("--zone", options->zone, "Print zone lines (A, AAAA, SRV, TXT) for this seed's name")
      ->check(dns_name_validator);
  add_entry_options(*sign, *options);
  sign->callback(runs(run_seeds_sign));

  auto* zone = command->add_subcommand("zone", "Print unsigned zone lines (A, AAAA, SRV) for a list of seeds");
  zone->add_option("NAME", options->zone, "The seed's DNS name")->required()->check(dns_name_validator);
  add_chain_option(*zone, options->chain);
  add_entry_options(*zone, *options);
  zone->callback(runs(run_seeds_zone));

  auto* verify = command->add_subcommand("verify", "Check a signed list as a node would, and print it");
  verify->add_option("FILE", options->list_file, "The TXT text; - is standard input")->required();
  add_chain_option(*verify, options->chain);
  verify->add_option("--seed", options->seed_name, "Which of the spec's DNS seeds; the first with operators otherwise");
  verify->callback(runs(run_seeds_verify));
}

}  // namespace lattice::app

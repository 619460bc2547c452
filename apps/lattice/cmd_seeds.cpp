// lattice seeds: an operator's key, and the signed lists that a chain's DNS seeds give.
#include <algorithm>

#include <fmt/format.h>
#include <lattice/discovery/seed_memory.hpp>

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
  std::vector<std::string> keys, entries, operators, statements;
  uint64_t sequence = 0;
  size_t threshold = 0;
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

std::optional<Digest> parse_hash(const std::string& text) {
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != Digest{}.size()) return std::nullopt;
  Digest hash;
  std::ranges::copy(*bytes, hash.begin());
  return hash;
}

// The statement that other operators sign from now on. Who signs it is checked when it is shown to a node: here only that the keys
// are different.
HostResult<void> run_seeds_operators(const SeedOptions& options) {
  const auto spec = load_spec(options.chain);
  if (!spec) return std::unexpected(spec.error());
  const auto seed = find_seed(*spec, options.seed_name);
  if (!seed) return std::unexpected(seed.error());
  std::vector<Digest> hashes;
  for (const auto& text : options.operators) {
    const auto hash = parse_hash(text);
    if (!hash)
      return failure("the statement was not made", "\"" + text.substr(0, 120) + "\" names no operator",
                     "write the 64 hex digits that `lattice seeds keygen` printed");
    hashes.push_back(*hash);
  }
  OperatorStatement statement{spec_chain_id(*spec),
                              operator_root(make_operator_set((*seed)->operators, (*seed)->threshold)),
                              options.sequence,
                              make_operator_set(hashes, options.threshold),
                              {}};
  if (statement.set.operators.size() != hashes.size() || hashes.size() > operators_max || options.threshold > hashes.size())
    return failure("the statement was not made",
                   fmt::format("{} operators, of which {} must sign", hashes.size(), options.threshold),
                   fmt::format("name each once, {} at most, and no higher --threshold", operators_max));
  const auto provider = openssl_provider();
  for (const auto& file : options.keys) {
    const auto key = load_operator_key(file, *provider);
    if (!key) return std::unexpected(key.error());
    const auto same_key = [&](const SeedSignature& signature) { return equal(signature.public_key, (*key)->public_key()); };
    if (std::ranges::any_of(statement.signatures, same_key))
      return failure("the statement was not signed", file + " is a key that has signed already",
                     "name each operator's key once");
    if (statement.signatures.size() == signing_keys_max)
      return failure("the statement was not signed", "it would not fit into a TXT record", "sign with fewer keys: eight fit");
    Secret<32> entropy;
    provider->rng().fill(entropy.span());
    sign_operator_statement(statement, **key, entropy);
  }
  fmt::print("{}\n", operator_statement_text(statement));
  return {};
}

bool signatures_hold(Provider& provider, const std::vector<SeedSignature>& signatures, const std::vector<size_t>& chosen,
                     std::string_view context, const Bytes& body) {
  return std::ranges::all_of(chosen, [&](size_t index) {
    const auto& signature = signatures[index];
    return provider.verify(signature.alg, signature.public_key, as_bytes(context), body, signature.signature);
  });
}

// Who signs after these statements, in the order given.
HostResult<SeedOperators> follow_statements(const SeedOptions& options, const ChainSpec& spec, const DnsSeed& seed) {
  SeedOperators operators(make_operator_set(seed.operators, seed.threshold));
  const auto provider = openssl_provider();
  for (const auto& file : options.statements) {
    auto text = read_small_file(file, seed_text_bytes_max + 2);
    if (!text) return std::unexpected(text.error());
    while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
    const auto statement = parse_operator_statement(*text);
    if (!statement)
      return failure(file + " could not be read", statement.error().where,
                     "give the text that `lattice seeds operators` printed, unchanged");
    const auto chosen =
        check_operator_statement(*statement, spec_chain_id(spec), operators.root(), operators.set(), operators.statement());
    if (!chosen)
      return failure(file + " is not good", fmt::format("{} ({})", error_text(chosen.error().code), chosen.error().where),
                     "sign it with enough keys of both sides, and give the statements in their order");
    if (!signatures_hold(*provider, statement->signatures, *chosen, operator_set_context, operator_statement_body(*statement)))
      return failure(file + " is not good", "a signature is wrong", "sign a new one");
    operators.on_statement(*statement);
    fmt::print("from {} on {} of {} operators sign\n", statement->sequence, statement->set.threshold,
               statement->set.operators.size());
  }
  return operators;
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

void print_list(const SeedList& list, const OperatorSet& set) {
  fmt::print("sequence {}, until {}, {} signatures, {} of {} operators must sign\n", list.sequence, date_text(list.expires),
             list.signatures.size(), set.threshold, set.operators.size());
  for (const auto& entry : list.entries) fmt::print("  {}@{}\n", node_id_text(entry.node), entry.endpoint.text());
}

HostResult<void> run_seeds_verify(const SeedOptions& options) {
  const auto spec = load_spec(options.chain);
  if (!spec) return std::unexpected(spec.error());
  const auto seed = find_seed(*spec, options.seed_name);
  if (!seed) return std::unexpected(seed.error());
  const auto list = read_list(options.list_file);
  if (!list) return std::unexpected(list.error());
  const auto operators = follow_statements(options, *spec, **seed);
  if (!operators) return std::unexpected(operators.error());
  const OperatorSet& set = operators->set();
  print_list(*list, set);
  const auto chosen =
      check_seed_list(*list, spec_chain_id(*spec), set.operators, set.threshold, clock_now().wall, operators->sequence());
  if (!chosen)
    return failure("the list is not good", fmt::format("{} ({})", error_text(chosen.error().code), chosen.error().where),
                   "sign a new one");
  const auto provider = openssl_provider();
  if (!signatures_hold(*provider, list->signatures, *chosen, seed_list_context, seed_list_body(*list)))
    return failure("the list is not good", "the signature of an operator is wrong", "sign a new one");
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

  auto* operators = command->add_subcommand(
      "operators", "State that other operators sign from now on; print the TXT text, to stand beside the list");
  operators->add_option("--operator", options->operators, "Hash of one who signs from then on (repeatable)")
      ->required()
      ->allow_extra_args(false);
  operators->add_option("--threshold", options->threshold, "How many of them must sign")
      ->check(number_in(1, operators_max))
      ->required();
  operators->add_option("--key", options->keys, "Key file of a present operator, or of a new one: enough of both (repeatable)")
      ->required()
      ->allow_extra_args(false);
  add_chain_option(*operators, options->chain);
  operators->add_option("--seed", options->seed_name, "Which of the spec's DNS seeds; the first with operators otherwise");
  operators
      ->add_option("--sequence", options->sequence,
                   "Above every list and statement signed before: nothing lower counts any more")
      ->check(number_in(1, seed_max))
      ->required();
  operators->callback(runs(run_seeds_operators));

  auto* verify = command->add_subcommand("verify", "Check a signed list as a node would, and print it");
  verify->add_option("FILE", options->list_file, "The TXT text; - is standard input")->required();
  add_chain_option(*verify, options->chain);
  verify->add_option("--seed", options->seed_name, "Which of the spec's DNS seeds; the first with operators otherwise");
  verify
      ->add_option("--statement", options->statements,
                   "File of `seeds operators`: who signs has changed (repeatable, oldest first)")
      ->allow_extra_args(false);
  verify->callback(runs(run_seeds_verify));
}

}  // namespace lattice::app

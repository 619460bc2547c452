// lattice chain-spec: which chains there are, and whether a file describes one.
#include <fmt/format.h>

#include "load_spec.hpp"
#include "presets.hpp"
#include "program.hpp"
#include "spec_chain.hpp"

namespace lattice::app {

static HostResult<void> list_specs() {
  fmt::print("{:<16} {:<16} {:>6}  {:<8}  {}\n", "NAME", "RULES", "PORT", "MAGIC", "DNS SEEDS");
  for (const auto& spec : presets()) {
    std::string seeds;
    for (const auto& seed : spec.dns_seeds) seeds += (seeds.empty() ? "" : ", ") + seed.name;
    fmt::print("{:<16} {:<16} {:>6}  {:<8}  {}\n", spec.name, rules_name(spec.rules), spec.default_port, to_hex(spec.magic),
               seeds.empty() ? "none" : seeds);
  }
  return {};
}

static HostResult<void> show_spec(const std::string& name) {
  const auto spec = load_spec(name);
  if (!spec) return std::unexpected(spec.error());
  fmt::print("# chain id: {}\n{}", to_hex(spec_chain_id(*spec).view()), chain_spec_text(*spec));
  return {};
}

static HostResult<void> check_spec(const std::string& name) {
  const auto spec = load_spec(name);
  if (!spec) return std::unexpected(spec.error());
  fmt::print("{}: good. Chain \"{}\"{}, id {}\n", name, spec->name, spec->is_preset ? " (built in)" : "",
             to_hex(spec_chain_id(*spec).view()));
  return {};
}

void add_chain_spec(Program& program) {
  auto* command = program.app.add_subcommand("chain-spec", "List the built-in chains, show one as TOML, check a file");
  command->require_subcommand(1);
  const auto name = std::make_shared<std::string>();
  auto* list = command->add_subcommand("list", "The built-in presets");
  list->callback([&program] { program.action = list_specs; });
  auto* show = command->add_subcommand("show", "A preset or file as TOML, with every value written out");
  show->add_option("SPEC", *name, "Preset's name or file")->required();
  show->callback([&program, name] { program.action = [name] { return show_spec(*name); }; });
  auto* check = command->add_subcommand("check", "Say whether a file is a valid chain spec; else where and why it is not");
  check->add_option("FILE", *name, "File or preset's name")->required();
  check->callback([&program, name] { program.action = [name] { return check_spec(*name); }; });
}

}  // namespace lattice::app

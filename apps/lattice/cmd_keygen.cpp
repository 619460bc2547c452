// lattice keygen: who this node is.
#include <fmt/format.h>

#include "data_folder.hpp"
#include "program.hpp"

namespace lattice::app {

static HostResult<void> run_keygen(const std::string& data) {
  const auto provider = openssl_provider();
  const auto identity = load_identity(*provider, data);
  if (!identity) return std::unexpected(identity.error());
  fmt::print("{}\n", node_id_text((*identity)->id));
  return {};
}

void add_keygen(Program& program) {
  auto* command = program.app.add_subcommand("keygen", "Make the node's key where there is none, and print its NodeID");
  const auto data = std::make_shared<std::string>(default_data_folder());
  command->add_option("--data", *data, "Folder of the node: the key is DATA/node.key, mode 0600")->capture_default_str();
  command->callback([&program, data] { program.action = [data] { return run_keygen(*data); }; });
}

}  // namespace lattice::app

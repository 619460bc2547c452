// lattice import: blocks from a file, checked and stored as if peers had given them. Also what a sync is measured against.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include <unistd.h>

#include <fmt/format.h>
#include <lattice/chains/bitcoin/blk_file.hpp>
#include <nlohmann/json.hpp>

#include "block_import.hpp"
#include "data_folder.hpp"
#include "files.hpp"
#include "load_spec.hpp"
#include "program.hpp"
#include "spec_chain.hpp"

namespace lattice::app {

namespace {

struct ImportOptions {
  std::string file, chain, data = default_data_folder(), report;
  bool in_memory = false;
};

HostError file_error(const std::string& file, std::string why) {
  return {"the file " + file + " could not be read", std::move(why),
          "give a file of blocks in blk format: magic, length, block"};
}

HostResult<ByteArray<4>> find_magic(std::FILE* file, const std::string& name, const ChainSpec& spec) {
  ByteArray<4> magic{};
  if (std::fread(magic.data(), 1, magic.size(), file) != magic.size()) {
    return std::unexpected(file_error(name, std::ferror(file) ? std::strerror(errno) : "it is empty"));
  }
  const auto [own, usual] = file_magics(spec);
  if (magic == own || magic == usual) return magic;
  const auto known = own == usual ? to_hex(usual) : to_hex(own) + " or " + to_hex(usual);
  return std::unexpected(
      file_error(name, fmt::format("it begins with {}, and the magic of chain {} is {}", to_hex(magic), spec.name, known)));
}

HostResult<void> import_all(std::FILE* file, const ImportOptions& options, ByteArray<4> magic, size_t block_bytes_max,
                            BlockImporter& importer) {
  // The magic has been read already, and a pipe cannot be rewound.
  bitcoin::BlkReader reader(magic, block_bytes_max, [file, first = ByteView(magic)](ByteSpan out) mutable -> Result<size_t> {
    const size_t given = std::min(out.size(), first.size());
    std::ranges::copy(first.first(given), out.begin());
    first = first.subspan(given);
    const size_t count = given + std::fread(out.data() + given, 1, out.size() - given, file);
    if (count < out.size() && std::ferror(file)) return fail(ErrorCode::store_failed, "read");
    return count;
  });
  for (;;) {
    auto block = reader.next();
    if (!block) {
      if (auto stored = importer.flush(); !stored) return stored;
      return std::unexpected(file_error(options.file, fmt::format("after {} bytes: {} ({})", reader.bytes_read(),
                                                                  error_text(block.error().code), block.error().where)));
    }
    if (!*block) return importer.flush();
    if (auto added = importer.add(std::move(**block)); !added) return added;
  }
}

std::string report_json(const ImportOptions& options, const ChainSpec& spec, const BlockImporter& importer, double seconds) {
  const double rate = seconds > 0 ? 1 / seconds : 0;
  const nlohmann::ordered_json report{
      {"chain", spec.name},
      {"file", options.file},
      {"in_memory", options.in_memory},
      {"tip", bitcoin::display(importer.tip().block.hash)},
      {"height", importer.tip().block.height},
      {"seconds", seconds},
      {"blocks", importer.blocks()},
      {"bytes", importer.bytes()},
      {"blocks_per_second", static_cast<double>(importer.blocks()) * rate},
      {"bytes_per_second", static_cast<double>(importer.bytes()) * rate},
  };
  return report.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

HostResult<void> run_import(const ImportOptions& options) {
  const auto spec = load_spec(options.chain);
  if (!spec) return std::unexpected(spec.error());
  const OpenFile file(options.file == "-" ? ::fdopen(::dup(STDIN_FILENO), "rb") : std::fopen(options.file.c_str(), "rb"));
  if (!file) return std::unexpected(file_error(options.file, std::strerror(errno)));
  const auto magic = find_magic(file.get(), options.file, *spec);
  if (!magic) return std::unexpected(magic.error());
  const auto store = open_store(*spec, options.data, options.in_memory);
  if (!store) return std::unexpected(store.error());
  const auto provider = openssl_provider();
  const auto made = make_spec_chain(*spec, provider->rng());
  if (!made)
    return failure("the chain could not be made", fmt::format("{} ({})", error_text(made.error().code), made.error().where),
                   "check [trusted_header] of the chain spec");
  BlockImporter importer(*made->chain, **store,
                         spec->trusted_header ? spec->trusted_header->hash : bitcoin::hash_header(spec->genesis), clock_now);
  if (auto loaded = importer.load(); !loaded) return loaded;

  const auto start = std::chrono::steady_clock::now();
  const auto imported = import_all(file.get(), options, *magic, made->chain->identity().block_bytes_max, importer);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{} blocks, {:.1f} MB in {:.2f} s: {:.0f} blocks/s, {:.1f} MB/s\ntip {} {}\n", importer.blocks(),
             static_cast<double>(importer.bytes()) / 1e6, seconds,
             static_cast<double>(importer.blocks()) / std::max(seconds, 1e-9),
             static_cast<double>(importer.bytes()) / 1e6 / std::max(seconds, 1e-9), importer.tip().block.height,
             bitcoin::display(importer.tip().block.hash));
  if (!imported) return imported;
  if (options.report.empty()) return {};
  return write_file_atomically(options.report, report_json(options, *spec, importer, seconds));
}

}  // namespace

void add_import(Program& program) {
  auto* command =
      program.app.add_subcommand("import", "Check and store the blocks of a file; goes on where an earlier import ended");
  const auto options = std::make_shared<ImportOptions>();
  command
      ->add_option("FILE", options->file,
                   "Blocks in blk format, parents before children; the genesis may come first; - reads standard input")
      ->required();
  add_chain_option(*command, options->chain);
  command->add_option("--data", options->data, "Folder of the node")->capture_default_str();
  command->add_flag("--in-memory", options->in_memory, "Keep nothing: for measurements");
  command->add_option("--report", options->report, "Write seconds, blocks and bytes a second, and the tip to this file (JSON)");
  command->footer(not_checked_text);
  command->callback([&program, options] { program.action = [options] { return run_import(*options); }; });
}

}  // namespace lattice::app

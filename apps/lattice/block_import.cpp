#include "block_import.hpp"

#include <fmt/format.h>
#include <lattice/chains/bitcoin/primitives.hpp>

namespace lattice::app {

static HostError import_error(uint64_t number, ByteView block, const Error& error) {
  const auto hash = block.size() >= bitcoin::header_bytes ? bitcoin::display(bitcoin::hash_header(block)) : std::string("none");
  HostError out{fmt::format("block {} of the file ({}) was refused", number, hash),
                fmt::format("{} ({}: {})", error_text(error.code), error_name(error.code), error.where),
                {}};
  switch (error.code) {
    case ErrorCode::unconnected_header:
    case ErrorCode::unknown_parent:
      out.advice = "the file must hold parents before their children and begin where the chain in --data ends or before";
      break;
    case ErrorCode::low_work:
      out.advice = "the chain spec asks for more work than this file's chain has: give a spec without least_work";
      break;
    case ErrorCode::store_failed: out.advice = "check the disk of the --data folder"; break;
    default: out.advice = "the blocks before it are stored; get the file from another source"; break;
  }
  return out;
}

BlockImporter::BlockImporter(Chain& chain, Store& store, BlockHash start, std::function<Now()> now)
    : chain_(chain), store_(store), start_(start), now_(std::move(now)) {}

ChainEvents BlockImporter::apply(const ChainCommand& command) {
  auto events = chain_.apply(command, store_, now_());
  for (const auto& event : events) {
    if (const auto* tip = std::get_if<TipChanged>(&event)) tip_ = tip->tip;
    if (const auto* failed = std::get_if<ChainFailed>(&event)) {
      failed_ = true;
      failure_ = failed->error;
    }
  }
  return events;
}

HostResult<void> BlockImporter::load() {
  apply(LoadChain{});
  if (!failed_) return {};
  return std::unexpected(HostError{"the chain in the --data folder could not be read",
                                   fmt::format("{} ({})", error_text(failure_.code), failure_.where),
                                   failure_.code == ErrorCode::store_failed
                                       ? "check the disk, then move the folder chains away and start again, which syncs anew"
                                       : "give the chain spec it was made with, or another folder"});
}

HostResult<void> BlockImporter::add(Bytes block) {
  if (block.size() < bitcoin::header_bytes) {
    return std::unexpected(import_error(blocks_ + batch_.size(), block, {ErrorCode::bad_block, "shorter than a header"}));
  }
  batch_bytes_ += block.size();
  batch_.push_back(std::move(block));
  if (batch_.size() < import_batch_blocks && batch_bytes_ < import_batch_bytes) return {};
  return flush();
}

// How many of the batch's headers are good, and what is wrong with the next.
size_t BlockImporter::valid_headers(Error& error) {
  SubmitHeaders command{next_request(), {}};
  for (const auto& block : batch_) {
    const auto header = ByteView(block).first(bitcoin::header_bytes);
    if (bitcoin::hash_header(header) != start_) command.headers.push_back(to_bytes(header));
  }
  const size_t skipped = batch_.size() - command.headers.size();
  if (command.headers.empty()) return batch_.size();
  for (const auto& event : apply(command)) {
    const auto* verdict = std::get_if<HeadersVerdict>(&event);
    if (!verdict) continue;
    error = verdict->error;
    if (error.code == ErrorCode::none) return batch_.size();
    for (size_t i = 0; i < batch_.size(); ++i) {
      if (bitcoin::hash_header(batch_[i]) == verdict->last.hash) return i + 1;
    }
  }
  return skipped;
}

HostResult<void> BlockImporter::store_block(Bytes block) {
  const size_t size = block.size();
  const SharedBytes shared(std::move(block));
  Error error;
  if (bitcoin::hash_header(shared.view()) != start_) {
    for (const auto& event : apply(SubmitBlock{next_request(), shared})) {
      if (const auto* verdict = std::get_if<BlockVerdict>(&event)) error = verdict->error;
    }
  }
  if (failed_) error = failure_;
  if (error.code != ErrorCode::none) return std::unexpected(import_error(blocks_, shared.view(), error));
  ++blocks_;
  bytes_ += size;
  return {};
}

HostResult<void> BlockImporter::flush() {
  if (batch_.empty()) return {};
  Error error;
  const size_t good = valid_headers(error);
  if (failed_) error = failure_;
  for (size_t i = 0; i < good && !failed_; ++i) {
    if (auto stored = store_block(std::move(batch_[i])); !stored) return stored;
  }
  if (error.code != ErrorCode::none)
    return std::unexpected(import_error(blocks_, batch_[std::min(good, batch_.size() - 1)], error));
  batch_.clear();
  batch_bytes_ = 0;
  return {};
}

}  // namespace lattice::app

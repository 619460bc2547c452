#include <lattice/sim/line_chain.hpp>

#include <algorithm>

#include <lattice/node/recent.hpp>
#include <lattice/sim/modelled_mix.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::sim {

constexpr uint64_t domain_header = 0x11e1, domain_body = 0x11e2;
constexpr size_t heard_max = 8192;

template <class Digest>
static Digest digest(uint64_t domain, ByteView bytes) {
  Digest out{};
  Mix(domain).part(bytes).fill(out);
  return out;
}
static BlockHash header_hash(ByteView header) { return {digest<ByteArray<32>>(domain_header, header)}; }

BlockRef line_genesis() { return {header_hash(Bytes(line_header_bytes)), 0}; }

LineBlock make_line_block(const BlockRef& parent, ByteView body) {
  Bytes header = to_bytes(parent.hash.view());
  append(header, digest<ByteArray<32>>(domain_body, body));
  Bytes block = header;
  append(block, body);
  return {{header_hash(header), parent.height + 1}, header, SharedBytes(std::move(block))};
}

namespace {

class LineChain final : public Chain {
 public:
  explicit LineChain(LineChainOptions options) : options_(std::move(options)) {
    const BlockHash genesis = line_genesis().hash;
    identity_ = {ChainId{genesis.bytes}, genesis, options_.block_bytes_max};
    line_.push_back({genesis, Bytes(line_header_bytes), true});
    height_of_[genesis] = 0;
  }
  const ChainIdentity& identity() const override { return identity_; }
  ChainEvents apply(const ChainCommand& command, Store& store, Now now) override {
    ChainEvents events;
    const bool kept = std::visit([&](const auto& one) { return on(one, store, now, events); }, command);
    if (!kept) events.assign(1, ChainFailed{{ErrorCode::store_failed, "line chain"}});
    return events;
  }

 private:
  struct Row {
    BlockHash hash;
    Bytes header;
    bool body = false;
  };

  // Each is false where the store is gone.
  bool on(const LoadChain&, Store& store, Now, ChainEvents& events) {
    const auto take = [&](ByteView, ByteView header) {
      take_header(header);
      return true;
    };
    if (!store.scan(Column::headers, take)) return false;
    for (Row& row : line_) {
      const auto body = store.read(Column::bodies, row.hash.view());
      if (!body) return false;
      row.body = row.body || body->has_value();
    }
    while (tip_ + 1 < line_.size() && line_[tip_ + 1].body) ++tip_;
    events.push_back(best_changed(0));
    events.push_back(TipChanged{at(tip_), 0});
    return true;
  }

  bool on(const SubmitHeaders& command, Store& store, Now, ChainEvents& events) {
    HeadersVerdict verdict{command.request, {}, 0, {}};
    const uint64_t before = line_.size() - 1;
    Batch batch;
    if (!options_.silent) {
      for (const auto& header : command.headers) {
        const uint64_t known = line_.size();
        const auto taken = take_header(header);
        if (!taken) {
          verdict.error = taken.error();
          break;
        }
        verdict.last = *taken;
        if (line_.size() == known) continue;
        ++verdict.accepted;
        batch.puts.push_back({Column::headers, wire::Writer().u64(taken->height).take(), SharedBytes(header)});
      }
    }
    if (!batch.empty() && !store.commit(batch)) return false;
    events.push_back(verdict);
    if (line_.size() - 1 > before) events.push_back(best_changed(before));
    return true;
  }

  bool on(const SubmitBlock& command, Store& store, Now now, ChainEvents& events) {
    BlockVerdict verdict{command.request, {}, {}};
    const ByteView bytes = command.block.view();
    Row* row = nullptr;
    if (bytes.size() < line_header_bytes || bytes.size() > options_.block_bytes_max) {
      verdict.error = {ErrorCode::bad_block, "line chain: size"};
    } else {
      verdict.block = header_hash(bytes.first(line_header_bytes));
      const auto known = height_of_.find(verdict.block);
      if (known != height_of_.end()) {
        row = &line_[known->second];
      } else if (!options_.silent) {
        verdict.error = {ErrorCode::unknown_parent, "line chain: block"};
      }
    }
    const uint64_t tip_before = tip_;
    if (row && !row->body) {
      const auto body_digest = digest<ByteArray<32>>(domain_body, bytes.subspan(line_header_bytes));
      if (!equal(body_digest, bytes.subspan(32, 32))) {
        verdict.error = {ErrorCode::bad_merkle_root, "line chain: body"};
      } else if (!keep(*row, command.block, store, now)) {
        return false;
      }
    }
    events.push_back(verdict);
    if (tip_ != tip_before) events.push_back(TipChanged{at(tip_), tip_before});
    return true;
  }

  bool on(const SubmitConsensus& command, Store&, Now now, ChainEvents& events) {
    const bool fresh = first_time(command.message, now);
    events.push_back(ConsensusVerdict{command.request, {}, fresh && !options_.silent});
    return true;
  }

  bool on(const FindHeaders& command, Store&, Now, ChainEvents& events) {
    HeadersFound found{command.request, {}};
    uint64_t height = 1;
    for (const auto& hash : command.locator) {
      const auto known = height_of_.find(hash);
      if (known == height_of_.end()) continue;
      height = known->second + 1;
      break;
    }
    size_t bytes = 0;
    for (; height < line_.size() && found.headers.size() < command.count_max; ++height) {
      bytes += line_header_bytes;
      if (bytes > command.bytes_max) break;
      found.headers.push_back(line_[height].header);
      if (line_[height].hash == command.stop) break;
    }
    events.push_back(std::move(found));
    return true;
  }

  bool on(const FindMissing& command, Store&, Now, ChainEvents& events) {
    MissingFound found{command.request, {}};
    for (uint64_t height = std::max(command.above, tip_) + 1; height < line_.size() && found.blocks.size() < command.count_max;
         ++height) {
      if (!line_[height].body) found.blocks.push_back({line_[height].hash, height});
    }
    events.push_back(std::move(found));
    return true;
  }

  bool on(const ChainTick&, Store&, Now now, ChainEvents& events) {
    for (; !options_.outbox->empty(); options_.outbox->pop_front()) {
      first_time(options_.outbox->front(), now);
      events.push_back(PublishConsensus{options_.outbox->front()});
    }
    return true;
  }

  bool first_time(const SharedBytes& message, Now now) {
    const Mix mix = Mix(domain_body).part(message.view());
    if (!heard_.insert({mix.first(), mix.second()})) return false;
    if (options_.on_message) options_.on_message(message.view(), now.mono);
    return true;
  }

  Result<BlockRef> take_header(ByteView header) {
    if (header.size() != line_header_bytes) return fail(ErrorCode::bad_header, "line chain: size");
    const BlockHash hash = header_hash(header);
    if (const auto known = height_of_.find(hash); known != height_of_.end()) return BlockRef{hash, known->second};
    if (!equal(line_.back().hash.view(), header.first(32))) return fail(ErrorCode::unconnected_header, "line chain: parent");
    height_of_[hash] = line_.size();
    line_.push_back({hash, to_bytes(header), false});
    return BlockRef{hash, line_.size() - 1};
  }

  bool keep(Row& row, const SharedBytes& block, Store& store, Now now) {
    Batch batch;
    batch.puts.push_back({Column::bodies, to_bytes(row.hash.view()), options_.bodies->keep(row.hash, block)});
    if (!store.commit(batch)) return false;
    row.body = true;
    if (options_.on_block) options_.on_block(row.hash, now.mono);
    while (tip_ + 1 < line_.size() && line_[tip_ + 1].body) ++tip_;
    return true;
  }

  Tip at(uint64_t height) const { return {{line_[height].hash, height}, wire::Writer().u64(height).take()}; }
  BestHeaderChanged best_changed(uint64_t fork) const {
    BestHeaderChanged event{at(line_.size() - 1), {}, fork};
    for (uint64_t height = line_.size() - 1, step = 1; height > 0; height -= std::min(height, step)) {
      event.locator.push_back(line_[height].hash);
      if (event.locator.size() > 10) step *= 2;
    }
    event.locator.push_back(line_[0].hash);
    return event;
  }

  LineChainOptions options_;
  ChainIdentity identity_;
  std::vector<Row> line_;  // by height
  std::unordered_map<BlockHash, uint64_t> height_of_;
  uint64_t tip_ = 0;  // up to here every body is here
  Recent<std::pair<uint64_t, uint64_t>> heard_{heard_max};
};

}  // namespace

std::unique_ptr<Chain> line_chain(LineChainOptions options) { return std::make_unique<LineChain>(std::move(options)); }

}  // namespace lattice::sim

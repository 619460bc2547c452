#include <lattice/chains/bitcoin/chain.hpp>

#include <unordered_map>

#include <lattice/base/assert.hpp>
#include <lattice/chains/bitcoin/chain_store.hpp>
#include <lattice/chains/bitcoin/check_block.hpp>
#include <lattice/chains/bitcoin/header_presync.hpp>
#include <lattice/chains/bitcoin/header_tree.hpp>

namespace lattice::bitcoin {

namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

class BitcoinChain final : public Chain {
 public:
  explicit BitcoinChain(ChainOptions options);

  const ChainIdentity& identity() const override { return identity_; }
  ChainEvents apply(const ChainCommand& command, Store& store, Now now) override;

 private:
  // What one command does: what it writes, and how things stood before.
  struct Change {
    Batch batch;
    HeaderNumber best_before = no_header, tip_before = no_header;
  };

  void load(Store& store, ChainEvents& events);
  Result<void> load_headers(const Store& store);
  Result<void> restore_tip(const Store& store);
  void accept_headers(const std::vector<Bytes>& headers, Now now, HeadersVerdict& verdict);
  void submit_headers(const SubmitHeaders& command, Store& store, Now now, ChainEvents& events);
  void submit_block(const SubmitBlock& command, Store& store, Now now, ChainEvents& events);
  Error take_block(const SharedBytes& block, Change& change, Now now);
  MissingFound find_missing(const FindMissing& command) const;

  Change begin();
  bool finish(Change& change, Store& store, ChainEvents& events);
  void put_branch(HeaderNumber number, Batch& batch);
  void put_entry(HeaderNumber number, Batch& batch);
  bool wants_body(HeaderNumber number) const;
  void add_body(HeaderNumber number);
  void complete_from(HeaderNumber number);
  void collect_waiting();
  void advance_missing();
  BestHeaderChanged best_event(HeaderNumber before) const;
  TipChanged tip_event(HeaderNumber before) const;

  HeaderIndex& index() { return tree_->index(); }
  const HeaderIndex& index() const { return tree_->index(); }

  ChainOptions options_;
  ChainIdentity identity_;
  std::optional<HeaderTree> tree_;
  HeaderPresync presync_{options_};
  HeaderNumber tip_ = 0;
  // Bodies whose parents' bodies are not all here, by parent.
  std::unordered_multimap<HeaderNumber, HeaderNumber> waiting_;
  uint32_t missing_height_ = 0;  // all bodies of the best header chain below this height are here
  bool usable_ = false;          // loaded, and the store has not failed
};

BitcoinChain::BitcoinChain(ChainOptions options) : options_(std::move(options)) {
  identity_ = {options_.id, hash_of(options_.rules->genesis), options_.block_bytes_max};
  tree_.emplace(options_);
}

// ---- loading

void BitcoinChain::load(Store& store, ChainEvents& events) {
  usable_ = false;
  tree_.emplace(options_);
  presync_.clear();
  tip_ = tree_->start();
  waiting_.clear();
  const HeaderEntry& start = index()[tip_];
  missing_height_ = start.height + 1;
  Result<void> done = claim_store(store, options_.id, start.height, start.hash);
  if (done) done = load_headers(store);
  if (done) done = restore_tip(store);
  if (!done) {
    events.push_back(ChainFailed{done.error()});
    return;
  }
  usable_ = true;
  tree_->move_best();
  collect_waiting();
  advance_missing();
  events.push_back(best_event(tree_->start()));
  events.push_back(tip_event(tree_->start()));
}

// Keys begin with the height, so that parents come before children.
Result<void> BitcoinChain::load_headers(const Store& store) {
  Result<void> result;
  const auto scanned = store.scan(Column::headers, [&](ByteView key, ByteView value) {
    const auto stored = read_stored_header(key, value);
    if (!stored) {
      result = std::unexpected(stored.error());
      return false;
    }
    const auto number = tree_->restore(stored->header, stored->hash, stored->height, stored->body_invalid);
    if (!number) {
      result = std::unexpected(number.error());
      return false;
    }
    HeaderEntry& entry = index()[*number];
    entry.has_body = stored->has_body;
    entry.complete = stored->has_body && index()[entry.parent].complete;
    if (entry.complete && entry.work > index()[tip_].work) tip_ = *number;
    return true;
  });
  if (!scanned) return scanned;
  return result;
}

// Of equal branches the one that was the tip stays it: "first seen" outlives the process.
Result<void> BitcoinChain::restore_tip(const Store& store) {
  TRY(hash, read_tip(store));
  if (!hash) return {};
  const HeaderNumber number = index().find(*hash);
  if (number == no_header || !index()[number].complete) return fail(ErrorCode::store_failed, "the stored tip has no chain");
  if (index()[number].work == index()[tip_].work) tip_ = number;
  tree_->prefer(number);
  return {};
}

// ---- one command

BitcoinChain::Change BitcoinChain::begin() {
  if (tree_->too_many_side_headers()) {
    const auto renumbered = tree_->forget_side_headers();
    tip_ = renumbered[tip_];
    collect_waiting();
  }
  return {{}, tree_->best(), tip_};
}

// Settles the best header chain, writes, and says what changed. False: the store has failed.
bool BitcoinChain::finish(Change& change, Store& store, ChainEvents& events) {
  tree_->move_best();
  const bool best_changed = tree_->best() != change.best_before;
  const bool tip_changed = tip_ != change.tip_before;
  put_branch(tree_->best(), change.batch);
  if (tip_changed) change.batch.puts.push_back(put_tip(index()[tip_].hash));
  if (!change.batch.empty()) {
    if (const auto done = store.commit(change.batch); !done) {
      usable_ = false;
      events.push_back(ChainFailed{done.error()});
      return false;
    }
  }
  if (best_changed) {
    BestHeaderChanged event = best_event(change.best_before);
    missing_height_ = std::min(missing_height_, static_cast<uint32_t>(event.fork_height) + 1);
    events.push_back(std::move(event));
  }
  advance_missing();
  if (tip_changed) events.push_back(tip_event(change.tip_before));
  return true;
}

void BitcoinChain::put_entry(HeaderNumber number, Batch& batch) {
  const HeaderEntry& entry = index()[number];
  batch.puts.push_back(put_header({entry.height, entry.hash, index().header(number), entry.has_body, entry.body_invalid}));
  tree_->mark_stored(number);
}

// `number` and its ancestors, as far as they are not in the store: what is there has its parent there too.
void BitcoinChain::put_branch(HeaderNumber number, Batch& batch) {
  for (; !index()[number].stored; number = index()[number].parent) put_entry(number, batch);
}

BestHeaderChanged BitcoinChain::best_event(HeaderNumber before) const {
  const HeaderNumber best = tree_->best();
  return {tree_->tip_of(best), tree_->locator(), index()[index().fork_of(before, best)].height};
}

TipChanged BitcoinChain::tip_event(HeaderNumber before) const {
  return {tree_->tip_of(tip_), index()[index().fork_of(before, tip_)].height};
}

void BitcoinChain::accept_headers(const std::vector<Bytes>& headers, Now now, HeadersVerdict& verdict) {
  for (const Bytes& wire : headers) {
    const auto accepted = tree_->accept(wire, now.wall);
    if (!accepted) {
      verdict.error = accepted.error();
      return;
    }
    verdict.accepted += accepted->added ? 1 : 0;
    verdict.last = tree_->tip_of(accepted->number).block;
  }
}

void BitcoinChain::submit_headers(const SubmitHeaders& command, Store& store, Now now, ChainEvents& events) {
  Change change = begin();
  HeadersVerdict verdict{command.request, {}, 0, {}};
  if (command.source != 0 && presync_.takes(command.source, command.headers, *tree_)) {
    const auto step = presync_.on_headers(command.source, command.headers, *tree_, now.wall);
    accept_headers(step.release, now, verdict);
    if (verdict.error.code == ErrorCode::none) verdict.error = step.error;
    verdict.last = step.last;
    verdict.again = step.again;
  } else {
    presync_.forget(command.source);
    accept_headers(command.headers, now, verdict);
  }
  if (!finish(change, store, events)) verdict.error = {ErrorCode::store_failed, "headers"};
  events.push_back(verdict);
}

// ---- bodies

void BitcoinChain::submit_block(const SubmitBlock& command, Store& store, Now now, ChainEvents& events) {
  BlockVerdict verdict{command.request, {}, {}};
  if (command.block.size() >= header_bytes) verdict.block = hash_header(command.block.view());
  Change change = begin();
  verdict.error = take_block(command.block, change, now);
  if (!finish(change, store, events)) verdict.error = {ErrorCode::store_failed, "block"};
  events.push_back(verdict);
}

Error BitcoinChain::take_block(const SharedBytes& block, Change& change, Now now) {
  const ByteView bytes = block.view();
  if (bytes.size() > options_.block_bytes_max) return {ErrorCode::block_too_large, "block size"};
  if (bytes.size() < header_bytes) return {ErrorCode::truncated, "block header"};
  const auto accepted = tree_->accept(bytes.first(header_bytes), now.wall);
  if (!accepted) {
    if (accepted.error().code == ErrorCode::unconnected_header) return {ErrorCode::unknown_parent, "block"};
    return accepted.error();
  }
  const HeaderNumber number = accepted->number;
  if (index()[number].has_body) return {};
  tree_->move_best();
  if (!wants_body(number)) return {ErrorCode::low_work, "a block off the best chain"};

  if (const auto fault = check_block(*options_.rules, bytes, index()[number].height)) {
    if (fault->permanent) {
      tree_->invalidate(number);
      if (index()[number].stored) put_entry(number, change.batch);
    }
    return fault->error;
  }
  add_body(number);
  put_branch(index()[number].parent, change.batch);
  put_entry(number, change.batch);
  change.batch.puts.push_back(put_body(index()[number].hash, block));
  return {};
}

// A body costs disk, so its header must have cost work: it is on a chain with the least work, or beside its newest part.
bool BitcoinChain::wants_body(HeaderNumber number) const {
  if (!tree_->best_is_enough()) return false;
  return tree_->on_best(number) || index()[number].height + side_depth_max >= index()[tree_->best()].height;
}

void BitcoinChain::add_body(HeaderNumber number) {
  HeaderEntry& entry = index()[number];
  entry.has_body = true;
  if (index()[entry.parent].complete) {
    complete_from(number);
  } else {
    waiting_.emplace(entry.parent, number);
  }
}

// `number` stands on bodies down to the start now, and so do those that waited for it.
void BitcoinChain::complete_from(HeaderNumber number) {
  std::vector<HeaderNumber> ready{number};
  while (!ready.empty()) {
    const HeaderNumber next = ready.back();
    ready.pop_back();
    index()[next].complete = true;
    if (index()[next].work > index()[tip_].work) tip_ = next;
    const auto [first, last] = waiting_.equal_range(next);
    for (auto child = first; child != last; ++child) ready.push_back(child->second);
    waiting_.erase(first, last);
  }
}

void BitcoinChain::collect_waiting() {
  waiting_.clear();
  for (HeaderNumber number = 1; number < index().size(); ++number) {
    const HeaderEntry& entry = index()[number];
    if (entry.has_body && !entry.complete) waiting_.emplace(entry.parent, number);
  }
}

void BitcoinChain::advance_missing() {
  const uint32_t best_height = index()[tree_->best()].height;
  while (missing_height_ <= best_height && index()[tree_->at(missing_height_)].has_body) ++missing_height_;
}

// Above `missing_height_` only the download's window is looked through.
MissingFound BitcoinChain::find_missing(const FindMissing& command) const {
  MissingFound found{command.request, {}};
  const uint64_t best_height = index()[tree_->best()].height;
  uint64_t height = missing_height_;
  if (command.above >= height) height = command.above < best_height ? command.above + 1 : best_height + 1;
  for (; height <= best_height && found.blocks.size() < command.count_max; ++height) {
    const HeaderEntry& entry = index()[tree_->at(static_cast<uint32_t>(height))];
    if (!entry.has_body) found.blocks.push_back({entry.hash, entry.height});
  }
  return found;
}

ChainEvents BitcoinChain::apply(const ChainCommand& command, Store& store, Now now) {
  ChainEvents events;
  const Error unusable{ErrorCode::store_failed, "the chain is not loaded"};
  std::visit(Overloaded{
                 [&](const LoadChain&) { load(store, events); },
                 [&](const SubmitHeaders& c) {
                   if (usable_) return submit_headers(c, store, now, events);
                   events.push_back(HeadersVerdict{c.request, unusable, 0, {}});
                 },
                 [&](const SubmitBlock& c) {
                   if (usable_) return submit_block(c, store, now, events);
                   events.push_back(BlockVerdict{c.request, {}, unusable});
                 },
                 // Proof of work has no messages beside its headers.
                 [&](const SubmitConsensus& c) {
                   events.push_back(ConsensusVerdict{c.request, {ErrorCode::unexpected_message, "bitcoin consensus"}, false});
                 },
                 [&](const FindHeaders& c) { events.push_back(HeadersFound{c.request, tree_->find_headers(c)}); },
                 [&](const FindMissing& c) { events.push_back(find_missing(c)); },
                 [&](const ChainTick&) {},
             },
             command);
  return events;
}

}  // namespace

Result<std::unique_ptr<Chain>> make_chain(ChainOptions options) {
  if (options.rules == nullptr) return fail(ErrorCode::bad_value, "no rules");
  if (options.start) {
    if (options.start->height > height_max) return fail(ErrorCode::bad_value, "height of the trusted header");
    const auto target = target_from_bits(options.start->bits);
    const auto limit = target_from_bits(options.rules->pow_limit_bits);
    if (!target || !limit || *target > *limit) return fail(ErrorCode::bad_value, "bits of the trusted header");
  }
  std::unique_ptr<Chain> chain = std::make_unique<BitcoinChain>(std::move(options));
  return chain;
}

}  // namespace lattice::bitcoin

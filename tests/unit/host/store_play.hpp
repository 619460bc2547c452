// A small chain played into a store, step by step, and what the store must hold after each step: what the tests of crashes and
// failing disks compare with.
#pragma once

#include <functional>
#include <set>

#include <lattice/crypto/hash.hpp>
#include <lattice/host/rocks_store.hpp>

#include "../bitcoin/support.hpp"
#include "fault_file_system.hpp"

namespace lattice::test {

using bitcoin::test::Driver;

// Everything in the store.
inline Result<Digest> digest_of(const Store& store) {
  Bytes all;
  for (const Column column : {Column::meta, Column::headers, Column::bodies, Column::peers}) {
    TRY_VOID(store.scan(column, [&](ByteView key, ByteView value) {
      for (const ByteView part : {key, value}) {
        for (size_t rest = part.size(), i = 0; i < 4; ++i, rest >>= 8) all.push_back(static_cast<uint8_t>(rest));
        append(all, part);
      }
      return true;
    }));
    all.push_back(0xff);
  }
  return blake2s(all);
}

// Two branches, the second of which wins; bodies partly out of order, large ones (in blob files) and small ones (beside their
// keys); once in the middle a flush.
class Play {
 public:
  static constexpr uint32_t first_blocks = 60, second_blocks = 66;
  static constexpr size_t first_bytes = 5000, second_bytes = 900;
  static constexpr size_t flush_step = 1 + 1 + 24 + 1 + 20 + 1;  // load, headers, bodies, headers, bodies, flush

  Play() {
    first_ = bitcoin::test::made(first_blocks, 1, first_bytes);
    second_ = bitcoin::test::made(second_blocks, 2, second_bytes);
    MemoryStore model;
    after_.push_back(*digest_of(model));
    run(model, [&](size_t) { after_.push_back(*digest_of(model)); });
  }

  static bitcoin::ChainOptions chain_options() { return bitcoin::test::options_of(bitcoin::regtest()); }
  // Steps until one fails; how many were done. `on_step`: with the number of steps done.
  size_t run(Store& store, const std::function<void(size_t)>& on_step = {}) const {
    Driver driver(chain_options(), store);
    size_t done = 0;
    const auto step = [&](ErrorCode code) {
      if (code != ErrorCode::none) {
        EXPECT_EQ(code, ErrorCode::store_failed);
        return false;
      }
      ++done;
      if (on_step) on_step(done);
      return true;
    };
    const auto bodies = [&](const std::vector<Bytes>& blocks, uint32_t from, uint32_t to) {
      for (uint32_t height = from; height < to; ++height) {
        const uint32_t swapped = height + 1 < to && height % 4 == 1 ? height + 1
                                 : height % 4 == 2 && height > from ? height - 1
                                                                    : height;
        if (!step(driver.block(blocks[swapped]).code())) return false;
      }
      return true;
    };
    const auto headers = [&](const std::vector<Bytes>& blocks, uint32_t from, uint32_t to) {
      const auto all = bitcoin::test::headers_of(blocks);
      return step(driver.headers({all.begin() + from, all.begin() + to}).code());
    };
    const Outcome loaded = driver.load();
    if (!step(loaded.failed ? loaded.failed->code : ErrorCode::none)) return done;
    if (!headers(first_, 1, 30) || !bodies(first_, 1, 25) || !headers(first_, 30, first_blocks + 1)) return done;
    if (!bodies(first_, 25, 45)) return done;
    if (auto* rocks = dynamic_cast<RocksStore*>(&store); !step(rocks ? code_of(rocks->flush()) : ErrorCode::none)) return done;
    EXPECT_EQ(done, flush_step);
    if (!bodies(first_, 45, first_blocks + 1) || !headers(second_, 1, second_blocks + 1)) return done;
    if (!bodies(second_, 1, second_blocks + 1)) return done;
    return done;
  }

  size_t steps() const { return after_.size() - 1; }
  // Of a store that a power cut has hit: what was on the medium when `done` steps were.
  size_t synced(size_t done) const { return done >= flush_step ? flush_step : std::min<size_t>(done, 1); }
  // The smallest number of steps, `least` or more, after which a store holds just that; nothing where there is none.
  std::optional<size_t> prefix(const Digest& held, size_t least, size_t most) const {
    for (size_t i = least; i <= std::min(most, steps()); ++i) {
      if (after_[i] == held) return i;
    }
    return std::nullopt;
  }
  BlockRef tip() const { return {bitcoin::test::hash_of_block(second_.back()), second_blocks}; }
  bool same_as_end(const Digest& held) const { return held == after_.back(); }
  const std::vector<Bytes>& losing() const { return first_; }
  const std::vector<Bytes>& winning() const { return second_; }

 private:
  using Outcome = bitcoin::test::Outcome;
  static ErrorCode code_of(const Result<void>& result) { return result ? ErrorCode::none : result.error().code; }

  std::vector<Bytes> first_, second_;
  std::vector<Digest> after_;
};

}  // namespace lattice::test

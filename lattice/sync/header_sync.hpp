// Whom to ask for headers, with which locator, and who has none left. A value: answers and verdicts in, questions out.
//
// One peer gives the bulk; the others are asked when it is through, so that a header travels once. A peer that is silent for a
// while does not hold the others up. What a peer claims counts for nothing: it is through when it answers a question with fewer
// headers than fit, and those were judged.
#pragma once

#include <optional>
#include <vector>

#include <lattice/base/flat_map.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/result.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

struct HeaderAsk {
  ConnId peer;
  std::vector<BlockHash> locator;
};

class HeaderSync {
 public:
  // A bulk peer that has been silent this long no longer keeps the next one waiting.
  static constexpr Duration silence = std::chrono::seconds{3};
  // Each such doubles how many are asked for the bulk at a time, up to 2 to the power of this.
  static constexpr size_t silent_counted_max = 3;
  // The bulk moves on to another peer after this time, however busy the one is: a slow peer is not the only source for long.
  static constexpr Duration bulk_turn = std::chrono::seconds{60};
  // A peer that is through is asked again after this time, in case that an announcement was missed.
  static constexpr Duration recheck = std::chrono::seconds{60};

  explicit HeaderSync(Duration request_timeout) : request_timeout_(request_timeout) {}

  // The locator of the best header: the start of every new question.
  void set_best(std::vector<BlockHash> locator) { best_ = std::move(locator); }
  // `counts`: settled() waits for its answer. Not for peers that came by themselves: they could come for ever.
  void add(ConnId peer, bool counts = true);
  void remove(ConnId peer);
  // The peer named a block that is not known here: it is asked again.
  void on_announced(ConnId peer);
  // unrequested: nobody asked it. Else its headers are to be judged; on_verdict follows.
  Result<void> on_headers(ConnId peer, size_t count, size_t bytes, Instant now);
  // `last`: the last valid header of the message. Not valid: the peer is not asked further until it announces something.
  // `again`: the peer is asked from the best header on, as if it were new.
  void on_verdict(ConnId peer, bool valid, const BlockRef& last, Instant now, bool again = false);

  std::vector<HeaderAsk> poll(Instant now);
  std::vector<ConnId> late(Instant now) const;  // past the request's timeout, lowest id first
  std::optional<Instant> next_timeout() const;

  bool settled() const;  // everybody who counts was through at least once
  size_t through() const;

 private:
  // Waiting -> Asked -> Judging -> Waiting (a full answer: more to come) | Through -> Waiting (announced, or to check again)
  enum class Stage : uint8_t { waiting, asked, judging, through };
  struct Row {
    Stage stage = Stage::waiting;
    bool counts = true;
    bool was_through = false;      // since it was added: a later question does not make us behind
    bool full = false;             // the last answer was as large as an answer can be
    bool announced = false;        // while asked or judged
    std::optional<BlockRef> last;  // where its bulk goes on
    std::optional<Instant> turn;   // since when it gives the bulk
    Instant asked{}, checked{};
  };
  bool bulk_runs(Instant now) const;
  void ask(ConnId peer, Row& row, Instant now, std::vector<HeaderAsk>& out);
  std::vector<BlockHash> locator_of(const Row& row) const;

  Duration request_timeout_;
  std::vector<BlockHash> best_;
  FlatMap<ConnId, Row> rows_;
};

}  // namespace lattice

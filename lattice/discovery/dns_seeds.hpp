// What DNS says of a chain's seeds, and what of it is believed. A value: answers and signature results in, peers and wishes
// out.
//
// Where the chain spec names operators for a seed, only a list that enough of them signed counts, and the seed's unsigned
// records are ignored: whoever suppresses the list gains nothing. Where it names none, unsigned records are used and shown as
// such.
//
// Several providers are asked at once, a round, and compared before anything of theirs is used: of the lists of seeds with the
// same operators the newest wins (seed_memory.hpp says what is remembered of it), of unsigned answers none gives more than its
// share (seed_offers.hpp). Who does not answer is not waited for long: release().
//
//   Row:  idle -> open -> statements, one after the other -> lists -> idle       with operators
//         idle -> open -> idle                                                   without
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>
#include <lattice/discovery/peer_source.hpp>
#include <lattice/discovery/seed_list.hpp>
#include <lattice/discovery/seed_memory.hpp>
#include <lattice/discovery/seed_offers.hpp>
#include <lattice/link/work.hpp>

namespace lattice {

struct DnsSeed {
  std::string name;
  std::vector<Digest> operators;  // BLAKE2s-256 of operators' ML-DSA public keys; with any, unsigned answers are ignored
  size_t threshold = 0;           // how many of them must sign
};

// One resolver's answer to Resolve, already bounded: at most 256 addresses, 32 SRV targets, 16 texts of 64 KiB.
struct DnsAnswer {
  bool failed = false;               // nothing could be had: no server, or every question failed
  std::string detail;                // for a person, where something failed
  std::vector<IpAddress> addresses;  // A and AAAA at the name: the chain's default port
  std::vector<Endpoint> services;    // SRV targets, resolved, best priority first
  std::vector<std::string> texts;    // TXT, the strings of a record joined
  Duration elapsed{};
};

// What became of a provider's answer, beside the others of its round.
enum class DnsOutcome : uint8_t {
  none,      // not asked, or not answered yet
  failed,    // no answer
  empty,     // an answer without anything to use
  rejected,  // no list of it counts
  stale,     // its list is older than one that was taken, now or before
  conflict,  // a good list, but of the same number as another provider's with other entries: the one that came first counts
  alone,     // used; nobody else says so (of unsigned addresses: fewer than half are also named by others)
  agreed,    // used, and others say the same
};
std::string_view outcome_name(DnsOutcome outcome);

struct DnsReport {
  std::string name;
  bool failed = false;
  std::string detail;
  size_t addresses = 0, services = 0, texts = 0;
  size_t listed = 0;  // entries of signed lists that were verified
  bool is_signed = false;
  std::string rejected;  // why a list was not taken
  double seconds = 0;
  DnsOutcome outcome = DnsOutcome::none;
  uint64_t sequence = 0;   // of the list that was verified
  size_t used = 0;         // addresses of it that are used
  size_t dropped = 0;      // unsigned ones above its share
  uint64_t statement = 0;  // sequence of the statement that says who its operators are now; 0: the chain spec
};

struct SeedPeer {
  Endpoint endpoint;
  std::optional<NodeId> node;
  PeerSource source = PeerSource::dns_unsigned;
};

class DnsSeeds {
 public:
  static constexpr size_t addresses_max = 256, services_max = 32, texts_max = 16;
  // Of seed_signatures_max, what statements about operators may cost an answer, beyond the first: the list needs its own.
  static constexpr size_t statement_checks_max = 8;

  DnsSeeds(std::vector<DnsSeed> seeds, ChainId chain, uint16_t default_port);

  size_t size() const { return rows_.size(); }
  const std::string& name(size_t seed) const { return rows_[seed].seed.name; }
  // A question for the seed is on its way. Where none was, a new round begins.
  void on_asked(size_t seed);

  struct Found {
    std::vector<SeedPeer> peers;   // to use now
    std::vector<VerifyWork> work;  // where not empty: signatures to check first; on_verified follows
  };
  Found on_answer(size_t seed, const DnsAnswer& answer, WallTime now);
  // Results of the work, in order.
  Found on_verified(size_t seed, const std::vector<bool>& valid);
  // The others have been waited for long enough: what there is is used, and what is still to come in this round at once.
  std::vector<SeedPeer> release();

  bool busy() const;  // a question or a check of signatures is open
  std::vector<DnsReport> report() const;

  // What is remembered over a restart. load: before the first answer; the errors of decode_seed_memory, and nothing is changed.
  Result<void> load(ByteView stored);
  // Once a minute or so: lists run out.
  void on_tick(Now now);
  // To be stored, where something changed since the last call.
  std::optional<Bytes> poll_save();

 private:
  // A list whose signatures are being checked, and which of them.
  struct Candidate {
    SeedList list;
    std::vector<size_t> chosen;
  };
  // Seeds with the same operators. What the round has found is here: `best` is the newest list.
  struct Best {
    uint64_t sequence = 0;
    Digest body{};
    std::vector<SeedPeer> peers;
    bool given = false;
  };
  struct Group {
    SeedOperators operators;
    std::optional<Best> best;
  };
  struct Row {
    DnsSeed seed;
    std::optional<size_t> group;  // of those with operators
    bool open = false;
    bool answered = false;  // in this round
    // Of the answer, until it is done with.
    WallTime answered_at{};
    std::vector<OperatorStatement> statements;
    std::vector<SeedList> lists;
    std::optional<OperatorStatement> checking;  // a statement's signatures are being checked
    std::vector<Candidate> candidates;          // or those of lists, newest first
    uint64_t checked_under = 0;                 // the group's statement when these were chosen
    size_t checks = 0, statements_checked = 0;

    SeedOffer offer;
    bool stale = false, conflict = false;
    Digest body{};  // of the list that was verified
    DnsReport report;

    bool busy() const { return open || checking || !candidates.empty(); }
  };

  void begin_round();
  void begin_answer(Row& row, const DnsAnswer& answer, WallTime now);
  SeedOffer offer_of(size_t seed, const DnsAnswer& answer) const;
  void read_texts(Row& row, const DnsAnswer& answer);
  Found next_step(Row& row);
  bool choose_statement(Row& row, Found& found);
  void choose_lists(Row& row, Found& found);
  void take_list(Row& row, const SeedList& list);
  void reject(Row& row, const Error& error);
  void end_answer(Row& row);
  std::vector<SeedPeer> collect();
  void collect_offers(std::vector<SeedPeer>& peers);
  bool waits_for(std::optional<size_t> group) const;
  DnsOutcome outcome(const Row& row) const;

  ChainId chain_;
  uint16_t default_port_;
  std::vector<Row> rows_;
  std::vector<Group> groups_;
  std::vector<SeedRecord> others_;  // stored, of operators that the chain spec does not name now
  bool hurried_ = false;            // nobody is waited for any more in this round
  bool changed_ = false;            // something to store
  std::set<Endpoint> given_;        // unsigned ones, in this round
};

}  // namespace lattice

// DnsSeeds against a second implementation that remembers everything and reckons from the beginning each time.
//
// Signatures are not made here: a text's signatures all hold or none does, and the answers of on_verified say which. Real ones are
// in operator_set_test and seed_memory_test.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <variant>

#include <lattice/discovery/dns_seeds.hpp>

#include "../../model_operations.hpp"

namespace lattice {
namespace {

constexpr int64_t start = 1'800'000'000;
constexpr size_t people = 5, seeds_count = 3;

Bytes key_of(size_t person) { return Bytes(sign_sizes(SignAlg::mldsa65).public_key, static_cast<uint8_t>(person + 1)); }

// Texts that operators have made once and that a provider may show at any time.
struct Text {
  std::variant<SeedList, OperatorStatement> what;
  std::vector<size_t> signers;
  bool valid = true;
  std::string text;
};

// What happened to the seeds' operators, in order.
struct TookList {
  uint64_t sequence;
  int64_t expires;
};
struct TookSet {
  uint64_t sequence;
  OperatorSet set;
};
struct Looked {
  Now now;
};
using History = std::vector<std::variant<TookList, TookSet, Looked>>;

// The rules, each by reading the whole history.
struct Model {
  OperatorSet spec;
  History history;
  size_t forgotten = 0;  // looks before this are of an earlier run

  size_t since_set() const {
    for (size_t i = history.size(); i > 0; --i) {
      if (std::holds_alternative<TookSet>(history[i - 1])) return i;
    }
    return 0;
  }
  uint64_t statement() const { return since_set() == 0 ? 0 : std::get<TookSet>(history[since_set() - 1]).sequence; }
  const OperatorSet& set() const { return since_set() == 0 ? spec : std::get<TookSet>(history[since_set() - 1]).set; }
  uint64_t floor() const {
    uint64_t highest = statement();
    for (size_t i = since_set(); i < history.size(); ++i) {
      if (const auto* list = std::get_if<TookList>(&history[i])) highest = std::max(highest, list->sequence);
    }
    return highest;
  }
  // Has the list of that number been past its end for an hour, at each look of a run?
  bool ended(uint64_t sequence) const {
    std::optional<int64_t> expires;
    std::optional<Instant> since;
    bool over = false;
    for (size_t i = since_set(); i < history.size(); ++i) {
      if (i == forgotten) since.reset();
      if (const auto* list = std::get_if<TookList>(&history[i]); list && list->sequence == sequence) {
        if (expires != list->expires) since.reset();
        expires = list->expires;
      } else if (list) {
        since.reset();
      }
      const auto* look = std::get_if<Looked>(&history[i]);
      if (!look || !expires || over) continue;
      if (unix_seconds(look->now.wall) < *expires) {
        since.reset();
      } else if (!since) {
        since = look->now.mono;
      }
      if (since && look->now.mono - *since >= std::chrono::hours{1}) over = true;
    }
    return over;
  }
  bool stale(uint64_t sequence) const { return sequence < floor() || (sequence == floor() && ended(sequence)); }

  static bool enough(const OperatorSet& set, const std::vector<size_t>& signers, const std::vector<Digest>& hashes) {
    size_t count = 0;
    for (const size_t person : signers) count += static_cast<size_t>(std::ranges::count(set.operators, hashes[person]));
    return set.threshold > 0 && count >= set.threshold;
  }
};

struct Play {
  SeededRng rng;
  std::vector<Digest> hashes;
  std::vector<DnsSeed> spec;
  DnsSeeds seeds;
  std::vector<Text> texts;
  std::map<size_t, Model> models;  // by group; seeds 0 and 1 share one
  Bytes stored;
  Now now{Instant{std::chrono::hours{1}}, wall_from_unix(start)};
  uint64_t taken = 0, sets = 0, refused = 0, restarts = 0;

  explicit Play(uint64_t seed) : rng(seed), seeds({}, ChainId{}, 1) {
    for (size_t i = 0; i < people; ++i) hashes.push_back(operator_hash(key_of(i)));
    spec = {{"a", {hashes[0], hashes[1], hashes[2]}, 2},
            {"b", {hashes[2], hashes[1], hashes[0]}, 2},
            {"c", {hashes[0], hashes[3]}, 1}};
    seeds = DnsSeeds(spec, ChainId{}, 1);
    for (size_t i = 0; i < seeds_count; ++i)
      models[group_of_seed(i)].spec = make_operator_set(spec[i].operators, spec[i].threshold);
    for (int i = 0; i < 160; ++i) texts.push_back(make_text());
  }
  static size_t group_of_seed(size_t seed) { return seed == 2 ? 1 : 0; }

  std::vector<size_t> some_people(size_t least) {
    std::vector<size_t> out;
    do {
      out.clear();
      for (size_t i = 0; i < people; ++i) {
        if (rng.below(2) == 0) out.push_back(i);
      }
    } while (out.size() < least);
    return out;
  }

  Text make_text() {
    Text out;
    out.signers = some_people(0);
    out.valid = rng.below(8) != 0;
    std::vector<SeedSignature> signatures;
    for (const size_t person : out.signers) signatures.push_back({SignAlg::mldsa65, key_of(person), Bytes(3309)});
    if (rng.below(4) != 0) {
      SeedList list;
      list.sequence = rng.below(300);
      list.expires = wall_from_unix(start + static_cast<int64_t>(rng.below(200)) * 3600);
      NodeId id;
      id.bytes[0] = 1;
      list.entries = {{{IpAddress::v4(8, 8, 8, 8), static_cast<uint16_t>(list.sequence + 1)}, id}};
      list.signatures = signatures;
      for (auto& signature : list.signatures) signature.signature.assign(3309, out.valid ? 0 : 1);
      out.text = seed_list_text(list);
      out.what = std::move(list);
    } else {
      OperatorStatement statement;
      statement.root = operator_root(models[rng.below(2)].spec);
      statement.sequence = 1 + rng.below(300);
      std::vector<Digest> set;
      for (const size_t person : some_people(2)) set.push_back(hashes[person]);
      statement.set = make_operator_set(set, 1 + rng.below(2));
      statement.signatures = signatures;
      for (auto& signature : statement.signatures) signature.signature.assign(3309, out.valid ? 0 : 1);
      out.text = operator_statement_text(statement);
      out.what = std::move(statement);
    }
    return out;
  }

  // The port of the list that the model takes of these texts, if any.
  std::optional<uint16_t> expect(Model& model, std::vector<const Text*> shown) {
    std::ranges::stable_sort(shown, std::greater{}, [](const Text* text) {
      return std::visit([](const auto& what) { return what.sequence; }, text->what);
    });
    std::vector<const Text*> tried;
    for (bool again = true; again;) {
      again = false;
      for (const Text* text : shown) {
        const auto* statement = std::get_if<OperatorStatement>(&text->what);
        if (!statement || statement->sequence <= model.statement() || statement->root != operator_root(model.spec)) continue;
        if (!Model::enough(model.set(), text->signers, hashes) || !Model::enough(statement->set, text->signers, hashes))
          continue;
        if (!text->valid || std::ranges::find(tried, text) != tried.end()) continue;
        model.history.push_back(TookSet{statement->sequence, statement->set});
        ++sets;
        tried.push_back(text);
        again = true;
        break;
      }
    }
    for (const Text* text : shown) {
      const auto* list = std::get_if<SeedList>(&text->what);
      if (!list || list->expires <= now.wall || model.stale(list->sequence) || !text->valid) continue;
      if (!Model::enough(model.set(), text->signers, hashes)) continue;
      model.history.push_back(TookList{list->sequence, unix_seconds(list->expires)});
      ++taken;
      return list->entries[0].endpoint.port;
    }
    ++refused;
    return std::nullopt;
  }

  void answer() {
    const size_t seed = rng.below(seeds_count);
    std::vector<const Text*> shown;
    std::array<int, 2> room{2, 2};  // lists, statements: their signatures fit one answer's checks
    DnsAnswer dns;
    for (int i = 0; i < 4; ++i) {
      const Text& text = texts[rng.below(texts.size())];
      if (room[text.what.index()]-- <= 0 || std::ranges::find(shown, &text) != shown.end()) continue;
      shown.push_back(&text);
      dns.texts.push_back(text.text);
    }
    const auto wanted = expect(models[group_of_seed(seed)], shown);
    size_t checks = 0;
    auto found = seeds.on_answer(seed, dns, now.wall);
    while (!found.work.empty()) {
      checks += found.work.size();
      std::vector<bool> valid;
      for (const auto& work : found.work) valid.push_back(work.signature[0] == 0);
      found = seeds.on_verified(seed, valid);
    }
    ASSERT_LE(checks, seed_signatures_max);
    ASSERT_FALSE(seeds.busy());
    ASSERT_EQ(found.peers.size(), wanted ? 1u : 0u);
    if (wanted) {
      ASSERT_EQ(found.peers[0].endpoint.port, *wanted);
    }
  }

  void look() {
    now.mono += std::chrono::minutes{rng.below(40)};
    // A clock that runs, and now and then is set to something else.
    now.wall = rng.below(50) == 0 ? wall_from_unix(start + static_cast<int64_t>(rng.below(250)) * 3600)
                                  : now.wall + std::chrono::minutes{20};
    if (now.wall > wall_from_unix(start + 250 * 3600)) now.wall = wall_from_unix(start);
    seeds.on_tick(now);
    for (auto& [group, model] : models) model.history.push_back(Looked{now});
  }

  void restart() {
    ++restarts;
    if (auto file = seeds.poll_save()) stored = std::move(*file);
    seeds = DnsSeeds(spec, ChainId{}, 1);
    if (!stored.empty()) {
      ASSERT_TRUE(seeds.load(stored));
    }
    for (auto& [group, model] : models) model.forgotten = model.history.size();
  }

  void step() {
    const auto draw = rng.below(100);
    if (draw < 15) return answer();
    if (draw < 98) return look();
    if (draw < 99) return restart();
    // Another world: everything from the beginning, so that small numbers are played again and again.
    if (rng.below(20) != 0) return;
    stored.clear();
    seeds = DnsSeeds(spec, ChainId{}, 1);
    for (auto& [group, model] : models) {
      model.history.clear();
      model.forgotten = 0;
    }
    for (auto& text : texts) text = make_text();
  }
};

TEST(DnsSeedsModel, HundredThousandOperationsAsTheModelHasThem) {
  Play play(11);
  const auto operations = static_cast<int>(model_operations());
  for (int i = 0; i < operations; ++i) {
    ASSERT_NO_FATAL_FAILURE(play.step()) << "operation " << i;
    const auto report = play.seeds.report();
    ASSERT_EQ(report[0].statement, play.models[0].statement()) << i;
    ASSERT_EQ(report[2].statement, play.models[1].statement()) << i;
  }
  EXPECT_GT(play.taken, 300u);
  EXPECT_GT(play.sets, 100u);
  EXPECT_GT(play.refused, 1000u);
  EXPECT_GT(play.restarts, 500u);
}

}  // namespace
}  // namespace lattice

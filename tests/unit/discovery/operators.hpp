// Operators with real keys, and what they sign.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <lattice/discovery/dns_seeds.hpp>

namespace lattice::test {

struct SeedSigners {
  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(5));
  std::vector<std::shared_ptr<const SigningKey>> keys;
  std::vector<Digest> hashes;
  ChainId chain{};
  std::optional<SeedEntry> entry{};  // of the lists

  explicit SeedSigners(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      Secret<32> secret;
      provider->rng().fill(secret.span());
      keys.push_back(provider->signing_key(SignAlg::mldsa65, secret));
      hashes.push_back(operator_hash(keys.back()->public_key()));
    }
  }
  Secret<32> entropy() {
    Secret<32> out;
    provider->rng().fill(out.span());
    return out;
  }
  OperatorSet set(const std::vector<size_t>& who, size_t threshold) const {
    std::vector<Digest> chosen;
    for (const size_t i : who) chosen.push_back(hashes[i]);
    return make_operator_set(chosen, threshold);
  }
  // One entry; where none is given, at 8.8.8.8 with a port that says which list it is.
  std::string list(uint64_t sequence, uint16_t port, const std::vector<size_t>& who, WallTime expires) {
    SeedList out;
    out.chain = chain;
    out.sequence = sequence;
    out.expires = expires;
    NodeId id;
    id.bytes[0] = 1;
    out.entries = {{{IpAddress::v4(8, 8, 8, 8), port}, id}};
    if (entry) out.entries = {*entry};
    for (const size_t i : who) sign_seed_list(out, *keys[i], entropy());
    return seed_list_text(out);
  }
  OperatorStatement statement(uint64_t sequence, const OperatorSet& spec_set, const OperatorSet& next,
                              const std::vector<size_t>& who) {
    OperatorStatement out;
    out.chain = chain;
    out.root = operator_root(spec_set);
    out.sequence = sequence;
    out.set = next;
    for (const size_t i : who) sign_operator_statement(out, *keys[i], entropy());
    return out;
  }
  // What a worker answers.
  std::vector<bool> verify(const std::vector<VerifyWork>& work) const {
    std::vector<bool> valid;
    for (const auto& one : work) valid.push_back(std::get<VerifyDone>(run_work(one, *provider)).valid);
    return valid;
  }
  // An answer with these texts, to its end: the peers' ports, and how many signatures were checked.
  struct Answered {
    std::vector<uint16_t> ports;
    size_t checks = 0;
  };
  Answered answer(DnsSeeds& seeds, size_t seed, std::vector<std::string> texts, WallTime now) const {
    DnsAnswer answer;
    answer.texts = std::move(texts);
    auto found = seeds.on_answer(seed, answer, now);
    Answered out;
    while (!found.work.empty()) {
      out.checks += found.work.size();
      found = seeds.on_verified(seed, verify(found.work));
    }
    for (const auto& peer : found.peers) out.ports.push_back(peer.endpoint.port);
    return out;
  }
};

}  // namespace lattice::test

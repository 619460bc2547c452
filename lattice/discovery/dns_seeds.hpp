// What DNS says of a chain's seeds, and what of it is believed. A value: answers and signature results in, peers and wishes
// out.
//
// Where the chain spec names operators for a seed, only a list that enough of them signed counts, and the seed's unsigned
// records are ignored: whoever suppresses the list gains nothing. Where it names none, unsigned records are used and shown as
// such.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>
#include <lattice/discovery/peer_source.hpp>
#include <lattice/discovery/seed_list.hpp>
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

struct DnsReport {
  std::string name;
  bool failed = false;
  std::string detail;
  size_t addresses = 0, services = 0, texts = 0;
  size_t listed = 0;  // entries of signed lists that were verified
  bool is_signed = false;
  std::string rejected;  // why a list was not taken
  double seconds = 0;
};

struct SeedPeer {
  Endpoint endpoint;
  std::optional<NodeId> node;
  PeerSource source = PeerSource::dns_unsigned;
};

class DnsSeeds {
 public:
  static constexpr size_t addresses_max = 256, services_max = 32, texts_max = 16;

  DnsSeeds(std::vector<DnsSeed> seeds, ChainId chain, uint16_t default_port);

  size_t size() const { return rows_.size(); }
  const std::string& name(size_t seed) const { return rows_[seed].seed.name; }
  // A question for the seed is on its way.
  void on_asked(size_t seed) { rows_[seed].open = true; }

  struct Found {
    std::vector<SeedPeer> peers;   // to use now
    std::vector<VerifyWork> work;  // where not empty: signatures to check first; on_verified follows
  };
  Found on_answer(size_t seed, const DnsAnswer& answer, WallTime now);
  // Results of the work, in order.
  std::vector<SeedPeer> on_verified(size_t seed, const std::vector<bool>& valid);

  bool busy() const;  // a question or a check of signatures is open
  std::vector<DnsReport> report() const;

 private:
  // A list whose signatures are being checked, and which of them.
  struct Candidate {
    SeedList list;
    std::vector<size_t> chosen;
  };
  struct Row {
    DnsSeed seed;
    bool open = false;
    std::vector<Candidate> candidates;  // newest first
    uint64_t sequence = 0;              // of the newest list taken
    DnsReport report;
  };
  Found use_unsigned(const Row& row, const DnsAnswer& answer) const;
  Found use_lists(Row& row, const DnsAnswer& answer, WallTime now) const;
  static Found check_signatures(Row& row);

  ChainId chain_;
  uint16_t default_port_;
  std::vector<Row> rows_;
};

}  // namespace lattice

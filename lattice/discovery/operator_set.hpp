// Who signs a chain's seed lists, and how that changes: a statement that from a sequence number on another set of operators signs.
// It travels as one TXT record beside the list (docs/PROTOCOL.md, "Operator sets"). All numbers are big-endian:
//
//   body        version 1 (= 1) | chain id 32 | root 32 | sequence 8 | threshold 1 | n 1 | n x operator 32, rising
//   signatures  as those of a seed list
//
// Both must agree: as many of the present operators as sign a list, and as many of the new ones. So a stolen key below the
// threshold takes no seat, a lost one is replaced by the others, and nobody hands the list to keys that nobody holds.
//
// The root names the set that the chain spec has: a statement is for the seeds of that set and of no other. Lists and statements
// count with one kind of number: after a statement with sequence N nothing below N counts any more, so operators choose N above
// every list that they have signed.
#pragma once

#include <string>
#include <vector>

#include <lattice/base/ids.hpp>
#include <lattice/discovery/seed_signatures.hpp>

namespace lattice {

struct OperatorSet {
  std::vector<Digest> operators;  // rising, none twice
  size_t threshold = 0;
  bool operator==(const OperatorSet&) const = default;
};
// Sorted, and each once.
OperatorSet make_operator_set(std::vector<Digest> operators, size_t threshold);
// The name of a chain spec's set: BLAKE2s-256 of the threshold and the hashes.
Digest operator_root(const OperatorSet& set);

struct OperatorStatement {
  ChainId chain;
  Digest root{};
  uint64_t sequence = 0;
  OperatorSet set;  // from then on
  std::vector<SeedSignature> signatures;
  bool operator==(const OperatorStatement&) const = default;
};

constexpr std::string_view operator_set_prefix = "lattice-operators-1:";
constexpr std::string_view operator_set_context = "lattice/1/operators";
constexpr size_t operators_max = 16;

// What the signatures cover.
Bytes operator_statement_body(const OperatorStatement& statement);
void sign_operator_statement(OperatorStatement& statement, const SigningKey& key, const Secret<32>& entropy);
std::string operator_statement_text(const OperatorStatement& statement);
// bad_seed_list. Not verified yet. There is one text for one statement.
Result<OperatorStatement> parse_operator_statement(std::string_view text);
// Cheap checks before any signature: chain and root (wrong_chain), sequence above `taken`, that of the statement taken last
// (seed_list_expired), enough operators of `present` and of the new set (unknown_operator). Gives the signatures that must all
// verify, one an operator; who stands in both sets is checked once.
Result<std::vector<size_t>> check_operator_statement(const OperatorStatement& statement, const ChainId& chain,
                                                     const Digest& root, const OperatorSet& present, uint64_t taken);

}  // namespace lattice

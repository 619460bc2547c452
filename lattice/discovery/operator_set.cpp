#include <lattice/discovery/operator_set.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/base/base64.hpp>

namespace lattice {

static constexpr uint8_t body_version = 1;

OperatorSet make_operator_set(std::vector<Digest> operators, size_t threshold) {
  std::ranges::sort(operators);
  operators.erase(std::unique(operators.begin(), operators.end()), operators.end());
  return {std::move(operators), threshold};
}

static void put_set(Bytes& to, const OperatorSet& set) {
  put_seed_number(to, set.threshold, 1);
  put_seed_number(to, set.operators.size(), 1);
  for (const Digest& hash : set.operators) append(to, hash);
}

Digest operator_root(const OperatorSet& set) {
  Bytes bytes = to_bytes(as_bytes(operator_set_context));
  put_set(bytes, set);
  return blake2s(bytes);
}

Bytes operator_statement_body(const OperatorStatement& statement) {
  ASSERT(statement.set.operators.size() <= operators_max);
  Bytes body{body_version};
  append(body, statement.chain.view());
  append(body, statement.root);
  put_seed_number(body, statement.sequence, 8);
  put_set(body, statement.set);
  return body;
}

void sign_operator_statement(OperatorStatement& statement, const SigningKey& key, const Secret<32>& entropy) {
  ASSERT(statement.signatures.size() < seed_signatures_max);
  statement.signatures.push_back({key.alg(), to_bytes(key.public_key()),
                                  key.sign(as_bytes(operator_set_context), operator_statement_body(statement), entropy)});
}

std::string operator_statement_text(const OperatorStatement& statement) {
  Bytes bytes = operator_statement_body(statement);
  put_signatures(bytes, statement.signatures);
  return std::string(operator_set_prefix) + to_base64url(bytes);
}

static Result<OperatorSet> take_set(SeedCursor& cursor) {
  OperatorSet set;
  set.threshold = cursor.number(1);
  const auto count = cursor.number(1);
  if (count == 0 || count > operators_max) return fail(ErrorCode::bad_seed_list, "count of operators");
  if (set.threshold == 0 || set.threshold > count) return fail(ErrorCode::bad_seed_list, "threshold of operators");
  for (size_t i = 0; i < count; ++i) {
    const auto hash = cursor.array<32>();
    if (cursor.ran_short()) return fail(ErrorCode::bad_seed_list, "operators end early");
    if (!set.operators.empty() && hash <= set.operators.back()) return fail(ErrorCode::bad_seed_list, "order of operators");
    set.operators.push_back(hash);
  }
  return set;
}

Result<OperatorStatement> parse_operator_statement(std::string_view text) {
  if (!text.starts_with(operator_set_prefix)) return fail(ErrorCode::bad_seed_list, "prefix");
  if (text.size() > seed_text_bytes_max) return fail(ErrorCode::bad_seed_list, "longer than a TXT record");
  const auto bytes = from_base64url(text.substr(operator_set_prefix.size()));
  if (!bytes) return fail(ErrorCode::bad_seed_list, "base64url");
  SeedCursor cursor(*bytes);
  OperatorStatement statement;
  if (cursor.number(1) != body_version) return fail(ErrorCode::bad_seed_list, "version");
  statement.chain.bytes = cursor.array<32>();
  statement.root = cursor.array<32>();
  statement.sequence = cursor.number(8);
  if (cursor.ran_short()) return fail(ErrorCode::bad_seed_list, "ends early");
  TRY(set, take_set(cursor));
  TRY(signatures, take_signatures(cursor));
  if (!cursor.at_end()) return fail(ErrorCode::bad_seed_list, "trailing bytes");
  statement.set = std::move(set);
  statement.signatures = std::move(signatures);
  return statement;
}

static bool holds(const OperatorSet& set, const Digest& hash) { return std::ranges::binary_search(set.operators, hash); }

Result<std::vector<size_t>> check_operator_statement(const OperatorStatement& statement, const ChainId& chain,
                                                     const Digest& root, const OperatorSet& present, uint64_t taken) {
  if (statement.chain != chain) return fail(ErrorCode::wrong_chain, "operators of another chain");
  if (statement.root != root) return fail(ErrorCode::wrong_chain, "operators of other seeds");
  if (statement.sequence <= taken) return fail(ErrorCode::seed_list_expired, "operators older than those taken");
  if (present.threshold == 0) return fail(ErrorCode::unknown_operator, "threshold");
  std::vector<Digest> seen;
  std::vector<size_t> both, before, after;
  for (size_t i = 0; i < statement.signatures.size(); ++i) {
    const auto hash = operator_hash(statement.signatures[i].public_key);
    if (std::ranges::find(seen, hash) != seen.end()) continue;
    seen.push_back(hash);
    const bool was = holds(present, hash), will_be = holds(statement.set, hash);
    if (was && will_be) both.push_back(i);
    if (was && !will_be) before.push_back(i);
    if (!was && will_be) after.push_back(i);
  }
  // Who counts for both sides first: the fewest checks.
  std::vector<size_t> chosen = both;
  chosen.resize(std::min(both.size(), std::max(present.threshold, statement.set.threshold)));
  const auto fill = [&](const std::vector<size_t>& from, size_t threshold) {
    const size_t missing = threshold - std::min(threshold, both.size());
    if (from.size() < missing) return false;
    chosen.insert(chosen.end(), from.begin(), from.begin() + static_cast<ptrdiff_t>(missing));
    return true;
  };
  if (!fill(before, present.threshold)) return fail(ErrorCode::unknown_operator, "too few present operators signed");
  if (!fill(after, statement.set.threshold)) return fail(ErrorCode::unknown_operator, "too few new operators signed");
  return chosen;
}

}  // namespace lattice

#include <lattice/chains/bitcoin/rules.hpp>

#include <algorithm>

namespace lattice::bitcoin {

namespace {

// Both networks' genesis blocks hold the same coinbase transaction.
Header genesis_header(uint32_t time, uint32_t bits, uint32_t nonce) {
  Header header;
  header.version = 1;
  const auto root = from_display("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
  header.merkle_root = root->bytes;
  header.time = time;
  header.bits = bits;
  header.nonce = nonce;
  return header;
}

Rules make_mainnet() {
  Rules rules;
  rules.name = "mainnet";
  rules.genesis = genesis_header(1231006505, 0x1d00ffff, 2083236893);
  rules.pow_limit_bits = 0x1d00ffff;
  rules.bip34_height = 227'931;
  rules.bip65_height = 388'381;
  rules.bip66_height = 363'725;
  rules.segwit_height = 481'824;
  return rules;
}

Rules make_regtest() {
  Rules rules;
  rules.name = "regtest";
  rules.genesis = genesis_header(1296688602, 0x207fffff, 2);
  rules.pow_limit_bits = 0x207fffff;
  rules.retargets = false;
  rules.halving_blocks = 150;
  rules.bip34_height = 1;
  rules.bip65_height = 1;
  rules.bip66_height = 1;
  rules.segwit_height = 0;
  return rules;
}

void append_u32(Bytes& to, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) to.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace

const Rules& mainnet() {
  static const Rules rules = make_mainnet();
  return rules;
}

const Rules& regtest() {
  static const Rules rules = make_regtest();
  return rules;
}

const Rules* find_rules(std::string_view name) {
  for (const Rules* rules : {&mainnet(), &regtest()}) {
    if (rules->name == name) return rules;
  }
  return nullptr;
}

ChainId chain_id(const Rules& rules, ByteView extra) {
  Bytes parameters;
  for (const uint32_t value :
       {rules.pow_limit_bits, uint32_t{rules.retargets}, rules.retarget_blocks, rules.retarget_seconds, rules.halving_blocks,
        rules.bip34_height, rules.bip65_height, rules.bip66_height, rules.segwit_height}) {
    append_u32(parameters, value);
  }
  return ChainId{hash(HashAlg::blake2s, {as_bytes("lattice chain id"), hash_of(rules.genesis).view(), parameters, extra})};
}

Result<U256> target_from_bits(uint32_t bits) {
  const size_t exponent = bits >> 24;
  const uint32_t mantissa = bits & 0x007f'ffff;
  if (mantissa == 0) return fail(ErrorCode::bad_difficulty, "zero target");
  if ((bits & 0x0080'0000) != 0) return fail(ErrorCode::bad_difficulty, "negative target");
  if (exponent <= 3) {
    const U256 target = U256::of(mantissa >> (8 * (3 - exponent)));
    if (target.is_zero()) return fail(ErrorCode::bad_difficulty, "zero target");
    return target;
  }
  const U256 unit = U256::of(mantissa);
  if (unit.bit_length() + 8 * (exponent - 3) > 256) return fail(ErrorCode::bad_difficulty, "target above 2^256");
  return unit << (8 * (exponent - 3));
}

uint32_t bits_from_target(const U256& target) {
  size_t exponent = (target.bit_length() + 7) / 8;
  uint64_t mantissa = exponent <= 3 ? target.words[0] << (8 * (3 - exponent)) : (target >> (8 * (exponent - 3))).words[0];
  // The mantissa's highest bit is a sign: one byte less of precision keeps it clear.
  if ((mantissa & 0x0080'0000) != 0) {
    mantissa >>= 8;
    ++exponent;
  }
  return static_cast<uint32_t>(exponent << 24 | mantissa);
}

U256 work_of(uint32_t bits) {
  const auto target = target_from_bits(bits);
  if (!target) return {};
  // 2^256 / (target + 1) without the 257th bit: (2^256 - 1 - target) / (target + 1) + 1.
  return divide(~*target, *target + U256::of(1)) + U256::of(1);
}

Result<void> check_proof_of_work(const Rules& rules, const BlockHash& hash, uint32_t bits) {
  TRY(target, target_from_bits(bits));
  TRY(limit, target_from_bits(rules.pow_limit_bits));
  if (target > limit) return fail(ErrorCode::bad_difficulty, "target above the limit");
  if (U256::from_little_endian(hash.bytes) > target) return fail(ErrorCode::bad_proof_of_work, "hash above target");
  return {};
}

namespace {

// Bits after a period that took `seconds`; never easier than the limit.
uint32_t scaled_bits(const Rules& rules, uint32_t last_bits, uint64_t seconds) {
  const auto last = target_from_bits(last_bits);
  const auto limit = target_from_bits(rules.pow_limit_bits);
  if (!last || !limit) return rules.pow_limit_bits;
  return bits_from_target(std::min(multiply_divide(*last, seconds, rules.retarget_seconds), *limit));
}

}  // namespace

uint32_t retargeted_bits(const Rules& rules, uint32_t last_bits, uint32_t first_time, uint32_t last_time) {
  const int64_t span = int64_t{rules.retarget_seconds};
  const int64_t taken = std::clamp(int64_t{last_time} - int64_t{first_time}, span / 4, span * 4);
  return scaled_bits(rules, last_bits, static_cast<uint64_t>(taken));
}

bool retarget_possible(const Rules& rules, uint32_t last_bits, uint32_t bits) {
  const auto target = target_from_bits(bits);
  const auto hardest = target_from_bits(scaled_bits(rules, last_bits, rules.retarget_seconds / 4));
  const auto easiest = target_from_bits(scaled_bits(rules, last_bits, uint64_t{rules.retarget_seconds} * 4));
  return target && hardest && easiest && *target >= *hardest && *target <= *easiest;
}

int32_t version_min(const Rules& rules, uint32_t height) {
  if (height >= rules.bip65_height) return 4;
  if (height >= rules.bip66_height) return 3;
  if (height >= rules.bip34_height) return 2;
  // Negative versions were never forbidden: any number will do.
  return INT32_MIN;
}

uint64_t subsidy(const Rules& rules, uint32_t height) {
  const uint32_t halvings = height / rules.halving_blocks;
  return halvings >= 64 ? 0 : uint64_t{50} * 100'000'000 >> halvings;
}

}  // namespace lattice::bitcoin

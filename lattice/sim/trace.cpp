#include <lattice/sim/trace.hpp>

#include <bit>

#include <lattice/crypto/hash.hpp>

namespace lattice::sim {

static uint64_t word_at(const uint8_t* bytes, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

// Odd factors and rotations: each step can be undone, so that nothing that went in is lost by itself.
void Trace::word(uint64_t value) {
  a_ = std::rotl(a_ ^ value, 29) * 0x9e3779b97f4a7c15 + b_;
  b_ = std::rotl(b_ + value, 37) * 0xc2b2ae3d27d4eb4f ^ a_;
}

void Trace::event(Instant at, uint32_t host, uint8_t kind, uint64_t subject, ByteView payload) {
  word(static_cast<uint64_t>(at.time_since_epoch().count()));
  word(uint64_t{host} << 32 | kind);
  word(subject);
  word(payload.size());
  for (; payload.size() >= 8; payload = payload.subspan(8)) word(word_at(payload.data(), 8));
  if (!payload.empty()) word(word_at(payload.data(), payload.size()));
}

std::string Trace::hash() const {
  Bytes state;
  for (const uint64_t value : {a_, b_})
    for (size_t i = 0; i < 8; ++i) state.push_back(static_cast<uint8_t>(value >> (8 * i)));
  return to_hex(blake2s(state));
}

}  // namespace lattice::sim

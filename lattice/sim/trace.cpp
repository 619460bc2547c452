#include <lattice/sim/trace.hpp>

namespace lattice::sim {

// Small payloads are gathered and hashed together; large ones are hashed where they lie.
constexpr size_t fold_bytes = 64 * 1024, copy_bytes_max = 2048;

void Trace::number(uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) buffer_.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void Trace::fold(ByteView payload) {
  state_ = lattice::hash(HashAlg::blake2s, {state_, buffer_, payload});
  buffer_.clear();
}

void Trace::event(Instant at, uint32_t host, uint8_t kind, uint64_t subject, ByteView payload) {
  number(static_cast<uint64_t>(at.time_since_epoch().count()), 8);
  number(host, 4);
  number(kind, 1);
  number(subject, 8);
  number(payload.size(), 8);
  if (payload.size() > copy_bytes_max) return fold(payload);
  append(buffer_, payload);
  if (buffer_.size() >= fold_bytes) fold({});
}

std::string Trace::hash() const { return to_hex(lattice::hash(HashAlg::blake2s, {state_, buffer_})); }

}  // namespace lattice::sim

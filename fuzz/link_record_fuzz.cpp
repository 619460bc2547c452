// What an authenticated peer can put into records: the input is cut into texts, each sealed as the peer would, and given to an
// open session of either role. The first byte chooses the role; each text has a u16 length before it.
#include <cstdlib>

#include <lattice/link/session.hpp>

using namespace lattice;

static NoiseCipher cipher(uint8_t byte, Provider& provider) {
  ByteArray<32> key;
  key.fill(byte);
  return {AeadAlg::chacha20_poly1305, Secret<32>(key), provider};
}

// As a peer that has announced a new key. Wrong where these bytes are a chunk's: the next record then fails to open, as it
// should.
static bool ends_with_rekey(ByteView text) {
  static constexpr ByteArray<6> rekey{0, 0, 0, 0x13, 0, 0};
  return text.size() >= rekey.size() && equal(text.last(rekey.size()), rekey);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto provider = openssl_provider(std::make_unique<SeededRng>(1));
  if (size == 0) return 0;
  const Role role = data[0] & 1 ? Role::initiator : Role::responder;
  Session session({cipher(1, *provider), cipher(2, *provider), {}, {}}, role == Role::responder, Instant{});
  RecordSealer sealer(cipher(2, *provider), Instant{});
  wire::Reader reader(ByteView(data + 1, size - 1));
  while (!reader.empty() && !session.closed_by_peer()) {
    const auto length = reader.u16();
    if (!length) break;
    const size_t count = std::min({size_t{*length}, reader.remaining(), record_text_bytes_max});
    const ByteView text = *reader.bytes(count);
    Bytes record(2);
    append(record, text);
    record.resize(record.size() + aead_tag_bytes);
    if (!sealer.seal(record.data(), count)) std::abort();
    if (!session.on_record(ByteView(record).subspan(2), Instant{})) break;
    if (ends_with_rekey(text)) sealer.rekey(Instant{});
    while (session.poll_message()) {
    }
  }
  session.close(ErrorCode::shutting_down);
  OutBuffer out;
  session.seal_into(out, Instant{});
  return 0;
}

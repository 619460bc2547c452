#include "noise_case.hpp"

namespace lattice::vectors {
namespace {

std::vector<Secret<32>> psks_of(const Json& vector, const char* key) {
  std::vector<Secret<32>> psks;
  if (!has(vector, key)) return psks;
  for (const Json& psk : array_field(vector, key)) psks.emplace_back(array_of<32>(hex_value(psk, key), key));
  return psks;
}

std::vector<NoiseCase::Message> messages_of(const Json& vector) {
  std::vector<NoiseCase::Message> messages;
  for (const Json& message : array_field(vector, "messages")) {
    messages.push_back({hex_field(message, "payload"), hex_field(message, "ciphertext"),
                        array_field_if<32>(message, "h_before_payload"), array_field_if<32>(message, "h_after")});
  }
  return messages;
}

// What the hfs and the cacophony format name alike.
NoiseCase read_common(const Json& vector) {
  NoiseCase out;
  out.initiator.ephemeral = secret_field_if<32>(vector, "init_ephemeral");
  out.initiator.static_key = secret_field_if<32>(vector, "init_static");
  out.initiator.remote_static = array_field_if<32>(vector, "init_remote_static");
  out.responder.ephemeral = secret_field_if<32>(vector, "resp_ephemeral");
  out.responder.static_key = secret_field_if<32>(vector, "resp_static");
  out.responder.remote_static = array_field_if<32>(vector, "resp_remote_static");
  out.messages = messages_of(vector);
  out.handshake_hash = array_field_if<32>(vector, "handshake_hash");
  return out;
}

NoiseCase read_cacophony(const Json& vector) {
  NoiseCase out = read_common(vector);
  out.initiator_prologue = hex_field(vector, "init_prologue");
  out.responder_prologue = hex_field(vector, "resp_prologue");
  out.initiator.psks = psks_of(vector, "init_psks");
  out.responder.psks = psks_of(vector, "resp_psks");
  return out;
}

NoiseCase read_hfs(const Json& vector) {
  NoiseCase out = read_common(vector);
  out.initiator_prologue = out.responder_prologue = hex_field(vector, "prologue");
  out.initiator.kem_seed = secret_field_if<kem_seed_bytes>(vector, "init_e1_seed_d_z");
  out.responder.encapsulation = secret_field_if<32>(vector, "resp_encaps_m");
  if (const auto psk = secret_field_if<32>(vector, "psk")) out.initiator.psks = out.responder.psks = {*psk};
  out.final_ck = secret_field_if<32>(vector, "final_ck");
  out.key_i2r = secret_field_if<32>(vector, "k_i2r");
  out.key_r2i = secret_field_if<32>(vector, "k_r2i");
  out.key_i2r_rekeyed = secret_field_if<32>(vector, "k_i2r_after_rekey");
  out.key_r2i_rekeyed = secret_field_if<32>(vector, "k_r2i_after_rekey");
  if (!has(vector, "transport")) return out;
  for (const Json& message : array_field(vector, "transport")) {
    const std::string direction = text_field(message, "dir");
    if (direction != "i2r" && direction != "r2i") throw Malformed("dir: neither i2r nor r2i");
    out.transport.push_back(
        {direction == "i2r", number_field(message, "n"), hex_field(message, "payload"), hex_field(message, "ciphertext")});
  }
  return out;
}

// The file states ML-KEM's expanded secret key, whose last 32 bytes are z (FIPS 203 algorithm 16); its keys were made with
// d = z, which the stated public key confirms.
Secret<kem_seed_bytes> libp2p_kem_seed(const Json& vector) {
  const Bytes expanded = hex_field(vector, "ephemeral_kem_i_secret");
  if (expanded.size() < 32) throw Malformed("ephemeral_kem_i_secret: too short");
  Secret<kem_seed_bytes> seed;
  std::copy(expanded.end() - 32, expanded.end(), seed.span().begin());
  std::copy(expanded.end() - 32, expanded.end(), seed.span().begin() + 32);
  return seed;
}

NoiseCase read_libp2p(const Json& vector, Provider& provider) {
  NoiseCase out;
  out.initiator_prologue = out.responder_prologue = hex_field(vector, "prologue");
  out.initiator.static_key = secret_field_if<32>(vector, "static_i_private");
  out.initiator.ephemeral = secret_field_if<32>(vector, "ephemeral_dh_i_private");
  out.initiator.kem_seed = libp2p_kem_seed(vector);
  out.responder.static_key = secret_field_if<32>(vector, "static_r_private");
  out.responder.ephemeral = secret_field_if<32>(vector, "ephemeral_dh_r_private");
  out.responder.encapsulation = secret_field_if<32>(vector, "encap_seed_hex");
  // "payload: empty (ZEROLEN)" throughout.
  for (const char* key : {"msg_a", "msg_b", "msg_c"}) out.messages.push_back({{}, hex_field(vector, key), {}, {}});
  out.handshake_hash = array_field_if<32>(vector, "handshake_hash");
  out.key_i2r = secret_field_if<32>(vector, "cs1_k");
  out.key_r2i = secret_field_if<32>(vector, "cs2_k");

  const auto state_dh = [&](const char* key, const std::optional<DhSecret>& secret) {
    if (!secret) throw Malformed(std::string(key) + ": its private key is missing");
    out.keys.push_back({key, hex_field(vector, key), to_bytes(provider.dh_public(*secret))});
  };
  state_dh("static_i_public", out.initiator.static_key);
  state_dh("static_r_public", out.responder.static_key);
  state_dh("ephemeral_dh_i_public", out.initiator.ephemeral);
  state_dh("ephemeral_dh_r_public", out.responder.ephemeral);
  out.keys.push_back({"ephemeral_kem_i_public", hex_field(vector, "ephemeral_kem_i_public"),
                      to_bytes(provider.kem_key(KemAlg::mlkem768, *out.initiator.kem_seed)->public_key())});
  return out;
}

}  // namespace

std::string protocol_name_of(const Json& file, const Json& vector) {
  if (has(vector, "protocol_name")) return text_field(vector, "protocol_name");
  if (has(vector, "name")) return text_field(vector, "name");
  if (has(file, "protocol")) return text_field(file, "protocol");
  throw Malformed("protocol_name: missing");
}

NoiseCase read_noise_case(const Json& file, const Json& vector, Provider& provider) {
  NoiseCase out;
  if (has(vector, "msg_a")) {
    out = read_libp2p(vector, provider);
  } else if (has(vector, "prologue")) {
    out = read_hfs(vector);
  } else if (has(vector, "init_prologue")) {
    out = read_cacophony(vector);
  } else {
    throw Malformed("neither msg_a nor prologue nor init_prologue: unknown vector format");
  }
  out.protocol_name = protocol_name_of(file, vector);
  return out;
}

}  // namespace lattice::vectors

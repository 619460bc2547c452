#include "noise_runner.hpp"

namespace lattice::vectors {
namespace {

using Failure = std::optional<std::string>;

bool is(const std::optional<Digest>& stated, const Digest& found) { return !stated || *stated == found; }
bool is(const std::optional<Secret<32>>& stated, const Secret<32>& found) { return !stated || *stated == found; }

// One handshake message from `writer` to `reader`, in the two steps that links take.
Failure exchange(NoiseHandshake& writer, NoiseHandshake& reader, const NoiseCase::Message& message) {
  auto written = writer.write_tokens();
  if (!written) return std::string("writing: ") + written.error().where;
  if (!is(message.h_before_payload, writer.handshake_hash())) return "writer's hash before the payload differs";
  const auto sealed = writer.write_payload(message.payload);
  if (!sealed) return std::string("writing the payload: ") + sealed.error().where;
  append(*written, *sealed);
  if (*written != message.ciphertext) return "message differs";
  if (!is(message.h_after, writer.handshake_hash())) return "writer's hash differs";

  const auto rest = reader.read_tokens(message.ciphertext);
  if (!rest) return std::string("reading: ") + rest.error().where;
  if (!is(message.h_before_payload, reader.handshake_hash())) return "reader's hash before the payload differs";
  const auto payload = reader.read_payload(*rest);
  if (!payload) return std::string("reading the payload: ") + payload.error().where;
  if (*payload != message.payload) return "payload differs";
  if (writer.handshake_hash() != reader.handshake_hash()) return "reader's hash differs";
  return {};
}

Failure transport(NoiseCipher& from, NoiseCipher& to, ByteView payload, const Bytes& ciphertext) {
  Bytes sealed(payload.size() + aead_tag_bytes);
  if (!from.seal({}, payload, sealed)) return "transport message not sealed";
  if (sealed != ciphertext) return "transport message differs";
  // First a changed one: it must fail and must not move the counter.
  Bytes changed = ciphertext, opened(payload.size());
  changed.back() ^= 1;
  if (to.open({}, changed, opened)) return "changed transport message opened";
  if (!to.open({}, ciphertext, opened)) return "transport message not opened";
  if (!equal(opened, payload)) return "transport payload differs";
  return {};
}

Failure check_transport(const NoiseCase& vector, const NoiseProtocol& protocol, NoiseSession& initiator,
                        NoiseSession& responder) {
  const size_t handshake = protocol.messages.size();
  for (size_t i = handshake; i < vector.messages.size(); ++i) {
    const bool by_initiator = handshake == 1 || i % 2 == 0;  // a one-way pattern goes one way
    const auto& [payload, ciphertext, h_before, h_after] = vector.messages[i];
    const auto failure = by_initiator ? transport(initiator.send, responder.receive, payload, ciphertext)
                                      : transport(responder.send, initiator.receive, payload, ciphertext);
    if (failure) return "message " + std::to_string(i) + ": " + *failure;
  }
  for (size_t i = 0; i < vector.transport.size(); ++i) {
    const NoiseCase::Transport& message = vector.transport[i];
    NoiseCipher& from = message.by_initiator ? initiator.send : responder.send;
    NoiseCipher& to = message.by_initiator ? responder.receive : initiator.receive;
    if (from.nonce() != message.nonce) return "transport " + std::to_string(i) + ": nonce is " + std::to_string(from.nonce());
    if (auto failure = transport(from, to, message.payload, message.ciphertext)) {
      return "transport " + std::to_string(i) + ": " + *failure;
    }
  }
  return {};
}

Failure check_session(const NoiseCase& vector, const NoiseProtocol& protocol, NoiseSession& initiator,
                      NoiseSession& responder) {
  for (NoiseSession* session : {&initiator, &responder}) {
    if (!is(vector.handshake_hash, session->handshake_hash)) return "handshake_hash differs";
    if (!is(vector.final_ck, session->chaining_key)) return "final_ck differs";
  }
  const bool keys = is(vector.key_i2r, initiator.send.key()) && is(vector.key_i2r, responder.receive.key()) &&
                    is(vector.key_r2i, responder.send.key()) && is(vector.key_r2i, initiator.receive.key());
  if (!keys) return "split keys differ";
  if (auto failure = check_transport(vector, protocol, initiator, responder)) return failure;
  for (NoiseCipher* cipher : {&initiator.send, &initiator.receive, &responder.send, &responder.receive}) cipher->rekey();
  const bool rekeyed = is(vector.key_i2r_rekeyed, initiator.send.key()) &&
                       is(vector.key_i2r_rekeyed, responder.receive.key()) &&
                       is(vector.key_r2i_rekeyed, responder.send.key()) && is(vector.key_r2i_rekeyed, initiator.receive.key());
  if (!rekeyed) return "keys after REKEY differ";
  return {};
}

const Json* vectors_of(const Json& file) {
  if (file.is_array()) return &file;
  return has(file, "vectors") && file["vectors"].is_array() ? &file["vectors"] : nullptr;
}

}  // namespace

Failure run_noise_case(const NoiseCase& vector, const NoiseProtocol& protocol, Provider& provider) {
  for (const auto& key : vector.keys) {
    if (key.stated != key.made) return key.what + " is not its secret's";
  }
  if (const char* missing = noise_missing(protocol, Role::initiator, vector.initiator)) {
    return std::string("initiator lacks: ") + missing;
  }
  if (const char* missing = noise_missing(protocol, Role::responder, vector.responder)) {
    return std::string("responder lacks: ") + missing;
  }
  if (vector.messages.size() < protocol.messages.size()) return "fewer messages than the handshake has";

  NoiseHandshake initiator(protocol, Role::initiator, vector.initiator_prologue, vector.initiator, provider);
  NoiseHandshake responder(protocol, Role::responder, vector.responder_prologue, vector.responder, provider);
  for (size_t i = 0; i < protocol.messages.size(); ++i) {
    const auto failure =
        i % 2 == 0 ? exchange(initiator, responder, vector.messages[i]) : exchange(responder, initiator, vector.messages[i]);
    if (failure) return "message " + std::to_string(i) + ": " + *failure;
  }
  NoiseSession at_initiator = std::move(initiator).finish(), at_responder = std::move(responder).finish();
  return check_session(vector, protocol, at_initiator, at_responder);
}

void run_noise_file(const Json& file, Report& report) {
  const Json* vectors = vectors_of(file);
  if (!vectors) return;
  const auto provider = openssl_provider();
  for (size_t i = 0; i < vectors->size(); ++i) {
    const Json& vector = (*vectors)[i];
    std::string name = "vector " + std::to_string(i);
    try {
      const std::string protocol_name = protocol_name_of(file, vector);
      name += " " + protocol_name;
      const auto protocol = parse_noise_protocol(protocol_name);
      if (!protocol) {
        report.skip(name, std::string(noise_name_error_text(protocol.error())));
        continue;
      }
      const auto failure = run_noise_case(read_noise_case(file, vector, *provider), *protocol, *provider);
      failure ? report.fail(name, *failure) : report.pass();
    } catch (const Malformed& malformed) {
      report.fail(name, malformed.what());
    }
  }
}

}  // namespace lattice::vectors

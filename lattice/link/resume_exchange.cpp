// Noise NNhfs+psk0: two nodes that have met go on from a secret of their last handshake. No certificate, no signature, fresh
// ephemeral keys of both kinds. Who they are stands in the prologue, each in its role, so a message 1 cannot be sent back to
// whoever made it.
#include <lattice/base/assert.hpp>
#include <lattice/link/exchange.hpp>
#include <lattice/link/peer_memory.hpp>

namespace lattice {
namespace {

using enum ErrorCode;

class ResumeExchange final : public Exchange {
 public:
  ResumeExchange(ExchangeStart start, Ticket ticket);

  Result<void> on_message(ByteView message, Now now) override;
  Result<void> on_work_done(WorkResult) override { ASSERT(false); }
  bool awaits_message() const override { return awaits_; }
  bool done() const override { return done_; }
  HandshakeResult finish() override;

 private:
  const LinkConfig& config_;
  Ticket ticket_;
  NoiseHandshake noise_;
  bool awaits_ = true, done_ = false;
};

Bytes prologue_of(const ExchangeStart& start, const Ticket& ticket) {
  const bool initiates = ticket.role == Role::initiator;
  Bytes prologue = start.prologue;
  append(prologue, (initiates ? ticket.own : ticket.peer).view());
  append(prologue, (initiates ? ticket.peer : ticket.own).view());
  return prologue;
}

NoiseSecrets secrets_of(const Ticket& ticket, Provider& provider) {
  NoiseSecrets secrets = draw_secrets(ticket.role, provider);
  secrets.psks = {ticket.psk};
  return secrets;
}

ResumeExchange::ResumeExchange(ExchangeStart start, Ticket ticket)
    : config_(*start.config),
      ticket_(std::move(ticket)),
      noise_(noise_protocol(traits_of(ticket_.suite).resumption), ticket_.role, prologue_of(start, ticket_),
             secrets_of(ticket_, *start.provider), *start.provider) {
  ASSERT(ticket_.role == config_.role);
  if (config_.role == Role::responder) return;
  message_ = first_message(std::move(start.message1_head), noise_);
}

Result<void> ResumeExchange::on_message(ByteView message, Now) {
  ASSERT(awaits_);
  awaits_ = false;
  TRY(payload, noise_.read_message(message));
  if (!payload.empty()) return fail(bad_handshake, "payload in a resumption");
  if (config_.role == Role::responder) {
    config_.memory->burn(ticket_.id);  // only now: whoever has seen an id cannot use it up for its owner
    TRY(answer, noise_.write_message({}));
    message_ = std::move(answer);
  }
  done_ = true;
  return {};
}

HandshakeResult ResumeExchange::finish() {
  ASSERT(done_);
  return {std::move(noise_).finish(),      ticket_.suite,    ticket_.own, ticket_.peer, std::move(ticket_.certificate), true,
          config_.role == Role::initiator, ticket_.signed_at};
}

}  // namespace

std::unique_ptr<Exchange> resume_exchange(ExchangeStart start, Ticket ticket) {
  return std::make_unique<ResumeExchange>(std::move(start), std::move(ticket));
}

}  // namespace lattice

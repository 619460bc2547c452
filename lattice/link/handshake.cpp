#include <lattice/link/handshake.hpp>

#include <algorithm>
#include <utility>

#include <lattice/base/assert.hpp>
#include <lattice/link/admission.hpp>
#include <lattice/link/peer_memory.hpp>
#include <lattice/link/puzzle.hpp>

namespace lattice {

using enum ErrorCode;

static std::unique_ptr<Exchange> make_exchange(ExchangeStart start) {
  const SuiteTraits& traits = traits_of(static_cast<Suite>(start.hello.suite));
  return traits.live_signature ? signed_exchange(std::move(start)) : kem_exchange(std::move(start));
}

Handshake::Handshake(LinkConfig config, Provider& provider, Now now)
    : config_(std::make_unique<LinkConfig>(std::move(config))), provider_(&provider), offers_(offers_of(*config_)) {
  if (!provider.has_tls()) std::erase(offers_, id_of(Suite::tls13));
  ASSERT(!offers_.empty());
  if (config_->role == Role::initiator)
    start(std::nullopt, std::nullopt, now);
  else
    step_ = Step::await_hello;
}

// Is the certificate of the expected node here, in the form that the suite needs?
static bool knows_certificate(const LinkConfig& config, uint16_t suite) {
  if (!config.expected || !config.memory) return false;
  const Bytes* body = config.memory->certificate_of(*config.expected);
  if (body == nullptr) return false;
  return traits_of(static_cast<Suite>(suite)).live_signature ||
         config.memory->self_signed(*config.expected, certificate_hash(*body));
}

// `suite`: that a retry asks for. A ticket is tried once, in the first hello.
void Handshake::start(std::optional<RetryAnswer> answer, std::optional<uint16_t> suite, Now now) {
  std::optional<Ticket> ticket;
  const auto& whom = config_->expected ? config_->expected : config_->likely;
  const bool may_resume =
      config_->resumes && whom && config_->memory && !answer && config_->outside_keys != OutsideKeys::require;
  if (may_resume) ticket = config_->memory->take(*whom, now);
  if (ticket && std::ranges::count(offers_, id_of(ticket->suite)) == 0) ticket.reset();

  Hello hello{config_->magic, 0, config_->chain8, suite.value_or(*choose_suite(offers_, offers_)), offers_, answer, {}};
  if (ticket) {
    hello.suite = id_of(ticket->suite);
    hello.flags |= Hello::resumes;
    hello.ticket = ticket->id;
  } else if (knows_certificate(*config_, hello.suite)) {
    hello.flags |= Hello::knows_certificate;
  }
  if (config_->outside_keys == OutsideKeys::require) hello.flags |= Hello::outside_key;
  hello_ = encode_hello(hello);
  ExchangeStart begin = exchange_start(std::move(hello), hello_);
  if (begin.hello.suite == id_of(Suite::tls13)) {
    begin_ = std::move(begin);
    step_ = Step::await_tls;
    return;
  }
  exchange_ = ticket ? resume_exchange(std::move(begin), std::move(*ticket)) : make_exchange(std::move(begin));
  step_ = Step::await_answer;
}

// TLS costs as much as a handshake, and stands before the hello: it is admitted by the address alone. There is no retry inside
// it, so whoever would be asked to solve a puzzle is turned away.
Result<void> Handshake::admit_tls(Now now) {
  const bool may = step_ == Step::await_hello && !tls_ && std::ranges::count(offers_, id_of(Suite::tls13)) != 0;
  if (!may) return fail(no_common_suite, "TLS");
  if (!config_->admission) return {};
  const Admit verdict = config_->admission->on_hello({config_->remote, {}, id_of(Suite::tls13), 0}, now.mono);
  return verdict == Admit::yes ? Result<void>{} : fail(limit_reached, "too many handshakes");
}

void Handshake::on_tls(const TlsEndpoint& tls) {
  tls_ = &tls;
  if (step_ != Step::await_tls) return;
  exchange_ = tls_exchange(*std::exchange(begin_, std::nullopt), tls);
  step_ = Step::await_answer;
}

// The prologue holds every byte that was said in the clear.
ExchangeStart Handshake::exchange_start(Hello hello, Bytes head) const {
  Bytes prologue = to_bytes(as_bytes("LATTICE1"));
  if (hello.answer) {
    append(prologue, hello.answer->hello_hash);
    append(prologue, hello.answer->retry);
  }
  append(prologue, head);
  return {config_.get(), provider_, std::move(hello), offers_, std::move(prologue), std::move(head)};
}

size_t Handshake::message_bytes_max() const {
  switch (step_) {
    case Step::await_hello: return message1_bytes_max;
    case Step::await_answer:
    case Step::exchange: return exchange_->awaits_message() ? limits::handshake_message_bytes_max : 0;
    case Step::await_tls:
    case Step::solve_puzzle:
    case Step::dead: return 0;
  }
  return 0;
}

Result<void> Handshake::on_message(ByteView message, Now now) {
  const Step step = std::exchange(step_, Step::dead);
  if (step == Step::await_hello) return on_hello(message, now);
  // A retry is the only answer of this length.
  if (step == Step::await_answer && message.size() == retry_bytes && !tls_) return on_retry(message, now);
  const bool in_exchange = step == Step::await_answer || step == Step::exchange;
  if (!in_exchange || !exchange_->awaits_message()) return fail(bad_handshake, "message out of turn");
  hello_ = {};
  TRY_VOID(exchange_->on_message(message, now));
  step_ = Step::exchange;
  return {};
}

Result<void> Handshake::into_exchange(std::unique_ptr<Exchange> exchange, ByteView rest, Now now) {
  exchange_ = std::move(exchange);
  TRY_VOID(exchange_->on_message(rest, now));
  step_ = Step::exchange;
  return {};
}

// The responder's only look at a caller before it works for it: form, chain, suite, admission. All of it is cheap.
Result<void> Handshake::on_hello(ByteView message, Now now) {
  wire::Reader reader(message);
  TRY(hello, read_hello(reader, config_->magic));
  if (hello.chain8 != config_->chain8) return fail(wrong_chain, "hello");
  const auto chosen = choose_suite(hello.offers, offers_);
  if (!chosen) return fail(no_common_suite, "hello");
  const bool asks_outside = hello.flags & Hello::outside_key;
  if (asks_outside ? config_->outside_keys == OutsideKeys::off : config_->outside_keys == OutsideKeys::require) {
    return fail(no_common_suite, "key from outside");
  }
  const ByteView head = message.first(message.size() - reader.remaining());
  if (tls_) return on_tls_hello(std::move(hello), *chosen, message, head.size(), now);
  if (hello.answer) {
    TRY_VOID(check_answer(hello, now));
  } else if (config_->admission) {
    const Admit verdict = config_->admission->on_hello({config_->remote, blake2s(head), *chosen, 0}, now.mono);
    if (verdict == Admit::no) return fail(limit_reached, "too many handshakes");
    if (verdict == Admit::retry) return ask_again(head, *chosen, 0, now);
  }
  const Ticket* ticket =
      hello.ticket && config_->resumes && config_->memory ? config_->memory->find(*hello.ticket, now) : nullptr;
  const bool ticket_fits = ticket != nullptr && id_of(ticket->suite) == hello.suite && !asks_outside;
  if (hello.ticket && !ticket_fits) return ask_again(head, *chosen, Retry::no_resumption, now);
  if (*chosen != hello.suite) return ask_again(head, *chosen, 0, now);
  if (*chosen == id_of(Suite::tls13)) return fail(bad_handshake, "the hello of TLS outside TLS");
  ExchangeStart begin = exchange_start(std::move(hello), to_bytes(head));
  if (ticket) return into_exchange(resume_exchange(std::move(begin), *ticket), reader.rest(), now);
  return into_exchange(make_exchange(std::move(begin)), reader.rest(), now);
}

// Only where both would choose TLS also outside of it: it never comes instead of something stronger.
Result<void> Handshake::on_tls_hello(Hello hello, uint16_t chosen, ByteView message, size_t head_bytes, Now now) {
  if (chosen != id_of(Suite::tls13) || hello.suite != chosen) return fail(no_common_suite, "TLS that is not to be chosen");
  if (hello.ticket || hello.flags & Hello::outside_key) return fail(bad_handshake, "flags of a hello in TLS");
  if (hello.answer) TRY_VOID(check_answer(hello, now));
  ExchangeStart begin = exchange_start(std::move(hello), to_bytes(message.first(head_bytes)));
  return into_exchange(tls_exchange(std::move(begin), *tls_), message.subspan(head_bytes), now);
}

// Once on a connection. With an admission nothing is kept of it but this.
Result<void> Handshake::ask_again(ByteView hello_bytes, uint16_t suite, uint16_t flags, Now now) {
  if (retried_) return fail(no_common_suite, "the initiator does not do what a retry asked for");
  retried_.emplace();
  if (config_->admission) {
    const Retry retry = config_->admission->make_retry({config_->remote, blake2s(hello_bytes), suite, flags}, now.mono);
    message_ = to_bytes(encode_retry(config_->magic, retry));
  } else {
    retried_->hello_hash = blake2s(hello_bytes);
    Retry retry{flags, suite, 0, {}};
    provider_->rng().fill(retry.cookie);
    retried_->retry = encode_retry(config_->magic, retry);
    message_ = to_bytes(retried_->retry);
  }
  step_ = Step::await_hello;
  return {};
}

Result<void> Handshake::check_answer(const Hello& hello, Now now) {
  TRY(retry, read_retry(hello.answer->retry, config_->magic));
  if (!config_->admission) {
    const bool asked = retried_ && retried_->hello_hash == hello.answer->hello_hash && retried_->retry == hello.answer->retry;
    return asked ? Result<void>{} : fail(bad_handshake, "answer to a retry that was not sent");
  }
  retried_.emplace();  // whatever connection it was asked on
  return config_->admission->on_answer(config_->remote, hello.answer->hello_hash, retry, hello.answer->solution, now.mono);
}

// One is accepted, only with a suite that was offered, and only at a price that we are willing to pay. Whether it was the
// responder's shows later: all of it is in the prologue.
Result<void> Handshake::on_retry(ByteView message, Now now) {
  if (retried_) return fail(bad_handshake, "a second retry");
  TRY(retry, read_retry(message, config_->magic));
  if (std::ranges::count(offers_, retry.suite) == 0) return fail(no_common_suite, "retry");
  if (retry.difficulty > puzzle_difficulty_max) return fail(limit_reached, "a puzzle above what is worth it");
  exchange_.reset();
  retried_.emplace();
  retried_->hello_hash = blake2s(std::exchange(hello_, {}));
  std::ranges::copy(message, retried_->retry.begin());
  retry_ = retry;
  if (retry.difficulty == 0) {
    start(retried_, retry.suite, now);
    return {};
  }
  PuzzleWork work{retry.cookie, retry.difficulty, {}};
  provider_->rng().fill(work.start);
  work_ = work;
  step_ = Step::solve_puzzle;
  return {};
}

Result<void> Handshake::on_work_done(WorkResult result, Now now) {
  const Step step = std::exchange(step_, Step::dead);
  if (step == Step::solve_puzzle) {
    retried_->solution = std::get<PuzzleDone>(result).solution;
    start(retried_, retry_.suite, now);
    return {};
  }
  ASSERT(step == Step::exchange);
  TRY_VOID(exchange_->on_work_done(std::move(result)));
  step_ = Step::exchange;
  return {};
}

std::optional<Work> Handshake::poll_work() {
  if (work_) return std::exchange(work_, std::nullopt);
  return exchange_ ? exchange_->poll_work() : std::nullopt;
}

std::optional<Bytes> Handshake::poll_message() {
  if (message_) return std::exchange(message_, std::nullopt);
  return exchange_ ? exchange_->poll_message() : std::nullopt;
}

HandshakeResult Handshake::finish() && {
  ASSERT(done());
  return exchange_->finish();
}

}  // namespace lattice

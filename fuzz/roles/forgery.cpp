#include "forgery.hpp"

#include <algorithm>

#include <lattice/link/hello.hpp>
#include <lattice/link/record.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::roles {

Bytes forged_retry(const LinkConfig& config, uint16_t suite, uint8_t how) {
  Retry retry{static_cast<uint16_t>(how & 1), suite, static_cast<uint8_t>(how >> 6), {}};
  retry.cookie.fill(how);
  return framed(encode_retry(config.magic, retry));
}

static void change(Hello& hello, uint8_t how) {
  SuiteIds& offers = hello.offers;
  const uint16_t one = offers[how / 8 % offers.size()];
  switch (how % 8) {
    case 0: offers = {one}; break;
    case 1: std::erase(offers, hello.suite); break;
    case 2: hello.suite = one; break;
    case 3: hello.flags ^= Hello::knows_certificate; break;
    case 4: hello.flags ^= Hello::outside_key; break;
    case 5: hello.ticket.reset(); break;
    case 6: hello.answer.reset(); break;
    default: std::ranges::reverse(offers);
  }
  if (offers.empty()) offers = {0x0001};
  if (std::ranges::count(offers, hello.suite) == 0) hello.suite = offers.front();
  hello.flags = static_cast<uint16_t>(hello.ticket ? hello.flags | Hello::resumes : hello.flags & ~Hello::resumes);
}

Bytes forged_unit(const LinkConfig& config, ByteView unit, uint8_t how) {
  if (unit.size() <= 2) return to_bytes(unit);
  const ByteView message = unit.subspan(2);
  if (auto retry = read_retry(message, config.magic)) {
    retry->suite = how & 1 ? 0x0001 : 0x0021;
    if (how & 2) retry->difficulty = how >> 6;
    return framed(encode_retry(config.magic, *retry));
  }
  wire::Reader reader(message);
  auto hello = read_hello(reader, config.magic);
  if (!hello) return to_bytes(unit);
  change(*hello, how);
  Bytes forged = encode_hello(*hello);
  append(forged, reader.rest());
  return framed(forged);
}

}  // namespace lattice::roles

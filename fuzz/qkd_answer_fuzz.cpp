// Any body of a key server's answer: refused, or the one key that an answer written anew from it holds too.
#include <cstdlib>

#include <lattice/host/key_id.hpp>
#include <lattice/host/qkd_answer.hpp>

using namespace lattice;

static std::string base64(ByteView bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) out += digits[bits >> (count - 6) & 63];
  }
  if (count > 0) out += digits[bits << (6 - count) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

static std::string container(const OutsideKey& key) {
  return R"({"keys":[{"key_ID":")" + key_id_text(key.id) + R"(","key":")" + base64(key.key.view()) + R"("}]})";
}

static void hold(ByteView body) {
  const auto key = parse_key_container(body, std::nullopt);
  if (key) {
    if (key->key == Secret<32>() || body.size() > qkd_limits::body_bytes_max) std::abort();
    const auto again = parse_key_container(as_bytes(container(*key)), key->id);
    if (!again || again->key != key->key) std::abort();
    KeyId other = key->id;
    other[0] ^= 1;
    const auto wrong = parse_key_container(body, other);
    if (wrong || wrong.error().fault != KeyFault::wrong_id) std::abort();
  }
  const auto status = parse_kme_status(body);
  if (status && status->master_sae.size() > qkd_limits::message_bytes_max) std::abort();
  const std::string said = parse_kme_message(body);
  if (said.size() > qkd_limits::message_bytes_max) std::abort();
  for (const char c : said) {
    if (c < ' ' || c > '~') std::abort();
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hold({data, size});
  // So that the fuzzer need not guess the frame.
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto whole = [](const std::string& json) { hold(as_bytes(json)); };
  whole(R"({"keys":[)" + text + "]}");
  whole(R"({"keys":[{"key_ID":"bc490419-7d60-487f-adc1-4ddcc177c139","key":)" + text + "}]}");
  whole(R"({"message":")" + text + R"("})");
  return 0;
}

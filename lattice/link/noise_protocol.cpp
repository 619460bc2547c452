#include <lattice/link/noise_protocol.hpp>

#include <algorithm>
#include <array>

#include <lattice/base/assert.hpp>

namespace lattice {
namespace {

// Noise rev 34: one-way (7.4), interactive (7.5) and deferred (18.1) patterns. Pre-messages first; '|' parts messages.
struct PatternRow {
  std::string_view name, pre_initiator, pre_responder, messages;
};
constexpr PatternRow patterns[] = {
    {"N", "", "s", "e es"},
    {"K", "s", "s", "e es ss"},
    {"X", "", "s", "e es s ss"},

    {"NN", "", "", "e|e ee"},
    {"NK", "", "s", "e es|e ee"},
    {"NX", "", "", "e|e ee s es"},
    {"XN", "", "", "e|e ee|s se"},
    {"XK", "", "s", "e es|e ee|s se"},
    {"XX", "", "", "e|e ee s es|s se"},
    {"KN", "s", "", "e|e ee se"},
    {"KK", "s", "s", "e es ss|e ee se"},
    {"KX", "s", "", "e|e ee se s es"},
    {"IN", "", "", "e s|e ee se"},
    {"IK", "", "s", "e es s ss|e ee se"},
    {"IX", "", "", "e s|e ee se s es"},

    {"NK1", "", "s", "e|e ee es"},
    {"NX1", "", "", "e|e ee s|es"},
    {"X1N", "", "", "e|e ee|s|se"},
    {"X1K", "", "s", "e es|e ee|s|se"},
    {"XK1", "", "s", "e|e ee es|s se"},
    {"X1K1", "", "s", "e|e ee es|s|se"},
    {"X1X", "", "", "e|e ee s es|s|se"},
    {"XX1", "", "", "e|e ee s|es s se"},
    {"X1X1", "", "", "e|e ee s|es s|se"},
    {"K1N", "s", "", "e|e ee|se"},
    {"K1K", "s", "s", "e es|e ee|se"},
    {"KK1", "s", "s", "e|e ee se es"},
    {"K1K1", "s", "s", "e|e ee es|se"},
    {"K1X", "s", "", "e|e ee s es|se"},
    {"KX1", "s", "", "e|e ee se s|es"},
    {"K1X1", "s", "", "e|e ee s|se es"},
    {"I1N", "", "", "e s|e ee|se"},
    {"I1K", "", "s", "e es s|e ee|se"},
    {"IK1", "", "s", "e s|e ee se es"},
    {"I1K1", "", "s", "e s|e ee es|se"},
    {"I1X", "", "", "e s|e ee s es|se"},
    {"IX1", "", "", "e s|e ee se s|es"},
    {"I1X1", "", "", "e s|e ee s|se es"},
};

template <class F>
void for_each_part(std::string_view text, char separator, F&& use) {
  for (;;) {
    const size_t end = text.find(separator);
    use(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for_each_part(text, separator, [&](std::string_view part) { parts.push_back(part); });
  return parts;
}

NoiseToken token_of(std::string_view text) {
  using enum NoiseToken;
  constexpr std::pair<std::string_view, NoiseToken> names[] = {{"e", e},   {"s", s},   {"ee", ee},
                                                               {"es", es}, {"se", se}, {"ss", ss}};
  const auto* found = std::ranges::find(names, text, &std::pair<std::string_view, NoiseToken>::first);
  ASSERT(found != std::end(names));
  return found->second;
}

NoiseTokens tokens_of(std::string_view text) {
  NoiseTokens tokens;
  if (text.empty()) return tokens;
  for_each_part(text, ' ', [&](std::string_view part) { tokens.push_back(token_of(part)); });
  return tokens;
}

bool is_dh(NoiseToken token) {
  using enum NoiseToken;
  return token == ee || token == es || token == se || token == ss;
}

// noise_hfs section 5: e1 stands behind the first e, or, where that message has a DH, behind that, so that it is encrypted;
// ekem1 stands behind the first ee. False where there is no ee: nobody would answer the e1.
bool add_hfs(std::vector<NoiseTokens>& messages) {
  NoiseTokens& first = messages.front();
  const auto dh = std::ranges::find_if(first, is_dh);
  const auto behind = dh != first.end() ? dh : std::ranges::find(first, NoiseToken::e);
  ASSERT(behind != first.end());
  first.insert(behind + 1, NoiseToken::e1);
  for (NoiseTokens& message : messages) {
    const auto ee = std::ranges::find(message, NoiseToken::ee);
    if (ee == message.end()) continue;
    message.insert(ee + 1, NoiseToken::ekem1);
    return true;
  }
  return false;
}

// Section 9.4: psk0 stands at the start of the first message, pskN at the end of message N.
bool add_psk(std::vector<NoiseTokens>& messages, size_t index) {
  if (index > messages.size()) return false;
  if (index == 0) {
    messages.front().insert(messages.front().begin(), NoiseToken::psk);
  } else {
    messages[index - 1].push_back(NoiseToken::psk);
  }
  return true;
}

// XX alone: each side proves its static KEM key by opening what the other has sealed to it. To the responder's key before `s`,
// so that only its holder reads who the initiator is; to the initiator's in a fourth message.
bool add_kem(std::vector<NoiseTokens>& messages) {
  using enum NoiseToken;
  if (messages.size() != 3 || messages[2] != NoiseTokens{s, se}) return false;
  messages[2].insert(messages[2].begin(), skem);
  messages.push_back({skem});
  return true;
}

// `text`: what stands behind the pattern's name, "" or "hfs+psk0". True where the modifiers are known and in their one order.
bool add_modifiers(NoiseProtocol& protocol, std::string_view text, bool& hfs) {
  if (text.empty()) return true;
  std::string_view last;
  for (std::string_view modifier : split(text, '+')) {
    if (modifier <= last) return false;
    last = modifier;
    if (modifier == "hfs" || modifier == "hfskem") {
      hfs = true;
      if (!add_hfs(protocol.messages)) return false;
      if (modifier == "hfskem" && !add_kem(protocol.messages)) return false;
    } else if (modifier.size() == 4 && modifier.starts_with("psk") && modifier[3] >= '0' && modifier[3] <= '3') {
      if (!add_psk(protocol.messages, static_cast<size_t>(modifier[3] - '0'))) return false;
      ++protocol.psks;
    } else {
      return false;
    }
  }
  return true;
}

// "25519" or "25519+MLKEM768". The KEM is there exactly where the modifier hfs is.
std::optional<NoiseNameError> read_dh(NoiseProtocol& protocol, std::string_view text, bool hfs) {
  const auto parts = split(text, '+');
  if (parts[0] != "25519") return NoiseNameError::dh;
  if (parts.size() == 1) return hfs ? std::optional(NoiseNameError::kem) : std::nullopt;
  if (parts.size() > 2 || !hfs) return NoiseNameError::kem;
  if (parts[1] == "MLKEM768") {
    protocol.kem = KemAlg::mlkem768;
  } else if (parts[1] == "MLKEM1024") {
    protocol.kem = KemAlg::mlkem1024;
  } else {
    return NoiseNameError::kem;
  }
  return std::nullopt;
}

constexpr size_t name_bytes_max = 255;  // section 8

}  // namespace

std::string_view noise_name_error_text(NoiseNameError error) {
  switch (error) {
    case NoiseNameError::not_a_name: return "not a Noise protocol name";
    case NoiseNameError::pattern: return "unknown handshake pattern";
    case NoiseNameError::modifier: return "unknown or impossible modifier";
    case NoiseNameError::dh: return "unknown DH function";
    case NoiseNameError::kem: return "unknown KEM, or a KEM without hfs, or hfs without a KEM";
    case NoiseNameError::cipher: return "unknown cipher";
    case NoiseNameError::hash: return "unknown hash";
  }
  return "unknown";
}

std::expected<NoiseProtocol, NoiseNameError> parse_noise_protocol(std::string_view name) {
  if (name.size() > name_bytes_max) return std::unexpected(NoiseNameError::not_a_name);
  const auto parts = split(name, '_');
  if (parts.size() != 5 || parts[0] != "Noise") return std::unexpected(NoiseNameError::not_a_name);

  NoiseProtocol protocol;
  protocol.name = name;
  const auto is_pattern_char = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  const auto modifiers = static_cast<size_t>(std::ranges::find_if_not(parts[1], is_pattern_char) - parts[1].begin());
  const auto* row = std::ranges::find(patterns, parts[1].substr(0, modifiers), &PatternRow::name);
  if (row == std::end(patterns)) return std::unexpected(NoiseNameError::pattern);
  protocol.pre_initiator = tokens_of(row->pre_initiator);
  protocol.pre_responder = tokens_of(row->pre_responder);
  for (std::string_view message : split(row->messages, '|')) protocol.messages.push_back(tokens_of(message));

  bool hfs = false;
  if (!add_modifiers(protocol, parts[1].substr(modifiers), hfs)) return std::unexpected(NoiseNameError::modifier);
  if (const auto error = read_dh(protocol, parts[2], hfs)) return std::unexpected(*error);
  if (parts[3] == "AESGCM") {
    protocol.aead = AeadAlg::aes256_gcm;
  } else if (parts[3] != "ChaChaPoly") {
    return std::unexpected(NoiseNameError::cipher);
  }
  if (parts[4] == "SHA256") {
    protocol.hash = HashAlg::sha256;
  } else if (parts[4] != "BLAKE2s") {
    return std::unexpected(NoiseNameError::hash);
  }
  return protocol;
}

void name_psk(NoiseProtocol& protocol) {
  ASSERT(protocol.psks == 1 && protocol.messages.size() == 3 && protocol.messages[2].back() == NoiseToken::psk);
  protocol.messages[2].insert(protocol.messages[2].begin(), NoiseToken::key_id);
  protocol.names_psk = true;
}

}  // namespace lattice

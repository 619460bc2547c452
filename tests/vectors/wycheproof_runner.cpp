#include "wycheproof_runner.hpp"

#include <lattice/crypto/aead.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/crypto/provider.hpp>

#include "fields.hpp"

namespace lattice::vectors {
namespace {

// accepted: taken, with the stated result. differs: taken, with another result.
enum class Outcome : uint8_t { accepted, differs, refused };

Outcome result_is(bool as_stated) { return as_stated ? Outcome::accepted : Outcome::differs; }

// A test that asks for what crypto/ does not have.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Everything a test can look at.
struct Test {
  const Json& file;
  const Json& group;
  const Json& fields;
  Provider& provider;

  Bytes bytes(const char* key) const { return hex_field(fields, key); }
};

KemAlg kem_alg(const Test& test) {
  const std::string set = text_field(test.group, "parameterSet");
  if (set == "ML-KEM-768") return KemAlg::mlkem768;
  if (set == "ML-KEM-1024") return KemAlg::mlkem1024;
  throw Unsupported("parameter set " + set);
}

SignAlg sign_alg(const Test& test) {
  const std::string name = text_field(test.file, "algorithm");
  if (name == "ML-DSA-65") return SignAlg::mldsa65;
  if (name == "ML-DSA-87") return SignAlg::mldsa87;
  throw Unsupported("algorithm " + name);
}

Outcome kem_decapsulate(const Test& test) {
  const KemAlg alg = kem_alg(test);
  const Bytes seed = test.bytes("seed");
  if (seed.size() != kem_seed_bytes) return Outcome::refused;  // the type Secret<64> holds no other length
  const auto key = test.provider.kem_key(alg, Secret<kem_seed_bytes>(seed));
  if (const auto stated = hex_field_if(test.fields, "ek"); stated && !equal(key->public_key(), *stated))
    return Outcome::differs;
  const auto shared = key->decapsulate(test.bytes("c"));
  if (!shared) return Outcome::refused;
  return result_is(equal(shared->view(), test.bytes("K")));
}

Outcome kem_encapsulate(const Test& test) {
  const KemAlg alg = kem_alg(test);
  const Bytes m = test.bytes("m");
  if (m.size() != 32) return Outcome::refused;  // the type Secret<32> holds no other length
  const auto sent = test.provider.encapsulate(alg, test.bytes("ek"), Secret<32>(m));
  if (!sent) return Outcome::refused;
  return result_is(sent->ciphertext == test.bytes("c") && equal(sent->shared.view(), test.bytes("K")));
}

// Keys stay seeds here, so the expanded form `dk` cannot be compared: its public part is.
Outcome kem_generate(const Test& test) {
  const KemAlg alg = kem_alg(test);
  const Bytes seed = test.bytes("seed");
  if (seed.size() != kem_seed_bytes) return Outcome::refused;
  return result_is(equal(test.provider.kem_key(alg, Secret<kem_seed_bytes>(seed))->public_key(), test.bytes("ek")));
}

Outcome verify(const Test& test) {
  const SignAlg alg = sign_alg(test);
  const Bytes context = hex_field_if(test.fields, "ctx").value_or(Bytes{});
  const bool valid =
      test.provider.verify(alg, hex_field(test.group, "publicKey"), context, test.bytes("msg"), test.bytes("sig"));
  return valid ? Outcome::accepted : Outcome::refused;
}

// FIPS 204 algorithm 2, the deterministic variant: 32 zeros for rnd.
Outcome sign(const Test& test) {
  const SignAlg alg = sign_alg(test);
  if (!has(test.group, "privateSeed")) throw Unsupported("signing with an expanded key");
  if (!has(test.fields, "msg")) throw Unsupported("signing a mu without its message");
  const Bytes seed = hex_field(test.group, "privateSeed");
  const Bytes context = hex_field_if(test.fields, "ctx").value_or(Bytes{});
  if (seed.size() != 32 || context.size() > 255) return Outcome::refused;  // preconditions of signing_key and sign
  const auto key = test.provider.signing_key(alg, Secret<32>(seed));
  if (const auto stated = hex_field_if(test.group, "publicKey"); stated && !equal(key->public_key(), *stated)) {
    return Outcome::differs;
  }
  const Bytes message = test.bytes("msg"), signature = key->sign(context, message, Secret<32>{});
  if (!test.provider.verify(alg, key->public_key(), context, message, signature)) return Outcome::differs;
  return result_is(signature == test.bytes("sig"));
}

Outcome x25519(const Test& test) {
  const std::string curve = text_field(test.group, "curve");
  if (curve != "curve25519") throw Unsupported("curve " + curve);
  const Bytes secret = test.bytes("private");
  if (secret.size() != 32) return Outcome::refused;
  const auto shared = test.provider.dh(DhSecret(secret), test.bytes("public"));
  if (!shared) return Outcome::refused;
  return result_is(equal(shared->view(), test.bytes("shared")));
}

AeadAlg aead_alg(const Test& test) {
  const std::string name = text_field(test.file, "algorithm");
  if (name == "CHACHA20-POLY1305") return AeadAlg::chacha20_poly1305;
  if (name == "AES-GCM") return AeadAlg::aes256_gcm;
  throw Unsupported("algorithm " + name);
}

Outcome aead(const Test& test) {
  const AeadAlg alg = aead_alg(test);
  const Bytes key = test.bytes("key"), iv = test.bytes("iv"), ad = test.bytes("aad"), text = test.bytes("msg");
  Bytes sealed = test.bytes("ct");
  append(sealed, test.bytes("tag"));
  const uint64_t tag_bits = number_field(test.group, "tagSize");
  if (tag_bits != 128) throw Unsupported("tag of " + std::to_string(tag_bits) + " bits");
  if (key.size() != 32) throw Unsupported("key of " + std::to_string(key.size() * 8) + " bits");
  if (iv.size() != sizeof(AeadNonce)) {
    // RFC 8439 section 2.8 knows 96 bits only; GCM would take others, which no protocol here uses.
    if (alg == AeadAlg::aes256_gcm && !iv.empty()) throw Unsupported("nonce of " + std::to_string(iv.size() * 8) + " bits");
    return Outcome::refused;
  }
  AeadNonce nonce;
  std::copy(iv.begin(), iv.end(), nonce.begin());
  OpensslAead cipher(alg, Secret<32>(key));
  if (sealed.size() < aead_tag_bytes) return Outcome::refused;
  Bytes opened(sealed.size() - aead_tag_bytes);
  if (!cipher.open_with(nonce, ad, sealed, opened)) return Outcome::refused;
  Bytes resealed(text.size() + aead_tag_bytes);
  cipher.seal_with(nonce, ad, text, resealed);
  return result_is(opened == text && resealed == sealed);
}

Outcome mac(const Test& test) {
  const std::string name = text_field(test.file, "algorithm");
  if (name != "HMACSHA256") throw Unsupported("algorithm " + name);
  const Digest digest = hmac(HashAlg::sha256, test.bytes("key"), test.bytes("msg"));
  const Bytes tag = test.bytes("tag");
  if (tag.empty() || tag.size() > digest.size()) return Outcome::refused;
  return equal(ByteView(digest).first(tag.size()), tag) ? Outcome::accepted : Outcome::refused;
}

using TestFunction = Outcome (*)(const Test& test);

TestFunction function_for(const std::string& type) {
  static constexpr std::pair<std::string_view, TestFunction> functions[] = {
      {"MLKEMTest", kem_decapsulate},
      {"MLKEMEncapsTest", kem_encapsulate},
      {"MLKEMKeyGen", kem_generate},
      {"MlDsaVerify", verify},
      {"MlDsaSign", sign},
      {"XdhComp", x25519},
      {"AeadTest", aead},
      {"MacTest", mac},
  };
  for (const auto& [name, function] : functions) {
    if (name == type) return function;
  }
  return nullptr;
}

bool has_flag(const Json& test, std::string_view flag) {
  if (!has(test, "flags") || !test["flags"].is_array()) return false;
  for (const Json& found : test["flags"]) {
    if (found.is_string() && found.get_ref<const std::string&>() == flag) return true;
  }
  return false;
}

// What is wrong with the outcome, or nothing.
std::optional<std::string> judge(const Json& test, Outcome outcome) {
  const std::string result = text_field(test, "result");
  const bool must_refuse = result == "invalid" || (result == "acceptable" && has_flag(test, "ZeroSharedSecret"));
  if (!must_refuse && result != "valid" && result != "acceptable") throw Malformed("result: " + result);
  if (must_refuse) return outcome == Outcome::refused ? std::nullopt : std::optional<std::string>(result + ", and taken");
  if (outcome == Outcome::accepted) return std::nullopt;
  return outcome == Outcome::refused ? "valid, and refused" : "the result differs";
}

void run_test(const Test& test, TestFunction function, const std::string& name, Report& report) {
  try {
    const auto wrong = judge(test.fields, function(test));
    wrong ? report.fail(name, *wrong) : report.pass();
  } catch (const Unsupported& unsupported) {
    report.skip(name, unsupported.what());
  } catch (const Malformed& malformed) {
    report.fail(name, malformed.what());
  }
}

void run_group(const Json& file, const Json& group, const std::string& where, Provider& provider, Report& report) {
  const std::string type = text_field(group, "type");
  const TestFunction function = function_for(type);
  for (const Json& fields : array_field(group, "tests")) {
    const std::string id = has(fields, "tcId") && fields["tcId"].is_number_unsigned() ? fields["tcId"].dump() : "?";
    const std::string name = where + " " + type + " " + id + " (" + text_field_or(fields, "comment", "") + ")";
    if (function == nullptr) {
      report.skip(name, "tests of type " + type);
    } else {
      run_test({file, group, fields, provider}, function, name, report);
    }
  }
}

}  // namespace

void run_wycheproof_file(const Json& file, Report& report) {
  if (!has(file, "testGroups") || !file["testGroups"].is_array()) return;
  const std::string where = text_field_or(file, "algorithm", "unknown algorithm");
  const auto provider = openssl_provider();
  for (const Json& group : file["testGroups"]) {
    try {
      run_group(file, group, where, *provider, report);
    } catch (const Malformed& malformed) {
      report.fail(where + " group", malformed.what());
    }
  }
}

}  // namespace lattice::vectors

#include <lattice/crypto/secret.hpp>

#include <openssl/crypto.h>

namespace lattice {

void wipe(ByteSpan bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

bool equal_secret(ByteView a, ByteView b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

}  // namespace lattice

// Wycheproof's JSON vectors (C2SP/wycheproof, testvectors_v1) through crypto/. Known group types: MLKEMTest, MLKEMEncapsTest,
// MLKEMKeyGen, MlDsaVerify, MlDsaSign with seeds, XdhComp with curve25519, AeadTest with ChaCha20-Poly1305 and AES-256-GCM,
// MacTest with HMACSHA256. Others are skipped.
//
// "valid" must give the stated result, "invalid" must be refused (a MAC: must differ from what is stated). "acceptable" occurs
// with X25519 only: a shared secret of zeros must be refused (RFC 7748 section 6.1), all else - points on the twist, encodings
// above the prime - must give the stated result (RFC 7748 section 5).
#pragma once

#include "report.hpp"

namespace lattice::vectors {

void run_wycheproof_file(const Json& file, Report& report);

}  // namespace lattice::vectors

// What this machine's processor does fast.
#pragma once

namespace lattice {

// AES instructions (AES-NI, or ARMv8's). Without them AES-256-GCM is slow, and not constant in time everywhere.
bool cpu_has_aes();

}  // namespace lattice

// The programs of link_roles_fuzz.cpp with the real cryptography, and so with TLS.
#include "roles/link_roles.hpp"

using namespace lattice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static roles::LinkRoles roles(roles::Cryptography::real);
  roles::run_or_abort(roles, {data, size});
  return 0;
}

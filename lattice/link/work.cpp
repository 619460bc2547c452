#include <lattice/link/work.hpp>

namespace lattice {

static WorkResult run(const SignWork& work, Provider&) {
  return SignDone{work.key->sign(work.context, work.message, work.entropy)};
}
static WorkResult run(const VerifyWork& work, Provider& provider) {
  return VerifyDone{provider.verify(work.alg, work.public_key, work.context, work.message, work.signature)};
}

WorkResult run_work(const Work& work, Provider& provider) {
  return std::visit([&](const auto& one) { return run(one, provider); }, work);
}

}  // namespace lattice

#include <lattice/link/work.hpp>

#include <lattice/link/puzzle.hpp>

namespace lattice {

static WorkResult run(const SignWork& work, Provider&) {
  return SignDone{work.key->sign(work.context, work.message, work.entropy)};
}
static WorkResult run(const VerifyWork& work, Provider& provider) {
  return VerifyDone{provider.verify(work.alg, work.public_key, work.context, work.message, work.signature)};
}
static WorkResult run(const PuzzleWork& work, Provider&) {
  return PuzzleDone{solve_puzzle(work.cookie, work.difficulty, work.start)};
}
static WorkResult run(const OutsideKeyWork&, Provider&) { return OutsideKeyDone{}; }

WorkResult run_work(const Work& work, Provider& provider) {
  return std::visit([&](const auto& one) { return run(one, provider); }, work);
}

}  // namespace lattice

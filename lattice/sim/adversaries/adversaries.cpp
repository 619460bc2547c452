#include <lattice/sim/adversaries/adversaries.hpp>

#include <lattice/base/assert.hpp>
#include <lattice/sim/adversaries/eclipse.hpp>
#include <lattice/sim/adversaries/equivocator.hpp>
#include <lattice/sim/adversaries/liar.hpp>
#include <lattice/sim/adversaries/mutator.hpp>
#include <lattice/sim/adversaries/plain.hpp>
#include <lattice/sim/adversaries/slow_sender.hpp>
#include <lattice/sim/adversaries/spammer.hpp>
#include <lattice/sim/adversaries/sybil.hpp>

namespace lattice::sim {

std::unique_ptr<RawHost> make_adversary(AttackKind kind, AttackContext context) {
  switch (kind) {
    case AttackKind::garbage: return garbage_sender(std::move(context));
    case AttackKind::silent: return silent_listener(std::move(context));
    case AttackKind::spammer: return spammer(std::move(context));
    case AttackKind::liar: return liar(std::move(context));
    case AttackKind::slow_sender: return slow_sender(std::move(context));
    case AttackKind::eclipse: return eclipse(std::move(context));
    case AttackKind::sybil: return sybil(std::move(context));
    case AttackKind::equivocator: return equivocator(std::move(context));
    case AttackKind::mutator: return mutator(std::move(context));
    case AttackKind::wrong_magic:
    case AttackKind::withholding:
    case AttackKind::corrupting: break;
  }
  ASSERT(false && "a production node");
  return nullptr;
}

}  // namespace lattice::sim

// Claims what is not there. One machine; it speaks the protocol without a fault in form. Every connection lies another way:
//
//   far        a tip a million blocks ahead with the greatest score, a new one every two seconds; no headers when it is asked
//   nowhere    real headers, but one in the middle of each answer follows nothing
//   circle     the same first headers whatever it is asked, and a new unknown block announced each time
//   other      headers are right; for each block asked it gives another real one
//   promises   headers are right, it announces unknown blocks; every body is "not found"
#pragma once

#include <lattice/sim/adversaries/adversaries.hpp>

namespace lattice::sim {

std::unique_ptr<RawHost> liar(AttackContext context);

}  // namespace lattice::sim

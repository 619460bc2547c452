// The language of the programs: bytes, read one number after another. Any bytes are a program, and a changed byte is a similar one.
#pragma once

#include <lattice/base/bytes.hpp>

namespace lattice::roles {

enum class Op : uint8_t {
  connect,      // nodes, what the initiator knows, pieces
  pump,         // a connection: everything goes where it belongs, until nothing moves
  deliver,      // an end's next unit, whole
  deliver_all,  // all of an end's units, in pieces
  drop,
  repeat,   // deliver, and keep for another time
  replay,   // something that was ever said, to any end
  divert,   // an end's next unit, to any end
  reflect,  // to whoever said it
  flip,
  insert,
  cut_short,
  change_length,
  swap,
  forge,        // the unit said otherwise, by somebody who knows the protocol
  forge_retry,  // to an initiator
  invent,       // bytes of nobody
  invent_tls,   // 16 03
  work,         // one of the workers' results, of any end
  work_all,     // of a connection
  pass_time,
  revoke,
  renew,
  send,
  close,
  end_socket,
  habit,   // an end whose socket or consumer waits
  policy,  // of a node, for later connections
  forget,  // a node starts again: its memory is gone
  count
};

// Past the end everything is 0.
class Program {
 public:
  explicit Program(ByteView bytes) : bytes_(bytes) {}

  bool over() const { return at_ >= bytes_.size(); }
  uint8_t byte() { return over() ? uint8_t{0} : bytes_[at_++]; }
  size_t below(size_t bound) { return bound == 0 ? 0 : (bound > 256 ? size_t{byte()} << 8 | byte() : byte()) % bound; }
  // One in so many bytes says yes.
  bool one_in(size_t bound) { return byte() % bound == bound - 1; }
  Op op();

 private:
  ByteView bytes_;
  size_t at_ = 0;
};

}  // namespace lattice::roles

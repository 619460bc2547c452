// What a Node wishes of the world. The host does it with sockets and threads, the simulator with an event queue.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/discovery/dns_seeds.hpp>
#include <lattice/link/work.hpp>
#include <lattice/node/chain.hpp>

namespace lattice {

// Answer: on_dialed(conn, ...) or on_dial_failed(conn).
struct Dial {
  ConnId conn;
  Endpoint endpoint;
};
// The connection has something to send: pending_output(conn) until it is empty, on_sent after each write.
struct WantWrite {
  ConnId conn;
};
// Write what pending_output still holds (for a second at most), then close the socket. Node has forgotten the connection's
// peer; it forgets the rest when the host says on_closed.
struct CloseConn {
  ConnId conn;
  bool at_once = false;  // nothing is to be written, and nobody's end to be waited for: whatever it holds is free again
};
// Slow cryptography. Answer: on_work_done(conn, result), also where the connection has gone meanwhile: how long it took counts.
struct RunWork {
  ConnId conn;
  Work work;
};
// Addresses of a seed: A and AAAA at `name`, SRV and TXT at _lattice._tcp.`name`. Answer: on_resolved(request, answer).
struct Resolve {
  RequestId request;
  std::string name;
};
// Answer: the events of Chain::apply, by on_chain_events.
struct ToChain {
  ChainCommand command;
};
// A body from the store, for a peer. Answer: on_body(request, bytes or nothing).
struct ReadBody {
  RequestId request;
  BlockHash block;
};
// Verify signatures on a worker: a seed list's, those of a succession, an announcement's. Answer: on_seed_work_done(request, results), in order.
struct VerifySeeds {
  RequestId request;
  std::vector<VerifyWork> work;
};
// The known addresses, to be given back as NodeConfig::stored_addresses after a restart. No answer; a newer one replaces it.
struct SaveAddresses {
  Bytes file;
};
// What is remembered of the seeds' operators and lists, to be given back as NodeConfig::stored_seeds. The same.
struct SaveSeeds {
  Bytes file;
};
// Who is banned, to be given back as NodeConfig::stored_bans. The same.
struct SaveBans {
  Bytes file;
};
using Effect = std::variant<Dial, WantWrite, CloseConn, RunWork, Resolve, ToChain, ReadBody, VerifySeeds, SaveAddresses,
                            SaveSeeds, SaveBans>;

}  // namespace lattice

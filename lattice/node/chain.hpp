// The interface of a blockchain: a command and a store in, events out. No thread, no socket, no clock of its own.
//
// The chain owns its header index and says which of two tips is better (work, or finality); Node never compares them. Headers
// and blocks are opaque to the network: bytes with a 32-byte hash, a parent and a height.
//
// Bodies are kept under Column::bodies by their block's hash in wire order, so that a node serves them without asking the
// chain.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include <lattice/base/ids.hpp>
#include <lattice/base/result.hpp>
#include <lattice/base/time.hpp>
#include <lattice/node/store.hpp>

namespace lattice {

// A tip: how far a chain goes and how much it counts for. `score` is the chain's own measure, big-endian, at most 32 bytes;
// equal lengths compare as numbers, but only the chain decides which of two tips is better.
struct Tip {
  BlockRef block;
  Bytes score;
};

// What Node asks of the chain. Commands with a request id are answered by exactly one event with that id.
struct LoadChain {};  // first of all: read the index back from the store
struct SubmitHeaders {
  RequestId request;
  std::vector<Bytes> headers;  // in order, from one peer
  uint64_t source = 0;         // which peer: its connection; 0: one of our own, whose headers need not be doubted
};
struct SubmitBlock {
  RequestId request;
  SharedBytes block;
};
struct SubmitConsensus {
  RequestId request;
  SharedBytes message;
};
// For a peer: the headers after the newest hash of the locator that is on the best header chain.
struct FindHeaders {
  RequestId request;
  std::vector<BlockHash> locator;
  BlockHash stop;  // zero: none
  size_t count_max = 0;
  size_t bytes_max = 0;
};
// For the download: bodies of the best header chain that the store lacks, lowest first, above `above`.
struct FindMissing {
  RequestId request;
  uint64_t above = 0;
  size_t count_max = 0;
};
struct ChainTick {};  // once a second
using ChainCommand = std::variant<LoadChain, SubmitHeaders, SubmitBlock, SubmitConsensus, FindHeaders, FindMissing, ChainTick>;

// What the chain says.
struct HeadersVerdict {
  RequestId request;
  Error error;          // none: every header is valid and connected (known ones count as valid)
  size_t accepted = 0;  // how many were new
  BlockRef last;        // the last valid header of the message; its hash is zero where there is none
  bool again = false;   // its chain has shown that it counts: the peer is to be asked for it once more, from the best header on
};
struct BlockVerdict {
  RequestId request;
  BlockHash block;
  Error error;  // none: stored, or had already
};
struct ConsensusVerdict {
  RequestId request;
  Error error;
  bool relay = false;  // new and worth passing on
};
struct HeadersFound {
  RequestId request;
  std::vector<Bytes> headers;
};
struct MissingFound {
  RequestId request;
  std::vector<BlockRef> blocks;
};
// The best valid header changed.
struct BestHeaderChanged {
  Tip best;
  std::vector<BlockHash> locator;  // newest first, thinning out, down to the genesis or the trusted header; never empty
  uint64_t fork_height = 0;        // last height that old and new best header chain share
};
// The chain of bodies on disk grew, or was reorganised.
struct TipChanged {
  Tip tip;
  uint64_t fork_height = 0;  // last height that old and new tip share
};
struct PublishConsensus {
  SharedBytes message;
};
struct PublishBlock {  // a block made here: already stored
  BlockRef block;
};
// The chain holds two messages that this node signed, of which an honest one signs one. It is banned for ever, and so is who it has
// become by new keys. Which identity is behind a signature is the chain's to know; that anybody can check the two is too.
struct EquivocationProved {
  NodeId node;
};
struct ChainFailed {  // the store is gone: the node must stop
  Error error;
};
using ChainEvent = std::variant<HeadersVerdict, BlockVerdict, ConsensusVerdict, HeadersFound, MissingFound, BestHeaderChanged,
                                TipChanged, PublishConsensus, PublishBlock, EquivocationProved, ChainFailed>;
using ChainEvents = std::vector<ChainEvent>;

// What Node needs to know of a chain before it runs, and never changes.
struct ChainIdentity {
  ChainId id;  // genesis and consensus parameters: open_channel names it
  BlockHash genesis;
  size_t block_bytes_max = 0;
};

class Chain {
 public:
  virtual ~Chain() = default;
  virtual const ChainIdentity& identity() const = 0;
  // One at a time, from whichever thread. LoadChain answers with BestHeaderChanged and TipChanged. `now.wall` is for header
  // rules.
  virtual ChainEvents apply(const ChainCommand& command, Store& store, Now now) = 0;
};

}  // namespace lattice

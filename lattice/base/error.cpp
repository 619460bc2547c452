#include <lattice/base/error.hpp>

#include <algorithm>

namespace lattice {

using enum ErrorCode;

// Ordered by code. A penalty of 100 is for what no honest peer can do; what bad luck can cause costs little.
static constexpr ErrorInfo table[] = {
    {none, "none", "no error", 0},
    {shutting_down, "shutting_down", "the peer is shutting down", 0},
    {no_slot, "no_slot", "no connection slot is free", 0},
    {self_connection, "self_connection", "the connection leads back to this node", 0},
    {duplicate_link, "duplicate_link", "another link with this peer exists", 0},
    {not_needed, "not_needed", "the link is no longer needed", 0},
    {truncated, "truncated", "the message ends too early", 100},
    {trailing_bytes, "trailing_bytes", "the message has bytes after its end", 100},
    {too_large, "too_large", "a length is above its limit", 100},
    {bad_checksum, "bad_checksum", "the message's checksum is wrong", 100},
    {bad_value, "bad_value", "a field has a value that it cannot have", 100},
    {bad_frame, "bad_frame", "a frame breaks the framing rules", 100},
    {not_canonical, "not_canonical", "a value is not written in its only form", 100},
    {contradiction, "contradiction", "two fields contradict each other", 100},
    {wrong_magic, "wrong_magic", "the peer speaks for another network", 20},
    {wrong_chain, "wrong_chain", "the peer serves another chain", 20},
    {wrong_version, "wrong_version", "no common protocol version", 10},
    {no_common_suite, "no_common_suite", "no cipher suite that both sides allow", 10},
    {bad_handshake, "bad_handshake", "the handshake failed", 50},
    {bad_certificate, "bad_certificate", "the peer's certificate is not valid", 100},
    {certificate_expired, "certificate_expired", "the peer's certificate is outside its validity", 10},
    {wrong_identity, "wrong_identity", "the peer is not who was dialled", 20},
    {serial_too_old, "serial_too_old", "the peer's certificate is older than one already seen", 20},
    {downgrade, "downgrade", "the negotiated suite is not the one both sides choose", 100},
    {handshake_timeout, "handshake_timeout", "the handshake took too long", 10},
    {certificate_revoked, "certificate_revoked", "the peer's certificate has been revoked", 20},
    {bad_record, "bad_record", "a record could not be opened", 50},
    {nonce_exhausted, "nonce_exhausted", "a key has been used as often as it may", 0},
    {cut_without_close, "cut_without_close", "the connection was cut without a close frame", 1},
    {queue_full, "queue_full", "the peer does not take what it asked for", 10},
    {credit_exceeded, "credit_exceeded", "the peer sends or grants more than a channel's credit", 100},
    {unexpected_message, "unexpected_message", "a message came out of order", 50},
    {unrequested, "unrequested", "data came that nobody asked for", 20},
    {request_timeout, "request_timeout", "a request was not answered in time", 20},
    {idle_timeout, "idle_timeout", "the peer fell silent", 5},
    {stalled, "stalled", "the peer holds up the download", 20},
    {too_many_messages, "too_many_messages", "the peer sends more than its allowance", 20},
    {unknown_channel, "unknown_channel", "a message came on a channel that is not open", 50},
    {not_found, "not_found", "the peer does not have what it announced", 5},
    {bad_succession, "bad_succession", "a statement of succession is not valid", 100},
    {bad_header, "bad_header", "a header breaks the chain's rules", 100},
    {bad_proof_of_work, "bad_proof_of_work", "a header's proof of work is not valid", 100},
    {bad_difficulty, "bad_difficulty", "a header's difficulty is not the required one", 100},
    {bad_time, "bad_time", "a header's time is outside the allowed range", 50},
    {unconnected_header, "unconnected_header", "a header does not follow the one before it", 100},
    {below_checkpoint, "below_checkpoint", "a header forks off below the trusted header", 50},
    {checkpoint_mismatch, "checkpoint_mismatch", "a header is not the checkpoint's", 100},
    {bad_block, "bad_block", "a block breaks the chain's rules", 100},
    {bad_merkle_root, "bad_merkle_root", "a block's transactions do not give its Merkle root", 100},
    {bad_witness_commitment, "bad_witness_commitment", "a block's witnesses do not give its commitment", 100},
    {block_too_large, "block_too_large", "a block is above its size limit", 100},
    {mutated_block, "mutated_block", "a block repeats transactions so that its Merkle root is ambiguous", 100},
    {bad_signature, "bad_signature", "a signature is not valid", 100},
    {unknown_parent, "unknown_parent", "a header's parent is not known", 5},
    {low_work, "low_work", "the chain has less work than the chain spec asks for", 10},
    {bad_address, "bad_address", "an address is not valid", 20},
    {bad_seed_list, "bad_seed_list", "a seed list is not valid", 20},
    {seed_list_expired, "seed_list_expired", "a seed list has expired", 0},
    {unknown_operator, "unknown_operator", "a seed list is not signed by enough of the spec's operators", 20},
    {dns_failed, "dns_failed", "a DNS question was not answered", 0},
    {dial_failed, "dial_failed", "the address could not be reached", 0},
    {connection_lost, "connection_lost", "the connection was lost", 0},
    {store_failed, "store_failed", "the store could not be read or written", 0},
    {limit_reached, "limit_reached", "a limit of this node is reached", 0},
};
static_assert(std::ranges::is_sorted(table, {}, &ErrorInfo::code));

const ErrorInfo& error_info(ErrorCode code) {
  static constexpr ErrorInfo unknown{none, "unknown", "an error this version does not know", 0};
  const auto* entry = std::ranges::lower_bound(table, code, {}, &ErrorInfo::code);
  return entry != std::end(table) && entry->code == code ? *entry : unknown;
}

std::span<const ErrorInfo> all_errors() { return table; }

}  // namespace lattice

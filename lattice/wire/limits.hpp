// Every limit of what comes from outside, named. Units last.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lattice::limits {

// Handshake (floor 3).
constexpr size_t handshake_message_bytes_max = 16 * 1024;  // first flight stays below 14.6 KB: one initial TCP window
constexpr size_t offers_max = 8;
constexpr size_t certificate_bytes_max = 8 * 1024;
constexpr size_t extensions_bytes_max = 512;

// Records and frames.
constexpr size_t record_bytes_max = 65535;  // ciphertext with its tag
constexpr size_t chunk_bytes_max = 16 * 1024;
constexpr size_t frame_header_bytes = 6;
constexpr size_t ratchet_chunk_bytes_max = 32 + 1568;  // X25519 key and ML-KEM-1024's
constexpr size_t message_header_bytes = 12;
static_assert(chunk_bytes_max + frame_header_bytes + 16 <= record_bytes_max);

// Messages.
constexpr size_t block_bytes_max = 4 * 1024 * 1024;  // what a chain may call a block; a chain spec may ask for less
constexpr size_t message_bytes_max = block_bytes_max + 1024;
constexpr size_t small_message_bytes_max = 512 * 1024;  // everything that is not a block or headers
constexpr size_t header_bytes_min = 32;  // it names its parent; and a shorter one would cost more memory than it weighs
constexpr size_t header_bytes_max = 8 * 1024;
constexpr size_t headers_max = 2000;
constexpr size_t headers_bytes_max = 1024 * 1024;
constexpr size_t locator_hashes_max = 101;
constexpr size_t block_request_hashes_max = 128;
constexpr size_t inventory_items_max = 1000;
constexpr size_t addresses_max = 1000;
constexpr size_t user_agent_bytes_max = 256;
constexpr size_t reason_text_bytes_max = 128;
constexpr size_t score_bytes_max = 32;
constexpr size_t consensus_bytes_max = 64 * 1024;
constexpr size_t succession_bytes_max = 64 * 1024;
constexpr size_t announcement_bytes_max = 8 * 1024;
constexpr size_t tlv_fields_max = 32;
constexpr size_t tlv_bytes_max = 4096;
constexpr size_t channels_max = 16;

static_assert(headers_bytes_max <= message_bytes_max);

// Queues of one link. A peer holds at most the first in messages that it has begun and not ended; a sender ends the message
// that it has begun on a lane before it begins that of another channel on the same lane, so one of each lane is the most at
// once.
constexpr size_t reassembly_bytes_max = 2 * message_bytes_max + 4 * small_message_bytes_max;
constexpr size_t early_bytes_max = 1024 * 1024;  // records that come while the handshake is still being verified
// Of one channel; once for what needs credit and once for control and consensus, so that neither holds up the other.
constexpr size_t send_queue_bytes_max = 32 * 1024 * 1024;
constexpr size_t send_queue_messages_max = 4096;
constexpr size_t urgent_bytes_max = 1024 * 1024;  // control and consensus that nobody has taken: then no more is read
// Credit (link/credit.hpp): of headers, transactions and blocks of one channel, under way or not yet taken.
constexpr size_t channel_credit_bytes = 8 * 1024 * 1024;
constexpr size_t channel_credit_step = channel_credit_bytes / 4;  // given back at once
constexpr size_t credit_message_bytes_min = 256;
constexpr size_t send_buffer_bytes_max = 256 * 1024;  // sealed, not yet taken by the socket: seal late

}  // namespace lattice::limits

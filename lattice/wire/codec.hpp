// The payload of each message, byte by byte (docs/PROTOCOL.md, "Messages"). Used by messages.cpp alone.
#pragma once

#include <lattice/wire/messages.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::wire {

// ASSERTs that the message is within its limits. Block and Consensus have no payload but their body.
void write_payload(Writer& writer, const Message& message);
// Strict: what it accepts, write_payload writes again byte for byte, but for extension fields, which are dropped.
Result<Message> read_payload(Command command, SharedBytes payload);

}  // namespace lattice::wire

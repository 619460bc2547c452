// The known addresses as bytes that outlive the process: what a node starts from where DNS gives nothing. Byte for byte:
// docs/PROTOCOL.md, "Stored addresses".
//
// Damage costs the stored addresses and no more: a file that is not exactly what was written is refused as a whole.
#pragma once

#include <vector>

#include <lattice/base/bytes.hpp>
#include <lattice/base/result.hpp>
#include <lattice/discovery/address_table.hpp>

namespace lattice {

constexpr uint8_t address_file_version = 1;
constexpr size_t address_file_head_bytes = 8 + 1 + 32 + 4;
constexpr size_t address_file_entry_bytes = 16 + 2 + 1 + 32 + 8 + 8 + 1;
constexpr size_t address_file_sum_bytes = 4;
constexpr size_t address_file_bytes_max =
    address_file_head_bytes + AddressTable::entries_max * address_file_entry_bytes + address_file_sum_bytes;

// At most `count_max` addresses, the best ones first: those that answered, the newest before the others. Addresses that a
// reader would not take are left out.
Bytes encode_addresses(const AddressTable& table, const ChainId& chain, size_t count_max = AddressTable::entries_max);

// In the file's order. All of them are peer_exchange and `stored`, whatever they were when they were written: the file does not
// say where an address came from, for who can write the file must not gain an operator's trust; DNS and the operator say it
// again. What is wrong: too_large, truncated, bad_checksum, wrong_version, wrong_chain, bad_value, bad_address or trailing_bytes.
Result<std::vector<KnownAddress>> decode_addresses(ByteView file, const ChainId& chain);

}  // namespace lattice

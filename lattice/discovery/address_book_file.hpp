// The address book as bytes that outlive the process. Byte for byte (big-endian):
//
//   8 `latabook` | version u8 = 2 | chain id 32 | key 32 | places u32 | number of entries n u32 | n entries | number of anchors u8,
//   at most 2 | anchors: address 16 | port u16 | CRC-32C u32 of all before
//   entry: network u8 (1 IPv4, 2 IPv6) | address 16 | port u16 | flags u8 (1 it answered, 2 a NodeID follows, 4 it is in
//   `tried`) | services u16 | last seen, unix seconds u64 | dials in a row that failed u8 | source groups u16 | NodeID 32, where
//   flagged | where it is in `new`: number of buckets u8, 1 to 4, and these u32, ascending
//
// Damage costs the stored addresses and no more: a file that is not exactly what was written is refused as a whole.
#pragma once

#include <span>
#include <vector>

#include <lattice/base/bytes.hpp>
#include <lattice/base/result.hpp>
#include <lattice/discovery/address_book.hpp>
#include <lattice/wire/kept_file.hpp>

namespace lattice {

constexpr uint8_t address_book_file_version = 2;
constexpr size_t address_book_head_bytes = wire::kept_head_bytes + 32 + 4 + 4;
constexpr size_t address_book_entry_bytes_min = 1 + 16 + 2 + 1 + 2 + 8 + 1 + 2;
constexpr size_t address_book_entry_bytes_max = address_book_entry_bytes_min + 32 + 1 + AddressBook::refs_max * 4;
constexpr size_t stored_anchors_max = 2;
constexpr size_t address_book_anchors_bytes_max = 1 + stored_anchors_max * 18;
// Of a book of the capacity that is usual.
constexpr size_t address_book_bytes_max = address_book_head_bytes +
                                          AddressBook::capacity_default * address_book_entry_bytes_max +
                                          address_book_anchors_bytes_max + wire::kept_sum_bytes;

// Addresses that a reader would not take are left out. Who can read the file knows the key, and so the buckets. `anchors`: whom
// to dial first at the next start (peers/slots.hpp); those above stored_anchors_max are left out.
Bytes encode_address_book(const AddressBook& book, const ChainId& chain, std::span<const Endpoint> anchors = {});

// What the file says instead of what is in the book, but for the book's own addresses; in the same buckets, under the file's
// key. Where the file's book had another capacity there are other buckets, and each address gets one place as if its own group
// had told of it, if that is free. What answered stays so; who was trusted is not told by the file, for who can write it must
// not gain an operator's trust. Nothing is dialled before `dial_after`.
// What is wrong leaves the book as it was: too_large, truncated, bad_checksum, wrong_version, wrong_chain, bad_value,
// bad_address, not_canonical, contradiction (two that say they have the same place) or trailing_bytes.
// Gives the anchors, no two alike.
Result<std::vector<Endpoint>> load_address_book(AddressBook& book, ByteView file, const ChainId& chain, WallTime now,
                                                Instant dial_after);

}  // namespace lattice

// The secret a node is known by, in one small file: 64 bytes from which both of its keys are made.
//
// Its text: key_text.hpp. Mode 0600 from the moment it exists; a file that others can read is refused, because whoever has read
// it can be this node. A file is whole and on the medium before it has its name: whatever ends the program, there is the old
// file or the new one.
#pragma once

#include <filesystem>

#include <lattice/host/host_error.hpp>
#include <lattice/host/key_text.hpp>

namespace lattice {

// The fault for programs, the rest for people. Where a HostError is asked for, this is one.
struct KeyFileError : HostError {
  KeyFileFault fault = KeyFileFault::damaged;
};
template <class T>
using KeyFileResult = std::expected<T, KeyFileError>;

// How a file is to be sealed: not at all without a passphrase.
struct KeySeal {
  const Passphrase* passphrase = nullptr;
  ScryptCost cost;
};

KeyFileResult<NodeSecret> load_key_file(const std::filesystem::path& path, const Passphrase* passphrase = nullptr);
// Whether it needs a passphrase. Checks nothing more.
KeyFileResult<bool> key_file_is_sealed(const std::filesystem::path& path);
// Never replaces a file: `exists`.
KeyFileResult<void> create_key_file(const std::filesystem::path& path, const NodeSecret& secret, const KeySeal& seal, Rng& rng);
// In the place of the one that is there.
KeyFileResult<void> replace_key_file(const std::filesystem::path& path, const NodeSecret& secret, const KeySeal& seal,
                                     Rng& rng);
// Loads the file; where there is none, makes one with 64 bytes of `rng`, sealed where there is a passphrase.
KeyFileResult<NodeSecret> load_or_create_key_file(const std::filesystem::path& path, Rng& rng, const KeySeal& seal = {});
// Gives the file a second name, PATH.1 or the next that is free, which stays when the first gets another content.
KeyFileResult<std::filesystem::path> keep_key_file(const std::filesystem::path& path);
// Removes what a program that was killed has left beside PATH: it may hold the secret in the open.
void remove_key_drafts(const std::filesystem::path& path);

}  // namespace lattice

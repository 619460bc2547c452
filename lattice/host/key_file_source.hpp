// Keys from an operator's file (key_list.hpp), each used once. Both sides have the same keys under the same ids in the same order,
// each with the other's NodeID.
//
// That an id is used is on the disk, in the file's name with ".used" behind it, before its key is handed out: a crash may lose a key,
// never use one twice. The side with the smaller NodeID takes fresh keys from the top, the other from the bottom, so that two nodes
// that dial each other at the same time do not take the same one.
#pragma once

#include <filesystem>
#include <set>

#include <lattice/host/host_error.hpp>
#include <lattice/host/key_list.hpp>

namespace lattice {

namespace key_list_limits {
constexpr size_t used_ids_max = 100'000;  // in the side file
}

class KeyFileSource final : public KeySource {
 public:
  // Refuses a file that others than its owner can read. Holds a lock on the side file: one process uses a list at a time.
  static HostResult<std::unique_ptr<KeyFileSource>> open(const std::filesystem::path& path, const NodeId& own);
  ~KeyFileSource() override;
  KeyFileSource(const KeyFileSource&) = delete;
  KeyFileSource& operator=(const KeyFileSource&) = delete;

  // A used and an unknown id are told apart for the operator only.
  KeyResult<OutsideKey> fetch(const NodeId& peer, const std::optional<KeyId>& id) override;
  std::vector<KeyStock> stock() override;

 private:
  KeyFileSource(std::filesystem::path path, const NodeId& own) : path_(std::move(path)), own_(own) {}
  HostResult<void> load();
  HostResult<void> open_used();
  KeyResult<ListedKey*> find(const NodeId& peer, const KeyId& id);
  ListedKey* next(const NodeId& peer);
  bool write_used(const KeyId& id);

  const std::filesystem::path path_;
  const NodeId own_;
  std::vector<ListedKey> keys_;
  std::set<KeyId> used_;
  int used_fd_ = -1;
  size_t used_bytes_ = 0;  // of the side file, all of them good
};

}  // namespace lattice

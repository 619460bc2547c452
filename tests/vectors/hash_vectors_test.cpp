// BLAKE2's own known answers: 256 messages under one key.
#include <fstream>

#include <gtest/gtest.h>

#include <lattice/crypto/hash.hpp>

#include "files.hpp"

namespace lattice::vectors {
namespace {

TEST(Blake2sVectors, AllKeyedAnswers) {
  const std::string path = shared_file("hash/blake2s-kat.txt");
  SKIP_WITHOUT(path);
  std::ifstream file(path);
  std::string line;
  Bytes in, key;
  size_t count = 0;
  while (std::getline(file, line)) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) continue;
    const auto value = from_hex(line.substr(tab + 1));
    ASSERT_TRUE(value) << line;
    if (line.starts_with("in:")) in = *value;
    if (line.starts_with("key:")) key = *value;
    if (!line.starts_with("hash:")) continue;
    EXPECT_EQ(to_hex(blake2s_keyed(key, in)), to_hex(*value)) << "message of " << in.size() << " bytes";
    ++count;
  }
  EXPECT_EQ(count, 256u);
}

}  // namespace
}  // namespace lattice::vectors

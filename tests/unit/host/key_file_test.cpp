#include <lattice/host/key_file.hpp>

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "temp_folder.hpp"

namespace lattice {
namespace {

NodeSecret some_secret(uint64_t seed) {
  NodeSecret secret;
  SeededRng(seed).fill(secret.span());
  return secret;
}

void write_file(const std::filesystem::path& path, const std::string& text, mode_t mode = 0600) {
  std::ofstream(path) << text;
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(KeyFile, IsMadeOnceAndLoadedAfterwards) {
  const test::TempFolder folder;
  SeededRng rng(1);
  const auto made = load_or_create_key_file(folder / "node.key", rng);
  ASSERT_TRUE(made) << made.error().text();
  const auto again = load_or_create_key_file(folder / "node.key", rng);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_TRUE(*made == *again);
  EXPECT_TRUE(*made == some_secret(1));
}

TEST(KeyFile, IsForItsOwnerAloneAndLeavesNoDraft) {
  const test::TempFolder folder;
  const mode_t before = ::umask(0);
  ASSERT_TRUE(create_key_file(folder / "node.key", some_secret(2)));
  ::umask(before);
  struct stat info{};
  ASSERT_EQ(::stat((folder / "node.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(KeyFile, IsTwoReadableLines) {
  const test::TempFolder folder;
  ASSERT_TRUE(create_key_file(folder / "node.key", NodeSecret(ByteArray<64>{0xab, 0x01})));
  EXPECT_EQ(read_file(folder / "node.key"), "lattice-node-key-1\nab01" + std::string(124, '0') + "\n");
}

TEST(KeyFile, NeverReplacesAnother) {
  const test::TempFolder folder;
  ASSERT_TRUE(create_key_file(folder / "node.key", some_secret(1)));
  const auto second = create_key_file(folder / "node.key", some_secret(2));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text().find("node.key"), std::string::npos);
  EXPECT_TRUE(*load_key_file(folder / "node.key") == some_secret(1));
}

TEST(KeyFile, RefusesOneThatOthersCanRead) {
  const test::TempFolder folder;
  for (const mode_t mode : {0640, 0604, 0620, 0644}) {
    std::filesystem::remove(folder / "node.key");
    ASSERT_TRUE(create_key_file(folder / "node.key", some_secret(1)));
    ASSERT_EQ(::chmod((folder / "node.key").c_str(), mode), 0);
    const auto loaded = load_key_file(folder / "node.key");
    ASSERT_FALSE(loaded) << mode;
    EXPECT_NE(loaded.error().text().find("others than its owner"), std::string::npos) << loaded.error().text();
    EXPECT_NE(loaded.error().text().find("chmod 600"), std::string::npos) << loaded.error().text();
  }
}

TEST(KeyFile, RefusesWhatItDidNotWrite) {
  const test::TempFolder folder;
  const std::string line = "lattice-node-key-1\n", digits(128, 'a');
  write_file(folder / "good", line + digits + "\n");
  EXPECT_TRUE(load_key_file(folder / "good"));
  int count = 0;
  for (const std::string& text :
       {std::string(), line, line + digits, line + digits + "\n\n", line + digits + "aa\n", line + digits.substr(2) + "\n",
        line + digits.substr(1) + "g\n", line + digits.substr(1) + "A\n", "lattice-node-key-2\n" + digits + "\n",
        std::string(1 << 20, 'a')}) {
    const auto path = folder.path() / std::to_string(count++);
    write_file(path, text);
    const auto loaded = load_key_file(path);
    EXPECT_FALSE(loaded) << text.substr(0, 200);
  }
}

TEST(KeyFile, IsNotOverwrittenWhenItIsDamaged) {
  const test::TempFolder folder;
  write_file(folder / "node.key", "damaged");
  SeededRng rng(1);
  EXPECT_FALSE(load_or_create_key_file(folder / "node.key", rng));
  EXPECT_EQ(read_file(folder / "node.key"), "damaged");
}

TEST(KeyFile, SaysWhyInAFolderThatIsNotThere) {
  const test::TempFolder folder;
  SeededRng rng(1);
  const auto made = load_or_create_key_file(folder / "missing/node.key", rng);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().text().find("No such file"), std::string::npos) << made.error().text();
}

}  // namespace
}  // namespace lattice

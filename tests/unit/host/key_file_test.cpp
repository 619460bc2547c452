#include <lattice/host/key_file.hpp>

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <lattice/base/crc32c.hpp>

#include "temp_folder.hpp"

namespace lattice {
namespace {

NodeSecret some_secret(uint64_t seed) {
  NodeSecret secret;
  SeededRng(seed).fill(secret.span());
  return secret;
}

Passphrase words(std::string_view text) { return *Passphrase::from(as_bytes(text)); }

// As cheap as it may be.
KeyFileResult<void> make_file(const std::filesystem::path& path, const NodeSecret& secret, std::string_view passphrase = {}) {
  SeededRng rng(77);
  const auto given = Passphrase::from(as_bytes(passphrase));
  return create_key_file(path, secret, {given ? &*given : nullptr, {10, 8, 1}}, rng);
}

KeyFileFault fault_of(const KeyFileResult<NodeSecret>& loaded) {
  EXPECT_FALSE(loaded);
  return loaded ? KeyFileFault::exists : loaded.error().fault;
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
  ASSERT_TRUE(make_file(folder / "node.key", some_secret(2)));
  ::umask(before);
  struct stat info{};
  ASSERT_EQ(::stat((folder / "node.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(KeyFile, IsReadableLines) {
  const test::TempFolder folder;
  ASSERT_TRUE(make_file(folder / "node.key", NodeSecret(ByteArray<64>{0xab, 0x01})));
  EXPECT_EQ(read_file(folder / "node.key"), "lattice-node-key-2\nplain\nab01" + std::string(124, '0') + "\ncrc32c a99850ba\n");
}

TEST(KeyFile, SealedIsReadableLinesWithoutTheSecret) {
  const test::TempFolder folder;
  ASSERT_TRUE(make_file(folder / "node.key", some_secret(3), "open sesame"));
  const std::string text = read_file(folder / "node.key");
  EXPECT_TRUE(text.starts_with("lattice-node-key-2\nscrypt 10 8 1 ")) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 4);
  EXPECT_EQ(text.find(to_hex(some_secret(3).view().first(16))), std::string::npos);
  EXPECT_TRUE(*key_file_is_sealed(folder / "node.key"));
}

TEST(KeyFile, NeverReplacesAnother) {
  const test::TempFolder folder;
  ASSERT_TRUE(make_file(folder / "node.key", some_secret(1)));
  const auto second = make_file(folder / "node.key", some_secret(2));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text().find("node.key"), std::string::npos);
  EXPECT_TRUE(*load_key_file(folder / "node.key") == some_secret(1));
}

TEST(KeyFile, RefusesOneThatOthersCanRead) {
  const test::TempFolder folder;
  for (const mode_t mode : {0640, 0604, 0620, 0644}) {
    std::filesystem::remove(folder / "node.key");
    ASSERT_TRUE(make_file(folder / "node.key", some_secret(1)));
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

TEST(KeyFile, OpensWithItsPassphraseOnly) {
  const test::TempFolder folder;
  const auto path = folder / "node.key";
  ASSERT_TRUE(make_file(path, some_secret(4), "open sesame"));
  const auto right = words("open sesame"), wrong = words("open sesamf"), longer = words("open sesame ");
  ASSERT_TRUE(load_key_file(path, &right));
  EXPECT_TRUE(*load_key_file(path, &right) == some_secret(4));
  EXPECT_EQ(fault_of(load_key_file(path, &wrong)), KeyFileFault::wrong_passphrase);
  EXPECT_EQ(fault_of(load_key_file(path, &longer)), KeyFileFault::wrong_passphrase);
  EXPECT_EQ(fault_of(load_key_file(path)), KeyFileFault::needs_passphrase);
  EXPECT_NE(load_key_file(path).error().text().find("LATTICE_PASSPHRASE"), std::string::npos);
}

TEST(KeyFile, IsSealedAnewEachTime) {
  const test::TempFolder folder;
  const auto passphrase = words("open sesame");
  SeededRng rng(1);
  const KeySeal seal{&passphrase, {10, 8, 1}};
  ASSERT_TRUE(create_key_file(folder / "a", some_secret(4), seal, rng));
  ASSERT_TRUE(create_key_file(folder / "b", some_secret(4), seal, rng));
  EXPECT_NE(read_file(folder / "a"), read_file(folder / "b"));
}

TEST(KeyFile, TheOlderFormIsStillRead) {
  const test::TempFolder folder;
  write_file(folder / "node.key", "lattice-node-key-1\n" + to_hex(some_secret(5).view()) + "\n");
  const auto passphrase = words("not needed");
  EXPECT_TRUE(*load_key_file(folder / "node.key") == some_secret(5));
  EXPECT_TRUE(*load_key_file(folder / "node.key", &passphrase) == some_secret(5));
  EXPECT_FALSE(*key_file_is_sealed(folder / "node.key"));
}

TEST(KeyFile, FaultsAreTold) {
  const test::TempFolder folder;
  const auto path = folder / "node.key";
  EXPECT_EQ(fault_of(load_key_file(path)), KeyFileFault::missing);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(fault_of(load_key_file(folder / "pipe")), KeyFileFault::unreadable);
  EXPECT_EQ(fault_of(load_key_file(folder.path())), KeyFileFault::unreadable);
  ASSERT_TRUE(make_file(path, some_secret(1)));
  std::filesystem::create_symlink(path, folder / "name");
  EXPECT_EQ(fault_of(load_key_file(folder / "name")), KeyFileFault::unreadable);
  EXPECT_EQ(make_file(path, some_secret(2)).error().fault, KeyFileFault::exists);
  EXPECT_EQ(make_file(folder / "missing/node.key", some_secret(2)).error().fault, KeyFileFault::unwritable);
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(fault_of(load_key_file(path)), KeyFileFault::too_open);
}

std::string with_sum(std::string body) {
  ByteArray<4> sum{};
  const uint32_t crc = crc32c(as_bytes(body));
  for (size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<uint8_t>(crc >> (24 - 8 * i));
  return body + "crc32c " + to_hex(sum) + "\n";
}

// Each answer is given before any memory is taken: with a cost of 100 GB this test would not end.
TEST(KeyFile, AHostileFileCannotAskForMuch) {
  const auto passphrase = words("x");
  const std::string salt(64, '1'), sealed(160, '2');
  const auto fault = [&](const std::string& cost) {
    const auto text = with_sum("lattice-node-key-2\nscrypt " + cost + " " + salt + "\n" + sealed + "\n");
    return read_key_text(as_bytes(text), &passphrase).error();
  };
  for (const auto* cost : {"30 100 1", "255 255 255", "63 8 1", "64 8 1", "9 8 1", "0 8 1", "15 0 1", "15 8 0", "10 17 1",
                           "10 8 17", "21 1 1", "19 8 1", "18 16 1", "18 8 4"}) {
    EXPECT_EQ(fault(cost), KeyFileFault::bad_cost) << cost;
  }
  for (const auto* cost : {"", "15", "15 8", "15 8 1 1", "015 8 1", "15  8 1", " 15 8 1", "15 8 1 ", "-5 8 1", "+15 8 1",
                           "256 8 1", "1e1 8 1", "99999999999999999999 8 1", "15\t8 1", "a 8 1"}) {
    EXPECT_EQ(fault(cost), KeyFileFault::damaged) << cost;
  }
  EXPECT_EQ(fault("10 8 1"), KeyFileFault::wrong_passphrase);
}

// A right checksum over a changed cost, salt or secret: the seal covers them all.
TEST(KeyFile, WhatIsSealedCannotBeChanged) {
  const auto passphrase = words("open sesame");
  SeededRng rng(1);
  const auto good = write_key_text(some_secret(6), &passphrase, {10, 8, 1}, rng);
  const std::string body(as_text(good->view().first(good->size - 16)));
  ASSERT_EQ(with_sum(body), as_text(good->view()));
  for (const size_t at : {body.find("10 8") + 3, body.find("10 8") + 7, body.size() - 100, body.size() - 2}) {
    std::string changed = body;
    changed[at] = changed[at] == '2' ? '3' : '2';
    const auto read = read_key_text(as_bytes(with_sum(changed)), &passphrase);
    ASSERT_FALSE(read) << at;
    EXPECT_EQ(read.error(), KeyFileFault::wrong_passphrase) << at;
  }
}

TEST(KeyFile, EachCutAndEachFlippedBitIsDamage) {
  const auto passphrase = words("open sesame");
  SeededRng rng(1);
  for (const Passphrase* with : {static_cast<const Passphrase*>(nullptr), &passphrase}) {
    const auto good = write_key_text(some_secret(6), with, {10, 8, 1}, rng);
    const std::string text(as_text(good->view()));
    ASSERT_TRUE(*read_key_text(as_bytes(text), with) == some_secret(6));
    for (size_t length = 0; length < text.size(); ++length) {
      const auto read = read_key_text(as_bytes(text).first(length), with);
      ASSERT_FALSE(read) << length;
      EXPECT_EQ(read.error(), KeyFileFault::damaged) << length;
    }
    for (size_t bit = 0; bit < text.size() * 8; ++bit) {
      std::string changed = text;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      const auto read = read_key_text(as_bytes(changed), with);
      ASSERT_FALSE(read) << bit;
      EXPECT_EQ(read.error(), KeyFileFault::damaged) << bit;
    }
    EXPECT_FALSE(read_key_text(as_bytes(text + "\n"), with));
    EXPECT_FALSE(read_key_text(as_bytes(text + text), with));
  }
}

TEST(KeyFile, ReplacingLeavesTheNewOneAndNoDraft) {
  const test::TempFolder folder;
  const auto path = folder / "node.key";
  SeededRng rng(1);
  const auto first = words("first"), second = words("second");
  ASSERT_TRUE(make_file(path, some_secret(1)));
  for (const Passphrase* passphrase : {&first, &second, static_cast<const Passphrase*>(nullptr)}) {
    ASSERT_TRUE(replace_key_file(path, some_secret(1), {passphrase, {10, 8, 1}}, rng));
    EXPECT_EQ(*key_file_is_sealed(path), passphrase != nullptr);
    EXPECT_TRUE(*load_key_file(path, passphrase) == some_secret(1));
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(KeyFile, AFailedReplacementLeavesTheOldOne) {
  const test::TempFolder folder;
  const auto path = folder / "node.key";
  SeededRng rng(1);
  const auto first = words("first");
  ASSERT_TRUE(make_file(path, some_secret(1)));
  EXPECT_EQ(replace_key_file(path, some_secret(2), {&first, {40, 8, 1}}, rng).error().fault, KeyFileFault::bad_cost);
  // A folder in the draft's place.
  const auto draft = path.string() + "." + std::to_string(::getpid()) + ".tmp";
  std::filesystem::create_directories(draft + "/x");
  EXPECT_EQ(replace_key_file(path, some_secret(2), {}, rng).error().fault, KeyFileFault::unwritable);
  EXPECT_TRUE(*load_key_file(path) == some_secret(1));
}

TEST(KeyFile, IsKeptUnderTheNextFreeNumber) {
  const test::TempFolder folder;
  const auto path = folder / "node.key";
  SeededRng rng(1);
  ASSERT_TRUE(make_file(path, some_secret(1)));
  EXPECT_EQ(keep_key_file(path)->filename(), "node.key.1");
  ASSERT_TRUE(replace_key_file(path, some_secret(2), {}, rng));
  EXPECT_EQ(keep_key_file(path)->filename(), "node.key.2");
  EXPECT_TRUE(*load_key_file(folder / "node.key.1") == some_secret(1));
  EXPECT_TRUE(*load_key_file(folder / "node.key.2") == some_secret(2));
  EXPECT_EQ(keep_key_file(folder / "other").error().fault, KeyFileFault::unwritable);
}

TEST(KeyFile, DraftsOfTheDeadAreRemovedAndNothingElse) {
  const test::TempFolder folder;
  const auto path = folder / "node.key";
  const std::string dead = "node.key.4194999.tmp";  // above the kernel's greatest number of a process
  const std::string living = "node.key." + std::to_string(::getpid()) + ".tmp";
  for (const std::string& name : {dead, living, std::string("node.key"), std::string("node.key.1"),
                                  std::string("node.key.x.tmp"), std::string("node.key.tmp"), std::string("other.4194999.tmp")})
    write_file(folder / name.c_str(), "x");
  remove_key_drafts(path);
  EXPECT_FALSE(std::filesystem::exists(folder / dead.c_str()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 6);
}

TEST(KeyFile, PassphrasesAreBounded) {
  EXPECT_FALSE(Passphrase::from({}));
  EXPECT_TRUE(Passphrase::from(Bytes(Passphrase::bytes_max, 'a')));
  EXPECT_FALSE(Passphrase::from(Bytes(Passphrase::bytes_max + 1, 'a')));
  EXPECT_EQ(as_text(words("a b").view()), "a b");
}

}  // namespace
}  // namespace lattice

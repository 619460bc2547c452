#include <lattice/host/key_file_source.hpp>

#include <csignal>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <lattice/host/key_id.hpp>
#include <lattice/link/identity.hpp>

#include "temp_folder.hpp"

namespace lattice {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view head = "lattice-outside-keys-1\n";

NodeId node(uint8_t number) {
  NodeId id;
  id.bytes[0] = number;
  return id;
}
KeyId id(uint8_t number) { return {number, 0xaa}; }
std::string line(const std::string& peer, uint8_t number) {
  return peer + " " + key_id_text(id(number)) + " " + to_hex(Bytes(32, number)) + "\n";
}
std::string line(uint8_t peer, uint8_t number) { return line(node_id_text(node(peer)), number); }

class OutsideKeyFile : public testing::Test {
 protected:
  fs::path write(const std::string& text, fs::perms mode = fs::perms{0600}) {
    const auto path = folder_ / "keys";
    std::ofstream(path, std::ios::binary) << text;
    fs::permissions(path, mode);
    return path;
  }
  HostResult<std::unique_ptr<KeyFileSource>> open(uint8_t own = 5) { return KeyFileSource::open(folder_ / "keys", node(own)); }
  std::string refused(const std::string& text) {
    write(text);
    const auto opened = open();
    return opened ? "" : opened.error().why;
  }
  static std::string fault(const KeyResult<OutsideKey>& result) {
    return result ? "a key" : std::string(key_fault_name(result.error().fault));
  }
  std::string used() const {
    std::ostringstream text;
    text << std::ifstream(folder_ / "keys.used", std::ios::binary).rdbuf();
    return text.str();
  }

  test::TempFolder folder_;
};

TEST_F(OutsideKeyFile, GivesEachKeyOnceAndInOrder) {
  write(std::string(head) + "# a comment\n\n" + line(9, 1) + line(8, 2) + line("*", 3) + line(9, 4));
  auto source = open();
  ASSERT_TRUE(source) << source.error().text();
  for (const uint8_t expected : {1, 3, 4}) {
    const auto key = (*source)->fetch(node(9), std::nullopt);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->id, id(expected));
    EXPECT_EQ(key->key, Secret<32>(Bytes(32, expected)));
  }
  EXPECT_EQ(fault((*source)->fetch(node(9), std::nullopt)), "used_up");
  EXPECT_EQ(fault((*source)->fetch(node(9), id(1))), "used_id");
  EXPECT_EQ(fault((*source)->fetch(node(9), id(2))), "unknown_id") << "another peer's";
  EXPECT_EQ(fault((*source)->fetch(node(9), id(7))), "unknown_id");
  EXPECT_EQ(fault((*source)->fetch(node(8), id(2))), "a key");
  EXPECT_EQ(fault((*source)->fetch(node(7), std::nullopt)), "used_up");
}

TEST_F(OutsideKeyFile, FindsAKeyByItsIdAlone) {
  write(std::string(head) + line(9, 1) + line("*", 2));
  auto source = open();
  ASSERT_TRUE(source);
  EXPECT_EQ(fault((*source)->fetch(NodeId{}, id(1))), "a key");
  EXPECT_EQ(fault((*source)->fetch(NodeId{}, id(1))), "used_id");
  EXPECT_EQ(fault((*source)->fetch(NodeId{}, id(2))), "a key");
  EXPECT_EQ(fault((*source)->fetch(NodeId{}, id(3))), "unknown_id");
}

TEST_F(OutsideKeyFile, TwoThatDialEachOtherTakeDifferentKeys) {
  write(std::string(head) + line("*", 1) + line("*", 2) + line("*", 3));
  auto low = open(5);
  ASSERT_TRUE(low);
  EXPECT_EQ((*low)->fetch(node(9), std::nullopt)->id, id(1));
  low->reset();
  fs::remove(folder_ / "keys.used");
  auto high = open(9);
  ASSERT_TRUE(high);
  EXPECT_EQ((*high)->fetch(node(5), std::nullopt)->id, id(3));
  EXPECT_EQ(fault((*high)->fetch(node(5), id(1))), "a key");
}

TEST_F(OutsideKeyFile, RemembersUsedIdsAcrossAStart) {
  write(std::string(head) + line(9, 1) + line(9, 2) + line(9, 3));
  {
    auto source = open();
    ASSERT_TRUE(source);
    ASSERT_TRUE((*source)->fetch(node(9), id(2)));
    ASSERT_TRUE((*source)->fetch(node(9), std::nullopt));
    EXPECT_EQ(used(), key_id_text(id(2)) + "\n" + key_id_text(id(1)) + "\n");
    EXPECT_EQ(fs::status(folder_ / "keys.used").permissions(), fs::perms{0600});
  }
  auto source = open();
  ASSERT_TRUE(source) << source.error().text();
  EXPECT_EQ(fault((*source)->fetch(node(9), id(1))), "used_id");
  EXPECT_EQ(fault((*source)->fetch(node(9), id(2))), "used_id");
  ASSERT_EQ((*source)->stock().size(), 1u);
  EXPECT_EQ((*source)->stock()[0].keys, 1u);
  EXPECT_EQ((*source)->fetch(node(9), std::nullopt)->id, id(3));
}

TEST_F(OutsideKeyFile, ALineThatACrashHasCutIsWrittenOver) {
  write(std::string(head) + line(9, 1) + line(9, 2));
  const std::string first = key_id_text(id(1)) + "\n";
  for (size_t cut = 1; cut < first.size(); ++cut) {
    std::ofstream(folder_ / "keys.used", std::ios::binary) << first << key_id_text(id(2)).substr(0, cut);
    auto source = open();
    ASSERT_TRUE(source) << cut << source.error().text();
    EXPECT_EQ((*source)->fetch(node(9), std::nullopt)->id, id(2)) << cut;
    EXPECT_EQ(used(), first + key_id_text(id(2)) + "\n");
  }
}

TEST_F(OutsideKeyFile, NoKeyComesOutWhereItsUseCannotBeWrittenDown) {
  write(std::string(head) + line(9, 1) + line(9, 2));
  auto source = open();
  ASSERT_TRUE(source);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit none{10, before.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  const auto key = (*source)->fetch(node(9), std::nullopt);
  const auto named = (*source)->fetch(node(9), id(2));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(fault(key), "not_written");
  EXPECT_EQ(fault(named), "not_written");
  // Later, it can: and the half line is gone.
  EXPECT_EQ((*source)->fetch(node(9), std::nullopt)->id, id(1));
  EXPECT_EQ(used(), key_id_text(id(1)) + "\n");
}

TEST_F(OutsideKeyFile, OneProcessUsesAListAtATime) {
  write(std::string(head) + line(9, 1));
  const auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find("locked"), std::string::npos);
}

TEST_F(OutsideKeyFile, RefusesAFileThatOthersCanRead) {
  for (const unsigned mode : {0640u, 0604u, 0620u, 0660u}) {
    write(std::string(head) + line(9, 1), fs::perms{mode});
    const auto opened = open();
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().why.find("others"), std::string::npos);
  }
  fs::remove(folder_ / "keys");
  EXPECT_FALSE(open());
  fs::create_directory(folder_ / "keys");
  EXPECT_FALSE(open());
  fs::remove(folder_ / "keys");
  fs::create_symlink("/dev/null", folder_ / "keys");
  EXPECT_FALSE(open());
}

TEST_F(OutsideKeyFile, RefusesWhatDoesNotParseWithItsLine) {
  const std::string good = std::string(head) + line(9, 1);
  EXPECT_EQ(refused(good), "");
  EXPECT_EQ(refused(good.substr(0, good.size() - 1)), "") << "the last line may lack its end";
  EXPECT_NE(refused("").find("line 1"), std::string::npos);
  EXPECT_NE(refused("lattice-outside-keys-2\n").find("line 1"), std::string::npos);
  const std::string uuid = key_id_text(id(2)), hex = to_hex(Bytes(32, 2)), peer = node_id_text(node(9));
  for (const auto& wrong : std::vector<std::string>{
           "x", "lat1 ", "lat1qqq " + uuid + " " + hex, peer + " " + uuid, peer + " " + uuid + " " + hex.substr(1),
           peer + " " + uuid + " " + hex + "0", peer + " " + uuid + " " + hex + " x", peer + "  " + uuid + " " + hex,
           peer + " " + uuid + "0 " + hex, peer + "\t" + uuid + " " + hex, peer + " " + uuid + " " + hex + "\r",
           " " + peer + " " + uuid + " " + hex, peer + " " + uuid + " " + std::string(64, '0'),
           peer + " " + uuid + " " + std::string(64, 'g'), "# fine\n" + std::string(300, 'x')}) {
    const auto why = refused(good + wrong + "\n");
    EXPECT_NE(why.find(wrong.starts_with('#') ? "line 4" : "line 3"), std::string::npos) << wrong << ": " << why;
    EXPECT_EQ(why.find(hex), std::string::npos) << "no key in a message";
  }
  EXPECT_NE(refused(good + line(8, 1)).find("twice"), std::string::npos);
  EXPECT_NE(refused(good + peer + " " + uuid + " " + to_hex(Bytes(32, 1))).find("its key stands twice"), std::string::npos);
  EXPECT_EQ(refused(good + std::string(key_list_limits::file_bytes_max - good.size(), '\n')), "");
  EXPECT_EQ(refused(good + std::string(key_list_limits::file_bytes_max - good.size() + 1, '\n')), "it is too large");
}

TEST_F(OutsideKeyFile, RefusesASideFileOfSomethingElse) {
  write(std::string(head) + line(9, 1));
  std::ofstream(folder_ / "keys.used") << std::string(37, 'x');
  EXPECT_FALSE(open());
  std::ofstream(folder_ / "keys.used") << std::string(37 * (key_list_limits::used_ids_max + 1), 'x');
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().why, "it is too large");
}

}  // namespace
}  // namespace lattice

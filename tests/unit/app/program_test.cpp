// The program as it is called: exit codes, files made, an import from a made chain.
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "called.hpp"

namespace lattice::app {
namespace {

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() : folder_(std::filesystem::temp_directory_path() / ("lattice-app-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  int run(const std::vector<std::string>& arguments) {
    auto called = test::call(arguments);
    out_ = std::move(called.out);
    err_ = std::move(called.err);
    return called.code;
  }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  void write(const char* name, const std::string& content) const { std::ofstream(folder_ / name, std::ios::binary) << content; }
  std::string read(const char* name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  nlohmann::json json(const char* name) const { return nlohmann::json::parse(read(name)); }

  std::filesystem::path folder_;
  std::string out_, err_;
};

TEST_F(ProgramTest, ExitCodes) {
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_TRUE(out_.starts_with("lattice ")) << out_;
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_NE(out_.find("Exit codes"), std::string::npos);
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"dance"}), 2);
  EXPECT_EQ(run({"node"}), 2);
  EXPECT_EQ(run({"node", "--chain", "qnet", "--log-level", "loud"}), 2);
  EXPECT_EQ(run({"node", "--chain", "no-such-chain"}), 1);
  EXPECT_NE(err_.find("neither a preset"), std::string::npos) << err_;
}

TEST_F(ProgramTest, HelpSaysWhatIsNotChecked) {
  for (const char* command : {"node", "import"}) {
    EXPECT_EQ(run({command, "--help"}), 0);
    EXPECT_NE(out_.find("NOT checked"), std::string::npos) << command;
  }
}

TEST_F(ProgramTest, ChainSpecShowAndCheck) {
  EXPECT_EQ(run({"chain-spec", "list"}), 0);
  EXPECT_NE(out_.find("quantumcoin"), std::string::npos);
  EXPECT_EQ(run({"chain-spec", "show", "quantumcoin"}), 0);
  write("shown.toml", out_);
  EXPECT_EQ(run({"chain-spec", "check", path("shown.toml")}), 0) << err_;
  write("wrong.toml", "preset = \"quantumcoin\"\n\n[chain]\n");
  EXPECT_EQ(run({"chain-spec", "check", path("wrong.toml")}), 1);
  EXPECT_NE(err_.find("wrong.toml:3:1"), std::string::npos) << err_;
}

TEST_F(ProgramTest, KeygenMakesAKeyAndKeepsIt) {
  EXPECT_EQ(run({"keygen", "--data", path("node")}), 0) << err_;
  const auto first = out_;
  EXPECT_TRUE(first.starts_with("lat1"));
  EXPECT_EQ(run({"keygen", "--data", path("node")}), 0);
  EXPECT_EQ(out_, first);
  struct stat info{};
  ASSERT_EQ(::stat(path("node/node.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(ProgramTest, SeedListsAreSignedAndVerified) {
  ASSERT_EQ(run({"keygen", "--data", path("node")}), 0);
  const auto entry = out_.substr(0, out_.size() - 1) + "@192.0.2.1:18444";
  std::string operators;
  for (const char* name : {"one.key", "two.key"}) {
    ASSERT_EQ(run({"seeds", "keygen", "--out", path(name)}), 0) << err_;
    operators += "\"" + out_.substr(0, 64) + "\", ";
  }
  EXPECT_EQ(run({"seeds", "keygen", "--out", path("one.key")}), 1);  // never replaced
  write("spec.toml", "preset = \"bitcoin-regtest\"\n[[dns_seeds]]\nname = \"seed.example\"\noperators = [" + operators +
                         "]\nthreshold = 2\n");
  const std::vector<std::string> sign{"seeds", "sign",      "--chain", path("spec.toml"), "--sequence",
                                      "1",     "--expires", "1h",      "--entry",         entry};
  const auto with = [&](std::vector<std::string> more) {
    auto all = sign;
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  };
  ASSERT_EQ(with({"--key", path("one.key"), "--key", path("two.key")}), 0) << err_;
  write("list.txt", out_);
  EXPECT_EQ(run({"seeds", "verify", path("list.txt"), "--chain", path("spec.toml")}), 0) << err_;
  ASSERT_EQ(with({"--key", path("one.key")}), 0);
  write("half.txt", out_);
  EXPECT_EQ(run({"seeds", "verify", path("half.txt"), "--chain", path("spec.toml")}), 1);
  EXPECT_EQ(with({"--key", path("one.key"), "--key", path("one.key")}), 1);
  ASSERT_EQ(with({"--key", path("one.key"), "--zone", "seed.example"}), 0);
  EXPECT_NE(out_.find("_lattice._tcp.seed.example. 300 IN SRV 0 1 18444 node1.seed.example."), std::string::npos) << out_;
  ::chmod(path("one.key").c_str(), 0644);
  EXPECT_EQ(with({"--key", path("one.key")}), 1);
  EXPECT_NE(err_.find("chmod 600"), std::string::npos) << err_;
}

TEST_F(ProgramTest, AMadeChainIsImportedAndGoesOn) {
  ASSERT_EQ(run({"mkchain", "--rules", "regtest", "--blocks", "120", "--block-bytes", "2000", "--txs", "2", "--seed", "7",
                 "--out", path("chain.dat")}),
            0)
      << err_;
  const std::vector<std::string> import{"import", path("chain.dat"), "--chain",  "bitcoin-regtest",
                                        "--data", path("data"),      "--report", path("report.json")};
  ASSERT_EQ(run(import), 0) << err_;
  const auto first = json("report.json");
  EXPECT_EQ(first["height"], 120);
  EXPECT_EQ(first["blocks"], 121);
  ASSERT_EQ(run(import), 0) << err_;
  EXPECT_EQ(json("report.json")["tip"], first["tip"]);
  // The same blocks again, cut: what was whole counts, and the cut is said.
  const auto whole = read("chain.dat");
  write("cut.dat", whole.substr(0, whole.size() - 100));
  EXPECT_EQ(run({"import", path("cut.dat"), "--chain", "bitcoin-regtest", "--in-memory"}), 1);
  EXPECT_NE(out_.find("tip 119 "), std::string::npos) << out_;
  EXPECT_NE(err_.find("cut.dat"), std::string::npos) << err_;
  // A changed byte in a block's body: its Merkle root is wrong, and the block is named.
  auto flipped = whole;
  flipped[whole.size() - 10] = static_cast<char>(flipped[whole.size() - 10] ^ 1);
  write("flipped.dat", flipped);
  EXPECT_EQ(run({"import", path("flipped.dat"), "--chain", "bitcoin-regtest", "--in-memory"}), 1);
  EXPECT_NE(err_.find("block 120 of the file"), std::string::npos) << err_;
  // Another network's file.
  EXPECT_EQ(run({"import", path("chain.dat"), "--chain", "bitcoin", "--in-memory"}), 1);
  EXPECT_NE(err_.find("magic"), std::string::npos) << err_;
}

TEST_F(ProgramTest, MkchainMakesTheSameBytesAgain) {
  for (const char* name : {"a.dat", "b.dat"})
    ASSERT_EQ(run({"mkchain", "--blocks", "5", "--seed", "1", "--out", path(name)}), 0) << err_;
  EXPECT_EQ(read("a.dat"), read("b.dat"));
  ASSERT_EQ(run({"mkchain", "--blocks", "5", "--seed", "2", "--out", path("b.dat")}), 0);
  EXPECT_NE(read("a.dat"), read("b.dat"));
  EXPECT_EQ(run({"mkchain", "--rules", "mainnet", "--blocks", "5", "--out", path("b.dat")}), 1);
}

TEST_F(ProgramTest, NumbersOutOfRangeAreWrongUsage) {
  EXPECT_EQ(run({"mkchain", "--blocks", "1", "--out", path("c"), "--seed=-1"}), 2);
  EXPECT_EQ(run({"seeds", "sign", "--chain", "qnet", "--key", path("k"), "--expires", "1d", "--sequence=-1"}), 2);
  EXPECT_NE(err_.find("-1 is no number"), std::string::npos) << err_;
  EXPECT_EQ(run({"seeds", "sign", "--chain", "qnet", "--key", path("k"), "--expires", "1d", "--sequence=18446744073709551616"}),
            2);
  EXPECT_EQ(run({"node", "--chain", "qnet", "--timeout", "nan"}), 2);
}

// Found by a tester, at the price of a /dev/null: what is no regular file must be written, not replaced.
TEST_F(ProgramTest, AnOutputThatIsALinkOrAPipeStaysOne) {
  write("real", "old");
  std::filesystem::create_symlink("real", path("link"));
  EXPECT_EQ(run({"mkchain", "--blocks", "1", "--out", path("link")}), 0) << err_;
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_GT(read("real").size(), 285u);  // the genesis alone, with its head

  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const int pipe = ::open(path("pipe").c_str(), O_RDWR);
  EXPECT_EQ(run({"mkchain", "--blocks", "1", "--out", path("pipe")}), 0) << err_;
  EXPECT_TRUE(std::filesystem::is_fifo(path("pipe")));
  std::string content(read("real").size(), 0);
  EXPECT_EQ(::read(pipe, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  EXPECT_EQ(content, read("real"));

  ::close(pipe);
}

TEST_F(ProgramTest, ImportReadsAPipe) {
  EXPECT_EQ(run({"mkchain", "--blocks", "1", "--out", path("chain")}), 0) << err_;
  const std::string content = read("chain");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], content.data(), content.size()), static_cast<ssize_t>(content.size()));
  ::close(ends[1]);
  const std::string file = "/proc/self/fd/" + std::to_string(ends[0]);
  EXPECT_EQ(run({"import", file, "--chain", "bitcoin-regtest", "--data", path("d"), "--in-memory"}), 0) << err_;
  EXPECT_NE(out_.find("tip 1 "), std::string::npos) << out_;
  ::close(ends[0]);
}

TEST_F(ProgramTest, ANodeWithoutPeersSaysSo) {
  EXPECT_EQ(run({"node", "--chain", "bitcoin-regtest", "--in-memory", "--no-dns", "--until-synced", "--timeout", "0.3",
                 "--report", path("r.json"), "--log-level", "error"}),
            1);
  EXPECT_NE(err_.find("not synced"), std::string::npos) << err_;
  EXPECT_EQ(json("r.json")["synced"], false);
}

}  // namespace
}  // namespace lattice::app

// lattice keygen: passphrases are set, changed and removed, keys are changed, and a stop in between loses nothing.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../apps/lattice/data_folder.hpp"
#include "../../../apps/lattice/key_change.hpp"
#include "../../../apps/lattice/passphrase.hpp"

#include <lattice/host/key_file.hpp>
#include <lattice/link/certificate_text.hpp>

#include "called.hpp"

namespace lattice::app {
namespace {

namespace fs = std::filesystem;

class KeygenTest : public testing::Test {
 protected:
  KeygenTest() : folder_(fs::temp_directory_path() / ("lattice-keygen-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  void TearDown() override {
    fs::remove_all(folder_);
    ::unsetenv(passphrase_variable);
  }

  int keygen(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"keygen", "--data", data().string()});
    auto called = test::call(arguments);
    out_ = std::move(called.out);
    err_ = std::move(called.err);
    if (!out_.empty() && out_.back() == '\n') out_.pop_back();
    return called.code;
  }
  fs::path data() const { return folder_ / "node"; }
  std::string file(const char* name, const std::string& content, mode_t mode = 0600) const {
    const auto path = folder_ / name;
    std::ofstream(path) << content;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path.string();
  }
  bool sealed() const { return *key_file_is_sealed(key_path(data())); }

  fs::path folder_;
  std::string out_, err_;
};

TEST_F(KeygenTest, APassphraseIsSetChangedAndRemoved) {
  const auto first = file("first", "open sesame\n"), second = file("second", "a longer one, with spaces");
  ASSERT_EQ(keygen({}), 0) << err_;
  const auto id = out_;
  EXPECT_FALSE(sealed());
  ASSERT_EQ(keygen({"--new-passphrase-file", first}), 0) << err_;
  EXPECT_EQ(out_, id);
  EXPECT_TRUE(sealed());
  EXPECT_EQ(keygen({}), 1);
  EXPECT_NE(err_.find("LATTICE_PASSPHRASE"), std::string::npos) << err_;
  EXPECT_EQ(keygen({"--passphrase-file", second}), 1);
  EXPECT_NE(err_.find("not the one it was sealed with"), std::string::npos) << err_;
  EXPECT_EQ(keygen({"--passphrase-file", second, "--remove-passphrase"}), 1);
  ASSERT_EQ(keygen({"--passphrase-file", first, "--new-passphrase-file", second}), 0) << err_;
  EXPECT_EQ(out_, id);
  EXPECT_EQ(keygen({"--passphrase-file", first}), 1);
  ASSERT_EQ(keygen({"--passphrase-file", second, "--remove-passphrase"}), 0) << err_;
  EXPECT_EQ(out_, id);
  EXPECT_FALSE(sealed());
  EXPECT_EQ(std::distance(fs::directory_iterator(data()), {}), 1);
}

TEST_F(KeygenTest, TheEnvironmentsPassphraseIsTakenAndWiped) {
  ::setenv(passphrase_variable, "from outside", 1);
  const char* text = std::getenv(passphrase_variable);
  const std::string_view there(text, 12);
  ASSERT_EQ(keygen({}), 0) << err_;
  const auto id = out_;
  EXPECT_TRUE(sealed());
  EXPECT_EQ(std::getenv(passphrase_variable), nullptr);
  EXPECT_EQ(there.find("outside"), std::string_view::npos);
  EXPECT_EQ(keygen({}), 1);
  ::setenv(passphrase_variable, "from outside", 1);
  ASSERT_EQ(keygen({}), 0) << err_;
  EXPECT_EQ(out_, id);
  // The option wins.
  ::setenv(passphrase_variable, "something else", 1);
  EXPECT_EQ(keygen({"--passphrase-file", file("right", "from outside")}), 0) << err_;
  ::setenv(passphrase_variable, "", 1);
  EXPECT_EQ(keygen({}), 1);
}

TEST_F(KeygenTest, PassphraseFilesAreForTheOwnerAlone) {
  for (const mode_t mode : {0640, 0604, 0644, 0660}) {
    EXPECT_EQ(keygen({"--passphrase-file", file("open", "words", mode)}), 1);
    EXPECT_NE(err_.find("others than its owner"), std::string::npos) << err_;
  }
  EXPECT_EQ(keygen({"--passphrase-file", file("empty", "\n")}), 1);
  EXPECT_EQ(keygen({"--passphrase-file", file("long", std::string(Passphrase::bytes_max + 1, 'a'))}), 1);
  EXPECT_EQ(keygen({"--passphrase-file", (folder_ / "missing").string()}), 1);
  EXPECT_FALSE(fs::exists(key_path(data())));
  for (const auto* end : {"", "\n", "\r\n"}) {
    const auto read = read_passphrase_file(file("read", std::string("two words") + end));
    ASSERT_TRUE(read);
    EXPECT_EQ(as_text(read->view()), "two words");
  }
}

TEST_F(KeygenTest, NewKeysAreSaidByTheOldOnes) {
  const auto words = file("words", "open sesame");
  ASSERT_EQ(keygen({"--passphrase-file", words}), 0) << err_;
  std::vector<std::string> ids{out_};
  const auto provider = openssl_provider();
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(keygen({"--passphrase-file", words, "--rotate"}), 0) << err_;
    ids.push_back(out_);
    EXPECT_NE(err_.find(ids[ids.size() - 2] + " is now " + out_), std::string::npos) << err_;
    EXPECT_TRUE(sealed());
  }
  const auto chain = load_succession(data());
  ASSERT_TRUE(chain) << chain.error().text();
  ASSERT_EQ(chain->size(), succession_chain_max);  // the oldest is no longer told
  for (size_t i = 0; i < chain->size(); ++i) {
    EXPECT_EQ(node_id_text(node_id_of((*chain)[i].before)), ids[1 + i]);
    EXPECT_EQ(node_id_text(node_id_of((*chain)[i].after)), ids[2 + i]);
    EXPECT_TRUE(verify_succession(*provider, (*chain)[i], clock_now().wall));
  }
  // Every old key is there still, sealed as it was.
  const auto passphrase = *Passphrase::from(as_bytes("open sesame"));
  for (int i = 1; i <= 5; ++i) {
    const auto secret = load_key_file(data() / ("node.key." + std::to_string(i)), &passphrase);
    ASSERT_TRUE(secret) << secret.error().text();
    EXPECT_EQ(node_id_text(identity_of(*provider, *secret)->id), ids[static_cast<size_t>(i) - 1]);
  }
}

// Killed after the statement was written and before the key was: the node is who it was, and shows what led to that.
TEST_F(KeygenTest, AStopBeforeTheNewKeyHasItsNameLosesNothing) {
  ASSERT_EQ(keygen({}), 0);
  ASSERT_EQ(keygen({"--rotate"}), 0) << err_;
  const auto id = out_;
  fs::copy_file(key_path(data()), folder_ / "before");
  ASSERT_EQ(keygen({"--rotate"}), 0) << err_;
  const auto lost = out_;
  fs::copy_file(folder_ / "before", key_path(data()), fs::copy_options::overwrite_existing);
  ASSERT_EQ(keygen({}), 0) << err_;
  EXPECT_EQ(out_, id);
  const auto shown = chain_to(*load_succession(data()), *parse_node_id(id), clock_now().wall);
  ASSERT_EQ(shown.size(), 1u);
  ASSERT_EQ(keygen({"--rotate"}), 0) << err_;
  const auto chain = load_succession(data());
  ASSERT_EQ(chain->size(), 2u);
  EXPECT_EQ(node_id_text(node_id_of((*chain)[1].before)), id);
  EXPECT_EQ(node_id_text(node_id_of((*chain)[1].after)), out_);
  EXPECT_NE(out_, lost);
}

TEST_F(KeygenTest, ADamagedSuccessionStopsAChangeOfKeys) {
  ASSERT_EQ(keygen({"--rotate"}), 1);  // there is nothing to change
  ASSERT_EQ(keygen({}), 0);
  const auto id = out_;
  std::ofstream(succession_path(data())) << "damaged";
  EXPECT_EQ(keygen({"--rotate"}), 1);
  EXPECT_NE(err_.find("succession"), std::string::npos) << err_;
  ASSERT_EQ(keygen({}), 0);
  EXPECT_EQ(out_, id);
}

TEST_F(KeygenTest, RotateAndSealAtOnce) {
  ASSERT_EQ(keygen({}), 0);
  const auto words = file("words", "open sesame");
  ASSERT_EQ(keygen({"--rotate", "--new-passphrase-file", words}), 0) << err_;
  const auto id = out_;
  EXPECT_TRUE(sealed());
  ASSERT_EQ(keygen({"--passphrase-file", words}), 0) << err_;
  EXPECT_EQ(out_, id);
  EXPECT_EQ(keygen({"--remove-passphrase", "--new-passphrase-file", words}), 2);
}

TEST_F(KeygenTest, TheCertificateIsSignedAndHoldsAsLongAsAsked) {
  ASSERT_EQ(keygen({}), 0);
  const auto id = out_;
  ASSERT_EQ(keygen({"--certificate", "--valid-days", "30"}), 0) << err_;
  const auto parsed = parse_certificate_text(out_);
  ASSERT_TRUE(parsed) << parsed.error().where;
  EXPECT_EQ(node_id_text(parsed->id), id);
  EXPECT_TRUE(verify_self_signature(*openssl_provider(), parsed->certificate, parsed->self_signature));
  const auto left = parsed->certificate.not_after - clock_now().wall;
  EXPECT_GT(left, std::chrono::hours{24 * 30} - std::chrono::minutes{5});
  EXPECT_LE(left, std::chrono::hours{24 * 30});
  EXPECT_EQ(keygen({"--certificate", "--valid-days", "0"}), 2);
}

}  // namespace
}  // namespace lattice::app

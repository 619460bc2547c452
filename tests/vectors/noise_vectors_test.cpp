#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "files.hpp"
#include "noise_runner.hpp"

namespace lattice::vectors {
namespace {

struct Expected {
  const char* file;
  size_t passed, skipped;
};

void expect_run(const std::string& path, size_t passed, size_t skipped) {
  std::ostringstream out;
  Report report(out);
  run_file(path, run_noise_file, report);
  EXPECT_TRUE(report.good()) << out.str();
  EXPECT_EQ(report.passed(), passed);
  EXPECT_EQ(report.skipped(), skipped);
}

TEST(NoiseVectors, OwnFilesPass) {
  expect_run(own_file("noise_hfs.json"), 2, 0);
  expect_run(own_file("noise_cacophony.json"), 4, 2);
}

class SharedNoiseVectors : public testing::TestWithParam<Expected> {};

TEST_P(SharedNoiseVectors, Pass) {
  const auto& [file, passed, skipped] = GetParam();
  const std::string path = shared_file(file);
  SKIP_WITHOUT(path);
  expect_run(path, passed, skipped);
}

// 59 patterns x 2 ciphers x 2 hashes run; 448 and the 64-byte hashes are skipped.
INSTANTIATE_TEST_SUITE_P(Files, SharedNoiseVectors,
                         testing::Values(Expected{"noise/cacophony.json", 236, 708}, Expected{"noise/hfs-mlkem768.json", 9, 0},
                                         Expected{"noise/libp2p-xxhfs-sha256.json", 5, 0}),
                         [](const auto& row) { return std::to_string(row.index); });

Json load(const std::string& name) {
  std::ifstream file(own_file(name));
  return Json::parse(file);
}

Report run(const Json& file, std::ostream& out) {
  Report report(out);
  run_noise_file(file, report);
  return report;
}

// Changes the first digit of a hexadecimal field: a bit that X25519 does not clamp, and of ML-KEM's seed a bit of d. (A change
// of z alone would not show: it only decides what a wrong ciphertext gives.)
void change(Json& field) {
  std::string text = field.get<std::string>();
  text.front() = text.front() == '0' ? '1' : '0';
  field = text;
}

// A runner that passes everything would pass these too: each stated value, changed alone, must fail its vector.
TEST(NoiseVectors, EveryStatedValueIsChecked) {
  const Json good = load("noise_hfs.json");
  const char* const pointers[] = {
      "/prologue",
      "/init_ephemeral",
      "/resp_ephemeral",
      "/init_e1_seed_d_z",
      "/resp_encaps_m",
      "/init_static",
      "/resp_static",
      "/messages/0/payload",
      "/messages/0/ciphertext",
      "/messages/1/payload",
      "/handshake_hash",
      "/final_ck",
      "/messages/1/ciphertext",
      "/messages/2/payload",
      "/messages/2/ciphertext",
      "/k_i2r",
      "/k_r2i",
      "/k_i2r_after_rekey",
      "/k_r2i_after_rekey",
      "/messages/2/h_before_payload",
      "/transport/0/payload",
      "/transport/3/ciphertext",
      "/messages/0/h_before_payload",
      "/messages/1/h_after",
  };
  for (const char* pointer : pointers) {
    Json changed = good;
    Json& field = changed["vectors"][0][Json::json_pointer(pointer)];
    if (field.get<std::string>().empty()) {
      field = "00";
    } else {
      change(field);
    }
    std::ostringstream out;
    const Report report = run(changed, out);
    EXPECT_EQ(report.failed(), 1u) << pointer;
    EXPECT_EQ(report.passed(), 1u) << pointer;
  }
}

TEST(NoiseVectors, WrongNonceFails) {
  Json changed = load("noise_hfs.json");
  changed["vectors"][0]["transport"][3]["n"] = 7;
  std::ostringstream out;
  EXPECT_EQ(run(changed, out).failed(), 1u);
}

TEST(NoiseVectors, MalformedVectorsFailByName) {
  const Json good = load("noise_hfs.json");
  const auto failed = [&](auto&& edit) {
    Json changed = good;
    edit(changed["vectors"][0]);
    std::ostringstream out;
    const Report report = run(changed, out);
    EXPECT_NE(out.str().find("FAIL vector 0"), std::string::npos) << out.str();
    return report.failed();
  };
  EXPECT_EQ(failed([](Json& vector) { vector.erase("messages"); }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector.erase("init_ephemeral"); }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector.erase("resp_encaps_m"); }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector.erase("prologue"); }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector.erase("protocol_name"); }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector["messages"].erase(2); }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector["messages"][0]["ciphertext"] = "xyz"; }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector["messages"][0]["ciphertext"] = 5; }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector["messages"][1]["ciphertext"] = ""; }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector["init_static"] = "00"; }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector["psk"] = std::string(64, '1'); }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector["transport"][0]["dir"] = "up"; }), 1u);
  EXPECT_EQ(failed([](Json& vector) { vector = 3; }), 1u);
}

TEST(NoiseVectors, FilesThatAreNoVectorsAreErrors) {
  const auto good = [](const std::string& path) {
    std::ostringstream out;
    Report report(out);
    run_file(path, run_noise_file, report);
    EXPECT_NE(out.str().find("ERROR"), std::string::npos);
    return report.good();
  };
  EXPECT_FALSE(good(own_file("no such file.json")));
  EXPECT_FALSE(good(own_file("")));                           // a folder
  EXPECT_FALSE(good(own_file("../CMakeLists.txt")));          // no JSON
  EXPECT_FALSE(good(own_file("wycheproof_form_aead.json")));  // no vectors
}

}  // namespace
}  // namespace lattice::vectors

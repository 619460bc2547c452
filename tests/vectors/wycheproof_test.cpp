#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "files.hpp"
#include "wycheproof_runner.hpp"

namespace lattice::vectors {
namespace {

struct Expected {
  const char* file;
  size_t passed;
};

void expect_run(const std::string& path, size_t passed) {
  std::ostringstream out;
  Report report(out);
  run_file(path, run_wycheproof_file, report);
  EXPECT_TRUE(report.good()) << out.str();
  EXPECT_EQ(report.passed(), passed);
  EXPECT_EQ(report.skipped(), 0u);
}

TEST(Wycheproof, OwnFilesPass) {
  expect_run(own_file("wycheproof_form_aead.json"), 5);
  expect_run(own_file("wycheproof_form_x25519.json"), 8);
}

class SharedWycheproof : public testing::TestWithParam<Expected> {};

TEST_P(SharedWycheproof, Pass) {
  const auto& [file, passed] = GetParam();
  const std::string path = shared_file(std::string("pq/") + file);
  SKIP_WITHOUT(path);
  expect_run(path, passed);
}

INSTANTIATE_TEST_SUITE_P(Files, SharedWycheproof,
                         testing::Values(Expected{"chacha20_poly1305_test.json", 325},
                                         Expected{"mldsa_65_verify_test.json", 210}, Expected{"mldsa_87_verify_test.json", 241},
                                         Expected{"mlkem_768_test.json", 193}, Expected{"mlkem_768_encaps_test.json", 265},
                                         Expected{"mlkem_1024_test.json", 193}, Expected{"mlkem_1024_encaps_test.json", 269},
                                         Expected{"x25519_test.json", 518}),
                         [](const auto& row) {
                           std::string name = row.param.file;
                           return name.substr(0, name.find('.'));
                         });

Json load(const std::string& name) {
  std::ifstream file(own_file(name));
  return Json::parse(file);
}

size_t failed(const Json& file) {
  std::ostringstream out;
  Report report(out);
  run_wycheproof_file(file, report);
  return report.failed();
}

// Each verdict turned round must fail: the runner judges, and does not only run.
TEST(Wycheproof, EveryVerdictIsJudged) {
  for (const char* name : {"wycheproof_form_aead.json", "wycheproof_form_x25519.json"}) {
    const Json good = load(name);
    const size_t count = good["testGroups"][0]["tests"].size();
    for (size_t i = 0; i < count; ++i) {
      Json turned = good;
      Json& test = turned["testGroups"][0]["tests"][i];
      test["result"] = test["result"] == "valid" ? "invalid" : "valid";
      EXPECT_EQ(failed(turned), 1u) << name << " " << i;
    }
  }
}

TEST(Wycheproof, AWrongResultFails) {
  Json file = load("wycheproof_form_x25519.json");
  file["testGroups"][0]["tests"][0]["shared"] = std::string(64, '1');
  EXPECT_EQ(failed(file), 1u);
  file["testGroups"][0]["tests"][0]["result"] = "acceptable";  // taken is fine, but only with the right result
  EXPECT_EQ(failed(file), 1u);
}

TEST(Wycheproof, MalformedTestsFailAndUnknownOnesAreSkipped) {
  Json file = load("wycheproof_form_x25519.json");
  file["testGroups"][0]["tests"][0].erase("public");
  file["testGroups"][0]["tests"][1]["private"] = "zz";
  file["testGroups"][0]["tests"][2]["result"] = "perhaps";
  EXPECT_EQ(failed(file), 3u);

  file = load("wycheproof_form_x25519.json");
  file["testGroups"][0]["curve"] = "curve448";
  file["testGroups"].push_back({{"type", "Sudoku"}, {"tests", {{{"tcId", 1}}}}});
  std::ostringstream out;
  Report report(out);
  run_wycheproof_file(file, report);
  EXPECT_EQ(report.skipped(), 9u);
  EXPECT_EQ(report.failed(), 0u);
  EXPECT_FALSE(report.good());  // nothing ran

  file["testGroups"] = Json::array({{{"tests", 5}}, {{"type", "XdhComp"}, {"tests", 5}}});
  EXPECT_EQ(failed(file), 2u);
}

}  // namespace
}  // namespace lattice::vectors

#include "../../../apps/lattice/log.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lattice::app {
namespace {

Instant at(double seconds) { return Instant{std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds))}; }

TEST(Log, PlainValuesStandBare) {
  const LogEvent event{LogLevel::info, "peer_connected", {{"peer", "lat1abc"}, {"inbound", "1"}, {"address", "[::1]:8333"}}};
  EXPECT_EQ(log_text(event), "peer_connected peer=lat1abc inbound=1 address=[::1]:8333");
  EXPECT_EQ(log_json(event), R"("event":"peer_connected","peer":"lat1abc","inbound":"1","address":"[::1]:8333")");
}

TEST(Log, NothingInAValueEndsALineOrAQuotation) {
  const LogEvent event{LogLevel::info, "odd", {{"agent", "a b\n\x1b[2J\"\\\x80="}, {"empty", ""}}};
  EXPECT_EQ(log_text(event), R"(odd agent="a b\x0a\x1b[2J\"\\\x80=" empty="")");
  const auto json = nlohmann::json::parse("{" + log_json(event) + "}");
  EXPECT_EQ(json["agent"], "a b\n\x1b[2J\"\\\xc2\x80=");
}

TEST(Log, LongValuesAreCut) {
  const LogEvent event{LogLevel::info, "long", {{"value", std::string(100'000, 'x')}}};
  EXPECT_LT(log_text(event).size(), log_value_bytes_max + 32);
  EXPECT_LT(log_json(event).size(), log_value_bytes_max + 64);
}

TEST(Log, OneEventMayNotFloodAndDoesNotHideAnother) {
  LogGate gate;
  size_t passed = 0;
  for (int i = 0; i < 10'000; ++i) passed += gate.pass("flood", at(1)).has_value();
  EXPECT_EQ(passed, static_cast<size_t>(log_lines_burst));
  EXPECT_EQ(gate.pass("other", at(1)), 0u);
  // A second later two more may pass; the first says how many did not.
  EXPECT_EQ(gate.pass("flood", at(2)), 10'000 - static_cast<uint64_t>(log_lines_burst));
  EXPECT_EQ(gate.pass("flood", at(2)), 0u);
  EXPECT_FALSE(gate.pass("flood", at(2)));
}

TEST(Log, Levels) {
  EXPECT_EQ(parse_log_level("warning"), LogLevel::warning);
  EXPECT_FALSE(parse_log_level("loud"));
  SpdLogSink sink(LogLevel::warning, LogFormat::text);
  EXPECT_FALSE(sink.wants(LogLevel::info));
  EXPECT_TRUE(sink.wants(LogLevel::warning));
}

}  // namespace
}  // namespace lattice::app

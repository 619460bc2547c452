#include "../../../apps/lattice/progress.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../../../apps/lattice/sync_report.hpp"

namespace lattice::app {
namespace {

NodeReport report_at(uint64_t headers, uint64_t blocks) {
  NodeReport report;
  report.best_header.block.height = headers;
  report.tip.block.height = blocks;
  report.blocks_received = blocks;
  report.block_bytes_received = blocks * 1000;
  PeerReport peer;
  peer.established = true;
  peer.endpoint = *Endpoint::parse("127.0.0.2:8333");
  peer.user_agent = "odd\x1b";
  report.peers = {peer, PeerReport{}};
  return report;
}

DnsReport failed_dns(std::string detail) {
  DnsReport dns;
  dns.name = "seed.example";
  dns.failed = true;
  dns.detail = std::move(detail);
  return dns;
}

TEST(Progress, SaysWhatIsDoneAndWhatIsLeft) {
  EXPECT_EQ(progress_text(report_at(5000, 1250), {1875, 18.75e6}),
            "headers 5,000 | blocks 1,250 (25%) | peers 1 | 1,875 blocks/s, 18.8 MB/s | 2 s left");
  auto done = report_at(5000, 5000);
  done.synced = true;
  EXPECT_EQ(progress_text(done, {1000, 1e6}), "headers 5,000 | blocks 5,000 | peers 1 | synced");
  EXPECT_EQ(progress_text(NodeReport{}, {}), "headers 0 | blocks 0 | peers 0 | looking for peers");
}

TEST(Progress, NeverWiderThanTheTerminal) {
  const auto text = progress_text(report_at(5000, 1250), {1875, 18.75e6});
  EXPECT_EQ(fit_line(text, 20), text.substr(0, 20));
  EXPECT_EQ(fit_line(text, 500), text);
}

TEST(Progress, RateFollowsTheLastSeconds) {
  RateMeter meter;
  const auto at = [](int seconds) { return Instant{std::chrono::seconds{seconds}}; };
  EXPECT_EQ(meter.update(report_at(0, 0), at(1)).blocks_per_second, 0);
  EXPECT_DOUBLE_EQ(meter.update(report_at(0, 100), at(2)).blocks_per_second, 100);
  for (int second = 3; second <= 20; ++second) meter.update(report_at(0, 100), at(second));
  EXPECT_DOUBLE_EQ(meter.update(report_at(0, 100), at(21)).blocks_per_second, 0);  // a stall is seen as one
}

TEST(SyncReport, IsJsonWithTheFiguresAskedFor) {
  auto report = report_at(10, 10);
  report.synced = true;
  report.dns = {
      failed_dns("no\xff"
                 "answer")};
  report.left = {{*Endpoint::parse("127.0.0.9:1"), {}, PeerSource::dns_signed, ErrorCode::bad_proof_of_work, "header", false}};
  const auto json = nlohmann::json::parse(sync_report_json(report, "mine", {}, {2.0, 1.0}));
  EXPECT_EQ(json["chain"], "mine");
  EXPECT_EQ(json["height"], 10);
  EXPECT_EQ(json["blocks_per_second"], 5.0);
  EXPECT_EQ(json["bytes_per_second"], 5000.0);
  ASSERT_EQ(json["peers"].size(), 1u);  // the other one never got through the handshake
  EXPECT_EQ(json["peers"][0]["suite"], "0x0001");
  EXPECT_EQ(json["peers"][0]["address"], "127.0.0.2:8333");
  EXPECT_EQ(json["peers"][0]["user_agent"], "odd?");
  EXPECT_EQ(json["left"][0]["reason"], "bad_proof_of_work");
  EXPECT_EQ(json["dns"][0]["failed"], true);
  EXPECT_EQ(json["tip"].get<std::string>().size(), 64u);
}

TEST(SyncReport, SummaryHasNoControlBytes) {
  auto report = report_at(10, 10);
  report.dns = {failed_dns("\x1b[2J")};
  for (const char c : sync_summary(report, {2.0, 1.0})) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(999), "999");
}

}  // namespace
}  // namespace lattice::app

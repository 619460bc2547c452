// The proxy's configuration.
#include "../../../tools/delay_proxy/config.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include <lattice/sim/latency.hpp>

namespace lattice::delay_proxy {
namespace {

using namespace std::chrono_literals;

constexpr auto hosts = R"([{"namespace": "a", "address": "11.0.0.1", "city": 0, "up": 1000, "queue": 5000},
                           {"namespace": "/n/b", "name": "second", "address": "fd00::2", "city": 1}])";

HostResult<ProxyConfig> parse(const std::string& delays, const std::string& more = "", const std::string& with = hosts) {
  return parse_config("{\"delays\": " + delays + ", \"hosts\": " + with + more + "}", ".");
}

TEST(ProxyConfig, HasHostsDelaysAndWeather) {
  const auto config =
      parse("[[0, 30000], [50000, 0]]", R"(, "seed": 9, "weather": {"loss": 0.3, "jitter_ms": 1.5, "extra_ms": 2})");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->seed, 9u);
  EXPECT_EQ(config->weather.loss, 0.3);
  EXPECT_EQ(config->weather.jitter, 1500us);
  EXPECT_EQ(config->one_way[0 * 2 + 1], 17ms);
  EXPECT_EQ(config->one_way[1 * 2 + 0], 27ms);
  EXPECT_EQ(config->hosts[0].line.up, 1000u);
  EXPECT_EQ(config->hosts[0].line.down_queue, 5000u);
  EXPECT_EQ(config->hosts[1].line.up, Line{}.up);
  EXPECT_EQ(config->hosts[1].name, "second");
  EXPECT_EQ(config->hosts[1].address, *IpAddress::parse("fd00::2"));
}

TEST(ProxyConfig, DrawsCitiesAsTheSimulatorDoes) {
  const auto file = std::filesystem::temp_directory_path() / ("lattice-delays-" + std::to_string(::getpid()) + ".csv");
  const std::string csv = "0,10000,20000\n10000,0,30000\n20000,30000,0\n";
  std::ofstream(file) << csv;
  const auto config = parse("\"" + file.string() + "\"", ", \"seed\": 5",
                            R"([{"namespace": "a", "address": "11.0.0.1"}, {"namespace": "b", "address": "11.1.0.1"},
                                {"namespace": "c", "address": "11.2.0.1"}])");
  std::filesystem::remove(file);
  ASSERT_TRUE(config) << config.error().text();
  const sim::Delays delays(5, std::make_shared<const sim::CityDelays>(*sim::CityDelays::parse(csv)));
  for (uint32_t from = 0; from < 3; ++from) {
    for (uint32_t to = 0; to < 3; ++to) EXPECT_EQ(config->one_way[from * 3 + to], delays.one_way(from, to));
  }
}

TEST(ProxyConfig, WhatIsWrongIsSaid) {
  EXPECT_FALSE(parse_config("", "."));
  EXPECT_FALSE(parse_config("[]", "."));
  EXPECT_FALSE(parse_config("{\"hosts\": []}", "."));
  EXPECT_FALSE(parse("\"/nowhere/at/all\""));
  EXPECT_FALSE(parse("[[0, 1], [1]]"));
  EXPECT_FALSE(parse("[[0, -1], [1, 0]]"));
  EXPECT_FALSE(parse("[0, 1]"));
  EXPECT_FALSE(parse("[[0]]")) << "there is no city 1";
  const std::string good = "[[0, 1], [1, 0]]";
  EXPECT_TRUE(parse(good));
  for (const char* more : {", \"sed\": 1", ", \"seed\": -1", ", \"weather\": {\"loss\": 1.5}",
                           ", \"weather\": {\"loss\": \"much\"}", ", \"weather\": {\"los\": 0}", ", \"weather\": []"}) {
    EXPECT_FALSE(parse(good, more)) << more;
  }
  for (const char* with :
       {R"([{"namespace": "a", "address": "11.0.0.1"}])",
        R"([{"namespace": "a", "address": "11.0.0.1"}, {"address": "11.0.0.2"}])",
        R"([{"namespace": "a", "address": "11.0.0.1"}, {"namespace": "b", "address": "11.0.0.1"}])",
        R"([{"namespace": "a", "address": "11.0.0.1"}, {"namespace": "b", "address": "elsewhere"}])",
        R"([{"namespace": "a", "address": "11.0.0.1", "city": 0}, {"namespace": "b", "address": "11.0.0.2"}])",
        R"([{"namespace": "a", "address": "11.0.0.1", "up": 0}, {"namespace": "b", "address": "11.0.0.2"}])"}) {
    EXPECT_FALSE(parse(good, "", with)) << with;
  }
}

}  // namespace
}  // namespace lattice::delay_proxy

// Propagation curves as SVG: the shares and times it names, and that it is well formed whatever the names hold.
#include <lattice/sim/plot.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <regex>

#include <gtest/gtest.h>

namespace lattice::sim {
namespace {

Curve hundred(std::string name, double scale) {
  Curve curve{std::move(name), {}, 0};
  for (int i = 100; i >= 1; --i) curve.seconds.push_back(scale * i);  // in any order
  return curve;
}

// Every tag that opens closes, and no stray markup stands in a text.
void expect_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  static const std::regex tag("<(/?)([a-z]+)([^<>]*?)(/?)>");
  for (std::sregex_iterator match(svg.begin(), svg.end(), tag), end; match != end; ++match) {
    if ((*match)[1].length()) {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), (*match)[2].str());
      open.pop_back();
    } else if (!(*match)[4].length()) {
      open.push_back((*match)[2].str());
    }
  }
  EXPECT_TRUE(open.empty());
  const auto tags = static_cast<size_t>(std::distance(std::sregex_iterator(svg.begin(), svg.end(), tag), {}));
  EXPECT_EQ(static_cast<size_t>(std::ranges::count(svg, '<')), tags);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  EXPECT_EQ(svg.find("script"), std::string::npos);
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Plot, TimeOfAShareIsTheLeastAtWhichSoManyHadIt) {
  const Curve curve = hundred("a", 0.01);
  EXPECT_DOUBLE_EQ(*time_of_share(curve, 0.5), 0.50);
  EXPECT_DOUBLE_EQ(*time_of_share(curve, 0.501), 0.51);
  EXPECT_DOUBLE_EQ(*time_of_share(curve, 0.99), 0.99);
  EXPECT_DOUBLE_EQ(*time_of_share(curve, 1), 1.00);
  EXPECT_FALSE(time_of_share(curve, 0));
  EXPECT_FALSE(time_of_share({}, 0.5));
}

TEST(Plot, WhoNeverHadItCounts) {
  Curve curve = hundred("a", 0.01);
  curve.total = 200;
  EXPECT_DOUBLE_EQ(*time_of_share(curve, 0.5), 1.00);
  EXPECT_FALSE(time_of_share(curve, 0.51));
  curve.seconds.push_back(std::numeric_limits<double>::infinity());  // never, said in another way
  EXPECT_FALSE(time_of_share(curve, 0.51));
}

TEST(Plot, BlocksPoolIntoOneCurve) {
  const auto curve = pooled_curve("both", {{1, 2, 3}, {4, 5}}, 3);
  EXPECT_EQ(curve.seconds, (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_EQ(curve.total, 6u);
}

TEST(Plot, CurvesMarksAndLegend) {
  const auto svg = propagation_svg({"100 KB block", "30 nodes", {hundred("simulator", 0.01), hundred("processes", 0.02)}});
  expect_well_formed(svg);
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_EQ(count_of(svg, "<circle"), 6u);  // three marks each
  EXPECT_NE(svg.find("T50 0.5 s   T90 0.9 s   T99 0.99 s"), std::string::npos);
  EXPECT_NE(svg.find("T50 1 s   T90 1.8 s   T99 1.98 s"), std::string::npos);
  EXPECT_NE(svg.find(">simulator</text>"), std::string::npos);
  EXPECT_NE(svg.find("prefers-color-scheme:dark"), std::string::npos);
  EXPECT_NE(svg.find("seconds since the block was made"), std::string::npos);
  EXPECT_EQ(svg, propagation_svg({"100 KB block", "30 nodes", {hundred("simulator", 0.01), hundred("processes", 0.02)}}));
}

TEST(Plot, TheStaircaseIsWhereItShouldBe) {
  // Two nodes at 1 s and 2 s on an axis of 2 s: half way up at the middle, at the top on the right.
  const auto svg = propagation_svg({"t", "", {{"two", {1, 2}, 0}}, 2});
  EXPECT_NE(svg.find("M64 428H430V258H796V88H796"), std::string::npos) << svg;
}

TEST(Plot, NamesCannotBreakIt) {
  const auto svg = propagation_svg({"<b>&\"", "]]>\x01\n", {hundred("</text><script>x</script>", 1)}});
  EXPECT_NE(svg.find("&lt;/text&gt;"), std::string::npos);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_EQ(svg.find('\x01'), std::string::npos);
}

TEST(Plot, NothingAndTooMuch) {
  expect_well_formed(propagation_svg({}));
  expect_well_formed(propagation_svg({"t", "", {{"nobody", {}, 30}}}));
  expect_well_formed(propagation_svg({"t", "", {{"at once", {0, 0, 0}, 0}}}));
  const double bad = std::numeric_limits<double>::quiet_NaN();
  expect_well_formed(propagation_svg({"t", "", {{"odd", {bad, 1, -5, 1e300}, 0}}}));
  Plot many{"t", "note", std::vector<Curve>(11, hundred("a", 1))};
  const auto svg = propagation_svg(many);
  expect_well_formed(svg);
  EXPECT_NE(svg.find("note; 3 more curves are not drawn"), std::string::npos);
  Curve large{"large", {}, 0};
  for (int i = 0; i < 100'000; ++i) large.seconds.push_back(i * 1e-5);
  EXPECT_LT(propagation_svg({"t", "", {large}}).size(), 60'000u);
}

}  // namespace
}  // namespace lattice::sim

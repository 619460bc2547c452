#include <lattice/sim/plot.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace lattice::sim {

namespace {

// Pixels. The plot's own rectangle lies inside the picture's.
constexpr double width = 820, left = 64, right = 24, top = 88, plot_height = 340, legend_line = 20, bottom = 62;
constexpr double plot_width = width - left - right;
constexpr size_t steps_max = 800;  // of one curve: more than a screen tells apart
constexpr std::array marks{0.5, 0.9, 0.99};

// Told apart by colour (Okabe and Ito 2008, without yellow) and by dashes; each in a darker and a lighter tone.
struct Pen {
  std::string_view on_light, on_dark, dashes;
};
constexpr std::array<Pen, plot_curves_max> pens{{{"#0072b2", "#56b4e9", ""},
                                                 {"#b84a00", "#ff9d5c", "7 3"},
                                                 {"#00785a", "#2fd3a5", "2 3"},
                                                 {"#9c4680", "#e6a0cc", "10 3 2 3"},
                                                 {"#5f5f5f", "#bdbdbd", "14 4"},
                                                 {"#8a6d00", "#f0c63c", "4 2"},
                                                 {"#1f3fbf", "#93a8ff", "1 2"},
                                                 {"#a01f2c", "#ff8f9a", "7 3 2 3 2 3"}}};

// With a point, whatever the locale says.
std::string number(double value, int digits = 2) {
  std::array<char, 64> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, digits);
  if (error != std::errc{}) return "0";
  std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  if (text.find('.') != std::string_view::npos) {
    while (text.ends_with('0')) text.remove_suffix(1);
    if (text.ends_with('.')) text.remove_suffix(1);
  }
  return text == "-0" ? "0" : std::string(text);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= ' ' && c != 127)
      out += c;
  }
  return out;
}

std::vector<double> in_order(const Curve& curve) {
  std::vector<double> sorted;
  for (const double seconds : curve.seconds)
    if (std::isfinite(seconds)) sorted.push_back(std::max(seconds, 0.0));
  std::ranges::sort(sorted);
  return sorted;
}

size_t total_of(const Curve& curve) { return std::max({curve.total, curve.seconds.size(), size_t{1}}); }

// A step that a person counts in: 1, 2 or 5 times a power of ten, four to ten of them in `span`.
double step_for(double span) {
  const double rough = span / 8, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * power * 1.0001) return factor * power;
  return 10 * power;
}

double axis_end(const Plot& plot, size_t drawn) {
  if (plot.seconds_max > 0) return plot.seconds_max;
  double end = 0;
  for (size_t i = 0; i < drawn; ++i) {
    const auto sorted = in_order(plot.curves[i]);
    const auto last = time_of_share(plot.curves[i], 0.99);
    if (last || !sorted.empty()) end = std::max(end, last ? *last : sorted.back());
  }
  if (end <= 0) return 1;
  const double step = step_for(end * 1.08);
  return std::ceil(end * 1.08 / step) * step;
}

class Picture {
 public:
  explicit Picture(const Plot& plot)
      : plot_(plot), drawn_(std::min(plot.curves.size(), plot_curves_max)), end_(axis_end(plot, drawn_)) {}

  std::string svg() {
    head();
    grid();
    for (size_t i = 0; i < drawn_; ++i) curve(i);
    for (size_t i = 0; i < drawn_; ++i) legend(i);
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  double x(double seconds) const { return left + plot_width * std::min(seconds, end_) / end_; }
  static double y(double share) { return top + plot_height * (1 - share); }
  static double legend_top() { return top + plot_height + bottom; }
  double height() const { return legend_top() + legend_line * static_cast<double>(drawn_) + 14; }

  void text(double at_x, double at_y, std::string_view classes, std::string_view anchor, std::string_view words) {
    out_ += "<text x=\"" + number(at_x) + "\" y=\"" + number(at_y) + "\" class=\"" + std::string(classes) +
            "\" text-anchor=\"" + std::string(anchor) + "\">" + escaped(words) + "</text>\n";
  }
  void line(double x1, double y1, double x2, double y2, std::string_view classes) {
    out_ += "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
            "\" class=\"" + std::string(classes) + "\"/>\n";
  }

  void head() {
    const std::string size = number(width) + "\" height=\"" + number(height());
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + size + "\" viewBox=\"0 0 " + number(width) + " " +
           number(height()) + "\" role=\"img\">\n<title>" + escaped(plot_.title) + "</title>\n";
    style();
    out_ += "<rect class=\"page\" width=\"" + size + "\"/>\n";
    text(left, 30, "name", "start", plot_.title);
    std::string note = plot_.note;
    if (const size_t hidden = plot_.curves.size() - drawn_)
      note += (note.empty() ? "" : "; ") + std::to_string(hidden) + " more curves are not drawn";
    if (!note.empty()) text(left, 52, "quiet", "start", note);
  }

  void style() {
    const auto rules = [this](bool dark) {
      const std::string page = dark ? "#14171a" : "#ffffff", ink = dark ? "#e6e8ea" : "#1c2024";
      const std::string quiet = dark ? "#a3abb2" : "#59636e", rule = dark ? "#333a41" : "#dfe3e7";
      std::string css = ".page{fill:" + page + "}text{fill:" + ink + "}.quiet{fill:" + quiet + "}.rule{stroke:" + rule +
                        "}.axis{stroke:" + quiet + "}.dot{stroke:" + page + "}";
      for (size_t i = 0; i < drawn_; ++i) {
        const std::string tone(dark ? pens[i].on_dark : pens[i].on_light);
        css += ".c" + std::to_string(i) + "{stroke:" + tone + "}.d" + std::to_string(i) + "{fill:" + tone + "}";
      }
      return css;
    };
    out_ += "<style>text{font:13px system-ui,sans-serif}.name{font-size:17px;font-weight:600}.curve{fill:none;stroke-width:2}" +
            rules(false) + "@media (prefers-color-scheme:dark){" + rules(true) + "}</style>\n";
  }

  void grid() {
    for (const double share : {0.0, 0.25, 0.5, 0.75, 0.9, 0.99}) {
      line(left, y(share), left + plot_width, y(share), share == 0 ? "axis" : "rule");
      text(left - 8, y(share) + 4, "quiet", "end", number(share * 100, 0) + " %");
    }
    const double step = step_for(end_);
    const auto steps = static_cast<int>(std::floor(end_ / step + 1e-9));
    for (int i = 0; i <= steps; ++i) {
      const double seconds = step * i;
      line(x(seconds), top, x(seconds), top + plot_height, i == 0 ? "axis" : "rule");
      text(x(seconds), top + plot_height + 20, "quiet", "middle", number(seconds, 6));
    }
    text(left + plot_width / 2, top + plot_height + 42, "quiet", "middle", "seconds since the block was made");
    text(left - 48, top - 12, "quiet", "start", "share of nodes that have it");
  }

  // A staircase: the share jumps where a node has the block.
  void curve(size_t index) {
    const Curve& curve = plot_.curves[index];
    const auto sorted = in_order(curve);
    const auto total = static_cast<double>(total_of(curve));
    const size_t every = std::max<size_t>(1, sorted.size() / steps_max);
    std::string path = "M" + number(x(0)) + " " + number(y(0));
    for (size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i] > end_) break;
      const bool last = i + 1 == sorted.size() || sorted[i + 1] > end_;
      if (i % every != 0 && !last) continue;
      path += "H" + number(x(sorted[i])) + "V" + number(y(static_cast<double>(i + 1) / total));
    }
    path += "H" + number(x(end_));
    out_ += "<path class=\"curve c" + std::to_string(index) + "\" d=\"" + path + "\"";
    if (!pens[index].dashes.empty()) out_ += " stroke-dasharray=\"" + std::string(pens[index].dashes) + "\"";
    out_ += "/>\n";
    for (const double share : marks) {
      const auto seconds = time_of_share(curve, share);
      if (!seconds || *seconds > end_) continue;
      out_ += "<circle class=\"dot d" + std::to_string(index) + "\" cx=\"" + number(x(*seconds)) + "\" cy=\"" +
              number(y(share)) + "\" r=\"4\" stroke-width=\"1.5\"><title>" + escaped(curve.name) + ": " +
              number(share * 100, 0) + " % after " + number(*seconds, 3) + " s</title></circle>\n";
    }
  }

  void legend(size_t index) {
    const double at_y = legend_top() + legend_line * static_cast<double>(index);
    out_ += "<path class=\"curve c" + std::to_string(index) + "\" d=\"M" + number(left) + " " + number(at_y - 4) + "h34\"";
    if (!pens[index].dashes.empty()) out_ += " stroke-dasharray=\"" + std::string(pens[index].dashes) + "\"";
    out_ += "/>\n";
    const Curve& curve = plot_.curves[index];
    text(left + 44, at_y, "", "start", curve.name);
    std::string words;
    for (const double share : marks) {
      const auto seconds = time_of_share(curve, share);
      words += (words.empty() ? "T" : "   T") + number(share * 100, 0) + " " + (seconds ? number(*seconds, 3) + " s" : "never");
    }
    text(left + plot_width, at_y, "quiet", "end", words);
  }

  const Plot& plot_;
  size_t drawn_;
  double end_;
  std::string out_;
};

}  // namespace

std::optional<double> time_of_share(const Curve& curve, double share) {
  const auto sorted = in_order(curve);
  // The least whole number of nodes that is this share; 0.99 * 100 may lie a hair above 99.
  const double exact = share * static_cast<double>(total_of(curve));
  const auto needed = static_cast<size_t>(std::ceil(exact - 1e-9 * exact));
  if (needed == 0 || needed > sorted.size()) return std::nullopt;
  return sorted[needed - 1];
}

Curve pooled_curve(std::string name, const std::vector<std::vector<double>>& arrivals, size_t nodes) {
  Curve curve{std::move(name), {}, nodes * arrivals.size()};
  for (const auto& block : arrivals) curve.seconds.insert(curve.seconds.end(), block.begin(), block.end());
  return curve;
}

std::string propagation_svg(const Plot& plot) { return Picture(plot).svg(); }

}  // namespace lattice::sim

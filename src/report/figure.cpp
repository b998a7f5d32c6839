// SPDX-License-Identifier: MIT
#include "report/figure.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/numbers.h"

namespace linformer {
namespace {

constexpr double kPixelsPerInch = 96, kPointsPerInch = 72, kFontPoints = 7.5;
// Browsers may only have wider fonts, and do not break lines that are too long.
constexpr double kSvgFontPixels = 8.5;
constexpr double kSmallPerInch = 20;  // characters

// Both formats of one size, by the same commands.
constexpr const char* kFrame = R"(# Draws {0}.svg and {0}.pdf out of {0}.dat: gnuplot {0}.gp
set encoding utf8
do for [format in 'svg pdf'] {{
reset
set datafile missing '?'
small = format eq 'svg' ? ',7' : ',6'
if (format eq 'svg') {{ set terminal svg noenhanced size {1:.0f},{2:.0f} font 'Helvetica,{3}' linewidth {4:.3f} background 'white' }}
if (format eq 'pdf') {{ set terminal pdfcairo noenhanced size {5}in,{6}in font 'Helvetica,{7}' }}
set output '{0}.'.format
set border lw 0.6
set tics nomirror scale 0.5
set key samplen 2 spacing 1 noautotitle Left reverse
{8}unset output
}}
)";

std::string number_text(double value) { return std::isfinite(value) ? shortest(value) : "?"; }

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::string row_text(const std::vector<double>& row) {
  std::vector<std::string> cells;
  cells.reserve(row.size());
  for (const double value : row) cells.push_back(number_text(value));
  return fmt::format("{}\n", fmt::join(cells, " "));
}

// A value between 0 and 1 on the way between two bytes.
int mixed(int from, int to, double part) { return static_cast<int>(std::lround(from + part * (to - from))); }

// In lines that fit above so many inches.
std::string title_of(std::string headline, double inches) {
  const auto most = static_cast<size_t>(kSmallPerInch * inches);
  std::vector<std::string> lines;
  while (headline.size() > most) {
    const size_t space = headline.rfind(' ', most);
    if (space == headline.npos) break;
    lines.push_back(gnuplot_text(headline.substr(0, space)));
    headline.erase(0, space + 1);
  }
  lines.push_back(gnuplot_text(headline));
  return fmt::format("{}", fmt::join(lines, R"(."\n".)"));
}

}  // namespace

FigureWriter::FigureWriter(std::string name, double width_inches, double height_inches,
                           const std::string& headline)
    : width_(width_inches), height_(height_inches) {
  figure_.name = std::move(name);
  if (!headline.empty())
    set(fmt::format("set title {} font small offset 0,-0.5", title_of(headline, width_)));
}

void FigureWriter::set(std::string_view command) { body_ += fmt::format("{}\n", command); }

void FigureWriter::axes(std::string_view x, std::string_view y) {
  set(fmt::format("set xlabel {} offset 0,0.3", gnuplot_text(x)));
  set(fmt::format("set ylabel {} offset 0.7,0", gnuplot_text(y)));
}

std::string FigureWriter::block(std::string_view about, const std::vector<std::vector<double>>& rows) {
  return labelled_block(about, std::vector<std::string>(rows.size()), rows);
}

std::string FigureWriter::labelled_block(std::string_view about, const std::vector<std::string>& labels,
                                         const std::vector<std::vector<double>>& rows) {
  if (blocks_ > 0) figure_.data += "\n\n";
  figure_.data += fmt::format("# {}\n", one_line(std::string(about)));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!labels[i].empty()) figure_.data += one_line(labels[i]) + " ";
    figure_.data += row_text(rows[i]);
  }
  return fmt::format("{} index {}", gnuplot_text(figure_.name + ".dat"), blocks_++);
}

void FigureWriter::plot(const std::vector<std::string>& elements) {
  body_ += fmt::format("plot {}\n", fmt::join(elements, ", \\\n     "));
}

Figure FigureWriter::finish() {
  constexpr double kSvgScale = kPixelsPerInch / kPointsPerInch;
  figure_.script = fmt::format(kFrame, figure_.name, width_ * kPixelsPerInch, height_ * kPixelsPerInch,
                               kSvgFontPixels, kSvgScale, width_, height_, kFontPoints, body_);
  return std::move(figure_);
}

std::string gnuplot_text(std::string_view text) {
  std::string result = "'";
  for (const char c : one_line(std::string(text)))
    result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

std::vector<std::vector<double>> rows_of(const std::vector<std::vector<double>>& columns) {
  std::vector<std::vector<double>> rows(columns.front().size());
  for (size_t i = 0; i < rows.size(); ++i)
    for (const std::vector<double>& column : columns) rows[i].push_back(column[i]);
  return rows;
}

std::string line_style(size_t i) {
  constexpr std::array kColours = {"#000000", "#0072b2", "#d55e00", "#009e73",
                                   "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f"};
  return fmt::format("lc rgb '{}' dt {} lw 1.4", kColours[i % kColours.size()], i % 5 + 1);
}

std::string point_style(size_t i) {
  constexpr std::array kPoints = {7, 5, 9, 11, 13, 4, 6, 8, 10};
  return fmt::format("{} pt {} ps 0.45", line_style(i), kPoints[i % kPoints.size()]);
}

std::string shade(size_t i, size_t count) {
  const double part = count < 2 ? 0 : static_cast<double>(i) / static_cast<double>(count - 1);
  // From the dark blue of cividis to a yellow that is still seen on white.
  return fmt::format("lc rgb '#{:02x}{:02x}{:02x}'", mixed(0, 222, part), mixed(32, 190, part),
                     mixed(76, 60, part));
}

}  // namespace linformer

// SPDX-License-Identifier: MIT
// A picture as two texts: a gnuplot script and the numbers that it draws.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// Run in the folder of both files, `gnuplot NAME.gp` reads NAME.dat and writes NAME.svg and NAME.pdf. Both
/// texts follow from the report alone.
struct Figure {
  std::string name;
  std::string script;
  std::string data;
};

/// The widths of a column and of a page of a paper, inches.
inline constexpr double kColumnInches = 3.25;
inline constexpr double kPageInches = 6.75;

/// Writes a figure: first what is set, then the data, block by block, then what is plotted.
class FigureWriter {
 public:
  /// `headline`: the first line of the figure; "": none.
  FigureWriter(std::string name, double width_inches, double height_inches, const std::string& headline);

  /// A line of the script. `small` is a font there, of 6 points.
  void set(std::string_view command);
  /// Labels of both axes.
  void axes(std::string_view x, std::string_view y);
  /// A block of the data file: `about` as a comment, then rows of numbers, "?" for what is not finite.
  /// Returns what a plot element begins with, "'NAME.dat' index 3".
  std::string block(std::string_view about, const std::vector<std::vector<double>>& rows);
  /// The same with a text, which must have no spaces, in front of each row.
  std::string labelled_block(std::string_view about, const std::vector<std::string>& labels,
                             const std::vector<std::vector<double>>& rows);
  /// Draws the elements in one panel. A figure with several sets `multiplot` before and unsets it after.
  void plot(const std::vector<std::string>& elements);

  Figure finish();

 private:
  Figure figure_;
  double width_, height_;
  std::string body_;
  int blocks_ = 0;
};

/// The text in gnuplot's single quotes.
std::string gnuplot_text(std::string_view text);

/// Rows [i] = {x[i], y[i], ...} of columns of one length.
std::vector<std::vector<double>> rows_of(const std::vector<std::vector<double>>& columns);

/// "lc rgb '#...' dt ... lw 1.4" of the i-th line of a figure: colours that the colour-blind can tell (Okabe
/// and Ito), each with a dash of its own for print in black.
std::string line_style(size_t i);
/// The same with a point of its own too.
std::string point_style(size_t i);
/// "lc rgb '#...'" of the i-th of `count` in an order, from dark to light, which print in black keeps.
std::string shade(size_t i, size_t count);

}  // namespace linformer

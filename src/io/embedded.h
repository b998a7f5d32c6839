// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linformer {

/// The files built into the program: the default checkpoint (data/default) by file name ...
std::vector<std::pair<std::string, std::span<const std::byte>>> embedded_checkpoint();
/// ... the sample text (data/sample.jsonl),
std::string_view embedded_sample();
/// ... the paper's Tables 1 to 3 as JSON (data/paper), by their number ...
std::string_view embedded_paper_table(int number);

struct PageParts {
  std::string_view html;    ///< with {{style}}, {{chart}}, {{reports}} and {{script}} where these go
  std::string_view style;   ///< CSS
  std::string_view script;  ///< our own JavaScript
  std::string_view chart;   ///< Chart.js
};
/// ... and what a page of reports is made of (data/page).
PageParts embedded_page();

}  // namespace linformer

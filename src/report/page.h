// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "report/report_file.h"

namespace linformer {

/// One HTML file that needs no other and no network: the reports as they are, and what draws them. Kinds that
/// the page has no part for are shown as tables. The same bytes for the same reports.
std::string report_page(const std::vector<ReportFile>& files);

}  // namespace linformer

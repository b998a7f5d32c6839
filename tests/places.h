// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace linformer {

/// The folder tests/fixtures.
std::string fixtures();
/// The folder src/report/schemas.
std::string schemas();
/// The program that was built with these tests.
std::string program_path();

}  // namespace linformer

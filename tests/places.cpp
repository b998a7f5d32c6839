// SPDX-License-Identifier: MIT
// The one file that is compiled with absolute paths: a compiler cache can serve all others to every checkout.
#include "places.h"

namespace linformer {

std::string fixtures() { return LINFORMER_FIXTURES; }
std::string schemas() { return LINFORMER_SCHEMAS; }
std::string program_path() { return LINFORMER_PROGRAM; }

}  // namespace linformer

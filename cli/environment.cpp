// SPDX-License-Identifier: MIT
#include "environment.h"

#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "base/lapack.h"

extern char** environ;

namespace linformer::cli {
namespace {

std::string get(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_library_setting(std::string_view name) {
  for (const char* prefix : {"OPENBLAS_", "OMP_", "GOMP_", "DNNL_", "ONEDNN_"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

/// As huggingface_hub looks for it; the second is the first one's former name.
std::string hub_cache_as_set() {
  constexpr std::pair<const char*, const char*> kPlaces[] = {{"HF_HUB_CACHE", ""},
                                                             {"HUGGINGFACE_HUB_CACHE", ""},
                                                             {"HF_HOME", "/hub"},
                                                             {"XDG_CACHE_HOME", "/huggingface/hub"},
                                                             {"HOME", "/.cache/huggingface/hub"}};
  for (const auto& [variable, below] : kPlaces) {
    if (const std::string value = get(variable); !value.empty()) return value + below;
  }
  return "";
}

std::string hub_cache() {
  std::string cache = hub_cache_as_set();
  if (cache == "~" || cache.starts_with("~/")) cache.replace(0, 1, get("HOME"));
  return cache;
}

}  // namespace

Environment read_environment() {
  Environment environment;
  environment.hub_cache = hub_cache();
  environment.no_color = !get("NO_COLOR").empty() || get("TERM") == "dumb";
  for (const char* name : {"CLICOLOR_FORCE", "FORCE_COLOR"}) {
    const std::string value = get(name);
    if (!value.empty() && value != "0") environment.force_color = true;
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || !is_library_setting(text.substr(0, equals))) continue;
    environment.library_settings.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

void prepare_libraries(const Environment& environment, const std::string& isa) {
  for (const auto& [name, value] : environment.library_settings) {
    const bool verbose = name == "DNNL_VERBOSE" || name == "ONEDNN_VERBOSE";
    if (verbose || name.starts_with("OPENBLAS_")) unsetenv(name.c_str());
  }
  // One LAPACK thread a call; each of our threads makes its own calls.
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  const std::string core = isa == "avx2"       ? "Haswell"
                           : isa == "baseline" ? "Nehalem"
                                               : preferred_openblas_core();
  if (!core.empty()) setenv("OPENBLAS_CORETYPE", core.c_str(), 1);
}

}  // namespace linformer::cli

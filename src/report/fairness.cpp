// SPDX-License-Identifier: MIT
// What two reports must have in common to be compared.
#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "io/printable.h"
#include "report/compare.h"

namespace linformer {
namespace {

using Pointer = nlohmann::json::json_pointer;

// Members that decide what was measured and on what. Those of the tool may differ: that is what is compared.
constexpr std::array kOfBench = {"/machine/cpu",       "/machine/cpu_model", "/machine/affinity_cores",
                                 "/machine/isa",       "/machine/threads",   "/machine/settings",
                                 "/method/level",      "/method/threads",    "/method/causal",
                                 "/method/cache",      "/method/model",      "/method/score_deviation",
                                 "/method/fingerprint"};
constexpr std::array kOfSpectrum = {
    "/machine/cpu",    "/machine/cpu_model", "/input/fingerprint", "/results/length",
    "/results/layers", "/results/heads",     "/method/stack",      "/method/drop_special_tokens"};
constexpr std::array kOfAccuracy = {"/machine/cpu",      "/machine/cpu_model", "/input/fingerprint",
                                    "/results/length",   "/results/layers",    "/results/heads",
                                    "/results/sequences"};

std::string text_at(const ReportFile& file, const Pointer& pointer) {
  return file.json.contains(pointer) ? printable(file.json.at(pointer).dump()) : "missing";
}

template <size_t N>
void compare_members(const std::array<const char*, N>& members, const ReportFile& one,
                     const ReportFile& other, std::vector<std::string>& differences) {
  for (const char* member : members) {
    const Pointer pointer(member);
    const std::string a = text_at(one, pointer), b = text_at(other, pointer);
    if (a == b) continue;
    std::string name = std::string(member).substr(1);
    name.replace(name.find('/'), 1, ".");
    differences.push_back(fmt::format("{}: {} in {}, {} in {}", name, a, one.path, b, other.path));
  }
}

}  // namespace

std::vector<std::string> differences_between(const std::vector<ReportFile>& a,
                                             const std::vector<ReportFile>& b) {
  std::vector<std::string> differences;
  const ReportFile& first = a.front();
  for (const std::vector<ReportFile>* side : {&a, &b}) {
    for (const ReportFile& file : *side) {
      if (file.kind != first.kind) {
        throw Error(ErrorCode::kUsage, {.subject = "--compare",
                                        .item = file.path,
                                        .found = "a report of another kind than " + first.path,
                                        .expected = "reports of one command"});
      }
      if (file.kind == ReportKind::kBench) {
        compare_members(kOfBench, first, file, differences);
      } else if (file.kind == ReportKind::kAccuracy) {
        compare_members(kOfAccuracy, first, file, differences);
      } else {
        compare_members(kOfSpectrum, first, file, differences);
      }
    }
  }
  return differences;
}

}  // namespace linformer

// SPDX-License-Identifier: MIT
#include "report/advise_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "io/printable.h"
#include "report/accuracy_read.h"
#include "report/bench_read.h"
#include "report/spectrum_read.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

// Of all but a language-model head, which a spectrum does not read.
constexpr const char* kFingerprint = "attention_fingerprint";

// What times follow from.
constexpr std::array kSizes = {"layers", "heads", "kv_heads", "head_size", "width", "ffn_width"};

[[noreturn]] void refuse(const std::string& file, std::string found, std::string expected,
                         std::string remedy = {}) {
  throw Error(ErrorCode::kUsage, {.subject = "advise",
                                  .item = file,
                                  .found = std::move(found),
                                  .expected = std::move(expected),
                                  .remedy = std::move(remedy)});
}

const ReportFile& open_kind(const std::string& path, ReportKind kind, const char* name, AdviseParts& parts) {
  ReportFile file = open_report(path);
  if (file.kind != kind)
    refuse(path, "a report " + file.root()["schema"].text(), fmt::format("a report of {}", name));
  return parts.files.emplace_back(std::move(file));
}

AccuracyResult accuracy_from(const ReportFile& file) {
  AccuracyResult result = read_accuracy(file);
  if (!result.complete)
    refuse(file.path, "an interrupted run", "a complete one", "accuracy --resume ends it");
  const Json heads = file.json.value("/input/architecture/heads"_json_pointer, Json());
  if (heads != Json(result.heads.size()))
    refuse(file.path, fmt::format("{} heads of {}", result.heads.size(), heads.dump()), "all heads");
  if (result.cells.empty()) refuse(file.path, "no cell", "replacements that were measured");
  for (const CellAccuracy& cell : result.cells) {
    if (!cell.all_replaced || cell.one_replaced.empty())
      refuse(file.path, "no model with one layer, or with all, replaced",
             "the model with one and with all layers replaced",
             "accuracy without --no-layers and --no-model has them");
  }
  return result;
}

SpectrumResult spectrum_from(const ReportFile& file) {
  SpectrumResult result = read_spectrum(file);
  if (!result.complete)
    refuse(file.path, "an interrupted run", "a complete one", "analyze-spectrum --resume ends it");
  if (result.series.empty() || result.series.front().layers.size() != result.layers.size())
    refuse(file.path, "no series of P", "the spectrum of every layer");
  for (const auto& layer : result.series.front().layers)
    if (layer.statistics.empty()) refuse(file.path, "a layer without statistics", "c of every layer");
  if (!result.equal_length) refuse(file.path, "sequences that differ in length", "sequences of one length");
  return result;
}

void add_bench(const std::string& path, AdviseParts& parts) {
  BenchResult result = read_bench(open_kind(path, ReportKind::kBench, "bench", parts));
  if (!result.complete) refuse(path, "an interrupted run", "a complete one", "bench --resume ends it");
  if (result.level == Level::kLayer)
    refuse(path, "a bench of one layer", "a bench of a model or of attention alone");
  std::optional<BenchResult>& place = result.level == Level::kModel ? parts.model : parts.attention;
  if (place)
    refuse(path, fmt::format("a second bench of level {}", name_of(result.level)), "one of each level");
  place = std::move(result);
}

std::string text_of(const Json& object, const std::string& member) {
  return object.contains(member) ? printable(object.at(member).dump()) : "missing";
}

// Members of `input` that tell a reader what differs.
std::string differences(const Json& ours, const Json& theirs) {
  std::vector<std::string> texts;
  for (const auto& [member, value] : ours.items()) {
    if (member.ends_with("fingerprint") || (theirs.contains(member) && theirs.at(member) == value)) continue;
    texts.push_back(fmt::format("{} {}, not {}", member, text_of(theirs, member), text_of(ours, member)));
  }
  return texts.empty() ? "other contents by the same names" : fmt::format("{}", fmt::join(texts, "; "));
}

void require_input(const ReportFile& file, const Json& input) {
  if (!file.json.contains("input") || !file.json.at("input").contains(kFingerprint))
    refuse(file.path, fmt::format("no {} of its input", kFingerprint), "a report of this version",
           "Run it again");
  const Json& theirs = file.json.at("input");
  if (theirs.contains(kFingerprint) && input.contains(kFingerprint) &&
      theirs.at(kFingerprint) == input.at(kFingerprint))
    return;
  refuse(file.path, differences(input, theirs), "the same checkpoint and sequences in all parts");
}

void require_length(const ReportFile& file, int64_t found, int64_t length) {
  if (found != length) refuse(file.path, fmt::format("n = {}", found), fmt::format("n = {}", length));
}

void require_model(const ReportFile& file, const BenchResult& bench, const Json& input, int64_t length) {
  const Json ours = input.value("architecture", Json::object()),
             theirs = file.json.value("/method/architecture"_json_pointer, Json::object());
  std::vector<std::string> texts;
  for (const char* member : kSizes) {
    const std::string a = text_of(theirs, member), b = text_of(ours, member);
    if (a != b) texts.push_back(fmt::format("{} {}, not {}", member, a, b));
  }
  if (!texts.empty())
    refuse(file.path, fmt::format("{}", fmt::join(texts, "; ")), "a model of the same sizes");
  const std::vector<CellResult> cells = at_length(bench, length).cells;
  const auto flash = std::ranges::find_if(
      cells, [](const CellResult& r) { return r.cell.mechanism == "flash" && r.measured(); });
  if (flash == cells.end())
    refuse(file.path, fmt::format("no time of flash at n = {} with one sequence", length), "one",
           fmt::format("bench --level model --lengths {} --mechanisms 'flash;linformer:sharing=none' has it",
                       length));
}

void require_attention(const ReportFile& file, const BenchResult& bench, const Json& input) {
  const Json architecture = input.value("architecture", Json::object());
  for (const CellResult& r : bench.cells) {
    if (architecture.value("heads", int64_t{0}) == r.cell.heads &&
        architecture.value("head_size", int64_t{0}) == r.cell.head_size)
      continue;
    refuse(file.path, fmt::format("h = {}, d = {}", r.cell.heads, r.cell.head_size),
           fmt::format("h = {}, d = {} as in the model", text_of(architecture, "heads"),
                       text_of(architecture, "head_size")));
  }
}

void require_one_machine(const std::vector<const ReportFile*>& benches) {
  for (const ReportFile* const file : benches) {
    const auto cpu_of = [](const ReportFile* report) {
      return text_of(report->json.value("machine", Json::object()), "cpu");
    };
    const std::string first = cpu_of(benches.front()), other = cpu_of(file);
    if (other != first) refuse(file->path, "times of " + other, "times of one machine: " + first);
  }
}

}  // namespace

AdviseParts read_advise_parts(const AdviseReports& reports) {
  AdviseParts parts;
  parts.files.reserve(2 + reports.benches.size());
  if (!reports.accuracy.empty())
    parts.accuracy = accuracy_from(open_kind(reports.accuracy, ReportKind::kAccuracy, "accuracy", parts));
  if (!reports.spectrum.empty())
    parts.spectrum =
        spectrum_from(open_kind(reports.spectrum, ReportKind::kSpectrum, "analyze-spectrum", parts));
  for (const std::string& path : reports.benches) add_bench(path, parts);
  return parts;
}

void require_parts_of(const AdviseParts& parts, const Json& input, int64_t length) {
  std::vector<const ReportFile*> benches;
  for (const ReportFile& file : parts.files) {
    switch (file.kind) {
      case ReportKind::kAccuracy:
        require_input(file, input);
        require_length(file, parts.accuracy->length, length);
        break;
      case ReportKind::kSpectrum:
        require_input(file, input);
        require_length(file, parts.spectrum->length, length);
        if (parts.spectrum->at != std::max<int64_t>(1, length / 4))
          refuse(file.path, fmt::format("c at {}", parts.spectrum->at), fmt::format("c at n/4"));
        break;
      default:
        benches.push_back(&file);
        if (file.root()["results"]["level"].text() == name_of(Level::kModel))
          require_model(file, *parts.model, input, length);
        else
          require_attention(file, *parts.attention, input);
    }
  }
  require_one_machine(benches);
}

Json input_of_accuracy(const AdviseParts& parts) {
  const auto file = std::ranges::find(parts.files, ReportKind::kAccuracy, &ReportFile::kind);
  return file->json.at("input");
}

BenchResult at_length(const BenchResult& model, int64_t length) {
  BenchResult result = model;
  std::erase_if(result.cells, [&](const CellResult& r) {
    return r.cell.length != length || r.cell.batch != 1 || r.cell.causal || r.cell.dtype != DType::kF32;
  });
  int most = 0;
  for (const CellResult& r : result.cells) most = std::max(most, r.cell.threads);
  std::erase_if(result.cells, [&](const CellResult& r) { return r.cell.threads != most; });
  return result;
}

}  // namespace linformer

// SPDX-License-Identifier: MIT
#include "report/envelope.h"

#include "base/build_info.h"
#include "report/machine_json.h"
#include "report/numbers.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

Json libraries_json(const LibraryFacts& facts) {
  constexpr std::string_view kUnused = "not used";
  Json libraries = Json::object();
  set_text(libraries, "onednn", facts.onednn, kUnused);
  set_text(libraries, "onednn_isa", facts.onednn_isa, kUnused);
  set_text(libraries, "lapack", facts.lapack, kUnused);
  set_text(libraries, "lapack_core", facts.lapack_core, kUnused);
  set_text(libraries, "lapack_threading", facts.lapack_threading, kUnused);
  set_text(libraries, "highway_target", facts.highway_target, kUnused);
  return libraries;
}

Json tool_json(const LibraryFacts& libraries) {
  const BuildInfo& build = build_info();
  return {{"name", "linformer"},
          {"version", build.version},
          {"commit", build.commit},
          {"compiler", build.compiler},
          {"flags", build.flags},
          {"build_type", build.build_type},
          {"libraries", libraries_json(libraries)}};
}

void set_bytes(Json& object, const char* key, std::optional<int64_t> bytes, const char* reason) {
  if (bytes) {
    object[key] = *bytes;
  } else {
    object[key] = nullptr;
    object[std::string(key) + "_reason"] = reason;
  }
}

}  // namespace

Json make_envelope(const ReportContext& context) {
  Json report = Json::object();
  report["schema"] = context.schema;
  report["tool"] = tool_json(context.libraries);
  Json& machine = report["machine"] = machine_json(context.machine);
  machine["isa"] = context.isa;
  machine["threads"] = context.threads;
  machine["settings"] = Json(context.settings);
  report["command"] = context.command;
  report["started"] = context.started;
  set_number(report, "seconds", context.seconds);
  Json& memory = report["memory"] = Json::object();
  set_bytes(memory, "limit_bytes", context.memory_limit_bytes, "no limit");
  set_bytes(memory, "peak_buffers_bytes", context.peak_buffers_bytes, "not measured");
  set_bytes(memory, "peak_process_bytes", context.peak_process_bytes, "not measured");
  return report;
}

}  // namespace linformer

// SPDX-License-Identifier: MIT
#include "report/machine_json.h"

#include <string_view>

#include "report/numbers.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kUnknown = "not told by this system";

template <class T>
void set_optional(Json& object, const char* key, const std::optional<T>& value,
                  std::string_view reason = kUnknown) {
  if (value) {
    object[key] = *value;
  } else {
    object[key] = nullptr;
    object[std::string(key) + "_reason"] = reason;
  }
}

Json caches_json(const MachineFacts& facts) {
  Json caches = Json::array();
  for (const CacheFacts& cache : facts.caches) {
    caches.push_back({{"level", cache.level},
                      {"type", cache.type},
                      {"size_bytes", cache.bytes},
                      {"shared_by_cpus", cache.shared_by},
                      {"shared_cpu_list", cache.shared_list}});
  }
  return caches;
}

}  // namespace

Json machine_json(const MachineFacts& facts) {
  Json machine = Json::object();
  set_text(machine, "architecture", facts.architecture, kUnknown);
  set_text(machine, "cpu", facts.cpu, kUnknown);
  set_text(machine, "cpu_vendor", facts.vendor, kUnknown);
  set_text(machine, "cpu_family", facts.family, kUnknown);
  set_text(machine, "cpu_model", facts.model, kUnknown);
  set_text(machine, "cpu_stepping", facts.stepping, kUnknown);
  machine["instruction_sets"] = facts.instruction_sets;
  set_optional(machine, "logical_cpus", facts.logical_cpus);
  set_optional(machine, "physical_cores", facts.physical_cores);
  set_optional(machine, "numa_nodes", facts.numa_nodes);
  set_text(machine, "affinity", facts.affinity, kUnknown);
  set_optional(machine, "affinity_cpus", facts.affinity_cpus);
  set_optional(machine, "affinity_cores", facts.affinity_cores);
  set_optional(machine, "cgroup_quota_cpus", facts.cgroup_quota_cpus, "no quota");
  machine["caches"] = caches_json(facts);
  set_optional(machine, "memory_bytes", facts.memory_bytes);
  set_optional(machine, "available_memory_bytes", facts.available_memory_bytes);
  set_optional(machine, "cgroup_memory_bytes", facts.cgroup_memory_bytes, "no limit");
  set_text(machine, "kernel", facts.kernel, kUnknown);
  set_text(machine, "os", facts.os, kUnknown);
  set_text(machine, "transparent_huge_pages", facts.transparent_huge_pages, kUnknown);
  set_text(machine, "frequency_governor", facts.frequency_governor, kUnknown);
  set_optional(machine, "hypervisor", facts.hypervisor);
  machine["load_average"] = facts.load_average;
  return machine;
}

}  // namespace linformer

// SPDX-License-Identifier: MIT
// What is known of the machine a run takes place on, read from /proc and /sys. Part of every report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace linformer {

/// One cache as the first CPU sees it.
struct CacheFacts {
  int level = 0;
  std::string type;         ///< "Data", "Instruction" or "Unified"
  int64_t bytes = 0;        ///< of one instance
  int shared_by = 0;        ///< logical CPUs that share an instance; 0 if unknown
  std::string shared_list;  ///< these, as "0-3,8"
};

/// A source that is missing leaves its member empty.
struct MachineFacts {
  std::string architecture;                         ///< as uname names it, e.g. "x86_64"
  std::string cpu;                                  ///< model name
  std::string vendor, family, model, stepping;      ///< on ARM: implementer, architecture, part, revision
  std::optional<int> logical_cpus, physical_cores;  ///< online
  std::optional<int> numa_nodes;
  std::string affinity;                     ///< CPUs this process may use, as "0-3,8"
  std::optional<int> affinity_cpus;         ///< how many these are
  std::optional<int> affinity_cores;        ///< physical cores among these
  std::optional<double> cgroup_quota_cpus;  ///< the smallest CPU quota that applies; none: no quota
  std::vector<CacheFacts> caches;
  std::optional<int64_t> memory_bytes, available_memory_bytes;
  std::optional<int64_t> cgroup_memory_bytes;  ///< the smallest memory limit that applies
  std::optional<int64_t> cgroup_free_bytes;    ///< the least that any of the limits still leaves
  std::string kernel;                          ///< system and release
  std::string os;                              ///< the distribution and its version
  std::string transparent_huge_pages;          ///< "always", "madvise" or "never"
  std::string frequency_governor;              ///< of the first CPU
  std::optional<bool> hypervisor;              ///< whether the CPU says that it is virtual (x86 only)
  std::vector<double> load_average;            ///< over 1, 5 and 15 minutes
  std::vector<std::string> instruction_sets;   ///< those that matter here, as /proc/cpuinfo names them
};

/// Reads the facts; never fails. `root` is put before every path (tests give a made-up tree); affinity,
/// kernel and architecture come from system calls.
MachineFacts read_machine(const std::string& root = "");

/// What this process may still take: of the machine's memory and of every cgroup's; nothing if unknown.
std::optional<int64_t> usable_memory_bytes(const MachineFacts& machine);

/// Physical cores that the affinity mask and the CPU quota leave to this process; at least 1.
int default_thread_count(const MachineFacts& machine);

/// Reads a kernel list of CPUs such as "0-3,8"; stops at the first thing it does not understand.
std::vector<int> parse_cpu_list(const std::string& text);

/// The reverse: "0-3,8" from ascending numbers.
std::string format_cpu_list(const std::vector<int>& cpus);

}  // namespace linformer

// SPDX-License-Identifier: MIT
#include "base/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace linformer {
namespace {

using Fields = std::map<std::string, std::string>;

// x86 first, then ARM.
constexpr std::array<std::string_view, 28> kInstructionSets = {
    "sse4_2",   "avx",      "f16c",     "fma",      "avx2",        "avx_vnni",    "avx512f",
    "avx512dq", "avx512bw", "avx512vl", "avx512cd", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_bf16", "amx_int8", "asimd",    "asimdhp",     "asimddp",     "fphp",
    "bf16",     "i8mm",     "sve",      "sve2",     "svebf16",     "sme",         "sme2"};

std::string trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return trim(line);
}

template <class T>
std::optional<T> to_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end != text.data() ? std::optional<T>(value) : std::nullopt;
}

// Lines "key<separator>value"; the first of each key, up to an empty line.
Fields read_fields(const std::string& path, char separator) {
  Fields fields;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() && !fields.empty()) break;
    const size_t split = line.find(separator);
    if (split == std::string::npos) continue;
    fields.emplace(trim(std::string_view(line).substr(0, split)),
                   trim(std::string_view(line).substr(split + 1)));
  }
  return fields;
}

std::string field(const Fields& fields, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto found = fields.find(name); found != fields.end()) return found->second;
  return {};
}

// "48K", "2048K", "1M" or plain bytes.
int64_t parse_size(const std::string& text) {
  const int64_t count = to_number<int64_t>(text).value_or(0);
  if (text.empty()) return 0;
  switch (text.back()) {
    case 'K':
      return count << 10;
    case 'M':
      return count << 20;
    case 'G':
      return count << 30;
    default:
      return count;
  }
}

void read_cpuinfo(const std::string& root, MachineFacts& facts) {
  const Fields cpu = read_fields(root + "/proc/cpuinfo", ':');
  facts.cpu = field(cpu, {"model name"});
  facts.vendor = field(cpu, {"vendor_id", "CPU implementer"});
  facts.family = field(cpu, {"cpu family", "CPU architecture"});
  facts.model = field(cpu, {"model", "CPU part"});
  facts.stepping = field(cpu, {"stepping", "CPU revision"});

  const bool x86 = cpu.contains("flags");
  const std::string flags = fmt::format(" {} ", field(cpu, {"flags", "Features"}));
  const auto has = [&](std::string_view flag) {
    return flags.find(fmt::format(" {} ", flag)) != std::string::npos;
  };
  for (const std::string_view set : kInstructionSets)
    if (has(set)) facts.instruction_sets.emplace_back(set);
  if (x86) facts.hypervisor = has("hypervisor");
}

// Distinct pairs of package and core; nothing if the system does not tell.
std::optional<int> count_cores(const std::string& root, const std::vector<int>& cpus) {
  std::set<std::pair<int, int>> cores;
  for (const int cpu : cpus) {
    const std::string topology = fmt::format("{}/sys/devices/system/cpu/cpu{}/topology", root, cpu);
    const auto core = to_number<int>(first_line(topology + "/core_id"));
    if (!core) return std::nullopt;
    cores.emplace(to_number<int>(first_line(topology + "/physical_package_id")).value_or(0), *core);
  }
  return static_cast<int>(cores.size());
}

void read_topology(const std::string& root, MachineFacts& facts) {
  const std::string folder = root + "/sys/devices/system/cpu";
  const std::vector<int> online = parse_cpu_list(first_line(folder + "/online"));
  if (online.empty()) return;
  facts.logical_cpus = static_cast<int>(online.size());
  facts.physical_cores = count_cores(root, online);
}

void read_caches(const std::string& root, int cpu, MachineFacts& facts) {
  for (int index = 0;; ++index) {
    const std::string folder =
        fmt::format("{}/sys/devices/system/cpu/cpu{}/cache/index{}/", root, cpu, index);
    const auto level = to_number<int>(first_line(folder + "level"));
    if (!level) return;
    const std::string shared = first_line(folder + "shared_cpu_list");
    facts.caches.push_back({.level = *level,
                            .type = first_line(folder + "type"),
                            .bytes = parse_size(first_line(folder + "size")),
                            .shared_by = static_cast<int>(parse_cpu_list(shared).size()),
                            .shared_list = shared});
  }
}

std::vector<int> read_affinity() {
  cpu_set_t mask;
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
  return cpus;
}

template <class T>
void keep_smaller(std::optional<T>& kept, std::optional<T> value) {
  if (value && (!kept || *value < *kept)) kept = value;
}

std::optional<double> quota(std::string_view allowed, std::string_view period) {
  const auto a = to_number<double>(allowed), p = to_number<double>(period);
  return a && p && *a > 0 && *p > 0 ? std::optional(*a / *p) : std::nullopt;
}

// How a version of the memory controller names things.
struct MemoryController {
  const char *limit, *used;
  std::array<const char*, 2> cached;
};
constexpr MemoryController kMemoryVersion2 = {
    "/memory.max", "/memory.current", {"inactive_file", "active_file"}};
constexpr MemoryController kMemoryVersion1 = {
    "/memory.limit_in_bytes", "/memory.usage_in_bytes", {"total_inactive_file", "total_active_file"}};
// Version 1 writes a number near 2^63 where there is no limit.
constexpr int64_t kNoMemoryLimit = int64_t{1} << 60;

void read_cgroup_folder(const std::string& folder, MachineFacts& facts) {
  const std::string both = first_line(folder + "/cpu.max");
  const size_t space = both.find(' ');
  if (space != std::string::npos)
    keep_smaller(facts.cgroup_quota_cpus, quota(both.substr(0, space), both.substr(space + 1)));
  keep_smaller(facts.cgroup_quota_cpus,
               quota(first_line(folder + "/cpu.cfs_quota_us"), first_line(folder + "/cpu.cfs_period_us")));
  for (const MemoryController& files : {kMemoryVersion2, kMemoryVersion1}) {
    const auto limit = to_number<int64_t>(first_line(folder + files.limit));
    if (!limit || *limit >= kNoMemoryLimit) continue;
    keep_smaller(facts.cgroup_memory_bytes, limit);
    const int64_t used = to_number<int64_t>(first_line(folder + files.used)).value_or(0);
    const Fields parts = read_fields(folder + "/memory.stat", ' ');
    int64_t cached = 0;  // the kernel gives these up before it refuses memory
    for (const char* part : files.cached) cached += to_number<int64_t>(field(parts, {part})).value_or(0);
    keep_smaller(facts.cgroup_free_bytes,
                 std::optional(std::clamp<int64_t>(*limit - used + cached, 0, *limit)));
  }
}

// Limits of this process's groups and of all above them; version 2 ("0::/path"), else 1
// ("4:cpu,cpuacct:/path").
void read_cgroups(const std::string& root, MachineFacts& facts) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string mount =
        fmt::format("{}/sys/fs/cgroup{}{}", root, controllers.empty() ? "" : "/", controllers);
    for (std::string path = trim(line.substr(second + 1));; path.erase(path.rfind('/'))) {
      read_cgroup_folder(mount + (path == "/" ? "" : path), facts);
      if (path.find('/') == std::string::npos) break;
    }
  }
}

void read_memory(const std::string& root, MachineFacts& facts) {
  const Fields memory = read_fields(root + "/proc/meminfo", ':');
  const auto bytes = [&](const char* name) -> std::optional<int64_t> {
    const auto kib = to_number<int64_t>(field(memory, {name}));
    return kib ? std::optional(*kib * 1024) : std::nullopt;
  };
  facts.memory_bytes = bytes("MemTotal");
  facts.available_memory_bytes = bytes("MemAvailable");
}

void read_system(const std::string& root, MachineFacts& facts) {
  utsname name{};
  if (uname(&name) == 0) {
    facts.architecture = name.machine;
    facts.kernel = fmt::format("{} {}", name.sysname, name.release);
  }
  facts.os = field(read_fields(root + "/etc/os-release", '='), {"PRETTY_NAME", "NAME"});
  std::erase(facts.os, '"');
  const std::string pages = first_line(root + "/sys/kernel/mm/transparent_hugepage/enabled");
  const size_t open = pages.find('['), close = pages.find(']');
  if (open != std::string::npos && close != std::string::npos && open < close)
    facts.transparent_huge_pages = pages.substr(open + 1, close - open - 1);
  std::ifstream load(root + "/proc/loadavg");
  for (double value = 0; facts.load_average.size() < 3 && load >> value;) facts.load_average.push_back(value);
}

}  // namespace

MachineFacts read_machine(const std::string& root) {
  MachineFacts facts;
  read_cpuinfo(root, facts);
  read_topology(root, facts);
  const std::vector<int> affinity = read_affinity();
  if (!affinity.empty()) {
    facts.affinity = format_cpu_list(affinity);
    facts.affinity_cpus = static_cast<int>(affinity.size());
    facts.affinity_cores = count_cores(root, affinity);
  }
  read_caches(root, 0, facts);
  const auto nodes = parse_cpu_list(first_line(root + "/sys/devices/system/node/online"));
  if (!nodes.empty()) facts.numa_nodes = static_cast<int>(nodes.size());
  facts.frequency_governor = first_line(root + "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  read_cgroups(root, facts);
  read_memory(root, facts);
  read_system(root, facts);
  return facts;
}

std::optional<int64_t> usable_memory_bytes(const MachineFacts& machine) {
  std::optional<int64_t> bytes = machine.available_memory_bytes;
  keep_smaller(bytes, machine.cgroup_free_bytes);
  return bytes;
}

int default_thread_count(const MachineFacts& machine) {
  const int cores = machine.affinity_cores.value_or(machine.affinity_cpus.value_or(1));
  const double quota = std::ceil(machine.cgroup_quota_cpus.value_or(cores));
  return std::max(1, std::min(cores, static_cast<int>(quota)));
}

std::vector<int> parse_cpu_list(const std::string& text) {
  constexpr int kMost = 1 << 16;
  std::vector<int> cpus;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    int first = 0;
    auto [next, error] = std::from_chars(at, end, first);
    if (error != std::errc() || first < 0 || first >= kMost) break;
    int last = first;
    if (next != end && *next == '-') {
      const auto range = std::from_chars(next + 1, end, last);
      if (range.ec != std::errc() || last >= kMost) break;
      next = range.ptr;
    }
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (next == end || *next != ',') break;
    at = next + 1;
  }
  return cpus;
}

std::string format_cpu_list(const std::vector<int>& cpus) {
  std::string text;
  for (size_t i = 0; i < cpus.size();) {
    size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += last == i ? fmt::format("{}", cpus[i]) : fmt::format("{}-{}", cpus[i], cpus[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace linformer

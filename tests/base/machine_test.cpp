// SPDX-License-Identifier: MIT
#include "base/machine.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "catch.h"

using namespace linformer;
namespace fs = std::filesystem;

namespace {

// A made-up /proc and /sys, gone with the object.
class MadeRoot {
 public:
  MadeRoot() : root_(fs::temp_directory_path() / ("linformer_machine_" + std::to_string(getpid()))) {}
  ~MadeRoot() { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const fs::path file = root_.string() + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string path() const { return root_.string(); }

 private:
  fs::path root_;
};

const std::string kCpu = "/sys/devices/system/cpu";

}  // namespace

TEST_CASE("the facts of an x86 machine are read from its files") {
  const MadeRoot root;
  root.write("/proc/cpuinfo",
             "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 207\n"
             "model name\t: A CPU\nstepping\t: 2\nflags\t\t: fpu avx2 fma avx512f hypervisor\n\n"
             "processor\t: 1\nmodel name\t: Another\n");
  root.write(kCpu + "/online", "0-3\n");
  for (int cpu = 0; cpu < 4; ++cpu) {
    const std::string topology = kCpu + "/cpu" + std::to_string(cpu) + "/topology";
    root.write(topology + "/core_id", std::to_string(cpu / 2) + "\n");
    root.write(topology + "/physical_package_id", "0\n");
  }
  root.write(kCpu + "/cpu0/cache/index0/level", "1\n");
  root.write(kCpu + "/cpu0/cache/index0/type", "Data\n");
  root.write(kCpu + "/cpu0/cache/index0/size", "48K\n");
  root.write(kCpu + "/cpu0/cache/index0/shared_cpu_list", "0-1\n");
  root.write(kCpu + "/cpu0/cpufreq/scaling_governor", "powersave\n");
  root.write("/proc/meminfo", "MemTotal:       1000 kB\nMemFree:   10 kB\nMemAvailable:    500 kB\n");
  root.write("/proc/loadavg", "0.50 0.25 0.125 1/100 4242\n");
  root.write("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  root.write("/etc/os-release", "NAME=\"Made\"\nPRETTY_NAME=\"Made 12\"\n");

  const MachineFacts facts = read_machine(root.path());
  CHECK(facts.cpu == "A CPU");
  CHECK(facts.vendor == "GenuineIntel");
  CHECK(facts.model == "207");
  CHECK(facts.instruction_sets == std::vector<std::string>{"fma", "avx2", "avx512f"});
  CHECK(facts.hypervisor == true);
  CHECK(facts.logical_cpus == 4);
  CHECK(facts.physical_cores == 2);
  REQUIRE(facts.caches.size() == 1);
  CHECK(facts.caches[0].bytes == 48 * 1024);
  CHECK(facts.caches[0].shared_by == 2);
  CHECK(facts.frequency_governor == "powersave");
  CHECK(facts.memory_bytes == 1000 * 1024);
  CHECK(facts.available_memory_bytes == 500 * 1024);
  CHECK(facts.load_average == std::vector<double>{0.5, 0.25, 0.125});
  CHECK(facts.transparent_huge_pages == "madvise");
  CHECK(facts.os == "Made 12");
}

TEST_CASE("an ARM machine names its features and parts otherwise") {
  const MadeRoot root;
  root.write("/proc/cpuinfo",
             "processor\t: 0\nFeatures\t: fp asimd asimddp sve bf16\nCPU implementer\t: 0x41\n"
             "CPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd0c\nCPU revision\t: 1\n\n");
  const MachineFacts facts = read_machine(root.path());
  CHECK(facts.cpu.empty());
  CHECK(facts.vendor == "0x41");
  CHECK(facts.model == "0xd0c");
  CHECK(facts.instruction_sets == std::vector<std::string>{"asimd", "asimddp", "bf16", "sve"});
  CHECK_FALSE(facts.hypervisor.has_value());
}

TEST_CASE("the smallest limit of a control group and those above it counts") {
  const MadeRoot root;
  root.write("/proc/self/cgroup", "0::/outer/inner\n");
  root.write("/sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
  root.write("/sys/fs/cgroup/outer/cpu.max", "150000 100000\n");
  root.write("/sys/fs/cgroup/outer/memory.max", "4096\n");
  root.write("/sys/fs/cgroup/outer/inner/memory.max", "max\n");
  const MachineFacts facts = read_machine(root.path());
  CHECK(facts.cgroup_quota_cpus == 1.5);
  CHECK(facts.cgroup_memory_bytes == 4096);
}

TEST_CASE("what a cgroup leaves is its limit less what is used, the page cache excepted") {
  const MadeRoot root;
  root.write("/proc/meminfo", "MemTotal: 100 kB\nMemAvailable: 90 kB\n");
  root.write("/proc/self/cgroup", "0::/outer/inner\n");
  root.write("/sys/fs/cgroup/outer/memory.max", "50000\n");
  root.write("/sys/fs/cgroup/outer/memory.current", "30000\n");
  root.write("/sys/fs/cgroup/outer/memory.stat", "anon 9000\ninactive_file 4000\nactive_file 1000\n");
  root.write("/sys/fs/cgroup/outer/inner/memory.max", "60000\n");
  root.write("/sys/fs/cgroup/outer/inner/memory.current", "10000\n");
  const MachineFacts facts = read_machine(root.path());
  CHECK(facts.cgroup_free_bytes == 25000);
  CHECK(usable_memory_bytes(facts) == 25000);
}

TEST_CASE("version 1 of the memory controller counts its groups below with it") {
  const MadeRoot root;
  root.write("/proc/meminfo", "MemTotal: 100 kB\nMemAvailable: 10 kB\n");
  root.write("/proc/self/cgroup", "4:memory:/a\n");
  root.write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "50000\n");
  root.write("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "30000\n");
  root.write("/sys/fs/cgroup/memory/a/memory.stat", "active_file 7\ntotal_active_file 3000\n");
  const MachineFacts facts = read_machine(root.path());
  CHECK(facts.cgroup_free_bytes == 23000);
  CHECK(usable_memory_bytes(facts) == 10 * 1024);
  CHECK_FALSE(usable_memory_bytes({}).has_value());
}

TEST_CASE("limits of version 1 control groups are read, and its huge numbers are no limit") {
  const MadeRoot root;
  root.write("/proc/self/cgroup", "4:memory:/a\n1:cpu,cpuacct:/a\n");
  root.write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "50000\n");
  root.write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  root.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  root.write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  const MachineFacts facts = read_machine(root.path());
  CHECK(facts.cgroup_quota_cpus == 0.5);
  CHECK_FALSE(facts.cgroup_memory_bytes.has_value());
}

TEST_CASE("a machine that tells nothing gives empty facts and no error") {
  const MachineFacts facts = read_machine("/nonexistent");
  CHECK(facts.cpu.empty());
  CHECK(facts.instruction_sets.empty());
  CHECK(facts.caches.empty());
  CHECK_FALSE(facts.logical_cpus.has_value());
  CHECK_FALSE(facts.cgroup_quota_cpus.has_value());
  CHECK_FALSE(facts.memory_bytes.has_value());
}

TEST_CASE("malformed files give empty facts and no error") {
  const MadeRoot root;
  root.write("/proc/cpuinfo", std::string("\0:::\n\n\n:\nflags", 14));
  root.write("/proc/meminfo", "MemTotal: many\n");
  root.write("/proc/self/cgroup", "nonsense\n0::no/slash\n::\n");
  root.write("/proc/loadavg", "x y z\n");
  root.write("/sys/kernel/mm/transparent_hugepage/enabled", "]always[\n");
  root.write(kCpu + "/online", "0-99999999999,\n");
  root.write(kCpu + "/cpu0/cache/index0/level", "1\n");
  const MachineFacts facts = read_machine(root.path());
  CHECK_FALSE(facts.memory_bytes.has_value());
  CHECK_FALSE(facts.logical_cpus.has_value());
  CHECK(facts.load_average.empty());
  CHECK(facts.transparent_huge_pages.empty());
  REQUIRE(facts.caches.size() == 1);
  CHECK(facts.caches[0].bytes == 0);
}

TEST_CASE("the machine at hand has CPUs that this process may use") {
  const MachineFacts facts = read_machine();
  REQUIRE(facts.affinity_cpus.has_value());
  CHECK(*facts.affinity_cpus >= 1);
  CHECK(static_cast<int>(parse_cpu_list(facts.affinity).size()) == *facts.affinity_cpus);
  CHECK(facts.kernel.starts_with("Linux "));
}

TEST_CASE("lists of CPUs are read and written as the kernel does") {
  CHECK(parse_cpu_list("0-2,8,10-11") == std::vector<int>{0, 1, 2, 8, 10, 11});
  CHECK(parse_cpu_list("3\n") == std::vector<int>{3});
  CHECK(parse_cpu_list("").empty());
  CHECK(parse_cpu_list("-1").empty());
  CHECK(parse_cpu_list("1-").empty());
  CHECK(parse_cpu_list("5-3").empty());
  CHECK(format_cpu_list({0, 1, 2, 8, 10, 11}) == "0-2,8,10-11");
  CHECK(format_cpu_list({}).empty());
}

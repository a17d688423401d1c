// Control groups in the form of Linux, in folders made here.
#include "base/container.hpp"

#include <filesystem>
#include <fstream>

#include "test/harness.hpp"

using namespace vicinal;

namespace {

struct Groups {
  Groups() {
    static int made = 0;
    root = test::scratchFolder() + "/groups-" + std::to_string(made++);
  }
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = root + "/" + name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  Container read() const { return Container::now(root, root + "/own"); }
  void check(double cores, uint64_t memoryLimit, uint64_t memoryUsed) const {
    CHECK_EQUAL(read().cores, cores);
    CHECK_EQUAL(read().memoryLimit, memoryLimit);
    CHECK_EQUAL(read().memoryUsed, memoryUsed);
  }
  std::string root;
};

} // namespace

SOLO_TEST("without control groups there are no limits") { Groups().check(0, UINT64_MAX, 0); }

SOLO_TEST("limits of processors and memory are read from both versions of control groups") {
  Groups second;
  second.write("cpu.max", "150000 100000\n");
  second.write("memory.max", "1073741824\n");
  second.write("memory.current", "4096\n");
  second.write("memory.stat", "anon 1000\ninactive_anon 7\ninactive_file 1024\n");
  second.check(1.5, uint64_t(1) << 30, 3072);
  Groups first;
  first.write("cpu/cpu.cfs_quota_us", "50000\n");
  first.write("cpu/cpu.cfs_period_us", "100000\n");
  first.write("memory/memory.limit_in_bytes", "536870912\n");
  first.write("memory/memory.usage_in_bytes", "8192\n");
  first.write("memory/memory.stat", "inactive_file 1\ntotal_inactive_file 8193\n");
  first.check(0.5, uint64_t(1) << 29, 0);
}

SOLO_TEST("the tightest bound among a group and its ancestors counts, in both versions") {
  Groups second;
  second.write("own", "0::/system/service/part\n");
  second.write("system/cpu.max", "300000 100000\n");
  second.write("system/memory.max", "1000000\n");
  second.write("system/memory.current", "100000\n");
  second.write("system/service/cpu.max", "50000 100000\n");
  second.write("system/service/memory.max", "900000\n");
  second.write("system/service/memory.current", "200000\n");
  second.write("system/service/part/cpu.max", "max 100000\n");
  second.write("system/service/part/memory.max", "max\n");
  second.write("system/service/part/memory.current", "150000\n");
  second.check(0.5, 900000, 200000);
  // The whole container uses more memory than the process's own group.
  second.write("system/memory.current", "400000\n");
  second.check(0.5, 1000000, 400000);
  Groups first;
  first.write("own", "5:cpuset:/else\n4:memory:/a/b\n3:cpuacct,cpu:/c\n0::/\n");
  first.write("cpu/c/cpu.cfs_quota_us", "150000\n");
  first.write("cpu/c/cpu.cfs_period_us", "100000\n");
  first.write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  first.write("memory/a/memory.limit_in_bytes", "4096\n");
  first.write("memory/a/b/memory.limit_in_bytes", "8192\n");
  first.check(1.5, 4096, 0);
}

SOLO_TEST("a group path from another mount falls back to the mount point") {
  Groups inside;
  inside.write("own", "0::/docker/1234\n");
  inside.write("memory.max", "4096\n");
  inside.check(0, 4096, 0);
  Groups above;
  above.write("own", "0::/../other\n");
  above.write("memory.max", "4096\n");
  above.write("../other/memory.max", "1\n");
  above.check(0, 4096, 0);
}

SOLO_TEST("unset or invalid bounds mean no limit") {
  Groups second;
  second.write("cpu.max", "max 100000\n");
  second.write("memory.max", "max\n");
  CHECK_EQUAL(second.read().cores, 0.0);
  CHECK_EQUAL(second.read().memoryLimit, UINT64_MAX);
  Groups first;
  first.write("cpu/cpu.cfs_quota_us", "-1\n");
  first.write("cpu/cpu.cfs_period_us", "100000\n");
  CHECK_EQUAL(first.read().cores, 0.0);
  Groups broken;
  broken.write("cpu.max", "100000\n");
  CHECK_EQUAL(broken.read().cores, 0.0);
}

SOLO_TEST("usable cores are bounded by the container's processor time, and are at least one") {
  const auto coresOf = [](double share, unsigned all) {
    Container container;
    container.cores = share;
    return container.coresOf(all);
  };
  CHECK_EQUAL(coresOf(0, 8), 8u);
  CHECK_EQUAL(coresOf(0.1, 8), 1u);
  CHECK_EQUAL(coresOf(1.5, 8), 2u);
  CHECK_EQUAL(coresOf(2, 8), 2u);
  CHECK_EQUAL(coresOf(100, 8), 8u);
  CHECK_EQUAL(coresOf(1e12, 8), 8u);
  CHECK_EQUAL(coresOf(0, 0), 1u);
}

#include "base/container.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <thread>
#include <unistd.h>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace vicinal {

namespace {

unsigned coresToRunOn() {
#ifdef __linux__
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return unsigned(CPU_COUNT(&set));
#endif
  return std::thread::hardware_concurrency();
}

// An unset quota reads `max` in version 2, which is not a number, and -1 in version 1.
double shareOf(uint64_t quota, uint64_t period) {
  const bool isSet = quota > 0 && quota <= uint64_t(INT64_MAX) && period > 0;
  return isSet ? double(quota) / double(period) : 0;
}

uint64_t memoryUsedIn(const std::string& used, const std::string& stat, const char* idle) {
  const uint64_t bytes = numberIn(used, "", 0);
  return bytes - std::min(bytes, numberIn(stat, idle, 0));
}

Container groupOfSecond(const std::string& group) {
  Container bounds;
  // One line holds quota and period.
  bounds.cores = shareOf(numberIn(group + "/cpu.max", "", 0), numberIn(group + "/cpu.max", " ", 0));
  bounds.memoryLimit = numberIn(group + "/memory.max", "", UINT64_MAX);
  bounds.memoryUsed =
      memoryUsedIn(group + "/memory.current", group + "/memory.stat", "inactive_file ");
  return bounds;
}

Container processorsOfFirst(const std::string& group) {
  Container bounds;
  bounds.cores = shareOf(numberIn(group + "/cpu.cfs_quota_us", "", 0),
                         numberIn(group + "/cpu.cfs_period_us", "", 0));
  return bounds;
}

Container memoryOfFirst(const std::string& group) {
  Container bounds;
  bounds.memoryLimit = numberIn(group + "/memory.limit_in_bytes", "", UINT64_MAX);
  bounds.memoryUsed = memoryUsedIn(group + "/memory.usage_in_bytes", group + "/memory.stat",
                                   "total_inactive_file ");
  return bounds;
}

// Path of the process's own group: that of the controller, or else that of version 2. Lines are
// `4:cpu,cpuacct:/path` and `0::/path`.
std::string ownGroup(const std::string& own, const std::string& controller) {
  std::ifstream lines(own);
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    const bool isOwn = controller.empty()
                           ? names.empty()
                           : ("," + names + ",").find("," + controller + ",") != std::string::npos;
    if (isOwn) return line.substr(second + 1);
  }
  return "";
}

// Folders of the group and of its ancestors, starting at the mount point. Inside a container the
// mount point is mostly the container's own group, and the folders named in the path do not exist.
// Groups above the mount point are not visible.
std::vector<std::string> groupsTo(const std::string& mounted, const std::string& path) {
  std::vector<std::string> groups{mounted};
  if (path.find("/..") != std::string::npos) return groups;
  for (size_t at = 1; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    groups.push_back(mounted + path.substr(0, end));
    at = end + 1;
  }
  return groups;
}

} // namespace

uint64_t numberIn(const std::string& path, const char* label, uint64_t otherwise) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return otherwise;
  char text[4096];
  const ssize_t length = ::read(descriptor, text, sizeof text - 1);
  ::close(descriptor);
  if (length <= 0) return otherwise;
  text[length] = '\0';
  const char* found = std::strstr(text, label);
  if (found == nullptr) return otherwise;
  char* end = nullptr;
  const char* digits = found + std::strlen(label);
  const uint64_t number = std::strtoull(digits, &end, 10);
  return end == digits ? otherwise : number;
}

Container Container::now(const std::string& root, const std::string& own) {
  Container container;
  for (const std::string& group : groupsTo(root, ownGroup(own, "")))
    container.boundBy(groupOfSecond(group));
  for (const std::string& group : groupsTo(root + "/cpu", ownGroup(own, "cpu")))
    container.boundBy(processorsOfFirst(group));
  for (const std::string& group : groupsTo(root + "/memory", ownGroup(own, "memory")))
    container.boundBy(memoryOfFirst(group));
  return container;
}

uint64_t Container::memoryLeft() const {
  return memoryLimit > memoryUsed ? memoryLimit - memoryUsed : 0;
}

void Container::boundBy(const Container& group) {
  if (group.cores > 0) cores = cores > 0 ? std::min(cores, group.cores) : group.cores;
  if (group.memoryLeft() >= memoryLeft()) return;
  memoryLimit = group.memoryLimit;
  memoryUsed = group.memoryUsed;
}

unsigned Container::coresOf(unsigned all) const {
  const double least = cores > 0 ? std::min(std::ceil(cores), double(all)) : double(all);
  return std::max(1u, unsigned(least));
}

unsigned usableCores() { return Container::now().coresOf(coresToRunOn()); }

} // namespace vicinal

#include "base/file.hpp"

#include <cerrno>
#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/harness.hpp"

using namespace vicinal;
using vicinal::test::scratchFolder;

SOLO_TEST("a file written through the buffer reads back, aligned and overwritten as asked") {
  const std::string path = scratchFolder() + "/written";
  auto writer = FileWriter::create(path).take();
  const std::string large(3'000'000, 'l');
  CHECK(writer.append("head").isOk());
  CHECK(writer.align(4096).isOk());
  CHECK_EQUAL(writer.position(), uint64_t(4096));
  CHECK(writer.append(large).isOk());
  CHECK(writer.overwrite(0, "HEAD", 4).isOk());
  CHECK(writer.append("tail").isOk());
  CHECK(writer.overwrite(writer.position(), "x", 1).code() == Code::Internal);
  CHECK(writer.finish().isOk());
  auto file = File::openRead(path).take();
  CHECK_EQUAL(file.size().value(), uint64_t(4096 + large.size() + 4));
  std::string seen(4096 + large.size() + 4, '\0');
  CHECK(file.readAt(0, seen.data(), seen.size()).isOk());
  CHECK(seen == "HEAD" + std::string(4092, '\0') + large + "tail");
  CHECK(file.readAt(4096, seen.data(), seen.size()).code() == Code::Corrupt);
  struct stat facts {};
  CHECK_EQUAL(::stat(path.c_str(), &facts), 0);
  CHECK_EQUAL(facts.st_mode & 0777u, 0600u);
}

SOLO_TEST("an unfinished file is removed, an existing one is not overwritten") {
  const std::string path = scratchFolder() + "/unfinished";
  {
    auto writer = FileWriter::create(path).take();
    CHECK(writer.append("x").isOk());
    CHECK(FileWriter::create(path).status().code() == Code::AlreadyExists);
  }
  CHECK(File::openRead(path).status().code() == Code::NotFound);
}

SOLO_TEST("a file that may not grow reports a full disk and names itself") {
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string path = scratchFolder() + "/limited";
  auto writer = FileWriter::create(path).take();
  const Status status = writer.append(std::string(2'000'000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(status.code() == Code::DiskFull);
  CHECK(status.message().find("writing limited") != std::string::npos);
  CHECK(status.message().find(scratchFolder()) == std::string::npos);
}

SOLO_TEST("every code has its name, and every errno maps to a code") {
  CHECK_EQUAL(std::string(codeName(Code::DiskFull)), "DISK_FULL");
  CHECK_EQUAL(std::string(codeName(Code::UnsupportedFormat)), "UNSUPPORTED_FORMAT");
  CHECK(Status::fromErrno(ENOSPC, "x").code() == Code::DiskFull);
  CHECK(Status::fromErrno(EIO, "x").code() == Code::IoFailed);
  CHECK(Status::fromErrno(ENOENT, "x").message().starts_with("x: "));
}

SOLO_TEST("a lock is held once and free again when released") {
  const std::string path = scratchFolder() + "/lock";
  auto first = FileLock::acquire(path);
  REQUIRE(first.isOk());
  CHECK(FileLock::acquire(path).status().code() == Code::Locked);
  first->release();
  auto second = FileLock::acquire(path);
  CHECK(second.isOk());
  CHECK(FileLock::acquire(scratchFolder() + "/no/such/folder").status().code() == Code::NotFound);
}

#include "base/status.hpp"

#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>

namespace vicinal {

const char* codeName(Code code) {
  switch (code) {
  case Code::Ok: return "OK";
  case Code::InvalidArgument: return "INVALID_ARGUMENT";
  case Code::NotFound: return "NOT_FOUND";
  case Code::AlreadyExists: return "ALREADY_EXISTS";
  case Code::TooLarge: return "TOO_LARGE";
  case Code::Timeout: return "TIMEOUT";
  case Code::Overloaded: return "OVERLOADED";
  case Code::Cancelled: return "CANCELLED";
  case Code::Internal: return "INTERNAL";
  case Code::Corrupt: return "CORRUPT";
  case Code::IoFailed: return "IO_FAILED";
  case Code::NotImplemented: return "NOT_IMPLEMENTED";
  case Code::Unavailable: return "UNAVAILABLE";
  case Code::ReadOnly: return "READ_ONLY";
  case Code::Locked: return "LOCKED";
  case Code::Closed: return "CLOSED";
  case Code::UnsupportedFormat: return "UNSUPPORTED_FORMAT";
  case Code::DiskFull: return "DISK_FULL";
  case Code::ResourceExhausted: return "RESOURCE_EXHAUSTED";
  }
  return "INTERNAL";
}

namespace {

// These texts are made when the kernel is loaded, because later there may be no memory for them.
const std::string kMemoryRefused = "the system has no memory for it; try again when it has more";
const std::string kThreadRefused =
    "the system has no thread for it; raise the limit of processes (ulimit -u, pids.max)";
const std::string kUnexpected = "the kernel failed unexpectedly";

} // namespace

const std::string Status::kNoMessage;

Status Status::ofException() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return fixed(Code::ResourceExhausted, kMemoryRefused);
  } catch (const std::length_error&) {
    return fixed(Code::ResourceExhausted, kMemoryRefused);
  } catch (const std::system_error&) {
    return fixed(Code::ResourceExhausted, kThreadRefused);
  } catch (...) {
    return fixed(Code::Internal, kUnexpected);
  }
}

static Code codeOfErrno(int error) {
  switch (error) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG: return Code::DiskFull;
  case ENOENT: return Code::NotFound;
  case EEXIST: return Code::AlreadyExists;
  case ENOMEM: return Code::Overloaded;
  default: return Code::IoFailed;
  }
}

Status Status::fromErrno(int error, const std::string& what) {
  return {codeOfErrno(error), what + ": " + std::generic_category().message(error)};
}

Status Status::outOfMemory(const char* doing) {
  return {Code::Overloaded, std::string("out of memory while ") + doing};
}

} // namespace vicinal

// Errors as values: every call that can fail returns a Status or a Result<T>. Only binding/ turns
// them into JavaScript errors. The C++ library throws when memory or a thread is refused; `attempt`
// turns such an exception into a Status (docs/design/native.md).
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace vicinal {

// Error codes of the kernel; `codeName` spells them as the catalogue in src/core/errors.ts does.
enum class Code : uint8_t {
  Ok,
  InvalidArgument,
  NotFound,
  AlreadyExists,
  TooLarge,
  Timeout,
  Overloaded,
  Cancelled,
  Internal,
  Corrupt,
  IoFailed,
  NotImplemented,
  Unavailable,
  ReadOnly,
  Locked,
  Closed,
  UnsupportedFormat,
  DiskFull,
  ResourceExhausted,
};

// Names such as "INVALID_ARGUMENT"; "OK" for Code::Ok.
const char* codeName(Code code);

class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Code code, std::string message)
      : code_(code), message_(std::make_shared<const std::string>(std::move(message))) {}
  // Makes a Status without allocating; `text` must live for ever. Copies of a Status do not
  // allocate either.
  static Status fixed(Code code, const std::string& text) noexcept {
    Status status;
    status.code_ = code;
    status.message_ = {std::shared_ptr<const void>(), &text};
    return status;
  }
  // The Status of the exception that the calling handler caught: RESOURCE_EXHAUSTED if memory or a
  // thread was refused. Does not allocate.
  static Status ofException() noexcept;

  static Status ok() { return {}; }
  // The Status of a failed system call by its `errno`: ENOSPC, EDQUOT and EFBIG become DISK_FULL,
  // ENOENT NOT_FOUND, ENOMEM OVERLOADED, all others IO_FAILED. The message reads "<what>: <text of
  // the error>".
  static Status fromErrno(int error, const std::string& what);
  // OVERLOADED: "out of memory while <doing>".
  static Status outOfMemory(const char* doing);
  // RESOURCE_EXHAUSTED for a caller whose memory bound is below the `bytes` that it needs.
  static Status moreWanted(uint64_t bytes, std::string message) {
    Status status(Code::ResourceExhausted, std::move(message));
    status.wantedBytes_ = bytes;
    return status;
  }

  bool isOk() const { return code_ == Code::Ok; }
  explicit operator bool() const { return isOk(); }
  Code code() const { return code_; }
  const std::string& message() const { return message_ ? *message_ : kNoMessage; }
  // Bytes that the operation needed; 0 if the failure has another reason.
  uint64_t wantedBytes() const { return wantedBytes_; }

private:
  static const std::string kNoMessage;

  Code code_ = Code::Ok;
  std::shared_ptr<const std::string> message_;
  uint64_t wantedBytes_ = 0;
};

// A value, or the Status that says why there is none. Call `value()` only if `isOk()`.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {
    assert(!std::get<1>(state_).isOk());
  }
  Result(Code code, std::string message) : Result(Status(code, std::move(message))) {}

  bool isOk() const { return state_.index() == 0; }
  explicit operator bool() const { return isOk(); }
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  // Moves the value out.
  T take() { return std::move(value()); }
  Status status() const { return isOk() ? Status::ok() : std::get<1>(state_); }

private:
  std::variant<T, Status> state_;
};

// Calls `act` and turns an exception into a Status. Used at the top of the kernel's threads, and by
// code whose callers cannot catch.
template <typename Act> auto attempt(const Act& act) noexcept -> decltype(act()) {
  try {
    return act();
  } catch (...) {
    return Status::ofException();
  }
}

} // namespace vicinal

// Returns from the calling function if the Status is a failure.
#define VICINAL_TRY(expression)                                                                    \
  do {                                                                                             \
    if (::vicinal::Status tryStatus_ = (expression); !tryStatus_.isOk()) return tryStatus_;        \
  } while (0)

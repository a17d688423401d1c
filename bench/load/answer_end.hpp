// Where an answer ends, in the protocols of the servers that are measured, and whether it tells of
// success. A load generator need not know more of an answer.
#pragma once

#include <strings.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

struct AnswerEnd {
  // Bytes of the answer; none while it is not there to its end.
  size_t length = 0;
  bool isSuccess = true;
};

using FindEnd = AnswerEnd (*)(std::string_view bytes);

// An answer of 200 with a content-length.
inline AnswerEnd httpEnd(std::string_view bytes) {
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  constexpr std::string_view kLength = "\r\ncontent-length:";
  constexpr std::string_view kSuccess = "HTTP/1.1 200";
  const size_t head = bytes.find(kHeadEnd);
  if (head == std::string_view::npos) return {};
  for (size_t line = 0; line < head; line = bytes.find('\r', line + 1)) {
    if (strncasecmp(bytes.data() + line, kLength.data(), kLength.size()) != 0) continue;
    const size_t body = std::strtoul(bytes.data() + line + kLength.size(), nullptr, 10);
    const size_t length = head + kHeadEnd.size() + body;
    if (bytes.size() < length) return {};
    return {length, bytes.substr(0, kSuccess.size()) == kSuccess};
  }
  return {head, false};
}

// One message of a WebSocket, in one frame, or the answer that opened it.
inline AnswerEnd webSocketEnd(std::string_view bytes) {
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  constexpr std::string_view kOpened = "HTTP/1.1 101";
  constexpr uint8_t kBinary = 0x82;
  constexpr uint8_t kIn16Bits = 126;
  if (bytes[0] == kOpened[0]) {
    const size_t head = bytes.find(kHeadEnd);
    if (head == std::string_view::npos) return {};
    return {head + kHeadEnd.size(), bytes.substr(0, kOpened.size()) == kOpened};
  }
  const bool isLong = bytes.size() > 1 && uint8_t(bytes[1]) == kIn16Bits;
  const size_t head = isLong ? 4 : 2;
  if (bytes.size() < head) return {};
  const size_t body =
      isLong ? size_t(uint8_t(bytes[2])) << 8 | uint8_t(bytes[3]) : uint8_t(bytes[1]);
  if (body > kIn16Bits && !isLong) return {bytes.size(), false};
  if (bytes.size() < head + body) return {};
  return {head + body, uint8_t(bytes[0]) == kBinary};
}

// One value of RESP2, arrays to their last element.
inline AnswerEnd redisEnd(std::string_view bytes) {
  const size_t line = bytes.find("\r\n");
  if (line == std::string_view::npos) return {};
  AnswerEnd end{line + 2, bytes[0] != '-'};
  const long count = std::strtol(bytes.data() + 1, nullptr, 10);
  if (bytes[0] == '$' && count >= 0) end.length += size_t(count) + 2;
  for (long i = 0; bytes[0] == '*' && i < count; i++) {
    if (end.length >= bytes.size()) return {};
    const AnswerEnd element = redisEnd(bytes.substr(end.length));
    if (element.length == 0) return {};
    end.length += element.length;
    end.isSuccess = end.isSuccess && element.isSuccess;
  }
  return end.length <= bytes.size() ? end : AnswerEnd{};
}

// Messages until the server is ready for the next query.
inline AnswerEnd postgresEnd(std::string_view bytes) {
  constexpr char kError = 'E';
  constexpr char kReady = 'Z';
  constexpr size_t kHead = 5;
  AnswerEnd end;
  for (size_t at = 0; at + kHead <= bytes.size();) {
    uint32_t rest = 0;
    for (size_t i = 1; i < kHead; i++) rest = rest << 8 | uint8_t(bytes[at + i]);
    const char type = bytes[at];
    at += 1 + size_t(rest);
    if (at > bytes.size()) return {};
    if (type == kError) end.isSuccess = false;
    if (type == kReady) return {at, end.isSuccess};
  }
  return {};
}

inline FindEnd findEndOf(const std::string& protocol) {
  if (protocol == "http") return httpEnd;
  if (protocol == "websocket") return webSocketEnd;
  if (protocol == "redis") return redisEnd;
  return protocol == "postgres" ? postgresEnd : nullptr;
}

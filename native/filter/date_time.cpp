#include "filter/date_time.hpp"

#include <chrono>

namespace vicinal {

namespace {

class Reader {
public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool atEnd() const { return at_ == text_.size(); }
  char peek() const { return atEnd() ? '\0' : text_[at_]; }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    at_++;
    return true;
  }
  // Reads exactly `digits` decimal digits.
  bool number(int digits, int& value) {
    value = 0;
    for (int i = 0; i < digits; i++) {
      if (!isDigit()) return false;
      value = value * 10 + (text_[at_++] - '0');
    }
    return true;
  }
  // Reads the digits of a fraction of a second as microseconds; finer digits are dropped.
  bool fraction(int& micros) {
    constexpr int mostDigits = 9, keptDigits = 6;
    micros = 0;
    int digits = 0;
    for (; isDigit(); digits++, at_++)
      if (digits < keptDigits) micros = micros * 10 + (text_[at_] - '0');
    for (int kept = digits; kept < keptDigits; kept++) micros *= 10;
    return digits > 0 && digits <= mostDigits;
  }

private:
  bool isDigit() const { return !atEnd() && text_[at_] >= '0' && text_[at_] <= '9'; }

  std::string_view text_;
  size_t at_ = 0;
};

bool readZone(Reader& reader, int& minutes) {
  minutes = 0;
  if (reader.atEnd() || reader.take('Z') || reader.take('z')) return true;
  const bool isWest = reader.peek() == '-';
  if (!reader.take('-') && !reader.take('+')) return false;
  int hour = 0, minute = 0;
  if (!reader.number(2, hour)) return false;
  if (!reader.atEnd()) {
    reader.take(':');
    if (!reader.number(2, minute)) return false;
  }
  if (hour > 23 || minute > 59) return false;
  minutes = (isWest ? -1 : 1) * (hour * 60 + minute);
  return true;
}

} // namespace

std::optional<int64_t> parseDateTime(std::string_view text) {
  Reader reader(text);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0, zone = 0;
  if (!reader.number(4, year) || !reader.take('-') || !reader.number(2, month) ||
      !reader.take('-') || !reader.number(2, day))
    return std::nullopt;
  if (!reader.atEnd()) {
    if (!reader.take('T') && !reader.take('t') && !reader.take(' ')) return std::nullopt;
    if (!reader.number(2, hour) || !reader.take(':') || !reader.number(2, minute))
      return std::nullopt;
    if (reader.take(':')) {
      if (!reader.number(2, second)) return std::nullopt;
      if (reader.take('.') && !reader.fraction(micros)) return std::nullopt;
    }
    if (!readZone(reader, zone)) return std::nullopt;
  }
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month)),
                            std::chrono::day(unsigned(day))};
  if (!reader.atEnd() || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const int64_t days = sys_days(date).time_since_epoch().count();
  const int64_t minutes = (days * 24 + hour) * 60 + minute - zone;
  return (minutes * 60 + second) * 1'000'000 + micros;
}

} // namespace vicinal

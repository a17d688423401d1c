// A load generator in one thread: requests made beforehand, sent over keep-alive sockets, one at a
// time on each. It shares the cores with the server, so it does as little as a client can: it looks
// for the end of an answer. (wrk, redis-benchmark and pgbench speak one
// protocol each, and keep no answers to tell the recall by.)
//
//   load PORT PROTOCOL OPENING REQUESTS CONNECTIONS ANSWERS passes N
//   load PORT PROTOCOL OPENING REQUESTS CONNECTIONS ANSWERS seconds S [WRITES CONNECTIONS RATE]
//
// OPENING, REQUESTS and WRITES are files of requests, each with its length before it as 4 bytes. A
// connection begins with those of OPENING. `passes` asks all requests once, then N times more, and
// keeps the answers of the first pass and of the last. A first pass longer than kSlowPassSeconds is
// the only one. `seconds` asks them in turns for so long and keeps all answers. Beside them it sends
// WRITES, each at its time, on connections of their own. ANSWERS gets the answers kept, each with
// the number of its request and its length before it. Latencies go to standard
// output as JSON; those of writes count from the time each was due.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "answer_end.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSlowPassSeconds = 3;
constexpr size_t kReceiveBytes = 1 << 16;
constexpr int kMostEvents = 64;
constexpr uint64_t kTimer = UINT64_MAX;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "load: %s\n", why.c_str());
  std::exit(1);
}

double microsSince(Clock::time_point from) {
  return std::chrono::duration<double, std::micro>(Clock::now() - from).count();
}

std::vector<std::string> readRequests(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(std::string(path) + " cannot be read");
  std::vector<std::string> requests;
  uint32_t length = 0;
  while (file.read(reinterpret_cast<char*>(&length), sizeof length)) {
    std::string bytes(length, '\0');
    if (!file.read(bytes.data(), length)) fail(std::string(path) + " ends within a request");
    requests.push_back(std::move(bytes));
  }
  return requests;
}

// One socket with at most one request under way.
class Connection {
public:
  Connection(uint16_t port, FindEnd findEnd) : findEnd_(findEnd), received_(kReceiveBytes, '\0') {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      fail(std::string("connecting: ") + std::strerror(errno));
    const int yes = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(socket_); }

  int socket() const { return socket_; }

  // `from` is when its time counts from.
  void send(const std::string& request, size_t number, Clock::time_point from) {
    number_ = number;
    from_ = from;
    filled_ = 0;
    for (size_t sent = 0; sent < request.size();) {
      const ssize_t now =
          ::send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) fail(std::string("sending: ") + std::strerror(errno));
      sent += size_t(now);
    }
  }

  // The whole answer, or nothing where some of it has yet to come; waits where nothing came at all.
  std::string_view receive() {
    if (filled_ == received_.size()) received_.resize(2 * received_.size());
    const ssize_t now = ::recv(socket_, received_.data() + filled_, received_.size() - filled_, 0);
    if (now <= 0) fail("the server closed a connection");
    filled_ += size_t(now);
    const std::string_view bytes(received_.data(), filled_);
    const AnswerEnd end = findEnd_(bytes);
    if (end.length == 0) return {};
    if (!end.isSuccess) fail("the server answered " + std::string(bytes.substr(0, 500)));
    return bytes.substr(0, end.length);
  }

  size_t number() const { return number_; }
  double micros() const { return microsSince(from_); }

private:
  FindEnd findEnd_;
  int socket_;
  std::string received_;
  size_t filled_ = 0;
  size_t number_ = 0;
  Clock::time_point from_;
};

using Connections = std::vector<std::unique_ptr<Connection>>;

struct Server {
  uint16_t port;
  FindEnd findEnd;
  std::vector<std::string> opening;

  Connections connect(size_t count) const {
    Connections all;
    for (size_t i = 0; i < count; i++) {
      all.push_back(std::make_unique<Connection>(port, findEnd));
      for (const std::string& request : opening) {
        all.back()->send(request, 0, Clock::now());
        while (all.back()->receive().empty()) {
        }
      }
    }
    return all;
  }
};

// Answers in the order in which they came, each after the number of its request and its length.
class Kept {
public:
  void add(size_t number, std::string_view answer) {
    const uint32_t head[2] = {uint32_t(number), uint32_t(answer.size())};
    bytes_.append(reinterpret_cast<const char*>(head), sizeof head).append(answer);
  }
  void write(const char* path) const {
    std::ofstream file(path, std::ios::binary);
    if (!file.write(bytes_.data(), std::streamsize(bytes_.size())))
      fail("answers cannot be written");
  }

private:
  std::string bytes_;
};

std::string numbers(const std::vector<double>& values) {
  std::string text = "[";
  char number[32];
  for (const double value : values) {
    std::snprintf(number, sizeof number, "%s%.1f", text.size() > 1 ? "," : "", value);
    text += number;
  }
  return text + "]";
}

struct Pass {
  double seconds = 0;
  std::vector<double> micros;

  std::string json() const {
    return "{\"seconds\":" + std::to_string(seconds) + ",\"micros\":" + numbers(micros) + "}";
  }
};

class Epoll {
public:
  Epoll() : epoll_(epoll_create1(0)) {}
  Epoll(const Epoll&) = delete;
  Epoll& operator=(const Epoll&) = delete;
  ~Epoll() { ::close(epoll_); }

  void add(int descriptor, uint64_t key) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = key;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
  }

  // Calls `take` with the key of each that has something to read.
  template <typename Take> void wait(const Take& take) const {
    epoll_event events[kMostEvents];
    const int count = epoll_wait(epoll_, events, kMostEvents, -1);
    for (int i = 0; i < count; i++) take(events[i].data.u64);
  }

private:
  int epoll_;
};

// All requests once, in their order, each sent as soon as a connection is free.
Pass passOver(const Connections& connections, const std::vector<std::string>& requests,
              Kept* kept) {
  const Epoll epoll;
  for (size_t i = 0; i < connections.size(); i++) epoll.add(connections[i]->socket(), i);
  Pass pass;
  pass.micros.resize(requests.size());
  size_t next = 0;
  size_t done = 0;
  const auto send = [&](Connection& connection) {
    if (next == requests.size()) return;
    connection.send(requests[next], next, Clock::now());
    next++;
  };
  const auto started = Clock::now();
  for (const auto& connection : connections) send(*connection);
  while (done < requests.size()) {
    epoll.wait([&](uint64_t at) {
      Connection& connection = *connections[at];
      const std::string_view answer = connection.receive();
      if (answer.empty()) return;
      done++;
      pass.micros[connection.number()] = connection.micros();
      if (kept) kept->add(connection.number(), answer);
      send(connection);
    });
  }
  pass.seconds = microsSince(started) * 1e-6;
  return pass;
}

struct Writes {
  std::vector<std::string> requests;
  size_t connections = 0;
  double perSecond = 1;
};

// Searches in turns for some seconds, with writes beside them that come at a steady rate, whether
// or not earlier ones are done.
class Mixed {
public:
  Mixed(const Server& server, const std::vector<std::string>& searches, size_t connections,
        const Writes& writes)
      : searches_(searches), writes_(writes), searching_(server.connect(connections)),
        writing_(server.connect(writes.connections)), timer_(timerfd_create(CLOCK_MONOTONIC, 0)) {
    for (size_t i = 0; i < searching_.size(); i++) epoll_.add(searching_[i]->socket(), i);
    for (size_t i = 0; i < writing_.size(); i++) {
      epoll_.add(writing_[i]->socket(), searching_.size() + i);
      free_.push_back(i);
    }
    epoll_.add(timer_, kTimer);
  }
  Mixed(const Mixed&) = delete;
  Mixed& operator=(const Mixed&) = delete;
  ~Mixed() { ::close(timer_); }

  void run(double seconds, Kept& kept) {
    started_ = Clock::now();
    until_ = started_ +
             std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    for (const auto& connection : searching_) search(*connection);
    sendDue();
    while (busySearches_ > 0 || written.micros.size() < writes_.requests.size()) {
      epoll_.wait([&](uint64_t key) {
        if (key == kTimer) return timeHasCome();
        take(key, kept);
      });
    }
  }

  Pass searched;
  Pass written;

private:
  void search(Connection& connection) {
    if (Clock::now() >= until_) {
      searched.seconds = microsSince(started_) * 1e-6;
      return;
    }
    connection.send(searches_[next_ % searches_.size()], next_ % searches_.size(), Clock::now());
    next_++;
    busySearches_++;
  }

  void take(uint64_t key, Kept& kept) {
    const bool isSearch = key < searching_.size();
    Connection& connection = isSearch ? *searching_[key] : *writing_[key - searching_.size()];
    const std::string_view answer = connection.receive();
    if (answer.empty()) return;
    (isSearch ? searched : written).micros.push_back(connection.micros());
    if (isSearch) {
      kept.add(connection.number(), answer);
      busySearches_--;
      search(connection);
    } else {
      written.seconds = microsSince(started_) * 1e-6;
      free_.push_back(key - searching_.size());
      sendDue();
    }
  }

  Clock::time_point dueAt(size_t write) const {
    const std::chrono::duration<double> after(double(write) / writes_.perSecond);
    return started_ + std::chrono::duration_cast<Clock::duration>(after);
  }

  // Sends the writes whose time has come, as far as there are connections, and sets the timer for
  // the next one.
  void sendDue() {
    for (; sent_ < writes_.requests.size() && dueAt(sent_) <= Clock::now(); sent_++) {
      if (free_.empty()) return;
      writing_[free_.back()]->send(writes_.requests[sent_], sent_, dueAt(sent_));
      free_.pop_back();
    }
    if (sent_ == writes_.requests.size()) return;
    const auto nanos =
        std::chrono::duration_cast<std::chrono::nanoseconds>(dueAt(sent_).time_since_epoch());
    itimerspec when{};
    when.it_value.tv_sec = time_t(nanos.count() / 1'000'000'000);
    when.it_value.tv_nsec = long(nanos.count() % 1'000'000'000);
    timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void timeHasCome() {
    uint64_t times = 0;
    if (::read(timer_, &times, sizeof times) != sizeof times) fail("the timer cannot be read");
    sendDue();
  }

  const std::vector<std::string>& searches_;
  const Writes& writes_;
  Connections searching_;
  Connections writing_;
  Epoll epoll_;
  int timer_;
  std::vector<size_t> free_;
  Clock::time_point started_;
  Clock::time_point until_;
  size_t next_ = 0;
  size_t sent_ = 0;
  size_t busySearches_ = 0;
};

std::string passesOf(const Server& server, const std::vector<std::string>& requests,
                     size_t connections, int passes, Kept& kept) {
  const Connections all = server.connect(connections);
  const Pass first = passOver(all, requests, &kept);
  if (first.seconds > kSlowPassSeconds) return first.json();
  std::string text;
  for (int i = 0; i < passes; i++)
    text += (i > 0 ? "," : "") + passOver(all, requests, i + 1 == passes ? &kept : nullptr).json();
  return text;
}

} // namespace

int main(int count, char** arguments) {
  if (count != 9 && count != 12) fail("arguments: see the head of load.cpp");
  const Server server{uint16_t(std::atoi(arguments[1])), findEndOf(arguments[2]),
                      readRequests(arguments[3])};
  if (!server.findEnd) fail("no such protocol: " + std::string(arguments[2]));
  const std::vector<std::string> requests = readRequests(arguments[4]);
  const size_t connections = size_t(std::atoi(arguments[5]));
  const char* const answers = arguments[6];
  const double amount = std::atof(arguments[8]);
  if (requests.empty()) fail("no requests");
  Kept kept;
  if (std::string(arguments[7]) == "passes") {
    const std::string passes = passesOf(server, requests, connections, int(amount), kept);
    std::printf("{\"passes\":[%s]}\n", passes.c_str());
  } else {
    Writes writes;
    if (count == 12)
      writes = {readRequests(arguments[9]), size_t(std::atoi(arguments[10])),
                std::atof(arguments[11])};
    Mixed mixed(server, requests, connections, writes);
    mixed.run(amount, kept);
    std::printf("{\"passes\":[%s],\"writes\":%s}\n", mixed.searched.json().c_str(),
                mixed.written.json().c_str());
  }
  kept.write(answers);
}

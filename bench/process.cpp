#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include <bench/process.hpp>
#include <lattice/base/assert.hpp>

extern char** environ;

namespace lattice::bench {

using namespace std::chrono_literals;

Process::Process(const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  const int failed = posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ASSERT(failed == 0);
}

Process::~Process() { end(); }

int Process::wait(double seconds_max) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds_max);
  for (int status = 0; std::chrono::steady_clock::now() < deadline; std::this_thread::sleep_for(2ms)) {
    if (waitpid(pid_, &status, WNOHANG) != pid_) continue;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return -1;
}

void Process::end() {
  if (pid_ < 0) return;
  kill(pid_, SIGTERM);
  if (wait(5) >= 0 || pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void run_or_stop(const std::vector<std::string>& arguments, const std::string& log, double seconds_max) {
  Process process(arguments, log);
  const int code = process.wait(seconds_max);
  if (code == 0) return;
  std::cerr << "bench: " << arguments[0] << " " << arguments[1] << (code < 0 ? " took too long" : " failed")
            << "; its output:\n"
            << std::ifstream(log).rdbuf();
  std::exit(1);
}

static sockaddr_in address_of(const std::string& ip, unsigned port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  ASSERT(inet_pton(AF_INET, ip.c_str(), &address.sin_addr) == 1);
  return address;
}

unsigned free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = address_of("127.0.0.1", 0);
  socklen_t size = sizeof address;
  ASSERT(bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0);
  ASSERT(getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(probe);
  return ntohs(address.sin_port);
}

bool wait_for_port(const std::string& ip, unsigned port, double seconds_max) {
  const sockaddr_in address = address_of(ip, port);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds_max);
  for (; std::chrono::steady_clock::now() < deadline; std::this_thread::sleep_for(20ms)) {
    const int probe = socket(AF_INET, SOCK_STREAM, 0);
    const bool open = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(probe);
    if (open) return true;
  }
  return false;
}

}  // namespace lattice::bench

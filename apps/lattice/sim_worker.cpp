#include "sim_worker.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "program.hpp"

extern char** environ;

namespace lattice::app {

constexpr size_t last_words_bytes_max = 16 * 1024, last_words_lines_max = 40;
constexpr size_t line_bytes_max = 1024 * 1024;  // of a result

HostResult<std::unique_ptr<SimWorker>> SimWorker::start(const std::vector<std::string>& argv) {
  std::unique_ptr<SimWorker> worker(new SimWorker);
  // Each closes on exec: another child that held this one's input open would keep it alive.
  std::array<int, 2> to_child{-1, -1}, from_child{-1, -1};
  bool good = pipe2(to_child.data(), O_CLOEXEC) == 0 && pipe2(from_child.data(), O_CLOEXEC) == 0;
  worker->input_ = to_child[1];
  worker->output_ = from_child[0];
  worker->errors_ = memfd_create("lattice-sim-errors", MFD_CLOEXEC);
  good = good && worker->errors_ >= 0;
  int failed = errno;
  if (good) {
    std::vector<char*> arguments;
    for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to_child[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from_child[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, worker->errors_, STDERR_FILENO);
    failed = posix_spawn(&worker->pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) worker->pid_ = -1;
  }
  for (const int end : {to_child[0], from_child[1]})
    if (end >= 0) close(end);
  if (!good || failed != 0)
    return failure("a process for the simulation was not started", fmt::format("{}: {}", argv.at(0), std::strerror(failed)),
                   "fewer --jobs need fewer processes");
  return worker;
}

SimWorker::~SimWorker() {
  end();
  for (const int file : {input_, output_, errors_})
    if (file >= 0) close(file);
}

void SimWorker::end() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void SimWorker::give(uint64_t seed) {
  const auto line = fmt::format("{}\n", seed);
  // Shorter than a pipe holds. Where the child is gone, its output says so.
  [[maybe_unused]] const auto written = write(input_, line.data(), line.size());
}

SimWorker::Heard SimWorker::hear() {
  std::array<char, 4096> buffer{};
  const auto count = read(output_, buffer.data(), buffer.size());
  Heard out;
  if (count > 0) heard_.append(buffer.data(), static_cast<size_t>(count));
  out.ended = count == 0 || (count < 0 && errno != EINTR) || heard_.size() > line_bytes_max;
  if (const auto end = heard_.find('\n'); end != std::string::npos) {
    out.line = heard_.substr(0, end);
    heard_.erase(0, end + 1);
  }
  return out;
}

std::vector<std::string> SimWorker::last_words() {
  // A child that crashed is gone by itself and keeps its own signal.
  for (int i = 0; i < 200 && pid_ > 0; ++i) {
    if (waitpid(pid_, &status_, WNOHANG) == pid_)
      pid_ = -1;
    else
      usleep(10'000);
  }
  const bool stopped = pid_ > 0;
  end();
  std::vector<std::string> words;
  if (stopped)
    words.push_back("the process was stopped");
  else if (WIFSIGNALED(status_))
    words.push_back(fmt::format("the process died: {}", strsignal(WTERMSIG(status_))));
  else
    words.push_back(fmt::format("the process ended with exit code {}", WEXITSTATUS(status_)));
  std::string text(last_words_bytes_max, '\0');
  const off_t size = lseek(errors_, 0, SEEK_END), from = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
  const auto count = pread(errors_, text.data(), text.size(), from);
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  const size_t skip = lines.size() - std::min(lines.size(), last_words_lines_max);
  words.insert(words.end(), lines.begin() + static_cast<ptrdiff_t>(skip), lines.end());
  return words;
}

}  // namespace lattice::app

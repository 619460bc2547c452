// The key server of tests/net/kme.py as a process of its own, which ends with the test.
#pragma once

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lattice/host/qkd_client.hpp>

#include "temp_folder.hpp"

namespace lattice::test {

class KmeProcess {
 public:
  // In `folder`, where certificates stay for the next one. `options`: kme.py's.
  KmeProcess(const std::filesystem::path& folder, const std::vector<std::string>& options) : folder_(folder) {
    std::filesystem::remove(folder_ / "port");
    std::filesystem::remove(folder_ / "mode");
    std::filesystem::remove(folder_ / "requests");
    std::vector<std::string> words{"python3", LATTICE_SOURCE_DIR "/tests/net/kme.py", folder_.string()};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    for (int i = 0; i < 3000 && !std::filesystem::exists(folder_ / "port") && running(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    std::ifstream(folder_ / "port") >> port_;
    if (port_ == 0) throw std::runtime_error("kme.py does not listen");
  }
  ~KmeProcess() { stop(); }
  KmeProcess(const KmeProcess&) = delete;
  KmeProcess& operator=(const KmeProcess&) = delete;

  void stop() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }
  void mode(const std::string& mode) {
    std::ofstream(folder_ / "mode.new") << mode;
    std::filesystem::rename(folder_ / "mode.new", folder_ / "mode");
  }
  std::vector<std::string> requests() const {
    std::vector<std::string> lines;
    std::ifstream file(folder_ / "requests");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  // `who`: sae-a, sae-b or stranger.
  KmeAccess access(const std::string& who, const std::string& host = "localhost") const {
    return {{host, port_, ""}, folder_ / "ca.pem", folder_ / (who + ".pem"), folder_ / (who + ".key")};
  }
  uint16_t port() const { return port_; }

 private:
  bool running() {
    if (::waitpid(child_, nullptr, WNOHANG) == child_) child_ = 0;
    return child_ > 0;
  }

  const std::filesystem::path folder_;
  pid_t child_ = 0;
  uint16_t port_ = 0;
};

}  // namespace lattice::test

#include "block_follower.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lattice/chains/bitcoin/primitives.hpp>

#include "spec_chain.hpp"

namespace lattice::app {

constexpr size_t head_bytes = 8;         // magic, length
constexpr size_t zeros_at_once = 65536;  // nodes allocate these files in advance: zeros between records are skipped

BlockFollower::BlockFollower(std::string file, const ChainSpec& spec, size_t block_bytes_max, LogSink& log)
    : file_(std::move(file)),
      magics_(file_magics(spec)),
      start_(spec.trusted_header ? spec.trusted_header->hash : bitcoin::hash_header(spec.genesis)),
      block_bytes_max_(block_bytes_max),
      log_(log) {}

BlockFollower::~BlockFollower() {
  if (fd_ >= 0) ::close(fd_);
}

void BlockFollower::stop(std::string why) {
  stopped_ = true;
  log_.log({LogLevel::error, "follow_stopped", {{"file", file_}, {"offset", std::to_string(at_)}, {"reason", std::move(why)}}});
}

bool BlockFollower::open() {
  if (fd_ >= 0) return true;
  fd_ = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) {
    if (errno != ENOENT) stop(std::strerror(errno));
    return false;
  }
  struct stat status{};
  if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
    stop("it is no regular file");
    return false;
  }
  log_.log({LogLevel::info, "follow_started", {{"file", file_}}});
  return true;
}

// False: it could not be read, or ends before.
bool BlockFollower::read(uint64_t at, ByteSpan out) {
  size_t done = 0;
  while (done < out.size()) {
    const auto count = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(at + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) stop(std::strerror(errno));
    if (count <= 0) return false;
    done += static_cast<size_t>(count);
  }
  return true;
}

size_t BlockFollower::next_size(uint64_t file_size) {
  ByteArray<head_bytes> head{};
  while (at_ + head_bytes <= file_size) {
    if (!read(at_, head)) return 0;
    if (head[0] != 0) break;
    Bytes zeros(std::min<uint64_t>(zeros_at_once, file_size - at_));
    if (!read(at_, zeros)) return 0;
    const auto end = std::ranges::find_if(zeros, [](uint8_t byte) { return byte != 0; });
    // Zeros at the end may be the begin of nothing yet: a later poll looks again.
    at_ += static_cast<uint64_t>(end - zeros.begin());
    head = {};
  }
  if (at_ + head_bytes > file_size || head[0] == 0) return 0;
  if (std::ranges::none_of(magics_, [&](const auto& magic) { return equal(ByteView(head).first(4), magic); })) {
    stop("no record begins here: it is not the chain's magic");
    return 0;
  }
  size_t size = 0;
  for (size_t i = head_bytes; i-- > 4;) size = size << 8 | head[i];
  if (size < bitcoin::header_bytes || size > block_bytes_max_) {
    stop("a record of " + std::to_string(size) + " bytes is no block of this chain");
    return 0;
  }
  return at_ + head_bytes + size <= file_size ? size : 0;
}

void BlockFollower::poll(const Take& take) {
  if (stopped_ || !open()) return;
  struct stat status{};
  if (::fstat(fd_, &status) != 0) return stop(std::strerror(errno));
  const auto file_size = static_cast<uint64_t>(status.st_size);
  if (file_size < at_) {
    log_.log({LogLevel::warning, "follow_begins_anew", {{"file", file_}, {"reason", "the file shrank"}}});
    at_ = 0;
    waiting_.reset();
  }
  for (size_t bytes = 0; bytes < poll_bytes_max;) {
    if (!waiting_) {
      const size_t size = next_size(file_size);
      if (size == 0) return;
      Bytes block(size);
      if (!read(at_ + head_bytes, block)) return;
      at_ += head_bytes + size;
      waiting_.emplace(std::move(block));
    }
    const ByteView header = waiting_->view().first(bitcoin::header_bytes);
    if (bitcoin::hash_header(header) != start_) {
      if (!take(to_bytes(header), *waiting_)) return;
      ++taken_;
    }
    bytes += waiting_->size();
    waiting_.reset();
  }
}

}  // namespace lattice::app

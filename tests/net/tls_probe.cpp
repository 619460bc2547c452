// A TLS 1.3 client of plain OpenSSL: which group does this server agree to?
//
//   tls_probe ADDRESS PORT GROUPS
//
// Says "group NAME", or "refused" where the server ends the connection or does not answer within five seconds. Where the machine
// has OpenSSL's own program in a version that knows ML-KEM, the tests ask that too.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <openssl/ssl.h>

static int connect_to(const char* address, int port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, address, &to.sin_addr) != 1) return -1;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{5, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return socket;
  close(socket);
  return -1;
}

int main(int count, char** words) {
  if (count != 4) {
    std::cerr << "tls_probe ADDRESS PORT GROUPS\n";
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  const int socket = connect_to(words[1], std::atoi(words[2]));
  if (socket < 0) {
    std::cerr << "nobody listens there\n";
    return 2;
  }
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  if (SSL_CTX_set1_groups_list(context.get(), words[3]) != 1) {
    std::cerr << "unknown groups\n";
    return 2;
  }
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_fd(ssl.get(), socket);
  if (SSL_connect(ssl.get()) != 1) {
    std::cout << "refused\n";
    return 0;
  }
  std::cout << "group " << SSL_get0_group_name(ssl.get()) << "\n";
  SSL_shutdown(ssl.get());
  close(socket);
  return 0;
}

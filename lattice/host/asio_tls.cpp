// Asio's TLS, compiled once, like asio.cpp.
#include <boost/asio/ssl/impl/src.hpp>

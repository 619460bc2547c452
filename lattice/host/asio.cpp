// Asio's own code, compiled once (BOOST_ASIO_SEPARATE_COMPILATION): every file that uses it compiles faster.
#include <boost/asio/impl/src.hpp>

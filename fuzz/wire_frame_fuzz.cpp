// Any bytes as the frames of a record: read_frame and the joiner of chunks answer or refuse, within their memory.
#include <cstdlib>

#include <lattice/link/lanes.hpp>

using namespace lattice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  wire::Reader reader(ByteView(data, size));
  ReceiveLanes lanes;
  while (!reader.empty()) {
    const auto frame = wire::read_frame(reader);
    if (!frame) break;
    if (frame->is_own()) continue;
    const auto whole = lanes.on_frame(*frame);
    if (lanes.bytes() > limits::reassembly_bytes_max) std::abort();
    // What has come bounds what is kept.
    if (lanes.bytes() > 4 * size) std::abort();
    if (!whole) break;
    if (*whole) (void)wire::decode(**whole);
  }
  return 0;
}

// Any bytes as a signed record: one form for each value, nothing that is not signed, and a table that agrees with itself
// whatever it is told.
#include <lattice/base/assert.hpp>
#include <lattice/discovery/announcements.hpp>
#include <lattice/wire/reader.hpp>

using namespace lattice;

static void hold(ByteView bytes) {
  const auto head = read_announcement_head(bytes);
  const auto record = decode_announcement(bytes);
  if (!record) return;
  ASSERT(head && *head == record->head);
  ASSERT(encode_announcement(*record) == to_bytes(bytes));
  (void)check_announcement_id(*record);
  const VerifyWork work = announcement_work(*record, bytes);
  ASSERT(work.message.size() + work.signature.size() == bytes.size());
  ASSERT(work.public_key.size() == sign_sizes(work.alg).public_key && work.signature.size() == sign_sizes(work.alg).signature);
}

// Each record: who, a sequence, when issued, for how long, where; and how much time goes by.
static void operate(wire::Reader in) {
  constexpr AnnouncementLimits small{12, 4};
  Announcements table(small);
  Now now{Instant{}, wall_from_unix(1'800'000'000)};
  while (in.remaining() >= 8) {
    Announcement record;
    record.head.node.bytes[0] = *in.u8();
    record.head.sequence = *in.u8();
    record.head.issued = now.wall + std::chrono::minutes{*in.u8()} - std::chrono::minutes{60};
    record.head.expires = record.head.issued + std::chrono::minutes{1 + *in.u8()};
    record.endpoints = {{IpAddress::v4(20, *in.u8(), 0, *in.u8()), 1}};
    const auto passed = std::chrono::seconds{*in.u8()};
    now.mono += passed;
    now.wall += passed;
    if (*in.u8() % 8 == 0) table.expire(now.wall);
    const bool fresh = table.look(record.head, now) == Announcements::Look::fresh;
    ASSERT(table.take(record, now).fresh == fresh);
    const auto* kept = table.find(record.head.node);
    ASSERT(!fresh || (kept != nullptr && kept->head == record.head));
    ASSERT(table.size() <= small.entries && table.groups() <= table.size());
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(data, size);
  hold(bytes);
  operate(wire::Reader(bytes));
  // So that the fuzzer need not write out keys and a signature: zeros for what is missing.
  for (const size_t tail : {2u + 2 + 32 + 1952 + 3309, 2u + 2 + 32 + 2592 + 4627}) {
    Bytes whole = to_bytes(bytes);
    if (whole.size() > 300) break;
    const size_t at = whole.size();
    whole.resize(at + tail);
    whole[at + 1] = 1;
    whole[at + 2] = 1;
    whole[at + 3] = tail > 6000 ? 2 : 1;
    hold(whole);
  }
  return 0;
}

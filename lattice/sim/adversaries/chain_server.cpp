#include <lattice/sim/adversaries/chain_server.hpp>

#include <lattice/base/assert.hpp>

namespace lattice::sim {

ChainServer::ChainServer(const ChainKit& kit, Now now) : chain_(kit.chain()) {
  ASSERT(chain_);
  if (kit.filled) store_ = *kit.filled;
  apply(LoadChain{}, now);
}

ChainEvents ChainServer::apply(const ChainCommand& command, Now now) {
  ChainEvents events = chain_->apply(command, store_, now);
  for (const auto& event : events)
    if (const auto* changed = std::get_if<TipChanged>(&event)) tip_ = changed->tip;
  return events;
}

wire::Headers ChainServer::headers(const wire::GetHeaders& question, Now now) {
  const FindHeaders find{{next_request_++}, question.locator, question.stop, limits::headers_max, limits::headers_bytes_max};
  for (auto& event : apply(find, now))
    if (auto* found = std::get_if<HeadersFound>(&event)) return {std::move(found->headers)};
  return {};
}

std::optional<SharedBytes> ChainServer::body(const BlockHash& block) const {
  const auto body = store_.read(Column::bodies, block.view());
  return body ? *body : std::nullopt;
}

ChainId ChainServer::chain_id() const { return chain_->identity().id; }
const BlockHash& ChainServer::genesis() const { return chain_->identity().genesis; }

bool ChainServer::add(const FutureBlock& block, Now now) {
  apply(SubmitHeaders{{next_request_++}, {block.header}}, now);
  for (const auto& event : apply(SubmitBlock{{next_request_++}, block.block}, now))
    if (const auto* verdict = std::get_if<BlockVerdict>(&event)) return verdict->error.code == ErrorCode::none;
  return false;
}

std::vector<Bytes> ChainServer::first_headers(size_t count, Now now) {
  auto all = headers({{genesis()}, {}}, now).headers;
  if (all.size() > count) all.resize(count);
  return all;
}

}  // namespace lattice::sim

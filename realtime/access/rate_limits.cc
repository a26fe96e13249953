#include "realtime/access/rate_limits.h"

#include <algorithm>

#include "base/check.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

using What = LimitRule::What;
using Per = LimitRule::Per;
using proto::CommandKind;

constexpr std::uint64_t ns_per_minute = 60'000'000'000;

Bucket::Shape refusals_of(std::uint64_t per_minute) {
  if (per_minute == 0) return {};
  const std::uint64_t cost_ns = ns_per_minute / per_minute;
  return {.cost_ns = cost_ns, .burst_ns = cost_ns * per_minute};
}

}  // namespace

RateLimits::RateLimits(Shard& shard) : shard_(shard) { adopt_settings(); }

void RateLimits::adopt_settings() {
  static_assert(limits_max <= std::tuple_size_v<decltype(Taken::budgets)>);
  refusals_ = refusals_of(shard_.config().refusals_per_minute_max);
  const auto before = std::move(limits_);
  limits_.assign(shard_.limits().begin(), shard_.limits().end());
  auto budgets_before = std::exchange(of_connections_, {});
  for (Rules* rules :
       {&messages_, &publications_, &types_, &joins_, &address_connects_, &user_connects_, &calls_})
    rules->clear();
  for (std::size_t i = 0; i < limits_.size(); ++i) {
    const LimitRule& rule = limits_[i]->rule();
    const auto known = std::ranges::find(before, limits_[i]);
    if (known != before.end()) {
      of_connections_.push_back(std::move(budgets_before[std::size_t(known - before.begin())]));
    } else {
      of_connections_.push_back(rule.per == Per::connection
                                    ? std::make_unique<ConnectionBudgets>(rule.is_sliding)
                                    : nullptr);
    }
    switch (rule.what) {
      case What::message:
        messages_.push_back(i);
        break;
      case What::publish:
        publications_.push_back(i);
        break;
      case What::type:
        types_.push_back(i);
        break;
      case What::join:
        joins_.push_back(i);
        break;
      case What::connect:
        (rule.per == Per::address ? address_connects_ : user_connects_).push_back(i);
        break;
      case What::api:
        calls_.push_back(i);
        break;
    }
  }
  limits_commands_ = !messages_.empty() || !publications_.empty() || !types_.empty();
}

Limit::Budget RateLimits::find(std::size_t rule, std::uint64_t key) {
  bool has_squeezed = false;
  const Limit::Budget out = limits_[rule]->of(key, shard_.now_ms, has_squeezed);
  if (has_squeezed) shard_.counters.limit_keys_squeezed_total.add();
  return out;
}

std::optional<Limit::Budget> RateLimits::budget_of(std::size_t rule, const Session& session,
                                                   Keys& keys) {
  switch (limits_[rule]->rule().per) {
    case Per::connection:
      return of_connections_[rule]->of(session.socket.slot);
    case Per::user:
      if (session.user == nullptr) return std::nullopt;
      if (!keys.user) keys.user = shard_.node.hash(session.user->name().text());
      return find(rule, *keys.user);
    case Per::address:
      if (!keys.address) {
        const Ip ip = subscriber_of(std::to_array(session.peer.ip));
        keys.address = shard_.node.hash({reinterpret_cast<const char*>(ip.data()), ip.size()});
      }
      return find(rule, *keys.address);
    case Per::workspace:
      if (session.state != SessionState::authenticated) return std::nullopt;  // it is in none yet
      if (!keys.workspace) keys.workspace = shard_.node.hash(workspace_of(session).id());
      return find(rule, *keys.workspace);
    case Per::key:
      break;
  }
  RR_CHECK(false);  // calls have no session to limit them by
}

bool RateLimits::take_one(std::size_t rule, Limit::Budget budget, Taken& taken, Verdict& verdict) {
  const std::uint64_t retry_ms = limits_[rule]->take(budget, shard_.now_ms);
  if (retry_ms == 0) {
    taken.budgets[taken.count++] = {rule, budget};
    return true;
  }
  for (std::size_t i = 0; i < taken.count; ++i)
    limits_[taken.budgets[i].first]->give_back(taken.budgets[i].second, shard_.now_ms);
  shard_.counters.rate_limited_total.add();
  verdict = Over{.retry_ms = retry_ms, .sentence = limits_[rule]->sentence()};
  return false;
}

bool RateLimits::take(const Rules& rules, const Session& session, Keys& keys, Taken& taken,
                      Verdict& verdict) {
  for (const std::size_t rule : rules) {
    const auto budget = budget_of(rule, session, keys);
    if (budget && !take_one(rule, *budget, taken, verdict)) return false;
  }
  return true;
}

RateLimits::Verdict RateLimits::of(const Rules& rules, const Session& session) {
  Verdict verdict;
  if (rules.empty()) return verdict;
  Keys keys;
  Taken taken;
  take(rules, session, keys, taken, verdict);
  return verdict;
}

RateLimits::Verdict RateLimits::command(const Session& session, const proto::Command& command) {
  Verdict verdict;
  if (command.kind == CommandKind::message_batch) return verdict;  // each that is in it counts
  Keys keys;
  Taken taken;
  for (const std::size_t rule : types_) {
    if (limits_[rule]->rule().type != command.type) continue;
    const auto budget = budget_of(rule, session, keys);
    if (budget && !take_one(rule, *budget, taken, verdict)) return verdict;
  }
  if (!take(messages_, session, keys, taken, verdict)) return verdict;
  if (command.kind == CommandKind::publish || command.kind == CommandKind::ephemeral)
    take(publications_, session, keys, taken, verdict);
  return verdict;
}

RateLimits::Verdict RateLimits::publish_raw(const Session& session) {
  Verdict verdict;
  Keys keys;
  Taken taken;
  if (take(messages_, session, keys, taken, verdict))
    take(publications_, session, keys, taken, verdict);
  return verdict;
}

RateLimits::Verdict RateLimits::join(const Session& session) { return of(joins_, session); }

RateLimits::Verdict RateLimits::connect_from_address(const Session& session) {
  return of(address_connects_, session);
}

RateLimits::Verdict RateLimits::connect_as_user(const Session& session) {
  return of(user_connects_, session);
}

RateLimits::Verdict RateLimits::call(std::uint64_t api_key) {
  Verdict verdict;
  Taken taken;
  for (const std::size_t rule : calls_)
    if (!take_one(rule, find(rule, api_key), taken, verdict)) break;
  return verdict;
}

void RateLimits::accepted(const Session& session) {
  for (const auto& budgets : of_connections_)
    if (budgets != nullptr) budgets->reset(session.socket.slot);
  refused_.reset(session.socket.slot);
}

bool RateLimits::has_gone_too_far(const Session& session) {
  if (refusals_.burst_ns == 0) return false;
  return refused_.of(session.socket.slot).bucket->take(refusals_, shard_.now_ms) != 0;
}

}  // namespace ringroom::realtime

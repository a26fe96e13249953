#include "realtime/settings.h"

#include <algorithm>

namespace ringroom::realtime {

namespace {

std::vector<std::shared_ptr<Limit>> limits_of(const Config& config, const Settings* before) {
  std::vector<std::shared_ptr<Limit>> out;
  for (const LimitRule& rule : config.limits) {
    std::shared_ptr<Limit> known;
    if (before != nullptr)
      for (const std::shared_ptr<Limit>& limit : before->limits)
        if (limit->rule().text() == rule.text() && std::ranges::find(out, limit) == out.end())
          known = limit;
    out.push_back(known ? known : std::make_shared<Limit>(rule, config.limit_keys_max));
  }
  return out;
}

}  // namespace

Settings::Settings(const Config& config_, const Settings* before)
    : config(config_),
      namespaces(config_.namespaces, config_.insecure_dev,
                 before == nullptr ? nullptr : &before->namespaces),
      limits(limits_of(config_, before)) {}

void SettingsEditions::publish(const Config& config) {
  const std::lock_guard lock(mutex_);
  current_ = std::make_shared<const Settings>(config, current_.get());
  edition_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Settings> SettingsEditions::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace ringroom::realtime

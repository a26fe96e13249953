#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/load/chart.h"
#include "tools/load/coordinator.h"
#include "tools/load/report.h"
#include "tools/load/scenario.h"

namespace ringroom::load {

// One run as something to look at. Both are whole in themselves: no script, nothing from elsewhere,
// colours by bench/page.css, light or dark as the reader's system is.

// A page of HTML that is XML too. `when` is the time of the run, as it is to be shown.
std::string to_html(const Scenario& scenario, const Run& run, const Report& report,
                    std::string_view command, std::string_view when);

// One picture: latency by percentile beside the rate over time.
std::string to_svg(const Scenario& scenario, const Run& run, const Report& report);

}  // namespace ringroom::load

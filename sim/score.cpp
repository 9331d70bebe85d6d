#include "sim/score.hpp"

#include <algorithm>
#include <cmath>

#include "base/nan.hpp"

namespace striate {

Score score(std::span<const double> model, std::span<const double> data) {
  double n = 0;
  double mean_m = 0;
  double mean_d = 0;
  double squares = 0;
  const auto each = [&](const auto& body) {
    for (std::size_t i = 0; i < std::min(model.size(), data.size()); ++i)
      if (!std::isnan(model[i]) && !std::isnan(data[i])) body(model[i], data[i]);
  };
  each([&](double m, double d) {
    n += 1;
    mean_m += m;
    mean_d += d;
    squares += (m - d) * (m - d);
  });
  mean_m /= n;
  mean_d /= n;
  double mm = 0;
  double dd = 0;
  double md = 0;
  each([&](double m, double d) {
    mm += (m - mean_m) * (m - mean_m);
    dd += (d - mean_d) * (d - mean_d);
    md += (m - mean_m) * (d - mean_d);
  });
  const bool defined = n >= 3 && mm > 0 && dd > 0;
  return {defined ? md / std::sqrt(mm * dd) : nan, std::sqrt(squares / n), static_cast<std::size_t>(n)};
}

double interpolate(std::span<const double> xs, std::span<const double> ys, double x) {
  if (x <= xs.front()) return ys.front();
  if (x >= xs.back()) return ys.back();
  const auto above = static_cast<std::size_t>(std::upper_bound(xs.begin(), xs.end(), x) - xs.begin());
  const double fraction = (x - xs[above - 1]) / (xs[above] - xs[above - 1]);
  return ys[above - 1] + fraction * (ys[above] - ys[above - 1]);
}

}  // namespace striate

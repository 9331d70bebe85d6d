#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "models/library.hpp"

namespace striate::test {

/// The circuit with the values of one of its named regimes.
inline Circuit in_regime(const Circuit& circuit, const std::string& name) {
  return circuit.with_parameters(circuit.regime(name).values);
}

/// A circuit with its values, marched by the classical Runge-Kutta method at a fixed step.
class March {
 public:
  explicit March(const Circuit& circuit)
      : system_(compile<double>(circuit)),
        workspace_(system_.workspace()),
        p_(system_.default_parameters()),
        u_(system_.inputs().size()),
        y_(system_.states().size()) {
    start();
  }

  const System<double>& system() const { return system_; }
  double& parameter(const std::string& name) { return p_[system_.parameters().at(name).offset]; }
  std::vector<double>& input() { return u_; }
  std::vector<double>& state() { return y_; }
  void start() { system_.initial(p_, u_, y_, workspace_); }

  std::vector<double> rate(const std::vector<double>& y) {
    std::vector<double> ydot(y.size());
    system_.rhs({0, y, p_, u_}, ydot, workspace_);
    return ydot;
  }
  double fastest() {
    double largest = 0;
    for (const double v : rate(y_)) largest = std::max(largest, std::abs(v));
    return largest;
  }
  void step(double dt) {
    const auto moved = [&](const std::vector<double>& k, double h) {
      std::vector<double> y = y_;
      for (std::size_t i = 0; i < y.size(); ++i) y[i] += h * k[i];
      return y;
    };
    const auto k1 = rate(y_);
    const auto k2 = rate(moved(k1, dt / 2));
    const auto k3 = rate(moved(k2, dt / 2));
    const auto k4 = rate(moved(k3, dt));
    for (std::size_t i = 0; i < y_.size(); ++i) y_[i] += dt / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
  }
  /// Marches until no state changes faster than `tolerance` a time unit; fails the test where that takes too long.
  void settle(double dt, double tolerance, int most_steps = 20000) {
    for (int i = 0; i < most_steps; ++i) {
      if (i % 16 == 0 && fastest() < tolerance) return;
      step(dt);
    }
    BOOST_TEST_ERROR("no steady state was reached; the fastest state still changes by " << fastest() << " a time unit");
  }
  double get(const std::string& state, std::size_t element = 0) const {
    return y_[system_.states().at(state).offset + element];
  }
  std::vector<double> all(const std::string& state) const {
    const Field& f = system_.states().at(state);
    return {y_.begin() + static_cast<std::ptrdiff_t>(f.offset),
            y_.begin() + static_cast<std::ptrdiff_t>(f.offset + f.size)};
  }
  std::vector<double> observed(const std::string& name) {
    std::vector<double> all_of_them(system_.observables().size());
    system_.observe({0, y_, p_, u_}, all_of_them, workspace_);
    const Field& f = system_.observables().at(name);
    return {all_of_them.begin() + static_cast<std::ptrdiff_t>(f.offset),
            all_of_them.begin() + static_cast<std::ptrdiff_t>(f.offset + f.size)};
  }

 private:
  System<double> system_;
  Workspace<double> workspace_;
  std::vector<double> p_, u_, y_;
};

/// The values of one case and quantity of a table, by index; "sum" is the sum weighted by 1, 2, ..., 7, 1, ...
inline std::map<std::string, double> reference(const std::string& wanted_case, const std::string& wanted_quantity,
                                               const std::string& table = "tests/models/reference.csv") {
  std::ifstream file(STRIATE_SOURCE_DIR "/" + table);
  std::map<std::string, double> values;
  for (std::string name, quantity, index, value; std::getline(file, name, ',') && std::getline(file, quantity, ',') &&
                                                 std::getline(file, index, ',') && std::getline(file, value);)
    if (name == wanted_case && quantity == wanted_quantity) values[index] = std::stod(value);
  BOOST_TEST_REQUIRE(!values.empty(), table << " holds no '" << wanted_quantity << "' of case '" << wanted_case << "'");
  return values;
}

/// Compares with the reference, relative to the largest reference value.
inline void check_against(const std::map<std::string, double>& expected, const std::vector<double>& values,
                          double tolerance) {
  double largest = 0;
  for (const auto& [index, value] : expected)
    if (index != "sum") largest = std::max(largest, std::abs(value));
  double sum = 0;
  double size = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += static_cast<double>(1 + i % 7) * values[i];
    size += static_cast<double>(1 + i % 7) * std::abs(values[i]);
  }
  for (const auto& [index, value] : expected) {
    const bool whole = index == "sum";
    const double got = whole ? sum : values.at(std::stoul(index));
    BOOST_TEST(std::abs(got - value) <= tolerance * (whole ? size : largest),
               "element " << index << ": " << got << " against " << value);
  }
}

/// The rate at the script's state and input, which are exact in double precision up to one rounding.
inline void check_rate(const std::string& case_name, const Circuit& circuit, double scale = 1) {
  BOOST_TEST_CONTEXT(case_name) {
    March march(circuit);
    for (std::size_t i = 0; i < march.input().size(); ++i)
      march.input()[i] = static_cast<double>((53 * i + 7) % 97) / 97;
    for (std::size_t i = 0; i < march.state().size(); ++i)
      march.state()[i] = scale * static_cast<double>((37 * i + 11) % 101) / 101;
    // Sums of up to a thousand terms, in another order than the script's: 1e-12 leaves three digits of room.
    check_against(reference(case_name, "rate"), march.rate(march.state()), 1e-12);
  }
}

}  // namespace striate::test

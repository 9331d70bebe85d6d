// The method that steps a map, against the map written out.
#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "integrators/steady_state.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;

namespace {

constexpr const char* logistic = R"(circuit logistic
time ms
step 0.1 ms
parameter r = 3.7 1
x(0) = 0.3
next(x) = r*x*(1 - x) : 1
)";

constexpr const char* driven = "circuit driven\ntime ms\nstep 0.1 ms\ninput I : 1\nnext(x) = x/2 + I : 1\n";

double logistic_after(int steps) {
  double x = 0.3;
  for (int i = 0; i < steps; ++i) x = 3.7 * x * (1 - x);
  return x;
}

std::string refusal(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(iterate)

// The same operations in the same order: equal bits, chaotic as the map is.
BOOST_AUTO_TEST_CASE(a_map_is_stepped_and_held_between_its_times) {
  const std::vector<double> times{0, 0.05, 0.1, 0.25, 5};
  std::vector<double> seen;
  Observer observer;
  observer.sample = [&](double, std::span<const double> y) { seen.push_back(y[0]); };
  const Solution s = solve(problem(logistic, 5), named("iterate"), times, observer);
  BOOST_TEST(s.counters.steps == 50);
  BOOST_TEST(s.counters.rhs == 50);
  const std::vector<double> expected{logistic_after(0), logistic_after(0), logistic_after(1), logistic_after(2),
                                     logistic_after(50)};
  BOOST_TEST(seen == expected);
}

BOOST_AUTO_TEST_CASE(a_resumed_map_has_the_bits_of_an_uninterrupted_one) {
  Problem p = problem(logistic, 5);
  p.checkpoints = {2.3};
  std::optional<Checkpoint> saved;
  Observer observer;
  observer.checkpoint = [&](const Checkpoint& c) { saved = c; };
  const Solution whole = solve(p, named("iterate"), {}, observer);
  BOOST_REQUIRE(saved.has_value());
  const Solution rest = resume(p, named("iterate"), *saved);
  BOOST_TEST(rest.y == whole.y);
  BOOST_TEST(whole.y[0] == logistic_after(50));
}

// Inputs are read at the map's own times; a change on the grid counts from there on, one between the times afterwards.
BOOST_AUTO_TEST_CASE(inputs_are_read_at_the_times_of_the_map) {
  for (const double change : {0.3, 0.25}) {
    Problem p = problem(driven, 0.5);
    p.drive =
        std::make_shared<FunctionDrive>([=](double t) { return t < change ? 0.0 : 1.0; }, std::vector<double>{change});
    // Three steps with 0 and two with 1: 0, 0, 0, 1, 1.5.
    BOOST_TEST(solve(p, named("iterate")).y[0] == 1.5);
  }
}

BOOST_AUTO_TEST_CASE(what_does_not_suit_a_map_is_refused) {
  BOOST_TEST(refusal([] { solve(problem(logistic, 5), named("rk4")); }) ==
             "logistic: is a map, but 'rk4' integrates flows. Use the method iterate.");
  BOOST_TEST(refusal([] { solve(problem(pendulum, 5), named("iterate")); }) ==
             "pendulum: is a flow, but iterate steps maps. Use another method, or discretise the circuit first.");
  BOOST_TEST(refusal([] { solve(problem(logistic, 0.55), named("iterate")); }) ==
             "logistic: t1 = 0.55 ms, but must lie a whole number of the map's steps of 0.1 ms after t0 = 0 ms.");
  BOOST_TEST(refusal([] {
               Method method = named("iterate");
               method.step = 0.1;
               solve(problem(logistic, 5), method);
             }) == "method 'iterate': step = 0.1, but a map has a step of its own. Leave the method's step out.");
  BOOST_TEST(refusal([] { steady_state(problem(logistic, 1)); }) ==
             "logistic: is a map, but a steady state is sought for flows. Iterate the map to its fixed point.");
}

BOOST_AUTO_TEST_CASE(a_map_that_grows_beyond_numbers_fails_with_its_time_and_state) {
  try {
    solve(problem("circuit c\ntime 1\nx(0) = 10\nnext(x) = x^3 : 1\n", 100), named("iterate"));
    BOOST_FAIL("went on");
  } catch (const Failure& f) {
    BOOST_TEST(std::string(f.what()).find("The next value of x is inf at t = 5") != std::string::npos, f.what());
  }
}

BOOST_AUTO_TEST_SUITE_END()

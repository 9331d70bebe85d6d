// The executable circuit: its functions against numbers done by hand, and what it promises about memory, threads and
// algorithms.
#include "circuit/system.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include <omp.h>

#include <cmath>
#include <random>
#include <set>
#include <thread>

#include "base/error.hpp"
#include "circuit/borrowed_memory.hpp"
#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "tests/circuit/allocation_count.hpp"

using namespace striate;
using striate::testing::allocation_count;

namespace {

using Numbers = std::vector<double>;

constexpr const char* cell = R"(circuit cell
parameter g = 2 1 "slope"
parameter tau = 4 ms in (0, inf)
input I : 1
V(0) = I + 1
dV/dt = (-g*V + w + I)/tau : 1
dw/dt = (V^2 - w)/(10 ms) : 1
power := g*V^2
total := power + w
event up when V > 3: V = 0, w = w + g
event down when w < -1: w = 0
)";

/// Everything a circuit can be asked, at one place.
template <class T>
struct Bench {
  explicit Bench(const Circuit& circuit)
      : system(compile<T>(circuit)), workspace(system.workspace()), p(system.default_parameters()) {}
  System<T> system;
  Workspace<T> workspace;
  std::vector<T> p;
};

std::vector<double> noise(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> v(n);
  for (auto& x : v) x = uniform(random);
  return v;
}

/// A layer whose evaluation is large enough for threads: pointwise, lines, sums, contraction, pooling.
constexpr const char* layer = R"(circuit layer
axis f = 8
axis y = 64
axis x = 64
parameter tau = 10 ms in (0, inf)
parameter sd = 3 1 in (0, inf)
parameter w[f] = [1, 2, 3, 4, 4, 3, 2, 1] 1
input X[f, y, x] : 1
near := conv(r, gaussian(y, x, size=13, sd=sd))
far := conv(r, ring(y, x, outer=21, inner=5), border=reflect)
across := conv(r, von_mises(f, size=8, kappa=sd), border=circular)
pool := sum(r, y, x)/4096
best := max_over(r, f)
mixed := matmul(r, w, over=f)
dr/dt = (-r + relu(X + near - 0.5*far + across - 0.1*pool*r + tanh(best) - 0.01*mixed))/tau : 1 [f, y, x]
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(systems)

BOOST_AUTO_TEST_CASE(what_waits_for_a_convolution_is_computed_behind_it_and_takes_no_memory) {
  const char* text = R"(circuit waiting
axis y = 64
axis x = 64
parameter g = 2 1
parameter a = 0.5 1
input X[y, x] : 1
E(0) = 1
far := conv(E, box(y, x, size=9))
dE/dt = (relu(g*X - (a*E + g)*far) - E)/(5 ms) : 1 [y, x]
)";
  const auto system = compile<double>(read_circuit(text));
  // The convolution's result, and what is between its two passes with one set of packed lines; not g*X and a*E + g.
  BOOST_TEST(system.workspace_bytes() < 4 * 64 * 64 * sizeof(double));
}

BOOST_AUTO_TEST_CASE(sines_and_cosines_of_one_angle_are_each_that_of_their_angle) {
  const auto system =
      compile<double>(read_circuit("circuit c\naxis n = 700\na(0) = 0.01*index(n)\nb(0) = 0\n"
                                   "u := cos(a) + 2*sin(3*a)*sin(a)\nw := cos(3*a) - sin(a)^2\n"
                                   "da/dt = (u*w + mean(cos(a), n) - mean(sin(a), n))/(1 ms) : 1 [n]\n"
                                   "db/dt = (cos(b) + sin(a + b) - 5*cos(a + b) + sin(b))/(1 ms) : 1 [n]\n"));
  auto workspace = system.workspace();
  Numbers y(1400), rate(1400);
  system.initial({}, {}, y, workspace);
  double cosines = 0, sines = 0;
  for (std::size_t i = 0; i < 700; ++i) {
    y[700 + i] = 3 - 0.02 * static_cast<double>(i);
    cosines += std::cos(y[i]) / 700;
    sines += std::sin(y[i]) / 700;
  }
  system.rhs({0, y, {}, {}}, rate, workspace);
  for (std::size_t i = 0; i < 700; ++i) {
    const double a = y[i], b = y[700 + i];
    const double u = std::cos(a) + 2 * std::sin(3 * a) * std::sin(a), w = std::cos(3 * a) - std::sin(a) * std::sin(a);
    BOOST_TEST(std::abs(rate[i] - (u * w + cosines - sines)) < 1e-13);
    BOOST_TEST(std::abs(rate[700 + i] - (std::cos(b) + std::sin(a + b) - 5 * std::cos(a + b) + std::sin(b))) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(inputs_of_the_integrator_follow_those_of_the_drive) {
  CircuitContents c = *read_circuit(
      "circuit c\naxis n = 3\ninput a[n] : 1\ninput b : 1\ninput d : 1\n"
      "dV/dt = (a + 10*b + 100*d - V)/(1 ms) : 1 [n]\n");
  c.inputs[0].supply = Supply::delayed;
  const auto system = compile<double>(Circuit(c));
  BOOST_TEST(system.driven() == 2u);
  BOOST_TEST(system.inputs().names() == (std::vector<std::string>{"b", "d", "a"}), boost::test_tools::per_element());
  BOOST_TEST((system.inputs().at("a").supply == Supply::delayed));
  auto workspace = system.workspace();
  const Numbers y(3), u{1, 2, 3, 4, 5};
  Numbers rate(3);
  system.rhs({0, y, {}, u}, rate, workspace);
  BOOST_TEST(rate == (Numbers{213, 214, 215}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(fields_name_every_element) {
  const auto system = compile<double>(read_circuit(
      "circuit c\naxis y = 2\naxis x = 3\ndV/dt = -V/(1 ms) : mV [y, x] \"potential\"\ndw/dt = -w/(1 ms) : 1\n"));
  BOOST_TEST(system.name() == "c");
  BOOST_TEST(system.states().size() == 7);
  BOOST_TEST(system.states().at("w").offset == 6);
  BOOST_TEST(system.states().at("V").unit.str() == "mV");
  BOOST_TEST(system.states().element_name(4) == "V[y=1, x=1]");
  BOOST_TEST(system.states().element_name(6) == "w");
  BOOST_CHECK_EXCEPTION((void)system.states().at("v"), Error,
                        [](const Error& e) { return std::string(e.what()) == "no variable 'v'. Closest: V, w."; });
}

BOOST_AUTO_TEST_CASE(every_function_has_the_value_done_by_hand) {
  // g = 2, tau = 4, I = 0.5, V = 1.5, w = -2: all numbers below are exact in binary except tenths.
  Bench<double> b(read_circuit(cell));
  const Numbers y{1.5, -2}, u{0.5};
  const At<double> at{7, y, b.p, u};
  const auto near = boost::test_tools::tolerance(1e-15);
  Numbers out(2);
  b.system.initial(b.p, u, out, b.workspace);
  BOOST_TEST(out == (Numbers{1.5, 0}));
  b.system.rhs(at, out, b.workspace);
  BOOST_TEST(out == (Numbers{(-3 - 2 + 0.5) / 4, (2.25 + 2) / 10}), near << boost::test_tools::per_element());
  b.system.leak(at, out, b.workspace);
  BOOST_TEST(out == (Numbers{-0.5, -0.1}), near << boost::test_tools::per_element());
  // J = [-g/tau, 1/tau; 2V/10, -1/10]; d/dg = [-V/tau, 0]; d/dtau = [-dV/tau, 0]. Products are added to what is there.
  out = {100, 200};
  b.system.jvp(at, {Numbers{1, 2}}, out, b.workspace);
  BOOST_TEST(out == (Numbers{100 - 0.5 + 0.5, 200 + 0.3 - 0.2}), near << boost::test_tools::per_element());
  out = {0, 0};
  b.system.jvp(at, {Numbers{0, 0}, Numbers{1, 4}}, out, b.workspace);
  BOOST_TEST(out == (Numbers{-1.5 / 4 + 4.5 / 4, 0}), near << boost::test_tools::per_element());
  Numbers ybar{100, 200}, pbar{10, 20};
  b.system.vjp(at, Numbers{1, 10}, {ybar, pbar}, b.workspace);
  BOOST_TEST(ybar == (Numbers{100 - 0.5 + 3, 200 + 0.25 - 1}), near << boost::test_tools::per_element());
  BOOST_TEST(pbar == (Numbers{10 - 1.5 / 4, 20 + 4.5 / 16}), near << boost::test_tools::per_element());
  b.system.observe(at, out, b.workspace);
  BOOST_TEST(out == (Numbers{4.5, 2.5}));
  b.system.guard(at, out, b.workspace);
  BOOST_TEST(out == (Numbers{-1.5, 1}));
  const std::vector<std::size_t> up{0}, both{0, 1};
  b.system.jump(at, up, out, b.workspace);
  BOOST_TEST(out == (Numbers{0, 0}));  // w = w + g = -2 + 2
  b.system.jump(at, std::vector<std::size_t>{}, out, b.workspace);
  BOOST_TEST(out == y);
}

BOOST_AUTO_TEST_CASE(an_event_moves_the_elements_that_fired_and_no_other) {
  Bench<double> b(read_circuit(
      "circuit c\naxis n = 3\naxis m = 2\ndV/dt = -V/(1 ms) : 1 [m, n]\nevent e when sum(V, m) > 1: V = -V\n"));
  const Numbers y{1, 2, 3, 4, 5, 6};
  Numbers after(6), g(3);
  b.system.guard({0, y, b.p, {}}, g, b.workspace);
  BOOST_TEST(g == (Numbers{4, 6, 8}));
  b.system.jump({0, y, b.p, {}}, std::vector<std::size_t>{1}, after, b.workspace);
  BOOST_TEST(after == (Numbers{1, -2, 3, 4, -5, 6}));
}

BOOST_AUTO_TEST_CASE(what_depends_on_parameters_follows_them) {
  // Kept between evaluations, but only while the bytes of the parameters are the same.
  Bench<double> b(
      read_circuit("circuit c\nparameter a = 2 1\nkept := exp(a)*a\ninverse := 1/a\ndV/dt = kept*V/(1 ms) : 1\n"));
  const Numbers y{3};
  Numbers rate(1), seen(2);
  for (const double a : {2.0, 5.0, 2.0, 0.0, -0.0, 7.0}) {
    const Numbers p{a};
    for (int again = 0; again < 2; ++again) {
      b.system.rhs({0, y, p, {}}, rate, b.workspace);
      b.system.observe({0, y, p, {}}, seen, b.workspace);
      BOOST_TEST(rate[0] == std::exp(a) * a * 3, boost::test_tools::tolerance(1e-15));
      BOOST_TEST(seen[1] == 1 / a);  // +inf at 0, -inf at -0
    }
  }
}

BOOST_AUTO_TEST_CASE(parameters_that_are_held_are_compared_once) {
  Bench<double> b(read_circuit("circuit c\nparameter a = 2 1\ndV/dt = exp(a)*V/(1 ms) : 1\n"));
  const Numbers y{1};
  Numbers rate(1), p{2};
  const auto rate_at = [&](std::span<const double> parameters) {
    b.system.rhs({0, y, parameters, {}}, rate, b.workspace);
    return rate[0];
  };
  b.workspace.hold(p);
  const double at_2 = rate_at(p);
  p[0] = 3;  // breaks the promise, and so shows that nobody looks
  BOOST_TEST(rate_at(p) == at_2);
  const double at_3 = rate_at(Numbers{3});
  BOOST_TEST(at_3 > 2 * at_2);
  b.workspace.hold(p);
  BOOST_TEST(rate_at(p) == at_3);
  BOOST_TEST(rate_at(Numbers{2}) == at_2);
}

BOOST_AUTO_TEST_CASE(linearisation_points_are_not_mixed_up) {
  Bench<double> b(read_circuit(cell));
  const Numbers u{0.5}, v{1, 0};
  for (const double V : {1.0, 2.0, 1.0}) {
    const Numbers y{V, 0};
    for (int again = 0; again < 2; ++again) {
      Numbers out(2, 0.0);
      b.system.jvp({0, y, b.p, u}, {v}, out, b.workspace);
      BOOST_TEST(out[1] == 0.2 * V, boost::test_tools::tolerance(1e-15));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_evaluation_allocates_nothing_after_the_first) {
  Bench<double> b(read_circuit(std::string(layer) + "event e when sum(r, f, y, x) > 1: r = 0\n"));
  const auto n = b.system.states().size();
  auto y = noise(n, 1), u = noise(n, 2), v = noise(n, 3);
  Numbers out(n), ybar(n), pbar(b.p.size()), vp(b.p.size(), 1.0), observed(b.system.observables().size()),
      g(b.system.guard_size());
  const std::vector<std::size_t> fired{0};
  const auto everything = [&] {
    const At<double> at{0, y, b.p, u};
    b.system.initial(b.p, u, out, b.workspace);
    b.system.rhs(at, out, b.workspace);
    b.system.jvp(at, {v}, out, b.workspace);
    b.system.jvp(at, {v, vp}, out, b.workspace);
    b.system.vjp(at, v, {ybar}, b.workspace);
    b.system.vjp(at, v, {ybar, pbar}, b.workspace);
    b.system.leak(at, out, b.workspace);
    b.system.observe(at, observed, b.workspace);
    b.system.guard(at, g, b.workspace);
    b.system.jump(at, fired, out, b.workspace);
  };
  everything();
  const long before = allocation_count();
  y[3] += 1;
  b.p[1] *= 1.1;
  everything();
  BOOST_TEST(allocation_count() - before == 0);
}

BOOST_AUTO_TEST_CASE(memory_given_back_serves_those_who_need_as_much) {
  Bench<double> b(read_circuit(cell));
  const std::vector<std::size_t> sizes{1000, 10, 10, 200, 10};
  std::vector<Numbers> lent;
  const auto borrow_all = [&] {
    for (const std::size_t size : sizes) lent.push_back(borrow(b.workspace, size));
  };
  borrow_all();
  std::set<const double*> first;
  for (Numbers& memory : lent) {
    first.insert(memory.data());
    give_back(b.workspace, std::move(memory));
  }
  lent.clear();
  borrow_all();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    BOOST_TEST(lent[i].size() == sizes[i]);
    BOOST_TEST(first.contains(lent[i].data()));
    BOOST_TEST(lent[i].capacity() == sizes[i]);
  }
}

BOOST_AUTO_TEST_CASE(the_bits_do_not_depend_on_the_number_of_threads) {
  const Circuit circuit = read_circuit(layer);
  const auto run = [&]<class T>(T, int threads) {
    const int had = omp_get_max_threads();
    omp_set_num_threads(threads);
    Bench<T> b(circuit);
    const auto n = b.system.states().size();
    const auto convert = [](const Numbers& x) { return std::vector<T>(x.begin(), x.end()); };
    const auto y = convert(noise(n, 1)), u = convert(noise(n, 2)), v = convert(noise(n, 3));
    std::vector<T> all(3 * n + b.p.size(), T(0));
    const At<T> at{0, y, b.p, u};
    b.system.rhs(at, std::span(all).subspan(0, n), b.workspace);
    b.system.jvp(at, {v}, std::span(all).subspan(n, n), b.workspace);
    b.system.vjp(at, v, {std::span(all).subspan(2 * n, n), std::span(all).subspan(3 * n)}, b.workspace);
    omp_set_num_threads(had);
    return all;
  };
  const auto one = run(double{}, 1);
  BOOST_TEST((run(double{}, 2) == one));
  BOOST_TEST((run(double{}, 7) == one));
  const auto one_float = run(float{}, 1);
  BOOST_TEST((run(float{}, 2) == one_float));
  BOOST_TEST((run(float{}, 7) == one_float));
  double most = 0;  // the two precisions compute the same thing: rates of order 1 and sums over a few hundred taps
  for (std::size_t i = 0; i < 32768; ++i) most = std::max(most, std::abs(one[i] - static_cast<double>(one_float[i])));
  BOOST_TEST(most < 1e-5);
}

BOOST_AUTO_TEST_CASE(threads_share_a_system_with_a_workspace_each) {
  const auto system = compile<double>(read_circuit(cell));
  const auto run = [&](double g, Numbers& sums) {
    auto workspace = system.workspace();
    const Numbers p{g, 4}, u{0.5};
    Numbers y{1.5, -2}, out(2), ybar(2), pbar(2);
    for (int step = 0; step < 2000; ++step) {
      system.rhs({0, y, p, u}, out, workspace);
      for (std::size_t i = 0; i < 2; ++i) y[i] += 0.01 * out[i];
      system.vjp({0, y, p, u}, out, {ybar, pbar}, workspace);
    }
    sums = {y[0], y[1], ybar[0], pbar[0]};
  };
  Numbers alone[2], together[2];
  for (const int i : {0, 1}) run(2.0 + i, alone[i]);
  {
    std::jthread first([&] { run(2.0, together[0]); });
    std::jthread second([&] { run(3.0, together[1]); });
  }
  BOOST_TEST(together[0] == alone[0]);
  BOOST_TEST(together[1] == alone[1]);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(convolution_algorithms)

namespace {

std::string convolved(const std::string& kernel, const std::string& options, const std::string& axes = "y, x") {
  return "circuit c\naxis c = 5\naxis k = 3\naxis y = 40\naxis x = 36\nparameter sd = 2 1\ndr/dt = (conv(r, " + kernel +
         options + ") - r)/(1 ms) : 1 [" + axes + "]\n";
}

}  // namespace

BOOST_AUTO_TEST_CASE(all_agree_to_rounding_and_say_which_they_are) {
  // Alone, in planes one after another (whose two passes run plane by plane), and with an axis behind them.
  for (const std::string axes : {"y, x", "c, y, x", "c, y, x, k", "c, y, k, x"}) {
    for (const std::string border : {"zero", "reflect", "circular"}) {
      const auto rate = [&](const std::string& kernel, const std::string& algorithm, const std::string& said) {
        Bench<double> b(read_circuit(convolved(kernel, ", border=" + border + ", algorithm=" + algorithm, axes)));
        BOOST_REQUIRE(b.system.algorithms().size() == 1);
        BOOST_TEST(b.system.algorithms()[0].algorithm == said);
        const auto y = noise(b.system.states().size(), 5);
        Numbers out(2 * y.size());  // the rate, and behind it the adjoint
        b.system.rhs({0, y, b.p, {}}, std::span(out).first(y.size()), b.workspace);
        b.system.vjp({0, y, b.p, {}}, y, {std::span(out).last(y.size()), {}}, b.workspace);
        return out;
      };
      const auto require_equal = [](const Numbers& a, const Numbers& b) {
        double most = 0;
        for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
        BOOST_TEST(most < 1e-14);  // kernels sum to 1, values stay below 1: some tens of roundings
      };
      const std::string gaussian = "gaussian(y, x, size=9, sd=sd)", box = "box(y, x, size=11)",
                        ring = "ring(y, x, outer=13, inner=5)";
      for (const auto& [kernel, rank] :
           {std::pair{gaussian, "separable rank 1"}, {box, "box rank 1"}, {ring, "box rank 2"}}) {
        const auto direct = rate(kernel, "direct", "direct");
        if (axes == "y, x") require_equal(rate(kernel, "fft", "fft"), direct);
        require_equal(rate(kernel, "separable", rank), direct);
        if (kernel != gaussian) require_equal(rate(kernel, "box", rank), direct);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_algorithm_that_cannot_serve_is_an_error) {
  const auto message = [](const std::string& kernel, const std::string& algorithm) -> std::string {
    try {
      (void)compile<double>(read_circuit(convolved(kernel, ", algorithm=" + algorithm)));
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  BOOST_TEST(message("gaussian(y, x, size=9, sd=sd)", "box") ==
             "circuit text:7:1: dr/dt: conv: the algorithm 'box' is asked, but the kernel [dy=9, dx=9] is not made of "
             "constant boxes. Use automatic.");
  BOOST_TEST(message("sin(sd*index(dy=3)*index(dx=3))", "separable") ==
             "circuit text:7:1: dr/dt: conv: the algorithm 'separable' is asked, but the kernel [dy=3, dx=3] is not a "
             "sum of at most 8 products "
             "of one-dimensional "
             "factors. Use direct or fft.");
  const char* in_space =
      "circuit c\naxis z = 4\naxis y = 4\naxis x = 4\ndr/dt = (a - r)/(1 ms) : 1 [z, y, x]\n"
      "a := conv(r, box(z, y, x, size=3), algorithm=direct)\n";
  BOOST_CHECK_EXCEPTION(compile<double>(read_circuit(in_space)), Error, [](const Error& e) {
    return std::string(e.what()).ends_with(
        "conv: the algorithm 'direct' is asked, but it takes one- and two-dimensional kernels with one kind of "
        "channel, "
        "and this is the kernel [dz=3, dy=3, dx=3] with the argument [z=4, y=4, x=4]. Use automatic.");
  });
}

BOOST_AUTO_TEST_CASE(a_kernel_that_repeats_its_parts_compiles_in_no_time) {
  std::string text = "circuit c\naxis y = 8\naxis x = 8\nparameter sd = 2 1\nk0 := gaussian(y, x, size=3, sd=sd)\n";
  for (int i = 1; i <= 60; ++i)
    text += "k" + std::to_string(i) + " := k" + std::to_string(i - 1) + " + k" + std::to_string(i - 1) + "\n";
  const auto system =
      compile<double>(read_circuit(text + "dr/dt = conv(r, k60)/(1 ms) : 1 [y, x]\n"));  // 2^60 Gaussians, if expanded
  BOOST_TEST(system.algorithms()[0].algorithm != "");
}

BOOST_AUTO_TEST_SUITE_END()

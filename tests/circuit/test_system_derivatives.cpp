// The products of every function of a System: along each kind of argument against central differences, and each
// transposed product against the one it transposes.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include <functional>
#include <random>

#include "circuit/compile.hpp"
#include "circuit/text.hpp"

using namespace striate;

namespace {

using Numbers = std::vector<double>;

/// Everything depends on everything: states of two shapes, two events that move one state, t and an input in the guard.
constexpr const char* everything = R"(circuit everything
axis n = 3
parameter a = 0.7 1
parameter b[n] = [0.3, -0.2, 0.5] 1
input I[n] : 1
V(0) = sin(a)*b + I*a
w(0) = a^2
dV/dt = (tanh(b*V + w)*I - V + cos(t/(2 ms)))/(3 ms) : 1 [n]
dw/dt = (mean(V^2*b, n) - a*w)/(5 ms) : 1
power := V^2*a + I*w + t/(1 ms)
total := sum(V*b, n)*w
event up when V*b > 1 - a*I*w + t/(9 ms): V = a*V^2 + I + t/(4 ms)
event down when w*a < t/(8 ms): V = V*w + a*I, w = w^2*a + I_mean*b_mean + mean(V, n)
I_mean := mean(I, n)
b_mean := mean(b, n)
)";

struct Place {
  Numbers y{0.4, -0.9, 1.2, 0.6}, p{0.7, 0.3, -0.2, 0.5}, u{0.2, -0.5, 0.8}, t{1.3};
  At<double> at() const { return {t[0], y, p, u}; }
  void move(const Place& v, double h) {
    const auto add = [&](Numbers& x, const Numbers& d) {
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += h * d[i];
    };
    add(y, v.y), add(p, v.p), add(u, v.u), add(t, v.t);
  }
};

Place noise(unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Place v;
  for (Numbers* part : {&v.y, &v.p, &v.u, &v.t})
    for (double& x : *part) x = uniform(random);
  return v;
}

double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

struct Ask {
  const char* name;
  std::size_t size;
  std::function<void(const At<double>&, Numbers&)> value;
  std::function<void(const At<double>&, const Tangent<double>&, Numbers&)> jvp;
  std::function<void(const At<double>&, const Numbers&, const Cotangent<double>&)> vjp;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(system_derivatives)

BOOST_AUTO_TEST_CASE(every_product_agrees_with_differences_and_with_its_transpose) {
  const auto s = compile<double>(read_circuit(everything));
  auto w = s.workspace();
  std::vector<Ask> asks = {
      {"rhs", 4, [&](const auto& at, Numbers& out) { s.rhs(at, out, w); },
       [&](const auto& at, const auto& v, Numbers& out) { s.jvp(at, v, out, w); },
       [&](const auto& at, const Numbers& l, const auto& bar) { s.vjp(at, l, bar, w); }},
      {"observe", 6, [&](const auto& at, Numbers& out) { s.observe(at, out, w); },
       [&](const auto& at, const auto& v, Numbers& out) { s.observe_jvp(at, v, out, w); },
       [&](const auto& at, const Numbers& l, const auto& bar) { s.observe_vjp(at, l, bar, w); }},
      {"guard", 4, [&](const auto& at, Numbers& out) { s.guard(at, out, w); },
       [&](const auto& at, const auto& v, Numbers& out) { s.guard_jvp(at, v, out, w); },
       [&](const auto& at, const Numbers& l, const auto& bar) { s.guard_vjp(at, l, bar, w); }},
  };
  // Guard elements 0 to 2 are `up`, which moves V there; 3 is `down`, which moves all of V after it, and w.
  const std::vector<std::vector<std::size_t>> firings = {{}, {1}, {0, 2}, {3}, {0, 1, 3}};
  for (const auto& fired : firings) {
    asks.push_back(
        {"jump", 4, [&, fired](const auto& at, Numbers& out) { s.jump(at, fired, out, w); },
         [&, fired](const auto& at, const auto& v, Numbers& out) { s.jump_jvp(at, fired, v, out, w); },
         [&, fired](const auto& at, const Numbers& l, const auto& bar) { s.jump_vjp(at, fired, l, bar, w); }});
  }
  for (const Ask& ask : asks) {
    const Place place;
    const Numbers lambda = [&] {
      Numbers l(ask.size);
      for (std::size_t i = 0; i < l.size(); ++i) l[i] = std::cos(static_cast<double>(3 * i + 1));
      return l;
    }();
    for (unsigned mask = 1; mask < 16; ++mask) {
      Place v = noise(mask), empty = v;
      const auto part = [&](Numbers Place::*member, unsigned bit) {
        if (mask >> bit & 1U) return;
        (empty.*member).clear();
        for (double& x : v.*member) x = 0;
      };
      part(&Place::y, 0), part(&Place::p, 1), part(&Place::u, 2), part(&Place::t, 3);
      Numbers product(ask.size, 7.0), up(ask.size), down(ask.size);
      ask.jvp(place.at(), {empty.y, empty.p, empty.u, empty.t}, product);
      const double h = 1e-5;
      Place shifted = place;
      shifted.move(v, h);
      ask.value(shifted.at(), up);
      shifted.move(v, -2 * h);
      ask.value(shifted.at(), down);
      // Third derivatives of order 1 times h^2/6, and 1e-16/h of rounding.
      for (std::size_t i = 0; i < ask.size; ++i)
        BOOST_TEST(std::abs(product[i] - 7 - (up[i] - down[i]) / (2 * h)) < 1e-9, ask.name << " " << i << " " << mask);
      Place bar = empty;
      for (Numbers* x : {&bar.y, &bar.p, &bar.u, &bar.t}) std::fill(x->begin(), x->end(), 5.0);
      ask.vjp(place.at(), lambda, {bar.y, bar.p, bar.u, bar.t});
      double forward = 0, backward = 0;
      for (std::size_t i = 0; i < ask.size; ++i) forward += lambda[i] * (product[i] - 7);
      for (Numbers Place::*x : {&Place::y, &Place::p, &Place::u, &Place::t})
        for (std::size_t i = 0; i < (bar.*x).size(); ++i) backward += ((bar.*x)[i] - 5) * (empty.*x)[i];
      BOOST_TEST(std::abs(forward - backward) < 1e-13);  // some hundred roundings of numbers of order 10
    }
  }
}

BOOST_AUTO_TEST_CASE(gradients_of_weights_are_added_to_what_stands_there) {
  constexpr std::size_t n = 20;
  const auto s = compile<double>(
      read_circuit("circuit network\ntime 1\naxis unit = 20\naxis pre = 20\nparameter W[unit, pre] ~ normal(0, 1) 1\n"
                   "dr/dt = matmul(W, rename(r, unit, pre), over=[pre]) - r : 1 [unit]\n"));
  auto w = s.workspace();
  const auto p = s.default_parameters();
  Numbers y(n), lambda(n), pbar(p.size(), 5.0);
  for (std::size_t i = 0; i < n; ++i) y[i] = std::sin(static_cast<double>(i)), lambda[i] = std::cos(3.0 * i);
  s.vjp({0, y, p, {}}, lambda, {{}, pbar}, w);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) BOOST_TEST(std::abs(pbar[i * n + j] - 5 - lambda[i] * y[j]) < 2e-15);
}

BOOST_AUTO_TEST_CASE(a_tape_saves_long_sums) {
  // The sums over 80 units and over 2 x 7 x 7 taps are kept, in this order; that over 3 taps is not.
  const auto s = compile<double>(
      read_circuit("circuit layers\ntime 1\naxis unit = 80\naxis pre = 80\naxis to = 2\naxis f = 2\naxis y = 9\n"
                   "axis x = 8\naxis dy = 7\naxis dx = 7\naxis du = 3\n"
                   "parameter W[unit, pre] ~ normal(0, 0.1) 1\nparameter K[to, f, dy, dx] ~ normal(0, 0.1) 1\n"
                   "parameter k[du] = [0.2, -0.5, 0.1] 1\ninput I[unit] : 1\n"
                   "sums := matmul(W, rename(sin(r)*I, unit, pre), over=[pre])\n"
                   "next(r) = tanh(sums*sin(t) + conv(r, rename(k, du, dunit))) : 1 [unit]\n"
                   "next(h) = rename(tanh(conv(h*mean(sums, unit), K, over=[f])), to, f)*h : 1 [f, y, x]\n"));
  auto w = s.workspace();
  BOOST_REQUIRE_EQUAL(s.tape_size(), 80u + 2 * 9 * 8);
  const auto noisy = [](std::size_t n, double phase) {
    Numbers v(n);
    for (std::size_t i = 0; i < n; ++i) v[i] = std::sin(static_cast<double>(i * i) + phase);
    return v;
  };
  const std::size_t n = s.states().size();
  const Numbers p = s.default_parameters(), y = noisy(n, 1), u = noisy(80, 2), lambda = noisy(n, 3);
  const At<double> at{0.7, y, p, u};
  Numbers next(n), recorded(n), tape(s.tape_size());
  s.rhs(at, next, w);
  s.rhs(at, recorded, tape, w);
  BOOST_TEST(recorded == next);
  for (unsigned mask = 1; mask < 16; ++mask) {
    const auto vjp = [&](bool replayed) {
      Numbers bar_y(mask & 1 ? n : 0, 5.0), bar_p(mask & 2 ? p.size() : 0, 5.0), bar_u(mask & 4 ? 80 : 0, 5.0),
          bar_t(mask & 8 ? 1 : 0, 5.0);
      const Cotangent<double> bar{bar_y, bar_p, bar_u, bar_t};
      replayed ? s.vjp(at, lambda, tape, bar, w) : s.vjp(at, lambda, bar, w);
      for (const Numbers* x : {&bar_p, &bar_u, &bar_t}) bar_y.insert(bar_y.end(), x->begin(), x->end());
      return bar_y;
    };
    const Numbers replayed = vjp(true), computed = vjp(false);
    for (std::size_t i = 0; i < computed.size(); ++i)  // sums of some hundred products of order 1
      BOOST_TEST(std::abs(replayed[i] - computed[i]) < 1e-13, "mask " << mask << ", " << i);
  }
  // What is read is the tape: another one gives another product.
  tape[100] += 1;
  Numbers bar(n), other(n);
  s.vjp(at, lambda, {bar}, w);
  s.vjp(at, lambda, tape, {other}, w);
  BOOST_TEST(std::abs(bar[100] - other[100]) > 1e-6);
}

BOOST_AUTO_TEST_CASE(initial_states_have_products_towards_parameters) {
  // V(0) = sin(a) b + a I, w(0) = a^2 at a = 0.7.
  const auto s = compile<double>(read_circuit(everything));
  auto w = s.workspace();
  const Place place;
  const Numbers vp{1, 2, 3, 4};
  Numbers out(4, 10.0), pbar(4, 20.0);
  s.initial_jvp(place.p, place.u, vp, out, w);
  const double sa = std::sin(0.7), ca = std::cos(0.7);
  const Numbers expected{ca * 0.3 + 0.2 + 2 * sa, ca * -0.2 - 0.5 + 3 * sa, ca * 0.5 + 0.8 + 4 * sa, 1.4};
  for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(std::abs(out[i] - 10 - expected[i]) < 1e-14);
  const Numbers lambda{1, -1, 2, 3};
  s.initial_vjp(place.p, place.u, lambda, pbar, w);
  double backward = 0;
  for (std::size_t i = 0; i < 4; ++i) backward += (pbar[i] - 20) * vp[i];
  BOOST_TEST(std::abs(backward - dot(lambda, expected)) < 1e-13);
}

BOOST_AUTO_TEST_SUITE_END()

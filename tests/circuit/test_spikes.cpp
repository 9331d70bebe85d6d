#include <boost/test/unit_test.hpp>

#include <cmath>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/text.hpp"

using namespace striate;

namespace {

const char* const network = R"(circuit network "conductances"
seed 3
axis neuron = 6 in [0, 6) mm circular
axis source = 2
parameter tau_m = 20 ms
parameter tau_ref = 2 ms
parameter w_E = 6 nS
parameter gain[neuron] = [1, 2, 3, 4, 5, 6] 1
parameter c = 0.5 mm/ms
parameter w_I[inh] ~ normal(60 nS, 5 nS) nS
parameter tau_s = 5 ms
V(0) = -60 mV
dV/dt = (-60 mV - V)/tau_m : mV [neuron]
dg/dt = -g/tau_s : nS [neuron]
dx/dt = -x/tau_s : 1 [neuron]
dw/dt = 0 : nS [plastic]
da/dt = -a/tau_s : 1 [plastic]
event spike when V > -50 mV: V = -60 mV, x = x + 1, hold V for tau_ref keeping arrivals
poisson noise[source] rate 300 Hz "background"
train seen[neuron] "recorded": V = V + 1 mV
projection exc from spike[neuron=0:4] to neuron: random(probability=0.5, self=false) after 0.3 ms + distance(exc)/c: g += w_E*pre(gain)/post(gain)
projection inh from spike[neuron=4:6] to neuron: all_to_all after uniform(1 ms, 2 ms): g += w_I
projection in from noise to neuron=0:2: one_to_one: g += normal(10 nS, 1 nS) "kicks"
projection plastic from spike to neuron: pairs(list=[0, 1, 3, 2]) after 1 ms: g += w, on arrival: w = max(w - 0.1 nS*post(x), 0), a = a + 1,
  back from spike: w = min(w + 0.1 nS*a, 5 nS)
)";

std::string message(const std::string& text) {
  try {
    compile<double>(read_circuit(text));
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

void refuses(const std::string& text, const std::string& part) {
  const std::string said = message(text);
  BOOST_TEST(said.find(part) != std::string::npos, said << "\n lacks: " << part);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spikes)

BOOST_AUTO_TEST_CASE(what_a_circuit_with_spikes_prints_reads_back_to_the_same_circuit) {
  const Circuit circuit = read_circuit(network);
  const Circuit again = read_circuit(to_text(circuit));
  BOOST_TEST((again == circuit), to_text(circuit) << to_text(again));
  BOOST_TEST(to_text(again) == to_text(circuit));
  BOOST_TEST(circuit.parameter("w_I").value == again.parameter("w_I").value);
}

BOOST_AUTO_TEST_CASE(delays_and_amounts_are_computed_synapse_by_synapse) {
  const auto system = compile<double>(read_circuit(network));
  auto workspace = system.workspace();
  const auto p = system.default_parameters();
  const Projection& exc = system.projections()[0];
  BOOST_TEST(!exc.common_delay);
  BOOST_TEST(!exc.synapses);
  const Connections c = connect(exc.rule, exc.pre, exc.post, exc.seed, exc.purpose);
  BOOST_TEST(c.size() > 0);
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto n = c.row[i + 1] - c.row[i];
    if (n == 0) continue;
    const std::vector<std::uint32_t> pre(n, i);
    const SynapseSpan span{c.row[i], pre, std::span(c.target).subspan(c.row[i], n)};
    std::vector<double> delay(n), amount(n);
    system.synapse_values(0, 0, span, p, {}, delay, workspace);
    system.synapse_values(0, exc.arrivals[0].expression, span, p, {}, amount, workspace);
    for (std::size_t s = 0; s < n; ++s) {
      const double across = std::abs(static_cast<double>(i) - static_cast<double>(span.post[s]));
      // the axis wraps after 6 mm; rounding of a few operations
      BOOST_TEST(delay[s] == 0.3 + std::min(across, 6 - across) / 0.5, boost::test_tools::tolerance(1e-14));
      BOOST_TEST(amount[s] == 6.0 * (i + 1) / (span.post[s] + 1), boost::test_tools::tolerance(1e-14));
    }
  }
  const Projection& inh = system.projections()[1];
  BOOST_TEST(inh.synapses->size() == 12U);
  BOOST_TEST(system.parameters().at("w_I").size == 12U);
  const std::vector<std::uint32_t> pre(6, 4), post{0, 1, 2, 3, 4, 5};
  std::vector<double> delay(6), amount(6);
  system.synapse_values(1, 0, {0, pre, post}, p, {}, delay, workspace);
  system.synapse_values(1, 1, {0, pre, post}, p, {}, amount, workspace);
  for (std::size_t s = 0; s < 6; ++s) {
    BOOST_TEST((delay[s] > 1 && delay[s] < 2));
    if (s > 0) BOOST_TEST(delay[s] != delay[0]);
    BOOST_TEST(amount[s] == p[system.parameters().at("w_I").offset + s]);
  }
  // In pieces the same numbers come.
  std::vector<double> part(2);
  system.synapse_values(1, 0, {3, std::span(pre).first(2), std::span(post).subspan(3, 2)}, p, {}, part, workspace);
  BOOST_TEST(part[0] == delay[3]);
  BOOST_TEST(part[1] == delay[4]);
}

BOOST_AUTO_TEST_CASE(derivatives_of_synapses_are_those_of_their_expressions) {
  const auto system = compile<double>(read_circuit(network));
  auto workspace = system.workspace();
  const auto p = system.default_parameters();
  const std::vector<std::uint32_t> pre{1, 1}, post{2, 5};
  const SynapseSpan span{0, pre, post};
  // amount = w_E gain_pre/gain_post
  std::vector<double> vp(p.size()), tangent(2), pbar(p.size());
  const std::size_t gain = system.parameters().at("gain").offset, w = system.parameters().at("w_E").offset;
  vp[gain + 1] = 1;
  vp[gain + 5] = 0.5;
  vp[w] = 2;
  system.synapse_jvp(0, 1, span, p, {}, {{}, vp}, tangent, workspace);
  const double expected[] = {2 * 2.0 / 3 + 6.0 / 3, 2 * 2.0 / 6 + 6.0 / 6 - 0.5 * 6 * 2.0 / 36};
  for (int s = 0; s < 2; ++s) BOOST_TEST(tangent[s] == expected[s], boost::test_tools::tolerance(1e-14));
  const std::vector<double> lambda{1, -2};
  system.synapse_vjp(0, 1, span, p, {}, lambda, {{}, pbar}, workspace);
  double product = 0;
  for (std::size_t i = 0; i < p.size(); ++i) product += pbar[i] * vp[i];
  BOOST_TEST(product == expected[0] - 2 * expected[1], boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(held_states_have_the_rate_zero_while_their_flag_is_one) {
  const auto system = compile<double>(read_circuit(R"(circuit one
axis n = 2
parameter tau_ref = 2 ms
dV/dt = 1 [mV/ms] : mV [n]
du/dt = 2 [mV/ms] : mV [n]
event spike when V > 10 mV: V = 0, hold V for tau_ref
)"));
  auto workspace = system.workspace();
  const auto p = system.default_parameters();
  const Event& event = system.events()[0];
  BOOST_TEST(event.holds);
  BOOST_TEST(system.driven() == 0U);
  std::vector<double> u(system.inputs().size()), y(4), rate(4), hold(2);
  BOOST_TEST(u.size() == 2U);
  u[event.held + 1] = 1;
  system.rhs({0.0, y, p, u}, rate, workspace);
  BOOST_TEST(rate == (std::vector<double>{1, 0, 2, 2}), boost::test_tools::per_element());
  system.hold_times(p, hold, workspace);
  BOOST_TEST(hold == (std::vector<double>{2, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(another_seed_draws_other_synapses) {
  const std::string text = R"(circuit random_weights
seed 1
axis n = 20
parameter w[syn] ~ uniform(0, 1) 1
dx/dt = -x/(5 ms) : 1 [n]
event spike when x > 1: x = 0
projection syn from spike to n: random(probability=0.3) after 1 ms: x += w
)";
  const Circuit circuit = read_circuit(text), other = circuit.with_seed(2);
  BOOST_TEST(circuit->projections[0].synapses->size() != other->projections[0].synapses->size());
  BOOST_TEST((other == read_circuit(text, "circuit text", {{"seed", 2}})));
}

BOOST_AUTO_TEST_CASE(mistakes_name_what_is_wrong) {
  const auto changed = [&](const std::string& old, const std::string& other) {
    std::string text = network;
    return text.replace(text.find(old), old.size(), other);
  };
  refuses(changed("exc from spike", "exc from spikes"), "no event 'spikes'");
  refuses(changed("exc from spike[neuron=0:4]", "exc from spike[neuron=4:4]"), "is an empty population");
  refuses(changed("exc from spike[neuron=0:4]", "exc from spike[neuron=0:40]"), "has 6 elements");
  refuses(changed("exc from spike[neuron=0:4]", "exc from spike[nuron=0:4]"), "no axis 'nuron'");
  refuses(changed("g += w_E*", "h += w_E*"), "no state 'h'");
  refuses(changed("g += w_E*pre(gain)", "g += w_E*gain"), "uses 'gain'");
  refuses(changed("post(gain)", "post(x)"), "must not depend on its target's state");
  refuses(changed("0.3 ms + distance(exc)/c", "-0.3 ms"), "arrives after it left");
  refuses(changed("0.3 ms + distance(exc)/c", "0.3 mV"), "units of the delay do not balance");
  refuses(changed("random(probability=0.5", "random(probability=1.5"), "from 0 to 1");
  refuses(changed("random(probability=0.5", "randm(probability=0.5"), "no rule of connection 'randm'");
  refuses(changed("hold V for", "hold U for"), "no state 'U'");
  refuses(changed("hold V for tau_ref", "hold V for V/(1 [mV/ms])"), "may depend on parameters only");
  refuses(changed("V = -60 mV, x", "V = -40 mV, x"), "still 10 [mV] above its threshold");
  refuses(changed("rate 300 Hz", "rate V"), "units of the rate of 'noise' do not balance");
  refuses(changed("projection in from", "projection source from"), "name of an axis");
}

BOOST_AUTO_TEST_SUITE_END()

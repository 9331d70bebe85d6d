// Copies side by side against one at a time.
#include "circuit/batch.hpp"

#include "base/error.hpp"
#include "circuit/discretise.hpp"
#include "circuit/text.hpp"
#include "tests/circuit/differences.hpp"

using namespace striate;
using namespace striate::testing;

namespace {

/// Every kind of operation that an axis in front has to pass through.
constexpr const char* layers = R"(circuit layers
axis k = 3
axis l = 3
axis y = 6
axis x = 8
axis synapse = 4
axis dy = 3
axis dx = 3
parameter W[l, k, dy, dx] = 0.1 1
parameter w[k, dy, dx] = 0.2 1
parameter M[l, k] = 0.3 1
parameter b[k] = [0.1, -0.2, 0.3] 1
parameter s[synapse] = [1, -2, 0.5, 0.25] 1
input X[y, x] : 1
input scale : 1
mixed := rename(conv(h, W, over=[k]), l, k)
own := conv(h, w, border=reflect)
gate := sigmoid(rename(matmul(M, h, over=[k]), l, k) + b)
few := sparse(s, sum(h, y, x), k, k, pairs=[0, 0, 1, 2, 2, 1, 0, 2])
normal := (h - mean(h, y, x))/sqrt(0.1 + mean((h - mean(h, y, x))^2, y, x))
best := max_over(h, k)
pooled := maxpool(h, y, x, window=2)
turned := transpose(h, x, k, y)
line := flip(shift(pad(slice(resample(h, x, 16), x, 2, 12), x, 1, 1), x, 2), x)
drive := b*X*scale
loss := sum(b*h^2, k, y, x)
h(0) = b + X
next(h) = gate*h + (1 - gate)*tanh(mixed - own + few + normal + best + drive + t/(9 ms)) : 1 [k, y, x]
next(trace) = trace/2 + mean(h, k, y, x)*scale : 1
)";

void check_batch(const Circuit& circuit, double tolerance) {
  constexpr std::size_t n = 3;
  Place one(circuit), many(batch(circuit, n));
  one.p = many.p = noise(one.p.size(), 1);
  const auto& fields = many.system.states();
  BOOST_TEST(fields[0].shape[0].name == "batch");
  /// The part of copy b in a flat vector of the batch, in the order of one circuit's fields.
  const auto part = [&](const Numbers& all, const Fields& of, std::size_t b) {
    Numbers result;
    for (const auto& field : of) {
      const std::size_t copies = field.shape.has("batch") ? n : 1;
      const std::size_t size = field.size / copies;
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(field.offset + (copies > 1 ? b : 0) * size);
      result.insert(result.end(), first, first + static_cast<std::ptrdiff_t>(size));
    }
    return result;
  };
  const Numbers next = many.rhs();
  Numbers observed(many.system.observables().size()), start(many.y.size());
  many.system.observe(many.at(), observed, many.workspace);
  many.system.initial(many.p, many.u, start, many.workspace);
  const Numbers lambda = noise(many.y.size(), 4);
  Numbers ybar(many.y.size()), pbar(many.p.size()), pbar_sum(many.p.size());
  many.system.vjp(many.at(), lambda, {ybar, pbar}, many.workspace);
  for (std::size_t b = 0; b < n; ++b) {
    one.y = part(many.y, fields, b);
    one.u = part(many.u, many.system.inputs(), b);
    check_close(part(next, fields, b), one.rhs(), tolerance);
    Numbers own(one.system.observables().size()), own_start(one.y.size()), own_ybar(one.y.size());
    one.system.observe(one.at(), own, one.workspace);
    check_close(part(observed, many.system.observables(), b), own, tolerance);
    one.system.initial(one.p, one.u, own_start, one.workspace);
    check_close(part(start, fields, b), own_start, tolerance);
    one.system.vjp(one.at(), part(lambda, fields, b), {own_ybar, pbar_sum}, one.workspace);
    check_close(part(ybar, fields, b), own_ybar, tolerance);
  }
  check_close(pbar, pbar_sum, 20 * tolerance);  // a sum over the batch
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batches)

// Convolutions may take another algorithm for a batch; values are of order 1.
BOOST_AUTO_TEST_CASE(a_batch_is_its_copies_and_sums_their_gradients) { check_batch(read_circuit(layers), 1e-12); }

BOOST_AUTO_TEST_CASE(discretised_flows_are_batched_too) {
  const Circuit flow = read_circuit(R"(circuit flow
axis y = 8
axis x = 8
parameter tau = 5 ms
input X[y, x] : 1
dV/dt = (relu(X - conv(V, box(y, x, size=3))) - V)/tau : 1 [y, x]
)");
  check_batch(discretise(flow, Scheme::rk4, 0.5), 1e-13);
}

BOOST_AUTO_TEST_CASE(a_batch_prints_as_text_that_reads_back_equal) {
  const Circuit many = batch(read_circuit(layers), 4);
  BOOST_TEST((read_circuit(to_text(many)) == many));
}

BOOST_AUTO_TEST_CASE(a_circuit_with_an_axis_batch_of_its_own_is_taken_at_that_length) {
  const Circuit own = read_circuit(
      "circuit c\naxis batch = 1\ninput X[batch] : 1\nnext(h) = X - mean(h, batch) : 1 [batch]\n", "c", {{"batch", 4}});
  BOOST_TEST((batch(own, 4) == own));
  BOOST_CHECK_EXCEPTION(batch(own, 2), Error, [](const Error& e) {
    return std::string(e.what()) ==
           "circuit 'c': its own axis batch has 4 elements, but a batch of 2 is asked. Read the circuit with the "
           "setting "
           "batch = 2.";
  });
}

BOOST_AUTO_TEST_SUITE_END()

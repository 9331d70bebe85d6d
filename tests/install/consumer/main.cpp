// A program outside the source tree: reads a circuit from its text, compiles it, and evaluates its rate and a product.
#include <cstdio>
#include <striate/circuit/compile.hpp>
#include <striate/circuit/text.hpp>
#include <striate/models/library.hpp>
#include <vector>

int main() {
  const auto decay = striate::read_circuit(
      "circuit decay \"leak towards a drive\"\n"
      "parameter tau = 4 ms in (0, inf)\n"
      "parameter I = 3 mV\n"
      "V(0) = 1 mV\n"
      "dV/dt = (I - V)/tau : mV\n");
  const auto system = striate::compile<double>(decay);
  auto workspace = system.workspace();
  const std::vector<double> y{1.0}, p = system.default_parameters(), direction{1.0};
  std::vector<double> rate(1), product(1, 0.0);
  const striate::At<double> at{0.0, y, p, {}};
  system.rhs(at, rate, workspace);
  system.jvp(at, {direction}, product, workspace);
  // (3 - 1)/4 and -1/4 are exact in binary, whatever the order of the operations.
  const bool right = rate[0] == 0.5 && product[0] == -0.25 && !striate::model_texts().empty();
  std::printf("rate %g mV/ms, product %g, %zu models\n", rate[0], product[0], striate::model_texts().size());
  return right ? 0 : 1;
}

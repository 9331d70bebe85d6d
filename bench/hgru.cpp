// A training step of the reference hGRU (25 channels, kernel 15x15, 8 steps, float): forward through the map, then
// back-propagation with every state kept, gradients towards the state and all parameters. bench/race_hgru.py runs it
// beside PyTorch.
//
// usage: bench_hgru SIDE BATCH [REPEATS]
#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "circuit/batch.hpp"
#include "circuit/compile.hpp"
#include "models/library.hpp"

using namespace striate;

namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const double side = argc > 1 ? std::atof(argv[1]) : 150;
  const auto images = static_cast<std::size_t>(argc > 2 ? std::atoi(argv[2]) : 2);
  const int repeats = argc > 3 ? std::atoi(argv[3]) : 5;
  constexpr std::size_t steps = 8;

  const Circuit circuit = batch(model("hgru", {{"y", side}, {"x", side}}).with_definitions({}), images);
  const auto system = compile<float>(circuit);
  auto workspace = system.workspace();
  auto p = system.default_parameters();
  const std::size_t n = system.states().size();
  std::vector<float> u(system.inputs().size());
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = static_cast<float>((37 * i + 11) % 101) / 101;
  std::vector<std::vector<float>> y(steps + 1, std::vector<float>(n));
  std::vector<float> lambda(n), ybar(n), pbar(p.size());

  std::vector<double> forward, backward;
  for (int r = 0; r <= repeats; ++r) {
    p[0] += 1e-6F;  // as after an update: kernels are transformed anew
    double start = seconds();
    system.initial(p, u, y[0], workspace);
    for (std::size_t t = 0; t < steps; ++t) system.rhs({static_cast<float>(t), y[t], p, u}, y[t + 1], workspace);
    const double middle = seconds();
    std::fill(lambda.begin(), lambda.end(), 1e-3F);
    std::fill(pbar.begin(), pbar.end(), 0.0F);
    for (std::size_t t = steps; t-- > 0;) {
      std::fill(ybar.begin(), ybar.end(), 0.0F);
      system.vjp({static_cast<float>(t), y[t], p, u}, lambda, {ybar, pbar}, workspace);
      std::swap(ybar, lambda);
    }
    const double end = seconds();
    if (r == 0) continue;  // compiles
    forward.push_back(middle - start);
    backward.push_back(end - middle);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("side %g batch %zu threads %d: forward %.3f s, backward %.3f s, together %.3f s, peak memory %.2f GiB\n",
              side, images, omp_get_max_threads(), median(forward), median(backward),
              median(forward) + median(backward), static_cast<double>(usage.ru_maxrss) / (1 << 20));
  for (const auto& a : system.algorithms())
    if (argc > 4) std::printf("  %s: %s (%s)\n", a.operation.c_str(), a.algorithm.c_str(), a.reason.c_str());
}

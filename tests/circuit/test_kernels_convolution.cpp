#include <omp.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "circuit/kernels/convolution_plan.hpp"
#include "circuit/kernels/table.hpp"

using namespace striate;

namespace {

/// Written out from the definition, with the border by its meaning: step over the edge one element at a time.
std::ptrdiff_t naive_border(std::ptrdiff_t i, std::ptrdiff_t n, Border border) {
  if (border == Border::zero) return i < 0 || i >= n ? -1 : i;
  if (n == 1) return 0;
  while (i < 0 || i >= n) {
    if (border == Border::circular) {
      i += i < 0 ? n : -n;
    } else {
      i = i < 0 ? -i : 2 * (n - 1) - i;
    }
  }
  return i;
}

struct Naive {
  ConvolutionShape s;

  /// body(kernel index, in index, out index) for every product of the definition
  template <class Body>
  void each(const Body& body) const {
    const auto cut = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
    for (std::size_t b = 0; b < s.batch; ++b)
      for (std::size_t o = 0; o < s.channels_out; ++o)
        for (std::size_t i = 0; i < s.channels_in; ++i) {
          if (!s.mixing && i != o) continue;
          const std::size_t kernel = s.mixing ? o * s.channels_in + i : s.shared_kernel ? 0 : i;
          for (std::size_t y = 0; y < s.ny; ++y)
            for (std::size_t x = 0; x < s.nx; ++x)
              for (std::size_t d = 0; d < s.ky; ++d)
                for (std::size_t e = 0; e < s.kx; ++e) {
                  const auto p = naive_border(cut(y + d) - cut(s.ky / 2), cut(s.ny), s.border_y);
                  const auto q = naive_border(cut(x + e) - cut(s.kx / 2), cut(s.nx), s.border_x);
                  if (p < 0 || q < 0) continue;
                  body((kernel * s.ky + d) * s.kx + e,
                       ((b * s.channels_in + i) * s.ny + static_cast<std::size_t>(p)) * s.nx +
                           static_cast<std::size_t>(q),
                       ((b * s.channels_out + o) * s.ny + y) * s.nx + x);
                }
        }
  }
};

template <class T>
std::vector<T> noise(std::size_t n, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<T> v(n);
  for (T& x : v) x = static_cast<T>(uniform(engine));
  return v;
}

/// Largest difference relative to the largest expected value: the error of a transform is spread over the whole plane.
template <class T>
double difference(const std::vector<T>& got, const std::vector<double>& expected) {
  double worst = 0, scale = 1e-30;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double off = std::abs(static_cast<double>(got[i]) - expected[i]);
    worst = std::isnan(off) ? std::numeric_limits<double>::infinity() : std::max(worst, off);
    scale = std::max(scale, std::abs(expected[i]));
  }
  return worst / scale;
}

template <class T>
struct Results {
  std::vector<T> out, back, gradient;
};

template <class T>
Results<T> run(const ConvolutionShape& s, ConvolutionAlgorithm algorithm, IsaLevel level, bool parallel) {
  const Convolution<T> plan(s, algorithm, level);
  // Scratch and results begin as NaN, and scratch off any alignment: nothing may rely on what is there.
  const T nan = std::numeric_limits<T>::quiet_NaN();
  std::vector<T> memory(plan.scratch_size() + 1, nan), prepared(plan.prepared_size(), nan);
  T* scratch = memory.data() + 1;
  const auto kernel = noise<T>(s.kernel_size(), 1), in = noise<T>(s.in_size(), 2), g = noise<T>(s.out_size(), 3);
  Results<T> r{std::vector<T>(s.out_size(), nan), std::vector<T>(s.in_size(), nan),
               std::vector<T>(s.kernel_size(), nan)};
  plan.prepare(kernel.data(), prepared.data(), scratch, parallel);
  plan.apply(prepared.data(), in.data(), r.out.data(), scratch, parallel);
  plan.apply_transposed(prepared.data(), g.data(), r.back.data(), scratch, parallel);
  const T *in_place = in.data(), *g_place = g.data();
  plan.kernel_gradient({&in_place, 1}, {&g_place, 1}, r.gradient.data(), scratch, parallel);
  return r;
}

std::string name(const ConvolutionShape& s) {
  std::ostringstream text;
  text << s.batch << " x " << s.channels_in << " to " << s.channels_out << ", plane " << s.ny << " x " << s.nx
       << ", kernel " << s.ky << " x " << s.kx
       << (s.mixing          ? " mixing"
           : s.shared_kernel ? " shared"
                             : " depth-wise")
       << ", borders " << static_cast<int>(s.border_y) << static_cast<int>(s.border_x);
  return text.str();
}

std::vector<IsaLevel> levels() {
  std::vector<IsaLevel> all;
  for (const IsaLevel level : {IsaLevel::v2, IsaLevel::v3, IsaLevel::v4}) {
    if (level <= highest_isa_level()) all.push_back(level);
  }
  return all;
}

constexpr ConvolutionAlgorithm algorithms[] = {ConvolutionAlgorithm::direct, ConvolutionAlgorithm::fft};
constexpr Border borders[] = {Border::zero, Border::reflect, Border::circular};

struct Size {
  std::size_t ny, nx, ky, kx;
};

/// Odd and even kernels, kernels beyond the plane, single rows, columns and points, sizes that do not factor, more
/// columns than four registers of floats.
constexpr Size sizes[] = {{8, 9, 3, 3}, {7, 11, 4, 5}, {6, 5, 13, 12}, {1, 20, 1, 7},   {1, 16, 1, 33}, {17, 1, 6, 1},
                          {1, 1, 3, 4}, {2, 3, 5, 9},  {13, 37, 7, 2}, {10, 75, 3, 11}, {12, 12, 1, 1}, {4, 4, 22, 23}};

std::vector<ConvolutionShape> kinds(const Size& size, Border y, Border x) {
  std::vector<ConvolutionShape> all;
  all.reserve(4);
  const auto add = [&](std::size_t batch, std::size_t in, std::size_t out, bool mixing, bool shared) {
    all.push_back({batch, in, out, size.ny, size.nx, size.ky, size.kx, mixing, shared, y, x});
  };
  add(2, 3, 3, false, false);
  add(2, 3, 3, false, true);
  add(3, 2, 5, true, false);
  add(1, 7, 1, true, false);
  return all;
}

template <class T>
void agrees_with_the_definition(double tolerance) {
  for (const Size& size : sizes)
    for (const Border y : borders)
      for (const Border x : borders)
        for (const ConvolutionShape& s : kinds(size, y, x)) {
          const auto kernel = noise<T>(s.kernel_size(), 1), in = noise<T>(s.in_size(), 2),
                     g = noise<T>(s.out_size(), 3);
          std::vector<double> out(s.out_size()), back(s.in_size()), gradient(s.kernel_size());
          Naive{s}.each([&](std::size_t k, std::size_t i, std::size_t o) {
            out[o] += static_cast<double>(kernel[k]) * static_cast<double>(in[i]);
            back[i] += static_cast<double>(kernel[k]) * static_cast<double>(g[o]);
            gradient[k] += static_cast<double>(in[i]) * static_cast<double>(g[o]);
          });
          for (const IsaLevel level : levels())
            for (const ConvolutionAlgorithm algorithm : algorithms) {
              BOOST_TEST_CONTEXT(name(s) << (algorithm == ConvolutionAlgorithm::fft ? " fft " : " direct ")
                                         << isa_name(level)) {
                const Results<T> r = run<T>(s, algorithm, level, false);
                BOOST_TEST(difference(r.out, out) < tolerance);
                BOOST_TEST(difference(r.back, back) < tolerance);
                BOOST_TEST(difference(r.gradient, gradient) < tolerance);
              }
            }
        }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kernels_convolution)

// Sums of at most 2 x 500 x 5 products of size one, rounded at 1.1e-16 each, in a random walk: below 1e-13 of the
// largest.
BOOST_AUTO_TEST_CASE(every_algorithm_border_and_level_agrees_with_the_definition_in_double) {
  agrees_with_the_definition<double>(1e-13);
}

// The same at 6e-8.
BOOST_AUTO_TEST_CASE(every_algorithm_border_and_level_agrees_with_the_definition_in_float) {
  agrees_with_the_definition<float>(1e-5);
}

BOOST_AUTO_TEST_CASE(the_transposed_convolution_is_the_adjoint_to_rounding) {
  for (const Border y : borders)
    for (const Border x : borders)
      for (const bool mixing : {false, true})
        for (const ConvolutionAlgorithm algorithm : algorithms) {
          const ConvolutionShape s{2, 5, mixing ? 6u : 5u, 40, 50, 15, 8, mixing, false, y, x};
          const auto r = run<double>(s, algorithm, isa_level(), false);
          const auto in = noise<double>(s.in_size(), 2), g = noise<double>(s.out_size(), 3);
          const auto kernel = noise<double>(s.kernel_size(), 1);
          double forward = 0, backward = 0, through_kernel = 0, size = 0;
          for (std::size_t i = 0; i < g.size(); ++i) {
            forward += g[i] * r.out[i];
            size += std::abs(g[i] * r.out[i]);
          }
          for (std::size_t i = 0; i < in.size(); ++i) backward += in[i] * r.back[i];
          for (std::size_t i = 0; i < kernel.size(); ++i) through_kernel += kernel[i] * r.gradient[i];
          // Relative to the sum of magnitudes, which bounds the rounding of each side.
          BOOST_TEST(std::abs(forward - backward) < 1e-14 * size, name(s));
          BOOST_TEST(std::abs(forward - through_kernel) < 1e-14 * size, name(s));
        }
}

BOOST_AUTO_TEST_CASE(large_planes_agree_between_direct_and_fft) {
  const ConvolutionShape s{1, 2, 3, 150, 150, 15, 15, true, false, Border::zero, Border::zero};
  const auto direct = run<double>(s, ConvolutionAlgorithm::direct, isa_level(), false);
  const auto fft = run<double>(s, ConvolutionAlgorithm::fft, isa_level(), false);
  // 450 products an output, 22500 a tap: rounding below 1e-13 of the largest.
  BOOST_TEST(difference(fft.out, direct.out) < 1e-13);
  BOOST_TEST(difference(fft.back, direct.back) < 1e-13);
  BOOST_TEST(difference(fft.gradient, direct.gradient) < 1e-13);
}

/// Large planes that are cut into tiles along y, x or both, with the last tile cut short or not.
std::vector<ConvolutionShape> tiled_shapes() {
  std::vector<ConvolutionShape> shapes;
  for (const Border y : borders)
    for (const Border x : borders)
      for (const Size& size : {Size{90, 120, 5, 8}, Size{151, 40, 6, 3}, Size{30, 150, 1, 9}, Size{230, 260, 3, 5}})
        shapes.push_back({2, 7, 6, size.ny, size.nx, size.ky, size.kx, true, false, y, x});
  return shapes;
}

BOOST_AUTO_TEST_CASE(tiles_of_large_planes_agree_with_the_direct_algorithm) {
  std::size_t along_y = 0, along_x = 0, both = 0;
  for (const ConvolutionShape& s : tiled_shapes()) {
    const TileSize tile = best_tile_size(s, sizeof(double));
    BOOST_TEST((tile.y == 0 || s.border_y != Border::reflect), name(s));
    BOOST_TEST((tile.x == 0 || s.border_x != Border::reflect), name(s));
    (tile.y > 0 && tile.x > 0 ? both : tile.y > 0 ? along_y : along_x) += tile.y + tile.x > 0;
    const auto direct = run<double>(s, ConvolutionAlgorithm::direct, isa_level(), false);
    const auto fft = run<double>(s, ConvolutionAlgorithm::fft, isa_level(), false);
    BOOST_TEST(difference(fft.out, direct.out) < 1e-13, name(s));
    BOOST_TEST(difference(fft.back, direct.back) < 1e-13, name(s));
    BOOST_TEST(difference(fft.gradient, direct.gradient) < 1e-13, name(s));
  }
  BOOST_TEST(along_y > 0);
  BOOST_TEST(along_x > 0);
  BOOST_TEST(both > 0);
}

// More images than spectra are held at once (16 MiB), more channels than pieces of work (16).
BOOST_AUTO_TEST_CASE(long_batches_and_many_channels_agree_between_direct_and_fft) {
  for (const ConvolutionShape& s :
       {ConvolutionShape{45, 24, 2, 60, 60, 3, 3, true, false, Border::zero, Border::circular},
        ConvolutionShape{2, 70, 3, 6, 7, 5, 3, true, false, Border::reflect, Border::zero},
        ConvolutionShape{3, 41, 41, 8, 8, 3, 5, false, true, Border::circular, Border::zero}}) {
    const auto direct = run<double>(s, ConvolutionAlgorithm::direct, isa_level(), false);
    const auto fft = run<double>(s, ConvolutionAlgorithm::fft, isa_level(), false);
    BOOST_TEST(difference(fft.out, direct.out) < 1e-13, name(s));
    BOOST_TEST(difference(fft.back, direct.back) < 1e-13, name(s));
    BOOST_TEST(difference(fft.gradient, direct.gradient) < 1e-13, name(s));
  }
}

BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_the_number_of_threads) {
  const int before = omp_get_max_threads();
  for (const ConvolutionShape& s :
       {ConvolutionShape{2, 19, 19, 20, 21, 7, 5, false, false, Border::reflect, Border::zero},
        ConvolutionShape{2, 19, 19, 20, 21, 7, 5, false, true, Border::zero, Border::circular},
        ConvolutionShape{3, 6, 9, 20, 21, 7, 5, true, false, Border::circular, Border::reflect},
        tiled_shapes().front()})
    for (const ConvolutionAlgorithm algorithm : algorithms) {
      const auto alone = run<float>(s, algorithm, isa_level(), false);
      for (const int threads : {1, 2, 7}) {
        omp_set_num_threads(threads);
        const auto together = run<float>(s, algorithm, isa_level(), true);
        BOOST_TEST((together.out == alone.out), name(s) << ", threads " << threads);
        BOOST_TEST((together.back == alone.back), name(s) << ", threads " << threads);
        BOOST_TEST((together.gradient == alone.gradient), name(s) << ", threads " << threads);
      }
    }
  omp_set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(the_cost_model_prefers_the_faster_algorithm_where_the_case_is_clear) {
  const auto prefers_fft = [](std::size_t channels, std::size_t n, std::size_t k, bool mixing, std::size_t bytes) {
    const ConvolutionShape s{1, channels, channels, n, n, k, k, mixing, false, Border::zero, Border::zero};
    return estimated_cost(s, ConvolutionAlgorithm::fft, bytes) < estimated_cost(s, ConvolutionAlgorithm::direct, bytes);
  };
  for (const std::size_t bytes : {4, 8}) {
    BOOST_TEST(prefers_fft(16, 64, 29, true, bytes));
    BOOST_TEST(prefers_fft(16, 64, 29, false, bytes));
    BOOST_TEST(prefers_fft(25, 150, 15, true, bytes));
    BOOST_TEST(!prefers_fft(16, 64, 3, false, bytes));
    BOOST_TEST(!prefers_fft(16, 64, 3, true, bytes));
    BOOST_TEST(!prefers_fft(16, 64, 5, false, bytes));
  }
}

BOOST_AUTO_TEST_CASE(shapes_that_make_no_sense_are_refused_with_the_reason) {
  const auto says = [](const std::string& part) {
    return [part](const Error& e) { return std::string(e.what()).find(part) != std::string::npos; };
  };
  ConvolutionShape s{1, 2, 3, 8, 8, 3, 3, false, false, Border::zero, Border::zero};
  BOOST_CHECK_EXCEPTION(Convolution<double>(s, ConvolutionAlgorithm::fft), Error, says("2 to 3, but a depth-wise"));
  s.channels_out = 2;
  s.kx = 0;
  BOOST_CHECK_EXCEPTION(Convolution<double>(s, ConvolutionAlgorithm::direct), Error, says("kernel = 3 x 0"));
}

BOOST_AUTO_TEST_SUITE_END()

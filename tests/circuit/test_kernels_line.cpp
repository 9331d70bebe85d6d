#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "circuit/kernels/line.hpp"
#include "tests/circuit/kernel_levels.hpp"

using namespace striate;
using striate::test::noise;
using striate::test::runnable_levels;

namespace {

/// Element read at position p of a line of n; walks back and forth one step at a time. -1 for a zero.
std::ptrdiff_t walk(std::ptrdiff_t p, std::ptrdiff_t n, Border border) {
  if (p >= 0 && p < n) return p;
  if (border == Border::zero) return -1;
  if (border == Border::circular) {
    while (p < 0) p += n;
    while (p >= n) p -= n;
    return p;
  }
  std::ptrdiff_t at = 0, step = p < 0 ? -1 : 1;
  if (n == 1) return 0;
  std::ptrdiff_t direction = step;
  for (std::ptrdiff_t i = 0; i != p; i += step) {
    if (at + direction < 0 || at + direction >= n) direction = -direction;
    at += direction;
  }
  return at;
}

/// The definition, in long double. The adjoint is the transpose of the same loop, element by element.
template <class T>
std::vector<long double> naive(const std::vector<T>& in, const Lines& s, const std::vector<T>& k,
                               const LineMode& mode) {
  std::vector<long double> out(in.size(), 0);
  const auto n = static_cast<std::ptrdiff_t>(s.n), taps = static_cast<std::ptrdiff_t>(k.size());
  for (std::size_t o = 0; o < s.outer; ++o) {
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      for (std::ptrdiff_t r = 0; r < taps; ++r) {
        const std::ptrdiff_t from = walk(i + r - taps / 2, n, mode.border);
        if (from < 0) continue;
        for (std::size_t j = 0; j < s.inner; ++j) {
          const std::size_t a = (o * s.n + static_cast<std::size_t>(i)) * s.inner + j;
          const std::size_t b = (o * s.n + static_cast<std::size_t>(from)) * s.inner + j;
          const long double weight = k[static_cast<std::size_t>(r)];
          if (mode.transposed) {
            out[b] += weight * in[a];
          } else {
            out[a] += weight * in[b];
          }
        }
      }
    }
  }
  return out;
}

const std::vector<Lines> shapes{{1, 64, 48}, {3, 10, 37}, {40, 33, 1}, {5, 12, 3},   {1, 100, 1}, {2, 7, 2}, {1, 1, 20},
                                {17, 1, 1},  {1, 1, 1},   {70, 2, 1},  {1, 5, 1000}, {9, 16, 5},  {1, 3, 31}};
const std::size_t tap_counts[] = {1, 2, 3, 4, 7, 8, 9, 16, 29, 75};
const Border borders[] = {Border::zero, Border::reflect, Border::circular};

std::string describe(const Lines& s, std::size_t taps, const LineMode& mode) {
  std::ostringstream text;
  text << "[" << s.outer << "][" << s.n << "][" << s.inner << "], " << taps << " taps, border " << int(mode.border)
       << (mode.transposed ? ", transposed" : "") << (mode.accumulate ? ", accumulated" : "");
  return text.str();
}

/// Runs convolution and box over all shapes, taps and modes, and compares with the definition.
template <class T>
void check_against_definition(bool box) {
  for (const Lines& s : shapes) {
    const std::vector<T> in = noise<T>(s.outer * s.n * s.inner, 1), before = noise<T>(in.size(), 2);
    for (const std::size_t taps : tap_counts) {
      const std::vector<T> k = box ? std::vector<T>(taps, T(0.3)) : noise<T>(taps, 3);
      for (const Border border : borders) {
        for (const int bits : {0, 1, 2, 3}) {
          const LineMode mode{border, (bits & 1) != 0, (bits & 2) != 0};
          const bool parallel = (taps & 1) != 0;
          std::vector<T> out = before, scratch(line_scratch<T>(s, taps, parallel), std::numeric_limits<T>::quiet_NaN());
          if (box) {
            line_box(in.data(), out.data(), s, k[0], taps, mode, scratch.data(), parallel);
          } else {
            line_convolve(in.data(), out.data(), s, k.data(), taps, mode, scratch.data(), parallel);
          }
          const auto want = naive(in, s, k, mode);
          long double worst = 0;
          for (std::size_t e = 0; e < out.size(); ++e) {
            const long double expected = want[e] + (mode.accumulate ? static_cast<long double>(before[e]) : 0);
            const long double error = std::abs(out[e] - expected);
            worst = error <= worst ? worst : error;  // NaN counts as worst
          }
          // An element collects at most twice the taps, of magnitude below 1 each, and every addition rounds by eps/2
          // of a sum no larger than their number. A wrong tap or element is of order 0.1.
          const auto terms = static_cast<long double>(2 * taps + 4);
          const long double bound = std::numeric_limits<T>::epsilon() * terms * terms / 2;
          BOOST_CHECK_MESSAGE(worst <= bound, describe(s, taps, mode) << (box ? ", box" : "") << ": " << double(worst)
                                                                      << " > " << double(bound));
        }
      }
    }
  }
}

/// The kernels of every level on a packed array, bit for bit: one multiply-add per tap, in the order of the taps.
template <class T>
void check_packed_kernels() {
  constexpr std::size_t width = bundle<T>;
  for (const IsaLevel level : runnable_levels()) {
    const LineKernels<T>& kernels = kernels_at<T>(level).line;
    for (const std::size_t rows : {1u, 2u, 5u, 8u, 19u}) {
      for (const std::size_t taps : tap_counts) {
        const std::vector<T> in = noise<T>((rows + taps - 1) * width, 4), k = noise<T>(taps, 5);
        const std::size_t stride = width + 3;
        std::vector<T> out(rows * stride, 7), suffix(taps * width);
        std::size_t before = 0, count = rows + taps - 1;  // rows that are there, after rows of zeros
        const auto exact = [&](std::size_t i, std::size_t j, bool reversed) {
          T sum = 0;
          for (std::size_t r = 0; r < taps; ++r) {
            const T weight = reversed ? k[taps - 1 - r] : k[r];
            const T x = i + r < before || i + r >= before + count ? T(0) : in[(i + r - before) * width + j];
            if (level == IsaLevel::v2) {
              const volatile T product = weight * x;  // two roundings, whatever this file is compiled for
              sum += product;
            } else {
              sum = std::fma(weight, x, sum);
            }
          }
          return sum;
        };
        for (const bool reversed : {false, true}) {
          for (const std::size_t zeros : {std::size_t{3}, taps, std::size_t{0}}) {
            before = zeros;
            count = std::max<std::size_t>(rows + taps - 1, 2 * zeros + 1) - 2 * zeros;
            kernels.convolve({in.data(), width, before, count}, out.data(), stride, rows,
                             reversed ? k.data() + taps - 1 : k.data(), reversed ? -1 : 1, taps, false);
            bool same = true, untouched = true;
            for (std::size_t i = 0; i < rows; ++i) {
              for (std::size_t j = 0; j < width; ++j) same &= out[i * stride + j] == exact(i, j, reversed);
              for (std::size_t j = width; j < stride; ++j) untouched &= out[i * stride + j] == 7;
            }
            BOOST_CHECK_MESSAGE(same && untouched, "convolve " << isa_name(level) << ", rows " << rows << ", taps "
                                                               << taps << ", rows of zeros " << zeros);
          }

          std::vector<T> run(rows * width);
          kernels.convolve_contiguous(in.data(), run.data(), run.size(), width,
                                      reversed ? k.data() + taps - 1 : k.data(), reversed ? -1 : 1, taps, false);
          bool run_same = true;
          for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < width; ++j) run_same &= run[i * width + j] == exact(i, j, reversed);
          }
          BOOST_CHECK_MESSAGE(run_same,
                              "convolve_contiguous " << isa_name(level) << ", rows " << rows << ", taps " << taps);
        }
        kernels.box(in.data(), out.data(), stride, rows, T(0.5), taps, false, suffix.data());
        T worst = 0;
        for (std::size_t i = 0; i < rows; ++i) {
          for (std::size_t j = 0; j < width; ++j) {
            long double sum = 0;
            for (std::size_t r = 0; r < taps; ++r) sum += in[(i + r) * width + j];
            worst = std::max<T>(worst, std::abs(static_cast<T>(out[i * stride + j] - sum / 2)));
          }
        }
        BOOST_CHECK_LE(worst, std::numeric_limits<T>::epsilon() * T(taps + 1));
      }
    }
    for (const auto& [rows, columns] :
         {std::pair<std::size_t, std::size_t>{16, 16}, {37, 16}, {16, 45}, {3, 5}, {33, 31}}) {
      const std::vector<T> in = noise<T>(rows * (columns + 2), 6);
      std::vector<T> out(columns * (rows + 1));
      kernels.transpose(in.data(), columns + 2, out.data(), rows + 1, rows, columns);
      bool same = true;
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) same &= out[j * (rows + 1) + i] == in[i * (columns + 2) + j];
      }
      BOOST_CHECK_MESSAGE(same, "transpose " << isa_name(level) << " " << rows << " x " << columns);
    }
    for (const std::size_t n : {1u, 3u, 16u, 100u, 2048u}) {
      const std::vector<T> a = noise<T>(n, 8), b = noise<T>(n, 9);
      long double sum = 0, dot = 0;
      for (std::size_t i = 0; i < n; ++i) sum += a[i], dot += static_cast<long double>(a[i]) * b[i];
      const T bound = std::numeric_limits<T>::epsilon() * T(8 + n / 8);  // n/lanes roundings of sums of random sign
      BOOST_CHECK_LE(std::abs(kernels.sum(a.data(), n) - sum), bound);
      BOOST_CHECK_LE(std::abs(kernels.dot(a.data(), b.data(), n) - dot), bound);
      BOOST_CHECK_EQUAL(kernels.max(a.data(), n), *std::max_element(a.begin(), a.end()));
      std::vector<T> holed = a;
      holed[n / 2] = std::numeric_limits<T>::quiet_NaN();
      BOOST_CHECK(std::isnan(kernels.max(holed.data(), n)));
    }
  }
}

template <class T>
void check_reductions() {
  for (const Lines& s : shapes) {
    const std::vector<T> in = noise<T>(s.outer * s.n * s.inner, 10);
    for (const bool parallel : {false, true}) {
      std::vector<T> total(s.outer * s.inner), largest(total.size());
      line_sum(in.data(), total.data(), s, parallel);
      line_max(in.data(), largest.data(), s, parallel);
      for (std::size_t o = 0; o < s.outer; ++o) {
        for (std::size_t j = 0; j < s.inner; ++j) {
          long double sum = 0;
          T high = -std::numeric_limits<T>::infinity();
          for (std::size_t i = 0; i < s.n; ++i) {
            const T x = in[(o * s.n + i) * s.inner + j];
            sum += x;
            high = std::max(high, x);
          }
          BOOST_REQUIRE_LE(std::abs(total[o * s.inner + j] - sum), std::numeric_limits<T>::epsilon() * T(s.n + 1));
          BOOST_REQUIRE_EQUAL(largest[o * s.inner + j], high);
        }
      }
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kernels_line)

BOOST_AUTO_TEST_CASE(convolution_and_its_adjoint_follow_the_definition) {
  check_against_definition<double>(false);
  check_against_definition<float>(false);
}

BOOST_AUTO_TEST_CASE(box_sums_and_their_adjoint_follow_the_definition) {
  check_against_definition<double>(true);
  check_against_definition<float>(true);
}

BOOST_AUTO_TEST_CASE(packed_kernels_of_every_level_follow_the_definition) {
  check_packed_kernels<double>();
  check_packed_kernels<float>();
}

BOOST_AUTO_TEST_CASE(reductions_follow_the_definition) {
  check_reductions<double>();
  check_reductions<float>();
}

BOOST_AUTO_TEST_CASE(box_sums_stay_accurate_on_long_lines_of_very_unequal_size) {
  // A running sum that subtracts what leaves it would carry the rounding of 1e8 (about 1e-8) along the rest of the
  // line.
  const Lines s{1, 4096, 1};
  std::vector<double> in = noise<double>(s.n, 11);
  for (std::size_t i = 0; i < s.n; i += 512) in[i] *= 1e8;
  for (const std::size_t taps : {5u, 29u, 1001u}) {
    const std::vector<double> k(taps, 1.0);
    const LineMode mode{Border::reflect, false, false};
    std::vector<double> out(s.n), scratch(line_scratch<double>(s, taps, false));
    line_box(in.data(), out.data(), s, 1.0, taps, mode, scratch.data(), false);
    const auto want = naive(in, s, k, mode);
    std::vector<double> magnitude(in);
    for (double& x : magnitude) x = std::abs(x);
    const auto size = naive(magnitude, s, k, mode);
    long double worst = 0;
    for (std::size_t i = 0; i < s.n; ++i) worst = std::max(worst, std::abs(out[i] - want[i]) / size[i]);
    BOOST_CHECK_LE(worst, 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(a_nan_reaches_no_further_than_the_taps) {
  const Lines s{1, 64, 16};
  std::vector<double> in(s.n * s.inner, 1.0), out(in.size());
  for (std::size_t j = 0; j < s.inner; ++j) in[30 * s.inner + j] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> k(9, 1.0);
  std::vector<double> scratch(line_scratch<double>(s, 9, false));
  for (const bool box : {false, true}) {
    if (box) {
      line_box(in.data(), out.data(), s, 1.0, 9, {}, scratch.data(), false);
    } else {
      line_convolve(in.data(), out.data(), s, k.data(), 9, {}, scratch.data(), false);
    }
    for (std::size_t i = 0; i < s.n; ++i) {
      const bool reached = i >= 26 && i <= 34;
      BOOST_CHECK_EQUAL(std::isnan(out[i * s.inner]), reached);
    }
  }
}

BOOST_AUTO_TEST_CASE(parallel_and_serial_give_the_same_bits) {
  for (const Lines& s : {Lines{1, 64, 1024}, Lines{1024, 64, 1}, Lines{64, 64, 16}, Lines{13, 50, 7}}) {
    const std::vector<double> in = noise<double>(s.outer * s.n * s.inner, 12), k = noise<double>(29, 13);
    std::vector<double> serial(in.size()), threaded(in.size());
    for (const bool transposed : {false, true}) {
      const LineMode mode{Border::reflect, transposed, false};
      std::vector<double> scratch(line_scratch<double>(s, 29, true));
      line_convolve(in.data(), serial.data(), s, k.data(), 29, mode, scratch.data(), false);
      line_convolve(in.data(), threaded.data(), s, k.data(), 29, mode, scratch.data(), true);
      BOOST_CHECK(std::memcmp(serial.data(), threaded.data(), serial.size() * sizeof(double)) == 0);
    }
    BOOST_CHECK_EQUAL(sum(in.data(), in.size(), false), sum(in.data(), in.size(), true));
    BOOST_CHECK_EQUAL(dot(in.data(), in.data(), in.size(), false), dot(in.data(), in.data(), in.size(), true));
  }
}

BOOST_AUTO_TEST_CASE(full_sums_agree_with_long_double) {
  const std::vector<double> a = noise<double>(1'200'001, 14), b = noise<double>(a.size(), 15);  // more than 256 blocks
  long double total = 0, product = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i], product += static_cast<long double>(a[i]) * b[i];
  // Sums stay below 2000 here, and every element passes fewer than 1000 roundings.
  BOOST_CHECK_SMALL(static_cast<double>(sum(a.data(), a.size(), true) - total), 1e-10);
  BOOST_CHECK_SMALL(static_cast<double>(dot(a.data(), b.data(), a.size(), true) - product), 1e-10);
  BOOST_CHECK_EQUAL(sum<double>(nullptr, 0, true), 0);
}

BOOST_AUTO_TEST_SUITE_END()

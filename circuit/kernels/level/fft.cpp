#include <type_traits>
#include <utility>

#include "circuit/kernels/level/convolution_families.hpp"
#include "circuit/kernels/level/simd.hpp"

// Stockham transforms (self-sorting, decimation in frequency; Van Loan, Computational Frameworks for the FFT,
// 1992, 1.7), one signal a lane. A line is an array of complex registers: real lanes, then imaginary lanes.

namespace striate::STRIATE_LEVEL {
namespace {

template <class T>
struct Complex {
  Vec<T> re, im;
};

template <class T>
STRIATE_INLINE Complex<T> load_complex(const T* from) {
  return {load(from), load(from + lanes<T>)};
}
template <class T>
STRIATE_INLINE void store_complex(T* to, const Complex<T>& z) {
  store(to, z.re);
  store(to + lanes<T>, z.im);
}
template <class T>
STRIATE_INLINE Complex<T> plus(const Complex<T>& a, const Complex<T>& b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
STRIATE_INLINE Complex<T> minus(const Complex<T>& a, const Complex<T>& b) {
  return {a.re - b.re, a.im - b.im};
}
/// a - i s b and a + i s b for real s
template <class T>
STRIATE_INLINE Complex<T> minus_i(const Complex<T>& a, const Complex<T>& b) {
  return {a.re + b.im, a.im - b.re};
}
template <class T>
STRIATE_INLINE Complex<T> plus_i(const Complex<T>& a, const Complex<T>& b) {
  return {a.re - b.im, a.im + b.re};
}
template <class T>
STRIATE_INLINE Complex<T> scaled(const Complex<T>& a, T s) {
  return {a.re * s, a.im * s};
}

template <class T>
STRIATE_INLINE void butterfly(Complex<T> (&z)[2]) {
  const Complex<T> a = z[0];
  z[0] = plus(a, z[1]);
  z[1] = minus(a, z[1]);
}

template <class T>
STRIATE_INLINE void butterfly(Complex<T> (&z)[3]) {
  const Complex<T> sum = plus(z[1], z[2]);
  const Complex<T> middle = minus(z[0], scaled(sum, T(0.5)));
  const Complex<T> side = scaled(minus(z[1], z[2]), T(0.86602540378443864676));  // sin(pi/3)
  z[0] = plus(z[0], sum);
  z[1] = minus_i(middle, side);
  z[2] = plus_i(middle, side);
}

template <class T>
STRIATE_INLINE void butterfly(Complex<T> (&z)[4]) {
  const Complex<T> a = plus(z[0], z[2]);
  const Complex<T> b = minus(z[0], z[2]);
  const Complex<T> c = plus(z[1], z[3]);
  const Complex<T> d = minus(z[1], z[3]);
  z[0] = plus(a, c);
  z[1] = minus_i(b, d);
  z[2] = minus(a, c);
  z[3] = plus_i(b, d);
}

template <class T>
STRIATE_INLINE void butterfly(Complex<T> (&z)[5]) {
  constexpr T c1 = T(0.30901699437494742410), c2 = T(-0.80901699437494742410);  // cos(2 pi/5), cos(4 pi/5)
  constexpr T s1 = T(0.95105651629515357212), s2 = T(0.58778525229247312917);   // sin(2 pi/5), sin(4 pi/5)
  const Complex<T> a = plus(z[1], z[4]), b = minus(z[1], z[4]);
  const Complex<T> c = plus(z[2], z[3]), d = minus(z[2], z[3]);
  const Complex<T> near = {z[0].re + c1 * a.re + c2 * c.re, z[0].im + c1 * a.im + c2 * c.im};
  const Complex<T> far = {z[0].re + c2 * a.re + c1 * c.re, z[0].im + c2 * a.im + c1 * c.im};
  const Complex<T> near_side = {s1 * b.re + s2 * d.re, s1 * b.im + s2 * d.im};
  const Complex<T> far_side = {s2 * b.re - s1 * d.re, s2 * b.im - s1 * d.im};
  z[0] = plus(z[0], plus(a, c));
  z[1] = minus_i(near, near_side);
  z[2] = minus_i(far, far_side);
  z[3] = plus_i(far, far_side);
  z[4] = plus_i(near, near_side);
}

/// One pass over a line whose remaining length is radix * m, interleaved `stride` times.
template <class T, std::size_t radix>
void pass(std::size_t m, std::size_t stride, const T* twiddle, const T* from, T* to) {
  constexpr std::size_t step = 2 * lanes<T>;
  for (std::size_t p = 0; p < m; ++p, twiddle += 2 * (radix - 1)) {
    for (std::size_t q = 0; q < stride; ++q) {
      Complex<T> z[radix];
      for (std::size_t j = 0; j < radix; ++j) z[j] = load_complex(from + (q + stride * (p + m * j)) * step);
      butterfly(z);
      T* out = to + (q + stride * radix * p) * step;
      store_complex(out, z[0]);
      for (std::size_t j = 1; j < radix; ++j) {
        if (p > 0) {
          const T c = twiddle[2 * j - 2], s = twiddle[2 * j - 1];
          z[j] = {z[j].re * c - z[j].im * s, z[j].im * c + z[j].re * s};
        }
        store_complex(out + j * stride * step, z[j]);
      }
    }
  }
}

/// Transforms the line in `a` with `b` as the other buffer; returns the one that holds the result.
template <class T>
T* transform(const LineTransform<T>& line, T* a, T* b) {
  std::size_t rest = line.size, stride = 1;
  const T* twiddle = line.twiddle;
  for (std::size_t i = 0; i < line.passes; ++i) {
    const std::size_t radix = line.radix[i], m = rest / radix;
    switch (radix) {
      case 2: pass<T, 2>(m, stride, twiddle, a, b); break;
      case 3: pass<T, 3>(m, stride, twiddle, a, b); break;
      case 4: pass<T, 4>(m, stride, twiddle, a, b); break;
      default: pass<T, 5>(m, stride, twiddle, a, b); break;
    }
    twiddle += 2 * m * (radix - 1);
    rest = m;
    stride *= radix;
    T* other = a;
    a = b;
    b = other;
  }
  return a;
}

/// Swaps the blocks of h lanes of two registers that lie across the diagonal.
template <class T, std::size_t h, std::size_t... l>
STRIATE_INLINE void exchange(Vec<T>& a, Vec<T>& b, std::index_sequence<l...>) {
  const Vec<T> first = __builtin_shufflevector(a, b, static_cast<int>((l & h) == 0 ? l : lanes<T> + l - h)...);
  b = __builtin_shufflevector(a, b, static_cast<int>((l & h) == 0 ? l + h : lanes<T> + l)...);
  a = first;
}

template <class T, std::size_t h = 1>
STRIATE_INLINE void transpose(Vec<T> (&v)[lanes<T>]) {
  if constexpr (h < lanes<T>) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < lanes<T>; ++i) {
      if ((i & h) == 0) exchange<T, h>(v[i], v[i + h], std::make_index_sequence<lanes<T>>{});
    }
    transpose<T, 2 * h>(v);
  }
}

template <class T>
void clear(T* line, std::size_t size) {
  for (std::size_t i = 0; i < 2 * size; ++i) store(line + i * lanes<T>, Vec<T>{});
}

template <class T>
void repeat(const LineTransform<T>& line, T* z) {
  constexpr std::size_t step = 2 * lanes<T>;
  for (std::size_t i = 0; i < line.repeats; ++i) {
    store_complex(z + line.repeat_to[i] * step, load_complex(z + line.repeat_from[i] * step));
  }
}

template <class T>
void fold(const LineTransform<T>& line, T* z) {
  constexpr std::size_t step = 2 * lanes<T>;
  for (std::size_t i = 0; i < line.repeats; ++i) {
    T* to = z + line.repeat_from[i] * step;
    store_complex(to, plus(load_complex(to), load_complex(z + line.repeat_to[i] * step)));
  }
}

constexpr std::size_t round_up(std::size_t n, std::size_t m) { return (n + m - 1) / m * m; }

template <class T, class U>
STRIATE_INLINE T* at(SpectrumPlace<U> place, std::size_t f) {
  return place.data + f / spectrum_chunk * place.chunk_stride + f % spectrum_chunk * 2 * lanes<T>;
}

/// Work memory of one plane: half-transformed rows (real columns, then imaginary columns), and two lines.
template <class T>
struct Work {
  T *rows, *a, *b;
  std::size_t half, width;  // rows, columns padded to two registers
  Work(const PlaneTransform<T>& plane, T* work)
      : rows(work), half(plane.y.size / 2), width(round_up(plane.x.count, 2 * lanes<T>)) {
    const std::size_t longest = plane.y.size > plane.x.size ? plane.y.size : plane.x.size;
    a = rows + half * 2 * width;
    b = a + longest * 2 * lanes<T>;
  }
  T* re(std::size_t row) const { return rows + row * 2 * width; }
  T* im(std::size_t row) const { return rows + row * 2 * width + width; }
};

template <class T>
void forward(const PlaneTransform<T>& plane, const T* values, bool borders, SpectrumPlace<T> spectrum, T* memory) {
  constexpr std::size_t W = lanes<T>, step = 2 * W;
  const LineTransform<T>&y = plane.y, &x = plane.x;
  const Work<T> work(plane, memory);
  const bool y_gaps = y.count + (borders ? y.repeats : 0) < y.size;
  const bool x_gaps = x.count + (borders ? x.repeats : 0) < x.size;

  // Along y: two real columns a lane.
  for (std::size_t x0 = 0; x0 < x.count; x0 += 2 * W) {
    if (y_gaps) clear(work.a, y.size);
    const std::size_t first = x.count - x0, second = first > W ? first - W : 0;
    for (std::size_t i = 0; i < y.count; ++i) {
      const T* from = values + i * x.count + x0;
      store_complex<T>(work.a + y.position[i] * step, {load_part(from, first), load_part(from + W, second)});
    }
    if (borders) repeat(y, work.a);
    const T* z = transform(y, work.a, work.b);
    const Complex<T> zero = load_complex(z), middle = load_complex(z + work.half * step);
    store(work.re(0) + x0, zero.re);
    store(work.im(0) + x0, middle.re);
    store(work.re(0) + x0 + W, zero.im);
    store(work.im(0) + x0 + W, middle.im);
    for (std::size_t k = 1; k < work.half; ++k) {
      const Complex<T> p = load_complex(z + k * step), n = load_complex(z + (y.size - k) * step);
      store<T>(work.re(k) + x0, (p.re + n.re) * T(0.5));
      store<T>(work.im(k) + x0, (p.im - n.im) * T(0.5));
      store<T>(work.re(k) + x0 + W, (p.im + n.im) * T(0.5));
      store<T>(work.im(k) + x0 + W, (n.re - p.re) * T(0.5));
    }
  }

  // Along x: one row of frequencies a lane.
  const std::size_t blocks = round_up(work.half, W) / W;
  for (std::size_t block = 0; block < blocks; ++block) {
    if (x_gaps) clear(work.a, x.size);
    for (std::size_t x0 = 0; x0 < x.count; x0 += W) {
      Vec<T> re[W], im[W];
      for (std::size_t l = 0; l < W; ++l) {
        const std::size_t row = block * W + l;
        re[l] = row < work.half ? load(work.re(row) + x0) : Vec<T>{};
        im[l] = row < work.half ? load(work.im(row) + x0) : Vec<T>{};
      }
      transpose<T>(re);
      transpose<T>(im);
      for (std::size_t l = 0; l < W && x0 + l < x.count; ++l) {
        store_complex<T>(work.a + x.position[x0 + l] * step, {re[l], im[l]});
      }
    }
    if (borders) repeat(x, work.a);
    T* z = transform(x, work.a, work.b);
    if (block == 0) {
      // The first lane carries two real rows: y frequency 0 stays, y frequency size/2 goes behind the blocks.
      const std::size_t extra = blocks * x.size;
      for (std::size_t k = 0; 2 * k <= x.size; ++k) {
        const std::size_t mirror = k == 0 ? 0 : x.size - k;
        T *p = z + k * step, *n = z + mirror * step;
        const T p_re = p[0], p_im = p[W], n_re = n[0], n_im = n[W];
        const T re = (p_re + n_re) / 2, im = (p_im - n_im) / 2;
        const T extra_re = (p_im + n_im) / 2, extra_im = (n_re - p_re) / 2;
        p[0] = re;
        p[W] = im;
        n[0] = re;
        n[W] = k == mirror ? im : -im;
        T* to = at<T>(spectrum, extra + k / W) + k % W;
        to[0] = extra_re;
        to[W] = extra_im;
        to = at<T>(spectrum, extra + mirror / W) + mirror % W;
        to[0] = extra_re;
        to[W] = k == mirror ? extra_im : -extra_im;
      }
      std::size_t end = extra + x.size / W;
      if (x.size % W != 0) {
        T* to = at<T>(spectrum, end++);
        for (std::size_t l = x.size % W; l < W; ++l) to[l] = to[W + l] = 0;
      }
      for (; end % spectrum_chunk != 0; ++end) store_complex<T>(at<T>(spectrum, end), Complex<T>{});
    }
    for (std::size_t k = 0; k < x.size; ++k)
      store_complex(at<T>(spectrum, block * x.size + k), load_complex(z + k * step));
  }
}

template <class T>
void inverse(const PlaneTransform<T>& plane, SpectrumPlace<const T> spectrum, bool borders, T scale, bool add,
             T* values, T* memory) {
  // An inverse transform is a forward one with real and imaginary parts exchanged on both sides.
  constexpr std::size_t W = lanes<T>, step = 2 * W;
  const LineTransform<T>&y = plane.y, &x = plane.x;
  const Work<T> work(plane, memory);
  const std::size_t blocks = round_up(work.half, W) / W;
  for (std::size_t block = 0; block < blocks; ++block) {
    for (std::size_t k = 0; k < x.size; ++k) {
      const Complex<T> z = load_complex(at<const T>(spectrum, block * x.size + k));
      store_complex<T>(work.a + k * step, {z.im, z.re});
    }
    if (block == 0) {
      for (std::size_t k = 0; k < x.size; ++k) {
        const T* extra = at<const T>(spectrum, blocks * x.size + k / W) + k % W;
        T* z = work.a + k * step;
        z[0] += extra[0];
        z[W] -= extra[W];
      }
    }
    T* z = transform(x, work.a, work.b);
    if (borders) fold(x, z);
    for (std::size_t x0 = 0; x0 < x.count; x0 += W) {
      Vec<T> re[W], im[W];
      for (std::size_t l = 0; l < W; ++l) {
        const bool inside = x0 + l < x.count;
        const T* from = z + (inside ? x.position[x0 + l] * step : 0);
        im[l] = inside ? load(from) : Vec<T>{};
        re[l] = inside ? load(from + W) : Vec<T>{};
      }
      transpose<T>(re);
      transpose<T>(im);
      for (std::size_t l = 0; l < W && block * W + l < work.half; ++l) {
        store(work.re(block * W + l) + x0, re[l]);
        store(work.im(block * W + l) + x0, im[l]);
      }
    }
  }
  for (std::size_t x0 = 0; x0 < x.count; x0 += 2 * W) {
    const std::size_t first = x.count - x0, second = first > W ? first - W : 0;
    const bool both = second > 0;
    const auto part = [&](const T* row) { return both ? load(row + x0 + W) : Vec<T>{}; };
    store_complex<T>(work.a, {part(work.re(0)), load(work.re(0) + x0)});
    store_complex<T>(work.a + work.half * step, {part(work.im(0)), load(work.im(0) + x0)});
    for (std::size_t k = 1; k < work.half; ++k) {
      const Vec<T> a_re = load(work.re(k) + x0), a_im = load(work.im(k) + x0);
      const Vec<T> b_re = part(work.re(k)), b_im = part(work.im(k));
      store_complex<T>(work.a + k * step, {a_im + b_re, a_re - b_im});
      store_complex<T>(work.a + (y.size - k) * step, {b_re - a_im, a_re + b_im});
    }
    T* z = transform(y, work.a, work.b);
    if (borders) fold(y, z);
    for (std::size_t i = 0; i < y.count; ++i) {
      const Complex<T> v = load_complex(z + y.position[i] * step);
      T* to = values + i * x.count + x0;
      store_part<T>(to, first, v.im * scale, add);
      if (both) store_part<T>(to + W, second, v.re * scale, add);
    }
  }
}

/// sum += a b, or conj(a) b
template <class T, bool conjugate>
STRIATE_INLINE void multiply_add(Complex<T>& sum, const Complex<T>& a, const Complex<T>& b) {
  sum.re += a.re * b.re;
  sum.im += a.re * b.im;
  if constexpr (conjugate) {
    sum.re += a.im * b.im;
    sum.im -= a.im * b.re;
  } else {
    sum.re -= a.im * b.im;
    sum.im += a.im * b.re;
  }
}

template <class T>
void multiply(std::size_t count, const T* a, const T* b, bool conjugate, bool add, T* c) {
  constexpr std::size_t step = 2 * lanes<T>;
  for (std::size_t f = 0; f < count; ++f, a += step, b += step, c += step) {
    Complex<T> sum = add ? load_complex(c) : Complex<T>{};
    if (conjugate) {
      multiply_add<T, true>(sum, load_complex(a), load_complex(b));
    } else {
      multiply_add<T, false>(sum, load_complex(a), load_complex(b));
    }
    store_complex(c, sum);
  }
}

template <class T, bool conjugate, std::size_t M, std::size_t N>
void product_block(const SpectralProduct<T>& p, const T* a, const T* b, T* c) {
  Complex<T> sum[M][N] = {};
  for (std::size_t k = 0; k < p.k; ++k) {
    Complex<T> right[N];
    for (std::size_t j = 0; j < N; ++j) right[j] = load_complex(b + j * p.b_n + k * p.b_k);
    for (std::size_t i = 0; i < M; ++i) {
      const Complex<T> left = load_complex(a + i * p.a_m + k * p.a_k);
      for (std::size_t j = 0; j < N; ++j) multiply_add<T, conjugate>(sum[i][j], left, right[j]);
    }
  }
  for (std::size_t i = 0; i < M; ++i) {
    for (std::size_t j = 0; j < N; ++j) store_complex(c + i * p.c_m + j * p.c_n, sum[i][j]);
  }
}

template <class T, bool conjugate>
void product(const SpectralProduct<T>& p) {
  constexpr std::size_t M = register_bytes == 64 ? 4 : 2;
  for (std::size_t f = 0; f < p.count; ++f) {
    for (std::size_t i = 0; i < p.m; i += M) {
      const T* a = p.a + f * p.a_f + i * p.a_m;
      const std::size_t rows = p.m - i < M ? p.m - i : M;
      for (std::size_t j = 0; j < p.n; j += 2) {
        const T* b = p.b + f * p.b_f + j * p.b_n;
        T* c = p.c + f * p.c_f + i * p.c_m + j * p.c_n;
        const bool pair = p.n - j >= 2;
        switch (rows) {
          case 1:
            pair ? product_block<T, conjugate, 1, 2>(p, a, b, c) : product_block<T, conjugate, 1, 1>(p, a, b, c);
            break;
          case 2:
            pair ? product_block<T, conjugate, 2, 2>(p, a, b, c) : product_block<T, conjugate, 2, 1>(p, a, b, c);
            break;
          case 3:
            if constexpr (M == 4) {
              pair ? product_block<T, conjugate, 3, 2>(p, a, b, c) : product_block<T, conjugate, 3, 1>(p, a, b, c);
            }
            break;
          default:
            pair ? product_block<T, conjugate, M, 2>(p, a, b, c) : product_block<T, conjugate, M, 1>(p, a, b, c);
            break;
        }
      }
    }
  }
}

template <class T>
void product_either(const SpectralProduct<T>& p) {
  p.conjugate ? product<T, true>(p) : product<T, false>(p);
}

}  // namespace

template <class T>
SpectralKernels<T> spectral_kernels() {
  return {lanes<T>, forward<T>, inverse<T>, multiply<T>, product_either<T>};
}

template SpectralKernels<float> spectral_kernels<float>();
template SpectralKernels<double> spectral_kernels<double>();

}  // namespace striate::STRIATE_LEVEL

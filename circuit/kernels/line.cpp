#include "circuit/kernels/line.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/parallel_pieces.hpp"
#include "circuit/kernels/border.hpp"
#include "circuit/kernels/table.hpp"

// Lines side by side are gathered into packed bundles of 128 bytes with their borders written out, so that one inner
// kernel serves every layout and border: columns of [n][inner] by copying rows, lines of inner = 1 by transposing.

namespace striate {
namespace {

/// The packed rows of one operation. An adjoint is the operation with its taps reversed, except that at reflecting
/// borders it also computes the rows past both edges and then folds them back.
struct Rows {
  std::size_t before, after;  // packed rows in front of and behind the n rows of the line
  std::size_t outputs;        // rows computed
  std::size_t overhang;       // of these, those in front of row 0
  Border border;
  bool fold;
};

Rows plan_rows(std::size_t n, std::size_t taps, const LineMode& mode) {
  const std::size_t centre = mode.transposed ? taps - 1 - taps / 2 : taps / 2;
  if (mode.transposed && mode.border == Border::reflect) {
    return {taps - 1, taps - 1, n + taps - 1, taps - 1 - centre, Border::zero, true};
  }
  return {centre, taps - 1 - centre, n, 0, mode.border, false};
}

/// The columns of one bundle: consecutive in [outer][inner].
struct Bundle {
  std::size_t first, count;

  /// Calls body(offset of the run's first element in the array, first column in the bundle, length) for each run of
  /// columns of one line.
  template <class Body>
  void runs(const Lines& lines, const Body& body) const {
    for (std::size_t done = 0; done < count;) {
      const std::size_t o = (first + done) / lines.inner, j = (first + done) % lines.inner;
      const std::size_t length = std::min(lines.inner - j, count - done);
      body(o * lines.n * lines.inner + j, done, length);
      done += length;
    }
  }
};

/// One row of a bundle. Its size is known when compiled, which makes it a few moves instead of a call.
template <class T>
void copy_row(const T* from, T* to) {
  std::memcpy(to, from, bundle<T> * sizeof(T));
}

template <class T>
void copy_rows(const T* from, std::size_t from_stride, T* to, std::size_t to_stride, std::size_t rows,
               std::size_t length) {
  if (length == bundle<T>) {
    for (std::size_t i = 0; i < rows; ++i) copy_row(from + i * from_stride, to + i * to_stride);
    return;
  }
  for (std::size_t i = 0; i < rows; ++i) std::copy_n(from + i * from_stride, length, to + i * to_stride);
}

/// Writes the rows in front of and behind the n rows of the line, which are there already.
template <class T>
void write_borders(T* packed, std::size_t n, std::size_t width, const Rows& rows) {
  T* body = packed + rows.before * width;
  const auto write = [&](std::ptrdiff_t i) {
    T* row = body + i * static_cast<std::ptrdiff_t>(width);
    const std::ptrdiff_t from = border_index(i, static_cast<std::ptrdiff_t>(n), rows.border);
    const T* source = body + from * static_cast<std::ptrdiff_t>(width);
    if (from < 0) {
      std::fill_n(row, width, T(0));
    } else if (width == bundle<T>) {
      copy_row(source, row);
    } else {
      std::copy_n(source, width, row);
    }
  };
  for (std::size_t i = 1; i <= rows.before; ++i) write(-static_cast<std::ptrdiff_t>(i));
  for (std::size_t i = 0; i < rows.after; ++i) write(static_cast<std::ptrdiff_t>(n + i));
}

template <class T>
void pack(const LineKernels<T>& kernels, const T* in, T* packed, const Lines& lines, const Bundle& columns,
          const Rows& rows) {
  constexpr std::size_t width = bundle<T>;
  const std::size_t n = lines.n;
  T* body = packed + rows.before * width;
  if (columns.count < width) std::fill_n(body, n * width, T(0));
  if (lines.inner == 1) {
    kernels.transpose(in + columns.first * n, n, body, width, columns.count, n);
  } else {
    columns.runs(lines, [&](std::size_t offset, std::size_t column, std::size_t length) {
      copy_rows(in + offset, lines.inner, body + column, width, n, length);
    });
  }
}

template <class T>
void unpack(const LineKernels<T>& kernels, const T* packed, T* out, const Lines& lines, const Bundle& columns,
            bool accumulate, T* spare) {
  constexpr std::size_t width = bundle<T>;
  const std::size_t n = lines.n;
  if (lines.inner == 1) {
    T* to = accumulate ? spare : out + columns.first * n;
    kernels.transpose(packed, width, to, n, n, columns.count);
    if (accumulate) {
      T* sum = out + columns.first * n;
      for (std::size_t e = 0; e < columns.count * n; ++e) sum[e] += spare[e];
    }
    return;
  }
  columns.runs(lines, [&](std::size_t offset, std::size_t column, std::size_t length) {
    if (!accumulate) return copy_rows(packed + column, width, out + offset, lines.inner, n, length);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t l = 0; l < length; ++l) out[offset + i * lines.inner + l] += packed[i * width + column + l];
    }
  });
}

/// Adds the rows computed past the edges to the rows their reflections stand on.
template <class T>
void fold(T* rows_out, std::size_t n, std::size_t width, const Rows& rows) {
  T* body = rows_out + rows.overhang * width;
  const auto add = [&](std::ptrdiff_t i) {
    const T* from = body + i * static_cast<std::ptrdiff_t>(width);
    T* to =
        body + border_index(i, static_cast<std::ptrdiff_t>(n), Border::reflect) * static_cast<std::ptrdiff_t>(width);
    for (std::size_t l = 0; l < width; ++l) to[l] += from[l];
  };
  for (std::size_t i = 1; i <= rows.overhang; ++i) add(-static_cast<std::ptrdiff_t>(i));
  for (std::size_t i = n; i + rows.overhang < rows.outputs; ++i) add(static_cast<std::ptrdiff_t>(i));
}

/// Scratch elements of one piece: packed input, packed output, and what a kernel or the way back needs.
template <class T>
std::size_t piece_scratch(std::size_t n, std::size_t taps) {
  return ((n + 2 * taps) + (n + taps) + std::max(n, taps)) * bundle<T>;
}

/// How a kernel reads past the edges: from rows that are written out, or leaving out rows of zeros.
enum class Edges { written, zeros_left_out };

/// Rows further apart than this crowd into few places of the first-level cache, and are gathered.
constexpr std::size_t furthest_rows = 1024;  // bytes

/// Calls kernel(rows read, out, out_stride, rows, accumulate, spare) on every bundle.
template <class T, class Kernel>
void for_bundles(const T* in, T* out, const Lines& lines, std::size_t taps, const LineMode& mode, T* scratch,
                 bool parallel, Edges edges, const Kernel& kernel) {
  constexpr std::size_t width = bundle<T>;
  const Rows rows = plan_rows(lines.n, taps, mode);
  const bool bare = edges == Edges::zeros_left_out && rows.border == Border::zero;
  const std::size_t columns = lines.outer * lines.inner;
  const std::size_t bundles = (columns + width - 1) / width;
  const LineKernels<T>& table = kernels<T>().line;
  parallel_pieces(bundles, parallel, [&](std::size_t worker, std::size_t begin, std::size_t end) {
    T* packed = scratch + worker * piece_scratch<T>(lines.n, taps);
    T* result = packed + (lines.n + 2 * taps) * width;
    T* spare = result + (lines.n + taps) * width;
    const LineRows<T> whole = bare ? LineRows<T>{packed + rows.before * width, width, rows.before, lines.n}
                                   : LineRows<T>{packed, width, 0, rows.before + lines.n + rows.after};
    for (std::size_t b = begin; b < end; ++b) {
      const Bundle bundle_columns{b * width, std::min(width, columns - b * width)};
      const std::size_t o = bundle_columns.first / lines.inner, j = bundle_columns.first % lines.inner;
      const std::size_t at = o * lines.n * lines.inner + j;
      const bool one_run = bundle_columns.count == width && j + width <= lines.inner;
      const bool in_place = bare && one_run && lines.inner * sizeof(T) <= furthest_rows;
      if (!in_place) pack(table, in, packed, lines, bundle_columns, rows);
      if (!bare) write_borders(packed, lines.n, width, rows);
      const LineRows<T> read = in_place ? LineRows<T>{in + at, lines.inner, rows.before, lines.n} : whole;
      if (one_run && !rows.fold) {
        kernel(read, out + at, lines.inner, rows.outputs, mode.accumulate, spare);
        continue;
      }
      kernel(read, result, width, rows.outputs, false, spare);
      if (rows.fold) fold(result, lines.n, width, rows);
      unpack(table, result + rows.overhang * width, out, lines, bundle_columns, mode.accumulate, spare);
    }
  });
}

/// The few lines that would not fill half a register side by side run along themselves instead.
template <class T>
bool is_narrow(const Lines& lines) {
  return lines.outer * lines.inner <= 32 / sizeof(T);
}

template <class T>
void convolve_narrow(const T* in, T* out, const Lines& lines, const T* k, std::ptrdiff_t k_step, std::size_t taps,
                     const LineMode& mode, T* scratch) {
  const Rows rows = plan_rows(lines.n, taps, mode);
  const std::size_t inner = lines.inner;
  const std::size_t length = lines.n * inner;
  T* padded = scratch;
  T* result = scratch + (lines.n + 2 * taps) * inner;
  const LineKernels<T>& table = kernels<T>().line;
  for (std::size_t o = 0; o < lines.outer; ++o, in += length, out += length) {
    std::copy_n(in, length, padded + rows.before * inner);
    write_borders(padded, lines.n, inner, rows);
    if (!rows.fold) {
      table.convolve_contiguous(padded, out, length, inner, k, k_step, taps, mode.accumulate);
      continue;
    }
    table.convolve_contiguous(padded, result, rows.outputs * inner, inner, k, k_step, taps, false);
    fold(result, lines.n, inner, rows);
    const T* core = result + rows.overhang * inner;
    for (std::size_t e = 0; e < length; ++e) out[e] = mode.accumulate ? out[e] + core[e] : core[e];
  }
}

/// Reduces [outer][n][inner] over n: lines of inner = 1 one by one, others by rows, in pieces of fixed size.
template <class T>
void reduce_lines(const T* in, T* out, const Lines& lines, bool parallel, T (*line)(const T*, std::size_t),
                  void (*rows)(const T*, std::size_t, T*, std::size_t, std::size_t)) {
  constexpr std::size_t piece_elements = 8192;
  if (lines.inner == 1) {
    const std::size_t together = std::max<std::size_t>(1, piece_elements / lines.n);
    parallel_for((lines.outer + together - 1) / together, parallel, [&](std::size_t piece) {
      const std::size_t last = std::min(lines.outer, (piece + 1) * together);
      for (std::size_t o = piece * together; o < last; ++o) out[o] = line(in + o * lines.n, lines.n);
    });
    return;
  }
  constexpr std::size_t width = 8 * bundle<T>;
  const std::size_t strips = (lines.inner + width - 1) / width;
  parallel_for(lines.outer * strips, parallel, [&](std::size_t piece) {
    const std::size_t o = piece / strips, j = piece % strips * width;
    rows(in + o * lines.n * lines.inner + j, lines.inner, out + o * lines.inner + j, lines.n,
         std::min(width, lines.inner - j));
  });
}

/// The sum of block(first, count) over blocks of 2048 elements, in order.
template <class T, class Block>
T sum_blocks(std::size_t n, bool parallel, const Block& block) {
  constexpr std::size_t size = 2048;
  std::array<T, 256> parts;
  const std::size_t blocks = (n + size - 1) / size;
  T total = 0;
  for (std::size_t first = 0; first < blocks; first += parts.size()) {
    const std::size_t count = std::min(parts.size(), blocks - first);
    parallel_for(count, parallel, [&](std::size_t b) {
      const std::size_t at = (first + b) * size;
      parts[b] = block(at, std::min(size, n - at));
    });
    for (std::size_t b = 0; b < count; ++b) total += parts[b];
  }
  return total;
}

}  // namespace

template <class T>
std::size_t line_scratch(const Lines& lines, std::size_t taps, bool parallel) {
  const std::size_t bundles = (lines.outer * lines.inner + bundle<T> - 1) / bundle<T>;
  return parallel_workers(bundles, parallel) * piece_scratch<T>(lines.n, taps);
}

template <class T>
void line_convolve(const T* in, T* out, const Lines& lines, const T* k, std::size_t taps, const LineMode& mode,
                   T* scratch, bool parallel) {
  if (lines.outer * lines.n * lines.inner == 0) return;
  const T* first = mode.transposed ? k + (taps - 1) : k;
  const std::ptrdiff_t step = mode.transposed ? -1 : 1;
  if (is_narrow<T>(lines)) return convolve_narrow(in, out, lines, first, step, taps, mode, scratch);
  const auto convolve = kernels<T>().line.convolve;
  for_bundles(in, out, lines, taps, mode, scratch, parallel, Edges::zeros_left_out,
              [&](const LineRows<T>& read, T* to, std::size_t stride, std::size_t rows, bool accumulate, T*) {
                convolve(read, to, stride, rows, first, step, taps, accumulate);
              });
}

template <class T>
void line_box(const T* in, T* out, const Lines& lines, T weight, std::size_t taps, const LineMode& mode, T* scratch,
              bool parallel) {
  if (lines.outer * lines.n * lines.inner == 0) return;
  const auto box = kernels<T>().line.box;
  for_bundles(in, out, lines, taps, mode, scratch, parallel, Edges::written,
              [&](const LineRows<T>& read, T* to, std::size_t stride, std::size_t rows, bool accumulate, T* spare) {
                box(read.first, to, stride, rows, weight, taps, accumulate, spare);
              });
}

template <class T>
void line_sum(const T* in, T* out, const Lines& lines, bool parallel) {
  if (lines.n == 0) {
    std::fill_n(out, lines.outer * lines.inner, T(0));
    return;
  }
  const LineKernels<T>& table = kernels<T>().line;
  reduce_lines(in, out, lines, parallel, table.sum, table.sum_rows);
}

template <class T>
void line_max(const T* in, T* out, const Lines& lines, bool parallel) {
  const LineKernels<T>& table = kernels<T>().line;
  reduce_lines(in, out, lines, parallel, table.max, table.max_rows);
}

template <class T>
T sum(const T* a, std::size_t n, bool parallel) {
  const auto block = kernels<T>().line.sum;
  return sum_blocks<T>(n, parallel, [&](std::size_t at, std::size_t count) { return block(a + at, count); });
}

template <class T>
T dot(const T* a, const T* b, std::size_t n, bool parallel) {
  const auto block = kernels<T>().line.dot;
  return sum_blocks<T>(n, parallel, [&](std::size_t at, std::size_t count) { return block(a + at, b + at, count); });
}

#define STRIATE_INSTANTIATE(T)                                                                                  \
  template std::size_t line_scratch<T>(const Lines&, std::size_t, bool);                                        \
  template void line_convolve<T>(const T*, T*, const Lines&, const T*, std::size_t, const LineMode&, T*, bool); \
  template void line_box<T>(const T*, T*, const Lines&, T, std::size_t, const LineMode&, T*, bool);             \
  template void line_sum<T>(const T*, T*, const Lines&, bool);                                                  \
  template void line_max<T>(const T*, T*, const Lines&, bool);                                                  \
  template T sum<T>(const T*, std::size_t, bool);                                                               \
  template T dot<T>(const T*, const T*, std::size_t, bool)
STRIATE_INSTANTIATE(float);
STRIATE_INSTANTIATE(double);

}  // namespace striate

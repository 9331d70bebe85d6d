// Steps of the operations that are linear in each operand.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/parallel_pieces.hpp"
#include "circuit/kernels/border.hpp"
#include "circuit/kernels/convolution.hpp"
#include "circuit/kernels/line.hpp"
#include "circuit/kernels/matrix.hpp"
#include "circuit/kernels/table.hpp"
#include "circuit/program/function.hpp"
#include "circuit/program/lower.hpp"
#include "circuit/program/node_steps.hpp"
#include "circuit/program/plan.hpp"

namespace striate {
namespace {

/// One pass of a separated kernel; running sums where the kernel is a constant box.
template <class T>
struct LinePass {
  LinePass(const Expr& node, const Expr& kernel, const Place& at, const Lines& along)
      : place(at),
        lines(along),
        taps(kernel.shape().size()),
        mode{static_cast<Border>(node->ints[1]), static_cast<Face>(node->ints[0]) == Face::transposed, false} {
    if (is_constant_graph(kernel)) box = box_form(constant_value(kernel));
  }
  std::size_t work() const { return lines.outer * lines.n * lines.inner * (box.is_box ? 4 : taps); }
  std::size_t scratch(bool parallel) const { return line_scratch<T>(lines, taps, parallel); }
  void run(const Frame<T>& frame, const T* in, T* out, T* scratch, bool parallel) const {
    if (box.is_box)
      line_box(in, out, lines, static_cast<T>(box.weight), box.taps, mode, scratch, parallel);
    else
      line_convolve(in, out, lines, frame.read(place), taps, mode, scratch, parallel);
  }

  Place place;
  Lines lines;
  std::size_t taps;
  LineMode mode;
  BoxForm box;
};

template <class T>
class LineConvStep final : public Step<T> {
 public:
  LineConvStep(const Expr& node, const std::vector<Place>& operands, const Place& result)
      : in_(operands[1]),
        out_(result),
        pass_(node, node->args[0], operands[0], line_view(node.shape(), node->names[0])),
        parallel_(pass_.work() > parallel_threshold) {}
  void run(const Frame<T>& frame) const override {
    pass_.run(frame, frame.read(in_), frame.write(out_), frame.scratch, parallel_);
  }
  std::size_t scratch_size() const override { return pass_.scratch(parallel_); }

 private:
  Place in_, out_;
  LinePass<T> pass_;
  bool parallel_;
};

/// Two passes along neighbouring axes, plane by plane, so that what lies between them stays in cache.
template <class T>
class PlaneConvStep final : public PlaneStep<T> {
 public:
  PlaneConvStep(const Expr& node, const std::vector<Place>& operands, const Place& result)
      : in_(operands[1]),
        out_(result),
        whole_(line_view(node.shape(), node->names[0])),
        first_(node, node->args[0], operands[0], {1, whole_.n, whole_.inner}),
        second_(node, node->args[2], operands[2], within_plane(line_view(node.shape(), node->names[1]))),
        parallel_(work() > parallel_threshold) {}
  void run(const Frame<T>& frame) const override {
    parallel_pieces(whole_.outer, parallel_, [&](std::size_t worker, std::size_t begin, std::size_t end) {
      run_planes(frame, whole_.outer, begin, end, frame.scratch + worker * plane_scratch());
    });
  }
  std::size_t scratch_size() const override { return parallel_workers(whole_.outer, parallel_) * plane_scratch(); }

  std::size_t planes() const override { return whole_.outer; }
  bool falls_into(std::size_t planes) const override { return planes == whole_.outer; }
  std::vector<Access> accesses() const override {
    const std::size_t size = whole_.outer * plane();
    return {{in_, size, false, true},
            {out_, size, true, true},
            {first_.place, first_.taps, false, false},
            {second_.place, second_.taps, false, false}};
  }
  std::size_t work() const override { return whole_.outer * (first_.work() + second_.work()); }
  std::size_t plane_scratch() const override {
    return aligned_plane() + std::max(first_.scratch(false), second_.scratch(false));
  }
  void run_planes(const Frame<T>& frame, std::size_t, std::size_t begin, std::size_t end, T* between) const override {
    const T* in = frame.read(in_);
    T* out = frame.write(out_);
    T* scratch = between + aligned_plane();
    for (std::size_t o = begin; o < end; ++o) {
      first_.run(frame, in + o * plane(), between, scratch, false);
      second_.run(frame, between, out + o * plane(), scratch, false);
    }
  }

 private:
  Lines within_plane(Lines lines) const { return {lines.outer / whole_.outer, lines.n, lines.inner}; }
  std::size_t plane() const { return whole_.n * whole_.inner; }
  std::size_t aligned_plane() const { return (plane() + 31) / 32 * 32; }

  Place in_, out_;
  Lines whole_;
  LinePass<T> first_, second_;
  bool parallel_;
};

ConvolutionShape convolution_shape(const Expr& node) {
  const Face face = static_cast<Face>(node->ints[0]);
  const Shape& k = face == Face::kernel ? node.shape() : node->args[0].shape();
  const Shape& x =
      face == Face::forward ? node->args[1].shape() : (face == Face::kernel ? node->args[0].shape() : node.shape());
  const Shape& g = face == Face::forward ? node.shape() : node->args[1].shape();
  ConvolutionShape s{};
  s.batch = s.channels_in = s.channels_out = s.ny = s.ky = 1;
  s.shared_kernel = true;
  const auto is_space = [&](const std::string& a) {
    return std::find(node->names.begin(), node->names.end(), a) != node->names.end();
  };
  for (const auto& axis : x) {
    if (is_space(axis.name)) continue;
    (k.has(axis.name) ? s.channels_in : s.batch) *= axis.size;
    if (k.has(axis.name)) s.shared_kernel = false;
    if (k.has(axis.name) && !g.has(axis.name)) s.mixing = true;
  }
  for (const auto& axis : g) {
    if (is_space(axis.name)) continue;
    if (k.has(axis.name)) s.channels_out *= axis.size;
    if (k.has(axis.name) && !x.has(axis.name)) s.mixing = true;
  }
  if (s.mixing) s.shared_kernel = false;
  if (node->names.size() == 2) {
    s.ny = x[*x.find(node->names[0])].size;
    s.ky = k[*k.find(offset_axis(node->names[0]))].size;
  }
  s.nx = x[*x.find(node->names.back())].size;
  s.kx = k[*k.find(offset_axis(node->names.back()))].size;
  s.border_y = s.border_x = static_cast<Border>(node->ints[1]);
  if (face == Face::kernel) s.batch *= node->args.size() / 2;
  return s;
}

template <class T>
class ConvStep final : public Step<T> {
 public:
  ConvStep(const Expr& node, const std::vector<Place>& operands, const Place& result, Place prepared)
      : operands_(operands),
        out_(result),
        prepared_(prepared),
        face_(static_cast<Face>(node->ints[0])),
        plan_(make_plan(node)),
        parallel_(node.shape().size() * plan_.shape().kernel_size() > parallel_threshold) {}
  void run(const Frame<T>& frame) const override {
    T* scratch = frame.scratch;
    if (face_ == Face::kernel) {
      const T *in[most_kernel_gradients], *g[most_kernel_gradients];
      const std::size_t parts = operands_.size() / 2;
      for (std::size_t i = 0; i < parts; ++i) {
        in[i] = frame.read(operands_[2 * i]);
        g[i] = frame.read(operands_[2 * i + 1]);
      }
      return plan_.kernel_gradient({in, parts}, {g, parts}, frame.write(out_), scratch, parallel_);
    }
    const T* prepared = frame.read(prepared_);
    if (face_ == Face::forward)
      plan_.apply(prepared, frame.read(operands_[1]), frame.write(out_), scratch, parallel_);
    else
      plan_.apply_transposed(prepared, frame.read(operands_[1]), frame.write(out_), scratch, parallel_);
  }
  std::size_t scratch_size() const override { return plan_.scratch_size(); }

  static Convolution<T> make_plan(const Expr& node) {
    const auto algorithm = static_cast<Algorithm>(node->ints[2]) == Algorithm::fft ? ConvolutionAlgorithm::fft
                                                                                   : ConvolutionAlgorithm::direct;
    return Convolution<T>(convolution_shape(node), algorithm);
  }

 private:
  std::vector<Place> operands_;
  Place out_, prepared_;
  Face face_;
  Convolution<T> plan_;
  bool parallel_;
};

template <class T>
class PrepareStep final : public Step<T> {
 public:
  PrepareStep(const Expr& node, Place kernel, Place prepared)
      : kernel_(kernel), prepared_(prepared), plan_(ConvStep<T>::make_plan(node)) {}
  void run(const Frame<T>& frame) const override {
    plan_.prepare(frame.read(kernel_), frame.write(prepared_), frame.scratch,
                  plan_.prepared_size() > parallel_threshold);
  }
  std::size_t scratch_size() const override { return plan_.scratch_size(); }

 private:
  Place kernel_, prepared_;
  Convolution<T> plan_;
};

/// c[s, m, n] = sum over k of a[s, m, k] b[s, k, n]. Either factor may be stored with its last two axes exchanged (not
/// both), or lack s; where c lacks it, the sum goes over s too.
template <class T>
class ContractStep final : public Step<T> {
 public:
  ContractStep(const Expr& node, const std::vector<Place>& operands, const Place& result)
      : a_(operands[0]), b_(operands[1]), c_(result), shared_(at(node, 0)) {
    const std::size_t m = at(node, 1), k = at(node, 2), n = at(node, 3);
    const bool a_transposed = at(node, 4) != 0;
    bool b_transposed = at(node, 5) != 0;
    step_a_ = at(node, 6) * m * k;
    step_b_ = at(node, 7) * k * n;
    step_c_ = at(node, 8) * m * n;
    p_.m = m;
    p_.n = n;
    p_.k = k;
    if (n == 1) {  // a vector: its products run along the contiguous axis of the matrix
      b_transposed = !a_transposed;
      if (a_transposed) {
        std::swap(a_, b_);
        std::swap(step_a_, step_b_);
        std::swap(p_.m, p_.n);
      }
      p_.a_m = k;
      p_.a_k = 1;
      p_.b_k = a_transposed ? m : k;
      p_.c_m = a_transposed ? m : 1;
    } else {
      p_.a_m = a_transposed ? 1 : k;
      p_.a_k = a_transposed ? m : 1;
      p_.b_k = b_transposed ? k : n;
      p_.c_m = n;
    }
    product_ = b_transposed ? kernels<T>().dense.dots : kernels<T>().dense.columns;
    if (b_transposed) k_pieces_ = std::clamp<std::size_t>(k / 4096, 1, 16);
    partial_ = b_transposed && (k_pieces_ > 1 || step_c_ == 0) && shared_ * k_pieces_ > 1;
    parallel_ = shared_ * m * n * k > parallel_threshold;
  }

  void run(const Frame<T>& frame) const override {
    if (partial_)
      sum_parts(frame);
    else
      by_pieces(frame);
  }
  std::size_t scratch_size() const override { return partial_ ? shared_ * k_pieces_ * p_.m * p_.n : 0; }

 private:
  static std::size_t at(const Expr& node, std::size_t i) { return static_cast<std::size_t>(node->ints[i]); }

  /// Fixed pieces of the longer side of c.
  void by_pieces(const Frame<T>& frame) const {
    const T *a = frame.read(a_), *b = frame.read(b_);
    T* c = frame.write(c_);
    const bool by_rows = p_.m >= p_.n;
    const std::size_t length = by_rows ? p_.m : p_.n, piece = by_rows ? 32 : 512;
    const std::size_t pieces = (length + piece - 1) / piece;
    const bool dots = product_ == kernels<T>().dense.dots;
    const std::size_t together = step_c_ == 0 ? shared_ : 1;  // summed into one c
    parallel_for(shared_ / together * pieces, parallel_, [&](std::size_t job) {
      const std::size_t begin = job % pieces * piece;
      DenseProduct<T> p = p_;
      (by_rows ? p.m : p.n) = std::min(piece, length - begin);
      for (std::size_t i = 0; i < together; ++i) {
        const std::size_t s = job / pieces + i;
        p.a = a + s * step_a_ + (by_rows ? begin * p.a_m : 0);
        p.b = b + s * step_b_ + (by_rows ? 0 : begin * (dots ? p.b_k : 1));
        p.c = c + s * step_c_ + (by_rows ? begin * p.c_m : begin);
        p.add = i > 0;
        product_(p);
      }
    });
  }

  /// Long sums in fixed parts, added in order.
  void sum_parts(const Frame<T>& frame) const {
    const T *a = frame.read(a_), *b = frame.read(b_);
    T *c = frame.write(c_), *parts = frame.scratch;
    const std::size_t size = p_.m * p_.n;
    parallel_for(shared_ * k_pieces_, parallel_, [&](std::size_t job) {
      const std::size_t s = job / k_pieces_, piece = job % k_pieces_;
      const std::size_t begin = piece * p_.k / k_pieces_;
      DenseProduct<T> p = p_;
      p.k = (piece + 1) * p_.k / k_pieces_ - begin;
      p.a = a + s * step_a_ + begin;
      p.b = b + s * step_b_ + begin;
      p.c = parts + job * size;
      p.c_m = p_.n;
      p.add = false;
      product_(p);
    });
    const std::size_t together = (step_c_ == 0 ? shared_ : 1) * k_pieces_;
    for (std::size_t s = 0; s < shared_ * k_pieces_ / together; ++s) {
      for (std::size_t i = 0; i < size; ++i) {
        T total = parts[s * together * size + i];
        for (std::size_t part = 1; part < together; ++part) total += parts[(s * together + part) * size + i];
        c[s * step_c_ + i] = total;
      }
    }
  }

  Place a_, b_, c_;
  std::size_t shared_, step_a_, step_b_, step_c_;
  DenseProduct<T> p_{};
  void (*product_)(const DenseProduct<T>&);
  std::size_t k_pieces_ = 1;
  bool partial_, parallel_;
};

/// c[m, n] (+)= sum over i of a_i[m] b_i[n], as one product of matrices.
template <class T>
class OuterProductsStep final : public Step<T> {
 public:
  OuterProductsStep(const Expr& node, const std::vector<Place>& operands, const Place& result, bool accumulate)
      : operands_(operands), c_(result), dense_(kernels<T>().dense) {
    p_.m = static_cast<std::size_t>(node->ints[1]);
    p_.n = static_cast<std::size_t>(node->ints[3]);
    p_.k = operands.size() / 2;
    p_.a_m = 1;
    p_.a_k = p_.m;
    p_.b_k = p_.c_m = p_.n;
    p_.add = accumulate;
  }

  void run(const Frame<T>& frame) const override {
    T *a = frame.scratch, *b = a + p_.k * p_.m;
    for (std::size_t i = 0; i < p_.k; ++i) {
      std::copy_n(frame.read(operands_[2 * i]), p_.m, a + i * p_.m);
      std::copy_n(frame.read(operands_[2 * i + 1]), p_.n, b + i * p_.n);
    }
    T* c = frame.write(c_);
    constexpr std::size_t piece = 32;
    parallel_for((p_.m + piece - 1) / piece, p_.k * p_.m * p_.n > parallel_threshold, [&](std::size_t job) {
      DenseProduct<T> p = p_;
      p.a = a + job * piece;
      p.b = b;
      p.c = c + job * piece * p.n;
      p.m = std::min(piece, p.m - job * piece);
      dense_.columns(p);
    });
  }
  std::size_t scratch_size() const override { return p_.k * (p_.m + p_.n); }

 private:
  std::vector<Place> operands_;
  Place c_;
  DenseProduct<T> p_{};
  const DenseKernels<T>& dense_;
};

/// One matrix with several vectors, read once for a few of them.
template <class T>
class MatrixVectorsStep final : public Step<T> {
 public:
  MatrixVectorsStep(MatrixVector product, Place matrix, std::vector<Place> vectors, std::vector<Place> results)
      : product_(std::move(product)), matrix_(matrix), vectors_(std::move(vectors)), results_(std::move(results)) {}

  void run(const Frame<T>& frame) const override {
    const bool parallel = product_.rows * product_.columns > parallel_threshold;
    for (std::size_t v = 0; v < vectors_.size(); v += most_vectors) {
      const std::size_t count = std::min(most_vectors, vectors_.size() - v);
      std::array<const T*, most_vectors> x{};
      std::array<T*, most_vectors> out{};
      for (std::size_t i = 0; i < count; ++i) {
        x[i] = frame.read(vectors_[v + i]);
        out[i] = frame.write(results_[v + i]);
      }
      const auto product = [&](const auto* m) {
        matrix_vectors<T>(m, product_.rows, product_.columns, product_.transposed, {x.data(), count},
                          {out.data(), count}, parallel);
      };
      if (product_.single)
        product(reinterpret_cast<const float*>(frame.read(matrix_)));
      else
        product(frame.read(matrix_));
    }
  }

 private:
  MatrixVector product_;
  Place matrix_;
  std::vector<Place> vectors_, results_;
};

/// Floats in the memory of what they replace, half of it for double; kernels read them by copying bytes.
template <class T>
class SingleMatrixStep final : public Step<T> {
 public:
  SingleMatrixStep(std::size_t size, Place matrix, Place prepared)
      : size_(size), matrix_(matrix), prepared_(prepared) {}
  void run(const Frame<T>& frame) const override {
    const T* in = frame.read(matrix_);
    auto* out = reinterpret_cast<std::byte*>(frame.write(prepared_));
    constexpr std::size_t piece = 1 << 16;
    parallel_for((size_ + piece - 1) / piece, size_ > parallel_threshold, [&](std::size_t job) {
      for (std::size_t i = job * piece; i < std::min(size_, (job + 1) * piece); ++i) {
        const auto value = static_cast<float>(in[i]);
        std::memcpy(out + i * sizeof value, &value, sizeof value);
      }
    });
  }

 private:
  std::size_t size_;
  Place matrix_, prepared_;
};

/// A sparse matrix by rows; entries of a row in ascending order of the pattern, so that sums have one order.
struct Rows {
  std::vector<std::size_t> begin, column, entry;

  Rows(std::size_t rows, const std::vector<std::pair<std::size_t, std::size_t>>& row_column) : begin(rows + 1, 0) {
    for (const auto& [row, col] : row_column) ++begin[row + 1];
    for (std::size_t i = 0; i < rows; ++i) begin[i + 1] += begin[i];
    column.resize(row_column.size());
    entry.resize(row_column.size());
    auto next = begin;
    for (std::size_t e = 0; e < row_column.size(); ++e) {
      const std::size_t at = next[row_column[e].first]++;
      column[at] = row_column[e].second;
      entry[at] = e;
    }
  }
};

template <class T>
class SparseStep final : public Step<T> {
 public:
  SparseStep(const Expr& node, const std::vector<Place>& operands, const Place& result)
      : a_(operands[0]),
        b_(operands[1]),
        out_(result),
        face_(static_cast<Face>(node->ints[0])),
        in_view_(line_view(face_ == Face::kernel ? node->args[0].shape() : node->args[1].shape(),
                           node->names[face_ == Face::transposed ? 1 : 0])),
        out_view_(face_ == Face::kernel ? line_view(node->args[1].shape(), node->names[1])
                                        : line_view(node.shape(), node->names[face_ == Face::transposed ? 0 : 1])),
        pattern_(node->pattern),
        rows_(out_view_.n, pairs(*node->pattern, face_ == Face::transposed)) {}

  void run(const Frame<T>& frame) const override {
    const T* a = frame.read(a_);
    const T* b = frame.read(b_);
    T* out = frame.write(out_);
    const std::size_t inner = in_view_.inner;
    const bool parallel = in_view_.outer * inner * rows_.entry.size() > parallel_threshold;
    if (face_ == Face::kernel) {
      constexpr std::size_t piece = 1024;
      const std::size_t synapses = pattern_->size() / 2;
      parallel_for((synapses + piece - 1) / piece, parallel, [&](std::size_t job) {
        for (std::size_t e = job * piece; e < std::min(synapses, (job + 1) * piece); ++e) {
          const auto post = static_cast<std::size_t>((*pattern_)[2 * e]);
          const auto pre = static_cast<std::size_t>((*pattern_)[2 * e + 1]);
          T total = 0;
          for (std::size_t o = 0; o < in_view_.outer; ++o)
            for (std::size_t j = 0; j < inner; ++j)
              total += a[(o * in_view_.n + pre) * inner + j] * b[(o * out_view_.n + post) * inner + j];
          out[e] = total;
        }
      });
      return;
    }
    constexpr std::size_t piece = 64;
    const std::size_t pieces = (out_view_.n + piece - 1) / piece;
    parallel_for(out_view_.outer * pieces, parallel, [&](std::size_t job) {
      const std::size_t o = job / pieces;
      const std::size_t first = job % pieces * piece;
      for (std::size_t row = first; row < std::min(out_view_.n, first + piece); ++row) {
        T* target = out + (o * out_view_.n + row) * inner;
        std::fill_n(target, inner, T(0));
        for (std::size_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e) {
          const T w = a[rows_.entry[e]];
          const T* source = b + (o * in_view_.n + rows_.column[e]) * inner;
          for (std::size_t j = 0; j < inner; ++j) target[j] += w * source[j];
        }
      }
    });
  }

 private:
  static std::vector<std::pair<std::size_t, std::size_t>> pairs(const std::vector<std::int64_t>& pattern,
                                                                bool transposed) {
    std::vector<std::pair<std::size_t, std::size_t>> result;
    for (std::size_t e = 0; e < pattern.size(); e += 2) {
      const auto post = static_cast<std::size_t>(pattern[e]);
      const auto pre = static_cast<std::size_t>(pattern[e + 1]);
      result.emplace_back(transposed ? pre : post, transposed ? post : pre);
    }
    return result;
  }

  Place a_, b_, out_;
  Face face_;
  Lines in_view_, out_view_;
  std::shared_ptr<const std::vector<std::int64_t>> pattern_;
  Rows rows_;
};

struct WeightedPair {
  std::size_t out, in;
  double weight;
};

/// The matrix of a line operation, before any transposition, as (out, in, weight).
std::vector<WeightedPair> line_entries(const Node& node, std::size_t out_size, std::size_t in_size) {
  std::vector<WeightedPair> entries;
  const auto n = static_cast<std::ptrdiff_t>(in_size);
  const auto take = [&](std::size_t out, std::ptrdiff_t in, double weight = 1) {
    if (in >= 0 && in < n) entries.push_back({out, static_cast<std::size_t>(in), weight});
  };
  const std::int64_t* setting = node.ints.data() + 2;
  for (std::size_t o = 0; o < out_size; ++o) {
    const auto i = static_cast<std::ptrdiff_t>(o);
    switch (static_cast<LineKind>(node.ints[0])) {
      case LineKind::shift: take(o, border_index(i - setting[0], n, static_cast<Border>(setting[1]))); break;
      case LineKind::pad: take(o, border_index(i - setting[0], n, static_cast<Border>(setting[2]))); break;
      case LineKind::slice: take(o, i + setting[0]); break;
      case LineKind::flip: take(o, n - 1 - i); break;
      case LineKind::resample: {
        const double centre =
            (static_cast<double>(o) + 0.5) * static_cast<double>(in_size) / static_cast<double>(out_size) - 0.5;
        const double at = std::clamp(centre, 0.0, static_cast<double>(in_size - 1));
        const auto below = std::min(static_cast<std::ptrdiff_t>(at), n - 1);
        const double fraction = at - static_cast<double>(below);
        if (fraction < 1) take(o, below, 1 - fraction);
        if (fraction > 0) take(o, below + 1, fraction);
        break;
      }
    }
  }
  return entries;
}

template <class T>
class LineStep final : public Step<T> {
 public:
  LineStep(const Expr& node, const std::vector<Place>& operands, const Place& result)
      : in_(operands[0]),
        out_(result),
        in_view_(line_view(node->args[0].shape(), node->names[0])),
        out_view_(line_view(node.shape(), node->names[0])),
        rows_(out_view_.n, pairs(*node)) {
    for (const auto& entry : entries_of(*node)) weights_.push_back(static_cast<T>(entry.weight));
  }

  void run(const Frame<T>& frame) const override {
    const T* in = frame.read(in_);
    T* out = frame.write(out_);
    const std::size_t inner = in_view_.inner;
    parallel_for(out_view_.outer, out_view_.outer * out_view_.n * inner > parallel_threshold, [&](std::size_t o) {
      for (std::size_t row = 0; row < out_view_.n; ++row) {
        T* target = out + (o * out_view_.n + row) * inner;
        std::fill_n(target, inner, T(0));
        for (std::size_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e) {
          const T w = weights_[rows_.entry[e]];
          const T* source = in + (o * in_view_.n + rows_.column[e]) * inner;
          for (std::size_t j = 0; j < inner; ++j) target[j] += w * source[j];
        }
      }
    });
  }

 private:
  std::vector<WeightedPair> entries_of(const Node& node) const {
    const bool transposed = node.ints[1] != 0;
    return transposed ? line_entries(node, in_view_.n, out_view_.n) : line_entries(node, out_view_.n, in_view_.n);
  }
  std::vector<std::pair<std::size_t, std::size_t>> pairs(const Node& node) const {
    std::vector<std::pair<std::size_t, std::size_t>> result;
    for (const auto& e : entries_of(node))
      node.ints[1] != 0 ? result.emplace_back(e.in, e.out) : result.emplace_back(e.out, e.in);
    return result;
  }

  Place in_, out_;
  Lines in_view_, out_view_;
  Rows rows_;
  std::vector<T> weights_;
};

}  // namespace

template <class T>
std::unique_ptr<Step<T>> linear_step(const Expr& node, const std::vector<Place>& operands, const Place& result,
                                     const Place& prepared) {
  switch (node->op) {
    case Op::conv:
      if (falls_into_planes(node)) return std::make_unique<PlaneConvStep<T>>(node, operands, result);
      if (is_line_conv(node)) return std::make_unique<LineConvStep<T>>(node, operands, result);
      return std::make_unique<ConvStep<T>>(node, operands, result, prepared);
    case Op::contract: return std::make_unique<ContractStep<T>>(node, operands, result);
    case Op::sparse: return std::make_unique<SparseStep<T>>(node, operands, result);
    default: return std::make_unique<LineStep<T>>(node, operands, result);
  }
}

template <class T>
std::unique_ptr<Step<T>> outer_products_step(const Expr& node, const std::vector<Place>& operands, const Place& result,
                                             bool accumulate) {
  return std::make_unique<OuterProductsStep<T>>(node, operands, result, accumulate);
}

std::optional<MatrixVector> matrix_vector(const Expr& node) {
  if (node->op != Op::contract) return std::nullopt;
  const auto at = [&](std::size_t i) { return static_cast<std::size_t>(node->ints[i]); };
  const std::size_t shared = at(0);
  const std::size_t m = at(1);
  const std::size_t k = at(2);
  const std::size_t n = at(3);
  if (shared != 1 || (m != 1 && n != 1)) return std::nullopt;
  const auto& a = node->args;
  const bool plain = n == 1 ? at(4) == 0 : at(5) != 0;  // the summed axis is the last one of the matrix
  const std::size_t results = n == 1 ? m : n;
  return MatrixVector{a[n == 1 ? 0 : 1], a[n == 1 ? 1 : 0], plain ? results : k, plain ? k : results, !plain,
                      at(9) != 0};
}

template <class T>
std::unique_ptr<Step<T>> matrix_vectors_step(const MatrixVector& product, const Place& matrix,
                                             const std::vector<Place>& vectors, const std::vector<Place>& results) {
  return std::make_unique<MatrixVectorsStep<T>>(product, matrix, vectors, results);
}

bool is_line_conv(const Expr& node) {
  return node->op == Op::conv && static_cast<Algorithm>(node->ints[2]) == Algorithm::separable;
}

bool falls_into_planes(const Expr& node) { return is_line_conv(node) && node->names.size() == 2; }

Expr prepared_operand(const Expr& node) {
  if (const auto product = matrix_vector(node)) return product->single ? product->matrix : Expr();
  const bool has_kernel =
      node->op == Op::conv && !is_line_conv(node) && static_cast<Face>(node->ints[0]) != Face::kernel;
  return has_kernel ? node->args[0] : Expr();
}

bool same_prepared(const Expr& a, const Expr& b) {
  if (a->op != b->op || !(prepared_operand(a) == prepared_operand(b))) return false;
  return a->op != Op::conv || (a->ints[2] == b->ints[2] && convolution_shape(a) == convolution_shape(b));
}

template <class T>
std::size_t prepared_size(const Expr& node) {
  if (node->op == Op::conv) return ConvStep<T>::make_plan(node).prepared_size();
  return (prepared_operand(node).shape().size() * sizeof(float) + sizeof(T) - 1) / sizeof(T);
}

template <class T>
std::unique_ptr<Step<T>> prepare_step(const Expr& node, const Place& operand, const Place& prepared) {
  if (node->op == Op::conv) return std::make_unique<PrepareStep<T>>(node, operand, prepared);
  return std::make_unique<SingleMatrixStep<T>>(prepared_operand(node).shape().size(), operand, prepared);
}

template std::unique_ptr<Step<float>> linear_step(const Expr&, const std::vector<Place>&, const Place&, const Place&);
template std::unique_ptr<Step<double>> linear_step(const Expr&, const std::vector<Place>&, const Place&, const Place&);
template std::unique_ptr<Step<float>> outer_products_step(const Expr&, const std::vector<Place>&, const Place&, bool);
template std::unique_ptr<Step<double>> outer_products_step(const Expr&, const std::vector<Place>&, const Place&, bool);
template std::unique_ptr<Step<float>> matrix_vectors_step(const MatrixVector&, const Place&, const std::vector<Place>&,
                                                          const std::vector<Place>&);
template std::unique_ptr<Step<double>> matrix_vectors_step(const MatrixVector&, const Place&, const std::vector<Place>&,
                                                           const std::vector<Place>&);
template std::size_t prepared_size<float>(const Expr&);
template std::size_t prepared_size<double>(const Expr&);
template std::unique_ptr<Step<float>> prepare_step(const Expr&, const Place&, const Place&);
template std::unique_ptr<Step<double>> prepare_step(const Expr&, const Place&, const Place&);

}  // namespace striate

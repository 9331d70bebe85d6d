#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "circuit/kernels/kernels.hpp"
#include "circuit/shape.hpp"
#include "circuit/unit.hpp"

namespace striate {

/// The operations of the graph. Pointwise ones take operands that broadcast by axis name.
enum class Op : unsigned char {
  // leaves
  constant,  ///< one number
  array,     ///< given numbers over the node's shape
  index,     ///< 0, 1, 2, ... along one axis
  variable,  ///< a state, parameter, input, the time, or an argument of a derived function
  random,    ///< numbers drawn for a parameter (circuit/random.hpp); ints[0] kind, ints[1] place, names the rows
  // pointwise
  add,
  sub,
  mul,
  div,
  neg,
  min,
  max,
  pow,
  sqrt,
  exp,
  log,
  sin,
  cos,
  atan2,  ///< args (y, x)
  tanh,
  sigmoid,
  softplus,
  relu,
  abs,
  single,  ///< rounded to single precision
  step,
  where,
  phi,      ///< phi_k, k in ints[0]; phi_1 = exprel
  convert,  ///< the same quantity in another unit
  // linear in each operand
  conv,      ///< args (k, x): cross-correlation along the axes in names; ints[0] the face, ints[1] border, ints[2]
             ///< algorithm
  contract,  ///< args (a, b): sum over every axis that the result lacks
  sparse,    ///< args (w, x): y[post] += w[synapse] x[pre]; ints[0] the face
  line,      ///< a sparse matrix along one axis: shift, pad, slice, flip, resample; ints[0] kind, ints[1] transposed
  // reductions and shapes
  sum,
  max_over,
  broadcast,
  rename,
  transpose,
  maxpool,         ///< maximum over windows along two axes
  delayed,         ///< args (x, tau): x as it was tau ago; an input of the integrator once compiled
  maxpool_select,  ///< args (x, v): v at the place of the maximum of x; ints.back() transposed
};

enum class VariableKind : unsigned char { state, parameter, input, time, argument };
enum class RandomKind : unsigned char { uniform, normal, orthogonal };
enum class LineKind : unsigned char { shift, pad, slice, flip, resample };
/// Which argument of the trilinear form <g, k (x) x> a conv or sparse node is the gradient of.
enum class Face : unsigned char { forward, transposed, kernel };
enum class Algorithm : unsigned char { automatic, direct, separable, box, fft };

struct Node;

/// A value of the graph: shape, unit and how it is computed. Immutable; equal expressions are the same node. One made
/// without a value is empty: it says "none", and whatever asks what it is throws Error.
class Expr {
 public:
  Expr() = default;
  Expr(double value);  // NOLINT: numbers stand in equations as they are
  explicit Expr(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

  explicit operator bool() const { return node_ != nullptr; }
  const Node& operator*() const { return *operator->(); }
  const Node* operator->() const {
    if (!node_) refuse_empty();
    return node_.get();
  }
  const Node* get() const { return node_.get(); }
  bool operator==(const Expr& other) const { return node_ == other.node_; }

  const Shape& shape() const;
  const Unit& unit() const;

 private:
  [[noreturn]] static void refuse_empty();
  std::shared_ptr<const Node> node_;
};

struct Node {
  Op op = Op::constant;
  std::vector<Expr> args;
  Shape shape;
  Unit unit;
  double value = 0;                                          ///< of a constant
  std::string name;                                          ///< of a variable
  VariableKind kind = VariableKind::argument;                ///< of a variable
  std::vector<std::string> names;                            ///< axes the operation works along
  std::vector<std::int64_t> ints;                            ///< its integer settings
  std::shared_ptr<const std::vector<double>> numbers;        ///< elements of an array
  std::shared_ptr<const std::vector<std::int64_t>> pattern;  ///< (post, pre) pairs of a sparse operator
};

/// The one node equal to `node`. All construction ends here.
Expr intern(Node node);

Expr quantity(double value, const Unit& unit);
Expr quantity(double value, std::string_view unit);
Expr array(std::vector<double> values, Shape shape, const Unit& unit = {});
Expr index(const Axis& axis);
Expr variable(VariableKind kind, std::string name, Shape shape, const Unit& unit);
Expr time_variable(const Unit& unit);

// Pointwise. Operands of + - min max and comparisons must have one dimension; they are converted to the first one's
// unit. A literal 0 takes any unit. Arguments of transcendental functions must be dimensionless.
Expr operator+(const Expr& a, const Expr& b);
Expr operator-(const Expr& a, const Expr& b);
Expr operator*(const Expr& a, const Expr& b);
Expr operator/(const Expr& a, const Expr& b);
Expr operator-(const Expr& a);
Expr min(const Expr& a, const Expr& b);  ///< derivative at a tie: that of b, but 0 beside a constant
Expr max(const Expr& a, const Expr& b);  ///< derivative at a tie: that of b, but 0 beside a constant
Expr pow(const Expr& a, const Expr& b);  ///< a quantity takes a constant exponent only
Expr sqrt(const Expr& a);
Expr exp(const Expr& a);
Expr log(const Expr& a);
Expr sin(const Expr& a);
Expr cos(const Expr& a);
/// The angle of the point (x, y) in (-pi, pi], x and y of one unit; 0 with derivative 0 where both are 0.
Expr atan2(const Expr& y, const Expr& x);
Expr tanh(const Expr& a);
// Compositions of the others; asin and acos are nan beyond [-1, 1].
Expr tan(const Expr& a);
Expr sinh(const Expr& a);
Expr cosh(const Expr& a);
Expr asin(const Expr& a);
Expr acos(const Expr& a);
Expr atan(const Expr& a);
Expr sigmoid(const Expr& a);
Expr softplus(const Expr& a);
Expr relu(const Expr& a);  ///< derivative at 0: 0
Expr abs(const Expr& a);   ///< derivative at 0: 0
/// a rounded to single precision; derivative 1. A matrix of parameters is then read in single precision by its products
/// with vectors, whose sums are double: half the memory that they stream.
Expr single(const Expr& a);
Expr step(const Expr& a);                                         ///< 1 where a > 0, else 0; derivative 0 everywhere
Expr greater(const Expr& a, const Expr& b);                       ///< 1 where a > b, else 0
Expr where(const Expr& condition, const Expr& a, const Expr& b);  ///< a where condition > 0, else b
Expr phi(int k, const Expr& a);                          ///< integral over s in (0, 1) of exp((1-s) a) s^(k-1)/(k-1)!
inline Expr exprel(const Expr& a) { return phi(1, a); }  ///< (exp(a) - 1)/a
Expr convert(const Expr& a, const Unit& unit);

/// Cross-correlation y[i] = sum_d k[d] x[i + d - size/2] along every axis `a` of x for which k has the offset axis
/// `da`. Other axes of k that x has too are summed when named in `over`, else kept (one kernel each); its remaining
/// axes are output channels.
Expr conv(const Expr& x, const Expr& kernel, const std::vector<std::string>& over = {}, Border border = Border::zero,
          Algorithm algorithm = Algorithm::automatic);
Expr matmul(const Expr& a, const Expr& b, const std::vector<std::string>& over);
/// y[post] = sum over synapses of w[synapse] x[pre]; pairs holds (post, pre) for each synapse.
Expr sparse(const Expr& w, const Expr& x, const std::string& pre, const Axis& post, std::vector<std::int64_t> pairs);
Expr shift(const Expr& x, const std::string& axis, std::int64_t by,
           Border border = Border::zero);  ///< y[i] = x[i - by]
Expr pad(const Expr& x, const std::string& axis, std::int64_t before, std::int64_t after, Border border = Border::zero);
Expr slice(const Expr& x, const std::string& axis, std::int64_t begin, std::int64_t end);
Expr flip(const Expr& x, const std::string& axis);
Expr resample(const Expr& x, const std::string& axis, std::int64_t size);  ///< linear, end points of cells aligned
Expr concatenate(const std::vector<Expr>& parts, const std::string& axis);

Expr sum(const Expr& x, const std::vector<std::string>& axes);
Expr mean(const Expr& x, const std::vector<std::string>& axes);
Expr max(const Expr& x, const std::vector<std::string>& axes);  ///< derivative at ties: shared equally
Expr broadcast_to(const Expr& x, const Shape& shape);
Expr rename(const Expr& x, const std::string& from, const std::string& to);
Expr transpose(const Expr& x, const std::vector<std::string>& order);
Expr maxpool(const Expr& x, const std::vector<std::string>& axes, std::int64_t window, std::int64_t stride);

/// The value of x a time tau ago, element by element; x and tau broadcast.
Expr delayed(const Expr& x, const Expr& tau);

// Kernels over the offset axes of the named axes.
Expr box(const std::vector<std::string>& axes, std::int64_t size);  ///< uniform, sums to 1
/// uniform on the square of side `outer` without its centre of side `inner`; sums to 1
Expr ring(const std::vector<std::string>& axes, std::int64_t outer, std::int64_t inner);
/// exp(-|d|^2/(2 sd^2)) on a square of side `size`, divided by its sum; sd in elements
Expr gaussian(const std::vector<std::string>& axes, std::int64_t size, const Expr& sd);
/// exp(kappa cos(2 pi d/period)) divided by its sum
Expr von_mises(const std::string& axis, std::int64_t size, const Expr& kappa);
/// a Gaussian of d wrapped at `size`, divided by its sum; sd in elements
Expr wrapped_gaussian(const std::string& axis, std::int64_t size, const Expr& sd);
/// d = ..., -1, 0, 1, ... along the offset axis of `axis`
Expr offset(const std::string& axis, std::int64_t size);

// Building blocks of the transforms (derivatives, lowering); shapes are given because faces cannot infer them.
Expr conv_face(Face face, const Expr& a, const Expr& b, const std::vector<std::string>& axes, Border border,
               Algorithm algorithm, const Shape& result);
Expr contract(const Expr& a, const Expr& b, const Shape& result);
Expr sparse_face(Face face, const Expr& a, const Expr& b, const Node& like, const Shape& result);
Expr line_transposed(const Node& line, const Expr& g);
Expr maxpool_select(const Node& pool, const Expr& x, const Expr& v, bool transposed);

std::string_view op_name(Op op);
bool is_pointwise(Op op);
bool is_zero(const Expr& e);
std::string offset_axis(const std::string& axis);

/// Every node that `roots` depend on, each after its operands.
std::vector<Expr> topological_order(const std::vector<Expr>& roots);
/// Whether the expression depends on parameters alone; an absent one depends on nothing.
bool of_parameters(const Expr& e);
/// `roots` with every node replaced that `replace` gives a value for (after its operands have been replaced).
std::vector<Expr> substitute(const std::vector<Expr>& roots, const std::vector<std::pair<Expr, Expr>>& replacements);
/// The node with other operands, rebuilt through the same checks.
Expr with_args(const Expr& e, std::vector<Expr> args);

}  // namespace striate

// What is wrong with a text is said once, in its place, with the cause and what to do. The messages are pinned.
#include <boost/test/unit_test.hpp>

#include <functional>
#include <limits>

#include "base/error.hpp"
#include "circuit/derive.hpp"
#include "circuit/text.hpp"

using namespace striate;

namespace {

std::string message(const std::function<void()>& make) {
  try {
    make();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string times(int n, const std::string& text) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

/// A circuit with one state over 17 axes of two places.
std::string many_axes() {
  std::string axes, all;
  for (int i = 1; i <= 17; ++i) {
    axes += "axis a" + std::to_string(i) + " = 2\n";
    all += (i > 1 ? ", a" : "a") + std::to_string(i);
  }
  return "circuit c\n" + axes + "dV/dt = -V/(10 ms) : mV [" + all + "]\n";
}

struct Mistake {
  std::string name, text, message;
};

const std::vector<Mistake>& mistakes() {
  static const std::string first = "circuit c\n";
  static const std::string leak = "dV/dt = -V/(10 ms) : mV\n";
  static const std::string axes = "axis x = 5\naxis y = 3\n";
  static const std::string spiking = first + "axis n = 5\ndV/dt = 1/(1 ms) : 1 [n]\nevent spike when V > 1: V = 0\n";
  const auto to_all = [](const std::string& amount) {
    return "projection p from spike to n: all_to_all after 1 ms: V += " + amount + "\n";
  };
  static const std::vector<Mistake> all{
      {"a misspelt keyword", first + "paramter tau = 5 ms\n" + leak,
       "c.circuit:2:1: 'paramter' starts neither a declaration nor an equation (name := ..., dV/dt = ..., next(V) = "
       "..., V(0) = ...). Closest: parameter."},
      {"a flow and a map at once", first + leak + "next(w) = w/2 : 1\n",
       "c.circuit:3:1: circuit 'c': 'w' has an equation next(w), but 'V' has dV/dt. A circuit is a flow (d/dt) or a "
       "map "
       "(next), not both; discretise turns a flow into a map."},
      {"noise without a calculus", first + "noise xi\n" + leak,
       "c.circuit:2:9: noise is 'ito' or 'stratonovich', but the end of the line stands here. Where its size does not "
       "depend on the state both mean the same."},
      {"noise of both kinds", first + "noise a ito\nnoise b stratonovich\ndV/dt = a + b : 1\n",
       "c.circuit:3:7: circuit 'c': noise 'a' and noise 'b' are one Ito, the other Stratonovich, but a circuit has one "
       "calculus. Convert one of them."},
      {"noise squared", first + "noise a ito\ndV/dt = a^2 : 1\n",
       "c.circuit:3:1: circuit 'c': dV/dt is not linear in the white noise 'a'. Write it as a factor, once."},
      {"noise as a quantity of its own", first + "noise a ito\ndV/dt = a/(1 ms^0.5) : 1\nI := 2*a\n",
       "c.circuit:4:1: circuit 'c': 'I' uses the white noise 'a', but this has no value at a time: it may enter rates "
       "dx/dt only. Make coloured noise a state."},
      {"noise in a map", first + "noise a ito\nnext(V) = a*(1 ms^0.5) : 1\n",
       "c.circuit:3:1: circuit 'c': next(V) uses the white noise 'a', but this has no value at a time: it may enter "
       "rates dx/dt only. Make coloured noise a state."},
      {"a time unit after noise", first + "noise a ito\ntime s\ndV/dt = a : 1\n",
       "c.circuit:3:1: the time unit must be declared before noise."},
      {"a missing past", first + "dV/dt = -delayed(V, 5 ms)/(10 ms) : mV\n",
       "c.circuit:2:1: circuit 'c': dV/dt: delayed(V, 5 [ms]): the past of 'V' is missing. Write V(t <= 0) = ...."},
      {"a delay that is no time", first + "V(t <= 0) = 0\ndV/dt = -delayed(V, 5 mV)/(10 ms) : mV\n",
       "c.circuit:3:1: circuit 'c': dV/dt: delayed(V, 5 [mV]): the delay is a quantity in [mV], but must be a time "
       "such "
       "as 5 ms."},
      {"a delay that changes", first + "V(t <= 0) = 0\ndV/dt = -delayed(V, t)/(10 ms) : mV\n",
       "c.circuit:3:1: circuit 'c': dV/dt: delayed(V, t): the delay depends on 't', but may depend on parameters "
       "only."},
      {"a delayed input", first + "input I : mV\ndV/dt = -delayed(I, 2 ms)/(10 ms) : mV\n",
       "c.circuit:3:1: circuit 'c': dV/dt: delayed(I, 2 [ms]): 'I' is no state. Delay states, and shift an input in "
       "its "
       "drive."},
      {"two pasts", first + "V(0) = 1 mV\nV(t <= 0) = 0\n" + leak,
       "c.circuit:3:13: 'V' has both V(0) and V(t <= 0), which holds at 0, too. Keep one."},
      {"a past at another time", first + "V(t <= 1) = 0\n" + leak,
       "c.circuit:2:1: the past of a state is written V(t <= 0) = ...."},
      {"the step of a flow", first + "step 2 ms\n" + leak,
       "c.circuit:1:1: circuit 'c': it has a step, but is not a map. Write its equations as next(x) = ..., or leave "
       "the "
       "step out."},
      {"a step that is no time", first + "step 2 mV\nnext(w) = w/2 : 1\n",
       "c.circuit:2:6: the step of a map is a time such as 0.5 ms."},
      {"a step backwards", first + "step 0 ms\nnext(w) = w/2 : 1\n",
       "c.circuit:1:1: circuit 'c': step = 0 [ms], but must be positive."},
      {"an event in a map", first + "next(w) = w/2 : 1\nevent up when w > 1: w = 0\n",
       "c.circuit:3:7: circuit 'c': event 'up' stands in a map, but events belong to flows. Write the jump into next() "
       "with where(condition, then, otherwise)."},
      {"the next value in another unit", first + "parameter tau = 5 ms\nnext(V) = tau : mV\n",
       "c.circuit:3:1: circuit 'c': the units of next(V) do not balance: its equation gives [ms], but [mV] is needed. "
       "Check a missing factor or a parameter's unit."},
      {"a line that starts with no name", first + "= 3\n",
       "c.circuit:2:1: a line starts with '=', but must start with a name or a keyword."},
      {"no first line", leak, "c.circuit:1:1: the text lacks its first line: circuit NAME \"what it is\"."},
      {"an empty text", std::string(), "c.circuit:1:1: the text lacks its first line: circuit NAME \"what it is\"."},
      {"a second operand without an operator", first + "parameter tau = 5 ms\ndV/dt = -V/2 tau : mV\n",
       "c.circuit:3:14: an operator is missing between 2 and 'tau'. Write 2*tau."},
      {"a misspelt parameter", first + "parameter tau_m = 5 ms\ndV/dt = -V/tau_n : mV\n",
       "c.circuit:3:12: 'tau_n' is not defined. Closest: tau_m."},
      {"a misspelt state in a definition", first + leak + "a := Vm + 1\n",
       "c.circuit:3:6: 'Vm' is not defined. Closest: V."},
      {"a unit where a value is needed", first + "dV/dt = -V/ms : mV\n",
       "c.circuit:2:12: 'ms' is not defined. Known: V. A unit stands behind a number: 3 ms, 3 [1/ms]."},
      {"an array of more than 16 axes", many_axes(),
       "c.circuit:19:1: circuit 'c': dV/dt needs an array [a1=2, a2=2, a3=2, a4=2, a5=2, a6=2, a7=2, a8=2, a9=2, "
       "a10=2, "
       "a11=2, a12=2, a13=2, a14=2, a15=2, a16=2, a17=2] of more than 16 axes. Sum over one before."},
      {"a power behind a unit", first + "dV/dt = V*(1 mV)/(2 ms^2) : mV\n",
       "c.circuit:2:23: 2 ms^ may mean 2 [ms^2] or (2 ms)^2. Write one of them."},
      {"a composed unit without brackets", first + "dV/dt = V*max(0 1/ms, 1 1/ms) : mV\n",
       "c.circuit:2:17: ',' or ')' is needed in the call of max, but '1' stands here. A composed unit stands in "
       "brackets: 3 [mm/ms]."},
      {"a misspelt function", first + "dV/dt = -V*sigmoidd(1)/(10 ms) : mV\n",
       "c.circuit:2:12: there is no function 'sigmoidd'. Closest: sigmoid."},
      {"a misspelt option", first + axes + "input X[x] : 1\na := conv(X, box(x, size=3), boder=reflect)\n",
       "c.circuit:5:30: conv has no option 'boder'. Closest: border."},
      {"a misspelt border", first + axes + "input X[x] : 1\na := conv(X, box(x, size=3), border=reflekt)\n",
       "c.circuit:5:30: conv: border = 'reflekt' is not known. Closest: reflect."},
      {"a misspelt algorithm", first + axes + "input X[x] : 1\na := conv(X, box(x, size=3), algorithm=ftt)\n",
       "c.circuit:5:30: conv: algorithm = 'ftt' is not known. Closest: fft."},
      {"a misspelt axis of an input", first + "axis orientation = 5\ninput X[orientatoin] : 1\n" + leak,
       "c.circuit:3:9: no axis 'orientatoin' has been declared. Closest: orientation."},
      {"a misspelt axis of a sum", first + axes + "input X[x, y] : 1\na := sum(X, z)\n",
       "c.circuit:5:6: sum: its argument [x=5, y=3] has no axis 'z'. Closest: x, y."},
      {"an axis where a value is needed", first + axes + "a := exp(x)\n",
       "c.circuit:4:10: exp: a value is needed here, but 'x' is an axis."},
      {"a value where an axis is needed", first + axes + "input X[x] : 1\na := sum(X, 3)\n",
       "c.circuit:5:13: sum: the name of an axis is needed as argument 2."},
      {"a value where axes are named", first + axes + "input X[x] : 1\na := matmul(X, X, over=2*3)\n",
       "c.circuit:5:19: matmul: over names axes: over=x or over=[x, y]."},
      {"a misspelt unit", first + "parameter E = 5 mv\n" + leak,
       "c.circuit:2:17: unit 'mv' is not known: no unit 'mv'. Closest: mV, ms, V. Write units like mV, nS/cm^2, 1/ms, "
       "deg or 1."},
      {"two numbers before a unit", first + "parameter a = 1.2 3 1\n" + leak,
       "c.circuit:2:19: unit '3 1' has an unexpected '1'. Write units like mV, nS/cm^2, 1/ms, deg or 1."},
      {"a number with two points", first + "parameter a = 1.2.3 1\n" + leak,
       "c.circuit:2:15: '1.2.3' is not a number. Remove a point."},
      {"a missing unit of a state", first + "dV/dt = -V/(10 ms)\n",
       "c.circuit:2:19: the unit of 'V' is needed at the end of its equation: dV/dt = ... : mV."},
      {"a missing unit of a parameter", first + "parameter tau = 5 in (0, inf)\n" + leak,
       "c.circuit:2:19: a unit is needed here. Write 1 for a pure number."},
      {"unbalanced units of a sum", first + "parameter I = 5 pA\ndV/dt = (-V + I)/(10 ms) : mV\n",
       "c.circuit:3:13: +: the left side is [mV] and the right side is 'I' [pA]; their units do not match. Check a "
       "missing factor or a parameter's unit."},
      {"unbalanced units of an equation", first + "parameter C = 5 pF\ndV/dt = -V/C : mV\n",
       "c.circuit:3:1: circuit 'c': the units of dV/dt do not balance: its equation gives [mV/pF], but [mV/ms] is "
       "needed. Check a missing factor or a parameter's unit."},
      {"unbalanced units of an initial value", first + "V(0) = 3 ms\n" + leak,
       "c.circuit:3:1: circuit 'c': the units of V(0) do not balance: its equation gives [ms], but [mV] is needed. "
       "Check a missing factor or a parameter's unit."},
      {"unbalanced units of a definition", first + leak + "a := V : ms\n",
       "c.circuit:3:1: 'V' [mV] is given where [ms] is asked. Check a missing factor or a parameter's unit."},
      {"a number without unit in a sum", first + "dV/dt = (-V + 5)/(10 ms) : mV\n",
       "c.circuit:2:13: +: the left side is [mV] and the right side is [1]; their units do not match. Check a missing "
       "factor or a parameter's unit."},
      {"a dimension in a function of numbers", first + "dV/dt = -V*exp(V)/(10 ms) : mV\n",
       "c.circuit:2:12: exp: its argument is 'V' [mV], but must be dimensionless. Divide it by a scale with that "
       "unit."},
      {"an exponent that is no number on a quantity", first + "parameter n = 2 1\ndV/dt = -V^n/(10 ms) : mV\n",
       "c.circuit:3:11: ^: the base is 'V' [mV] and the exponent is not a number, so the result has no unit. Divide "
       "the base by a scale with that unit."},
      {"an undefined name", first + "dV/dt = (I - V)/(10 ms) : mV\n",
       "c.circuit:2:10: 'I' is not defined. Closest: V."},
      {"a definition by itself", first + leak + "a := a + 1\n",
       "c.circuit:3:1: 'a' is defined by itself (a circular definition: a, a). Make one of the quantities a state."},
      {"definitions in a circle", first + leak + "a := b + 1\nb := 2*c\nc := a\n",
       "c.circuit:3:1: 'a' is defined by itself (a circular definition: a, b, c, a). Make one of the quantities a "
       "state."},
      {"a shape mismatch of an equation", first + axes + "input X[x, y] : 1\ndr/dt = (X - r)/(10 ms) : 1 [x]\n",
       "c.circuit:5:1: circuit 'c': dr/dt is declared [x=5], but its equation gives [x=5, y=3]. Sum or average over "
       "the axes it lacks."},
      {"a shape mismatch of operands", first + axes + "a := index(x=5) + index(x=4)\n",
       "c.circuit:4:17: add: the shapes [x=5] and [x=4] do not broadcast: an axis has two lengths. Rename one axis or "
       "resample."},
      {"a shape mismatch of an array", first + "a := array([1, 2, 3], x=4)\n",
       "c.circuit:2:6: array: 3 values were given for the shape [x=4] of 4 elements."},
      {"a shape mismatch of a kernel", first + axes + "input X[x] : 1\na := conv(X, box(y, size=3))\n",
       "c.circuit:5:6: conv: the kernel [dy=3] has no offset axis of [x=5]. A kernel along y and x has the axes dy and "
       "dx."},
      {"a parameter with too few values", first + "axis x = 5\nparameter w[x] = [1, 2] 1\n" + leak,
       "c.circuit:3:11: circuit 'c': parameter 'w' has 2 values, but its shape [x=5] has 5 elements. Give one value or "
       "5."},
      {"a negative time constant", first + "parameter tau = -5 ms in (0, inf)\ndV/dt = -V/tau : mV\n",
       "c.circuit:2:11: circuit 'c': parameter 'tau' = -5 [ms], but must lie in (0, inf). Check its sign and unit."},
      {"a parameter on the open end of its range", first + "parameter b = 1 1 in [0, 1)\n" + leak,
       "c.circuit:2:11: circuit 'c': parameter 'b' = 1 [1], but must lie in [0, 1). Check its sign and unit."},
      {"a regime out of range",
       first + "parameter tau = 5 ms in (0, inf)\ndV/dt = -V/tau : mV\nregime fast: tau = -1 ms\n",
       "c.circuit:4:8: circuit 'c', regime 'fast': parameter 'tau' = -1 [ms], but must lie in (0, inf). Check its sign "
       "and unit."},
      {"a regime of an unknown parameter",
       first + "parameter tau = 5 ms\ndV/dt = -V/tau : mV\nregime fast: tua = 1 ms\n",
       "c.circuit:4:14: regime 'fast' names no parameter 'tua'. Closest: tau."},
      {"a regime in another unit", first + "parameter tau = 5 ms\ndV/dt = -V/tau : mV\nregime fast: tau = 1 mV\n",
       "c.circuit:4:14: parameter 'tau' is given in [mV] where [ms] is asked."},
      {"a parameter declared twice", first + "parameter a = 5 1\nparameter a = 6 1\n" + leak,
       "c.circuit:3:11: the name 'a' is taken. Choose another."},
      {"a state declared twice", first + leak + leak, "c.circuit:3:1: the name 'V' is taken. Choose another."},
      {"a definition given twice", first + leak + "a := V\na := 2*V\n",
       "c.circuit:4:1: the name 'a' is defined twice. Rename one."},
      {"a definition named as a parameter", first + "parameter a = 5 1\n" + leak + "a := V\n",
       "c.circuit:4:1: circuit 'c': the name 'a' is declared twice. Rename one."},
      {"an axis declared twice", first + "axis x = 5\naxis x = 6\n" + leak,
       "c.circuit:3:6: axis 'x' is declared twice. Rename one."},
      {"a regime given twice", first + leak + "regime a\nregime a\n",
       "c.circuit:4:8: circuit 'c': the name 'a' is declared twice. Rename one."},
      {"the name of the time", first + "parameter t = 5 1\n" + leak,
       "c.circuit:2:11: the name 't' is taken. Choose another."},
      {"a name with foreign letters", first + "parameter α = 5 1\n" + leak,
       "c.circuit:2:11: circuit 'c': 'α' is not a name. Use letters, digits and _, a letter first."},
      {"an initial value without an equation", first + leak + "U(0) = 3 mV\n",
       "c.circuit:3:8: 'U' has an initial value, but no equation dU/dt or next(U). Closest: V."},
      {"two initial values", first + leak + "V(0) = 3 mV\nV(0) = 4 mV\n",
       "c.circuit:4:1: 'V' has two initial values. Keep one."},
      {"an initial value at another time", first + leak + "V(1) = 3 mV\n",
       "c.circuit:3:1: an initial value is written V(0) = ...."},
      {"an initial value from a state", first + leak + "V(0) = V\n",
       "c.circuit:2:1: circuit 'c': V(0) uses 'V', but an initial value may depend on parameters and inputs only."},
      {"a number too large", first + "parameter a = 1e999 1\n" + leak,
       "c.circuit:2:15: a number is too large or too small for double precision."},
      {"a number that is infinite", first + leak + "a := 1/0\n",
       "c.circuit:3:1: circuit 'c': 'a' contains the number inf. Check a division by zero or a power that is too "
       "large."},
      {"an unterminated text", first + "parameter a = 5 1 \"never ends\n" + leak,
       "c.circuit:2:19: a text in quotes does not end on its line. Add the closing \"."},
      {"a bracket never closed", first + "dV/dt = -(V/(10 ms) : mV\nw := 3\n",
       "c.circuit:2:10: a bracket is opened here and never closed. Close it."},
      {"a bracket too many", first + "dV/dt = -V)/(10 ms) : mV\n",
       "c.circuit:2:11: a bracket is closed here that was never opened. Remove it or open it."},
      {"a character without meaning", first + "dV/dt = -V/(10 ms) ? 3 : mV\n",
       "c.circuit:2:20: '?' has no meaning here."},
      {"a control character", first + "dV/dt = \001V : mV\n",
       "c.circuit:2:9: a control character has no meaning here."},
      {"an expression nested too deeply", first + "a := " + times(300, "(") + "1" + times(300, ")") + "\n",
       "c.circuit:2:205: the expression is nested too deeply. Name parts of it with :=."},
      {"powers nested too deeply", first + "a := " + times(300, "2^") + "1\n",
       "c.circuit:2:404: the expression is nested too deeply."},
      {"a unit nested too deeply", first + "parameter a = 1 " + times(60, "(") + "s" + times(60, ")") + "\n" + leak,
       "c.circuit:2:17: unit '" + times(60, "(") + "s" + times(60, ")") +
           "' is nested too deeply. Write units like mV, nS/cm^2, 1/ms, deg or 1."},
      {"a unit too long", first + "parameter a = 1 " + times(150, "s*") + "s\n" + leak,
       "c.circuit:2:217: a unit is longer than 200 characters."},
      {"a unit with a huge power", first + "parameter a = 1 (s^1000)^1000\n" + leak,
       "c.circuit:2:17: unit '(s^1000)^1000' is beyond what numbers hold: powers may reach 1000 and scales 1e+-250. "
       "Write units like mV, nS/cm^2, 1/ms, deg or 1."},
      {"an axis of absurd length", first + "axis x = 1e12\n" + leak,
       "c.circuit:2:6: axis 'x' = 1000000000000, but its length must be a whole number from 1 to 1073741824."},
      {"an axis of half an element", first + "axis x = 2.5\n" + leak,
       "c.circuit:2:6: axis 'x' = 2.5, but its length must be a whole number from 1 to 1073741824."},
      {"an axis of a negative length", first + "axis x = -3\n" + leak,
       "c.circuit:2:6: axis 'x' = -3, but its length must be a whole number from 1 to 1073741824."},
      {"a shape of absurd size", first + "axis x = 1e6\naxis y = 1e6\ndr/dt = -r/(10 ms) : 1 [x, y]\n",
       "c.circuit:4:28: the shape has more than 4000000000 elements. Shorten an axis."},
      {"parameters of absurd size", first + "axis x = 1e8\nparameter w[x] = 1 1\n" + leak,
       "c.circuit:3:11: with 'w' the parameters have more than 67108864 values together. Shorten an axis."},
      {"an array of absurd size that an equation needs",
       first + "axis x = 1e6\naxis y = 1e6\ninput X[x] : 1\ninput Y[y] : 1\na := mean(tanh(X*Y), x, y)\n",
       "c.circuit:6:1: circuit 'c': 'a' needs an array [x=1000000, y=1000000] of more than 4000000000 elements. "
       "Shorten an axis."},
      {"coordinates of absurd size", first + "axis x = 1e8 in [0, 1] 1\na := sum(coordinate(x), x)\n",
       "c.circuit:3:10: axis 'x' has 100000000 elements, but coordinates are held for 1048576 at most. Use index."},
      {"a kernel of absurd size", first + axes + "input X[x] : 1\na := conv(X, box(x, size=1e9))\n",
       "c.circuit:5:14: box: size = 1000000000, but must be between 1 and 1048576 elements."},
      {"a kernel of no size", first + axes + "input X[x] : 1\na := conv(X, box(x))\n",
       "c.circuit:5:14: box needs size=...."},
      {"a slice past the end", first + axes + "input X[x] : 1\na := slice(X, x, 2, 9)\n",
       "c.circuit:5:6: slice: elements 2 to 9 (exclusive) of axis 'x' are asked, but it has 5 elements."},
      {"a slice of nothing", first + axes + "input X[x] : 1\na := slice(X, x, 2, 2)\n",
       "c.circuit:5:6: slice: elements 2 to 2 (exclusive) of axis 'x' are asked, but there are none. The end is the "
       "first left out."},
      {"a half shift", first + axes + "input X[x] : 1\na := shift(X, x, 0.5)\n",
       "c.circuit:5:18: shift: a whole number is needed here."},
      {"a synapse of half an element",
       first + axes + "input X[x] : 1\na := sparse(array([1], e=1), X, x, y, pairs=[0.5, 1])\n",
       "c.circuit:5:39: sparse: 0.5 in pairs is not the number of an element."},
      {"a synapse past the end", first + axes + "input X[x] : 1\na := sparse(array([1], e=1), X, x, y, pairs=[7, 1])\n",
       "c.circuit:5:6: sparse: synapse 0 joins pre 1 to post 7, but pre has 5 elements and post has 3."},
      {"a synapse onto an axis that is not declared",
       first + axes + "input X[x] : 1\na := sparse(array([1], e=1), X, x, z, pairs=[0, 1])\n",
       "c.circuit:5:6: no axis 'z' has been declared. Closest: x, y."},
      {"an index along an offset axis that is not declared", first + axes + "a := index(dx)\n",
       "c.circuit:4:6: no axis 'dx' has been declared. Closest: x."},
      {"too few arguments", first + leak + "a := where(1, 2)\n",
       "c.circuit:3:6: where takes 3 arguments, but 2 are given."},
      {"too many arguments", first + leak + "a := exp(1, 2)\n",
       "c.circuit:3:6: exp takes 1 argument, but 2 are given."},
      {"a range with one end", first + "parameter a = 5 1 in (0)\n" + leak,
       "c.circuit:2:24: ',' is needed after the lower end of a range, but ')' stands here."},
      {"a range that excludes the first position of an axis", first + "axis x = 5 in (0, 1] 1\n" + leak,
       "c.circuit:2:6: axis 'x' excludes its first position. Start its range with [."},
      {"an axis that runs downwards", first + "axis x = 5 in [1, 0] 1\n" + leak,
       "c.circuit:2:6: circuit 'c': axis 'x' runs from 1 to 0, but must run upwards."},
      {"an event without a condition", first + leak + "event spike when V: V = 0\n",
       "c.circuit:3:19: an event's condition is written a > b or a < b."},
      {"an event that changes no state", first + leak + "event spike when V > 5 mV: W = 0\n",
       "c.circuit:3:7: circuit 'c', event 'spike': no state 'W'. Closest: V."},
      {"an event in unbalanced units", first + leak + "event spike when V > 5 ms: V = 0\n",
       "c.circuit:3:18: -: the left side is 'V' [mV] and the right side is [ms]; their units do not match. Check a "
       "missing factor or a parameter's unit."},
      {"what a synapse reads in an equation", first + "axis n = 2\ndg/dt = -pre(g)/(5 ms) : 1 [n]\n",
       "c.circuit:3:10: pre is of a synapse, and stands in projection lines only: g += w*pre(x). What spikes carry to "
       "an "
       "equation is a state that they add to."},
      {"a range of elements given twice",
       spiking + "projection p from spike[n=0:5, n=2:3] to n: all_to_all after 1 ms: V += 0.1\n",
       "c.circuit:5:12: circuit 'c', projection 'p': the axis 'n' is named twice."},
      {"a projection declared twice", spiking + to_all("0.1") + to_all("w") + "parameter w[p] = 1 1\n",
       "c.circuit:6:12: the name 'p' is declared twice. Rename one."},
      {"numbers drawn with a negative width", first + leak + "axis n = 9\nparameter w[n] ~ normal(1 mV, -0.1 mV) mV\n",
       "c.circuit:4:18: normal: sd = -0.1, but must not be negative."},
      {"numbers drawn from a range that runs downwards in an amount", spiking + to_all("uniform(2, 1)"),
       "c.circuit:5:59: uniform: low = 2 and high = 1, but low must not exceed high."},
      {"numbers drawn with a width that a parameter makes negative",
       first + leak + "axis n = 9\nparameter sd = -1 mV\nparameter w[n] ~ normal(1 mV, sd) mV\n",
       "c.circuit:5:11: circuit 'c': parameter 'w' is drawn from normal: sd = -1, but must not be negative."},
      {"a time unit that is no time", first + "time mV\n" + leak,
       "c.circuit:1:1: circuit 'c': the time unit is [mV], but must be a time such as ms, or 1."},
      {"nothing to compute", first + "parameter a = 5 1\n",
       "c.circuit:1:1: circuit 'c': it has neither a state nor a definition. Write an equation such as dV/dt = -V/tau "
       ": mV."},
      {"text behind an equation", first + "dV/dt = -V/(10 ms) : mV [] 5\n",
       "c.circuit:2:28: '5' was not expected here. Start a new line, or add an operator."},
  };
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mistakes_in_a_text)

BOOST_AUTO_TEST_CASE(each_has_its_message) {
  for (const auto& m : mistakes())
    BOOST_TEST_CONTEXT(m.name) BOOST_TEST(message([&] { read_circuit(m.text, "c.circuit"); }) == m.message);
}

BOOST_AUTO_TEST_CASE(each_message_starts_with_file_line_and_column) {
  for (const auto& m : mistakes()) BOOST_TEST(m.message.starts_with("c.circuit:"), m.name);
  BOOST_TEST(message([] {
               read_circuit("circuit c\nx := y\n", "models/a b.circuit");
             }).starts_with("models/a b.circuit:2:6: "));
}

BOOST_AUTO_TEST_CASE(settings_are_axes_and_constants_of_the_circuit) {
  const std::string text =
      "circuit c\nconstant far = 3\naxis feature = 2*far in [0, 1) 1\nx := sum(index(feature), feature)\n";
  BOOST_TEST(read_circuit(text).axis("feature").axis.size == 6);
  BOOST_TEST(read_circuit(text, "c", {{"far", 5}}).axis("feature").axis.size == 10);
  BOOST_TEST(read_circuit(text, "c", {{"feature", 4}}).axis("feature").axis.size == 4);
  BOOST_TEST(read_circuit(text, "c", {{"feature.closed", 1}}).axis("feature").spacing() == 0.2);
  BOOST_TEST(message([&] {
               read_circuit(text, "c", {{"featur", 3}});
             }) == "c: the setting 'featur' is neither an axis nor a constant of this circuit. Closest: feature.");
  BOOST_TEST(message([&] {
               read_circuit(text, "c", {{"feature", 0}});
             }) == "c:3:6: axis 'feature' = 0, but its length must be a whole number from 1 to 1073741824.");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(mistakes_in_a_builder)

BOOST_AUTO_TEST_CASE(each_names_the_circuit_and_the_quantity) {
  const auto built = [](const std::function<void(CircuitBuilder&)>& write) {
    return message([&] {
      CircuitBuilder c("leaky");
      write(c);
      (void)c.build();
    });
  };
  BOOST_TEST(built([](auto& c) { c.state("V", "mV"); }) == "circuit 'leaky': dV/dt has no equation. Write one.");
  BOOST_TEST(built([](auto& c) {
               const Expr v = c.state("V", "mV");
               c.ddt(v, -v);
             }) ==
             "circuit 'leaky': the units of dV/dt do not balance: its equation gives [mV], but [mV/ms] is needed. "
             "Check a missing factor or a parameter's unit.");
  BOOST_TEST(built([](auto& c) {
               const Expr v = c.state("V", "mV");
               const Expr foreign = variable(VariableKind::parameter, "tau", {}, Unit::parse("ms"));
               c.ddt(v, -v / foreign);
             }) == "circuit 'leaky': dV/dt uses 'tau' scalar [ms], which this circuit does not declare so.");
  BOOST_TEST(built([](auto& c) { c.parameter("tau", -1, "ms", {0}); }) ==
             "circuit 'leaky': parameter 'tau' = -1 [ms], but must lie in (0, inf). Check its sign and unit.");
  BOOST_TEST(built([](auto& c) { c.define("two words", Expr(1.0)); }) ==
             "circuit 'leaky': 'two words' is not a name. Use letters, digits and _, a letter first.");
  BOOST_TEST(
      built([](auto& c) { c.define("a", Expr(1.0), "says \"no\""); }) ==
      "circuit 'leaky': the description 'says \"no\"' contains a \" or a line break, which the text form cannot hold.");
  BOOST_TEST(built([](auto& c) { c.define("pi", Expr(1.0)); }) ==
             "circuit 'leaky': the name 'pi' is a number. Choose another.");
  const Expr none = jvp({Expr(1.0)}, {{variable(VariableKind::parameter, "z", {}, Unit()), Expr(1.0)}})[0];
  BOOST_TEST(built([&](auto& c) { c.define("slope", none); }) ==
             "circuit 'leaky': 'slope' has no equation. Write one.");
  for (const auto& use : std::vector<std::function<void(CircuitBuilder&)>>{
           [&](auto& c) { c.define("a", sin(none)); }, [&](auto& c) { c.define("a", none + Expr(1.0)); },
           [&](auto& c) { c.define("a", Expr(1.0)), c.event("s", none, {}); }})
    BOOST_TEST(built(use).find("an empty expression stands where a value is needed") == 0u, built(use));
  BOOST_TEST(built([](auto& c) {
               const Axis u = c.axis("u", 3);
               c.ddt(c.state("V", "1", {u, u}), Expr(0.0));
             }) == "circuit 'leaky': 'V' has the axis 'u' twice.");
  BOOST_TEST(built([](auto& c) {
               const Expr v = c.state("V", "1");
               c.ddt(v, quantity(1, Unit::parse("1/ms")));
               c.event("s", v - 1.0, {{v, 0.0}, {v, 0.5}});
             }) == "circuit 'leaky': event 's' changes 'V' twice. Keep one.");
  BOOST_TEST(built([](auto& c) { c.seed((std::uint64_t{1} << 53U) + 1); }) ==
             "circuit 'leaky': seed = 9007199254740993, but a number below 2^53 is asked for.");
  BOOST_TEST(built([](auto& c) { c.define("a", phi(-1, Expr(1.0))); }) == "phi(-1, x): there are phi_0, phi_1, ....");
  BOOST_TEST(built([](auto& c) {
               const Expr v = c.state("V", "1", {c.axis("u", 3)});
               c.define("a", shift(v, "u", std::numeric_limits<std::int64_t>::min(), Border::circular));
             }).find("at most 2^30") != std::string::npos);
  BOOST_TEST(message([] { (void)CircuitBuilder("two words").build(); }) ==
             "circuit 'two words': 'two words' is not a name. Use letters, digits and _, a letter first.");
}

BOOST_AUTO_TEST_CASE(an_expression_that_text_would_repeat_beyond_measure_is_not_written) {
  CircuitBuilder c("doubling");
  const Expr x = c.parameter("x", 1, "1");
  Expr e = x;
  for (int i = 0; i < 60; ++i) e = sin(e) * e;  // 2^60 times x, if written out
  c.define("a", e);
  BOOST_TEST(message([&] { (void)to_text(c.build()); }) ==
             "an expression takes more than 16 MB as text, because it repeats parts that have no name. Name them as "
             "definitions.");
}

BOOST_AUTO_TEST_SUITE_END()

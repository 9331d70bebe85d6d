#include "circuit/tableau.hpp"

namespace striate {

const Tableau& euler_tableau() {
  static const Tableau tableau{"euler", 1, {{}}, {1.0}, {0.0}};
  return tableau;
}

const Tableau& heun_tableau() {
  static const Tableau tableau{"heun", 2, {{}, {1.0}}, {0.5, 0.5}, {0.0, 1.0}};
  return tableau;
}

const Tableau& rk4_tableau() {
  static const Tableau tableau{
      "rk4", 4, {{}, {0.5}, {0.0, 0.5}, {0.0, 0.0, 1.0}}, {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}, {0.0, 0.5, 0.5, 1.0}};
  return tableau;
}

}  // namespace striate

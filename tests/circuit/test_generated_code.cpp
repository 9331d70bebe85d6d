// C++ that is written for a circuit and compiled by the system's compiler, beside block kernels.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/text.hpp"

using namespace striate;

namespace {

/// Sets a variable of the environment while it lives.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Environment() { unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

constexpr const char* every_operation = R"(circuit every
axis unit = 203
axis other = 5
parameter a = 0.5 1
parameter w[other] = [1, -2, 3, -4, 5] 1
V(0) = 0.3*sin(index(unit)) + 0.1*w
c := sum(V, unit)/203
s := cos(3*V) - sin(2*V)*cos(2*V) + sin(3*V)
p := sqrt(1 + V^2) + exp(-V) + log(2 + abs(V)) + sin(V) + cos(V) + tanh(V) + V^-3/1000
q := sigmoid(V) + softplus(V) + relu(V) + step(V) + pow(2 + abs(V), a) + min(V, a) - max(V, w)
r := where(V > a, w, -V) + atan2(V, w) + exprel(V) + exprel(10*V) + phi(2, V) + phi(4, 3*V) + V*w*t/(1 ms)
dV/dt = (p + q/(2 + r^2) + c + s)/(1 ms) : 1 [unit, other]
)";

template <class T>
std::vector<T> rate() {
  const auto system = compile<T>(read_circuit(every_operation));
  auto workspace = system.workspace();
  const auto p = system.default_parameters();
  std::vector<T> y(system.states().size()), ydot(y.size());
  system.initial(p, {}, y, workspace);
  system.rhs({T(0.7), y, p, {}}, ydot, workspace);
  return ydot;
}

template <class T>
void same_bits() {
  const auto blocks = rate<T>();
  const Environment generated("STRIATE_CODE", "generated");
  const auto code = rate<T>();
  BOOST_TEST(std::memcmp(blocks.data(), code.data(), blocks.size() * sizeof(T)) == 0);
}

std::string refusal_of_code(const char* name, const std::string& value) {
  const Environment generated("STRIATE_CODE", "generated"), other(name, value);
  try {
    rate<double>();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(generated_code)

BOOST_AUTO_TEST_CASE(generated_code_gives_the_bits_of_block_kernels) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("striate-code-{}", getpid());
  const Environment cache("STRIATE_CACHE", folder.string());
  same_bits<double>();
  same_bits<float>();
  std::size_t libraries = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) libraries += file.path().extension() == ".so";
  BOOST_TEST(libraries == 2u);
  std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(generated_code_says_what_it_lacks) {
  BOOST_TEST(refusal_of_code("STRIATE_CODE", "fast").find("must be blocks or generated") != std::string::npos);
  BOOST_TEST(refusal_of_code("STRIATE_CXX", "no-such-compiler").find("needs a C++ compiler") != std::string::npos);
  BOOST_TEST(refusal_of_code("STRIATE_CACHE", "/proc/none").find("cannot write to") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

#include <sstream>

#include "tests/models/march.hpp"

using namespace striate;

namespace {

/// The text of every ```circuit block of docs/language.md.
std::vector<std::string> blocks_of_the_page() {
  std::ifstream page(STRIATE_SOURCE_DIR "/docs/language.md");
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line == "```circuit") {
      inside = true;
      blocks.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

test::March example(const std::string& name) {
  for (const auto& block : blocks_of_the_page())
    if (block.starts_with("circuit " + name)) return test::March(read_circuit(block));
  throw std::out_of_range(name);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(language_page)

BOOST_AUTO_TEST_CASE(every_example_is_a_circuit_that_reads_back_from_its_print_and_runs) {
  const auto blocks = blocks_of_the_page();
  BOOST_TEST(blocks.size() == 14);
  for (const auto& block : blocks) BOOST_TEST_CONTEXT(block) {
      const Circuit circuit = read_circuit(block, "docs/language.md");
      BOOST_TEST((read_circuit(to_text(circuit)) == circuit));
      test::March march(circuit);
      for (const double v : march.rate(march.state())) BOOST_TEST(std::isfinite(v));
      for (const auto& observable : march.system().observables()) march.observed(observable.name);
    }
}

BOOST_AUTO_TEST_CASE(the_numbers_in_the_page_s_remarks_hold) {
  test::March units = example("units");
  BOOST_TEST(units.observed("wide")[0] == 0.5, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(units.observed("density")[0] == 7, boost::test_tools::tolerance(1e-15));
  test::March axes = example("axes");
  BOOST_TEST(axes.observed("total")[0] == 4, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(axes.observed("number")[3] == 3);
  test::March layers = example("layers");
  layers.state() = std::vector<double>(layers.state().size(), 0);
  layers.state()[3 * 16 + 2] = 1;  // a[2]
  BOOST_TEST(layers.observed("few") == (std::vector<double>{0, 2, 0, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

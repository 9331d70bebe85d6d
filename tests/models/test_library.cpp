#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "tests/models/march.hpp"

using namespace striate;

BOOST_AUTO_TEST_SUITE(library)

BOOST_AUTO_TEST_CASE(every_model_reads_prints_and_reads_back_as_the_same_circuit) {
  for (const auto& m : model_texts()) BOOST_TEST_CONTEXT(m.name) {
      const Circuit circuit = model(m.name);
      BOOST_TEST(circuit->name == m.name);
      const std::string text = to_text(circuit);
      const Circuit again = read_circuit(text, m.name);
      BOOST_TEST((again == circuit));
      BOOST_TEST(to_text(again) == text);
    }
}

BOOST_AUTO_TEST_CASE(every_model_says_what_it_is_where_it_comes_from_and_what_its_regimes_show) {
  for (const auto& m : model_texts()) BOOST_TEST_CONTEXT(m.name) {
      const Circuit circuit = model(m.name);
      BOOST_TEST(!circuit->description.empty());
      BOOST_TEST(!circuit->source.empty());
      BOOST_TEST(!circuit->regimes.empty());
      for (const auto& p : circuit->parameters) BOOST_TEST(!p.description.empty(), p.variable->name);
      for (const auto& u : circuit->inputs) BOOST_TEST(!u.description.empty(), u.variable->name);
      for (const auto& s : circuit->states) BOOST_TEST(!s.description.empty(), s.variable->name);
      for (const auto& d : circuit->definitions) BOOST_TEST(!d.description.empty(), d.name);
      for (const auto& r : circuit->regimes) BOOST_TEST(!r.description.empty(), r.name);
    }
}

BOOST_AUTO_TEST_CASE(every_regime_lies_in_the_ranges_of_its_parameters) {
  for (const auto& m : model_texts()) {
    const Circuit circuit = model(m.name);
    for (const auto& regime : circuit->regimes) BOOST_CHECK_NO_THROW(test::in_regime(circuit, regime.name));
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_model_names_its_neighbour) {
  BOOST_CHECK_EXCEPTION(model("wilson_cowen"), Error,
                        [](const Error& e) { return std::string(e.what()).find("wilson_cowan") != std::string::npos; });
}

BOOST_AUTO_TEST_SUITE_END()

// Every model of the library is a circuit that prints as text and reads back to itself.
#include <boost/test/unit_test.hpp>

#include "circuit/text.hpp"
#include "models/library.hpp"

using namespace striate;

BOOST_AUTO_TEST_SUITE(model_library)

BOOST_AUTO_TEST_CASE(every_model_reads_back_from_its_own_text) {
  BOOST_REQUIRE(!model_texts().empty());
  for (const auto& m : model_texts()) {
    BOOST_TEST_CONTEXT(m.name) {
      const Circuit circuit = model(m.name);
      BOOST_TEST(circuit->name == m.name);
      const Circuit again = read_circuit(to_text(circuit), m.name);
      BOOST_TEST((again == circuit), to_text(circuit));
      BOOST_TEST(!circuit->source.empty());
      BOOST_TEST(!circuit->description.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(every_regime_of_every_model_is_a_circuit) {
  for (const auto& m : model_texts()) {
    const Circuit circuit = model(m.name);
    for (const auto& regime : circuit->regimes) BOOST_CHECK_NO_THROW((void)circuit.with_parameters(regime.values));
  }
}

BOOST_AUTO_TEST_SUITE_END()

#include "sim/quantity.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "sim/amount.hpp"
#include "tests/io/scratch.hpp"

namespace {

using namespace striate;

double value(const std::string& text, const std::string& unit, const Variables& variables = {}) {
  return evaluate(text, Unit::parse(unit), variables, "e.toml:1: size");
}

BOOST_AUTO_TEST_SUITE(quantity)

BOOST_AUTO_TEST_CASE(A_number_may_have_any_unit_that_is_written_after_it) {
  BOOST_TEST(value("0 %", "1") == 0);
  BOOST_CHECK_CLOSE(value("12.5 %", "1"), 0.125, 1e-13);
  BOOST_CHECK_CLOSE(value("2 1/deg", "1/deg"), 2, 1e-13);
  BOOST_CHECK_CLOSE(value(" -3 nS/cm^2", "nS/cm^2"), -3, 1e-13);
  BOOST_CHECK_CLOSE(value("30 arcmin", "deg"), 0.5, 1e-13);
  BOOST_CHECK_CLOSE(value("1e-3 [V]", "mV"), 1, 1e-13);
}

BOOST_AUTO_TEST_CASE(Expressions_may_name_the_condition_variables) {
  const Variables at{{"size", {4, Unit::parse("deg")}}, {"value", {0.5, Unit()}}};
  BOOST_CHECK_CLOSE(value("1 deg + size/2", "deg", at), 3, 1e-13);
  BOOST_CHECK_CLOSE(value("2*value", "1", at), 1, 1e-13);  // whatever the variables are called
}

BOOST_AUTO_TEST_CASE(Messages_speak_of_what_the_user_wrote) {
  const Variables at{{"size", {4, Unit::parse("deg")}}};
  BOOST_CHECK_EXCEPTION(value("sise", "deg", at), Error, says("e.toml:1: size = \"sise\": ", "Closest: size."));
  try {
    value("zzzzzz", "deg", at);
    BOOST_ERROR("an unknown name was accepted");
  } catch (const Error& e) {
    BOOST_TEST(std::string(e.what()) == "e.toml:1: size = \"zzzzzz\": 'zzzzzz' is not defined. Known: size.");
  }
  BOOST_CHECK_EXCEPTION(value("3 mV", "deg"), Error, says("[mV]", "[deg]"));
  BOOST_CHECK_EXCEPTION(value("0.25", "deg"), Error, says("[deg]", "\"0.25 deg\""));  // not 14 deg
  BOOST_CHECK_EXCEPTION(value("0.5", "%"), Error, says("[%]", "\"0.5 %\""));
  BOOST_TEST(value("0", "deg") == 0);
  BOOST_TEST(value("0.5", "1") == 0.5);
}

BOOST_AUTO_TEST_CASE(Angles_are_numbers_that_nobody_means_by_their_inverse_or_by_per_cent) {
  BOOST_CHECK_EXCEPTION(value("2 deg", "1/deg"), Error, says("\"2 deg\"", "[deg]", "[1/deg]"));
  BOOST_CHECK_EXCEPTION(value("2 1/deg", "deg"), Error, says("[1/deg]", "[deg]"));
  BOOST_CHECK_EXCEPTION(value("3 rad", "1/deg"), Error, says("[rad]", "[1/deg]"));
  BOOST_CHECK_EXCEPTION(value("20 %", "deg"), Error, says("[%]", "[deg]"));
  BOOST_CHECK_EXCEPTION(value("20 deg", "%"), Error, says("[deg]", "[%]"));
  BOOST_CHECK_CLOSE(value("pi/4", "deg"), 45, 1e-13);
  BOOST_CHECK_CLOSE(value("180 deg", "1"), 3.14159265358979, 1e-12);
  BOOST_CHECK_CLOSE(value("1/(2 deg)", "1/deg"), 0.5, 1e-13);
  BOOST_CHECK_CLOSE(value("6 deg*3 deg/(2 deg)", "deg"), 9, 1e-13);
  BOOST_CHECK_CLOSE(value("20 %*90 deg", "deg"), 18, 1e-13);
}

BOOST_AUTO_TEST_CASE(a_quotient_of_units_has_brackets_where_it_needs_them) {
  BOOST_TEST(quotient_text("ms", Unit()) == "ms");
  BOOST_TEST(quotient_text("ms", Unit::parse("mV")) == "ms/mV");
  BOOST_TEST(quotient_text("1", Unit::parse("m/s")) == "1/(m/s)");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

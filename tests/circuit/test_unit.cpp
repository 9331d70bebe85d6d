#include "circuit/unit.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <numbers>

#include "base/error.hpp"

using namespace striate;

namespace {

double factor(std::string_view from, std::string_view to) { return Unit::parse(from).to(Unit::parse(to)); }

std::string message(std::string_view text) {
  try {
    Unit::parse(text);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(powers_of_ten_convert_without_rounding) {
  BOOST_TEST(factor("mV", "V") == 1e-3);
  BOOST_TEST(factor("V", "mV") == 1e3);
  BOOST_TEST(factor("nS", "S") == 1e-9);
  BOOST_TEST(factor("S", "nS") == 1e9);
  BOOST_TEST(factor("ms", "s") == 1e-3);
  BOOST_TEST(factor("us", "ms") == 1e-3);
  BOOST_TEST(factor("1/ms", "Hz") == 1e3);
  BOOST_TEST(factor("kHz", "1/ms") == 1);
  BOOST_TEST(factor("nS*mV", "pA") == 1);
  BOOST_TEST(factor("pA/pF", "mV/ms") == 1);
  BOOST_TEST(factor("nS/cm^2", "S/m^2") == 1e-5);
  BOOST_TEST(factor("uM", "mol/L") == 1e-6);
  BOOST_TEST(factor("kg", "g") == 1e3);
  BOOST_TEST(factor("µs", "us") == 1);
  BOOST_TEST(factor("%", "1") == 0.01);
}

BOOST_AUTO_TEST_CASE(other_scales_convert_to_rounding) {
  BOOST_TEST(factor("deg", "rad") == std::numbers::pi / 180, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(factor("deg", "arcmin") == 60, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(factor("arcsec", "arcmin") == 1.0 / 60, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(factor("min", "s") == 60);
  BOOST_TEST(factor("h", "min") == 60);
  BOOST_TEST(factor("deg/s", "arcmin/ms") == 0.06, boost::test_tools::tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(compound_units_have_the_dimension_of_their_parts) {
  BOOST_TEST((Unit::parse("V*A") == Unit::parse("W")));
  BOOST_TEST((Unit::parse("J/s") == Unit::parse("W")));
  BOOST_TEST((Unit::parse("A*s") == Unit::parse("C")));
  BOOST_TEST((Unit::parse("1/ohm") == Unit::parse("S")));
  BOOST_TEST((Unit::parse("S*s") == Unit::parse("F")));
  BOOST_TEST((Unit::parse("mV/(ms*nS)") == Unit::parse("mV/ms/nS")));
  BOOST_TEST((Unit::parse("mV * ms^-1") == Unit::parse("V/s")));
  BOOST_TEST((Unit::parse("m^0.5").pow(2) == Unit::parse("m")));
  BOOST_TEST(Unit::parse("mV").same_dimension(Unit::parse("kV")));
  BOOST_TEST(!Unit::parse("mV").same_dimension(Unit::parse("mA")));
  BOOST_TEST(Unit::parse("deg").dimensionless());
  BOOST_TEST(!(Unit::parse("deg") == Unit::parse("rad")));
  BOOST_TEST(!(Unit::parse("%") == Unit()));
}

BOOST_AUTO_TEST_CASE(a_prefix_is_not_taken_for_a_unit) {
  BOOST_TEST((Unit::parse("min") == Unit::parse("60*s")));  // not milli-inch
  BOOST_TEST((Unit::parse("cd") == Unit::parse("cd")));
  BOOST_TEST(!Unit::parse("cd").same_dimension(Unit::parse("s")));
  BOOST_TEST((Unit::parse("mM") == Unit::parse("mol/m^3")));
  BOOST_TEST((Unit::parse("Pa") == Unit::parse("N/m^2")));
}

BOOST_AUTO_TEST_CASE(what_str_writes_reads_back_as_the_same_unit) {
  for (const char* text :
       {"1", "mV", "nS/cm^2", "1/ms", "deg", "%", "mV*ms^-1", "uF/cm^2", "m^0.5", "0.001*s", "deg/s", "arcmin^2"}) {
    BOOST_TEST(Unit::parse(text).str() == text);
    BOOST_TEST((Unit::parse(Unit::parse(text).str()) == Unit::parse(text)), text);
  }
  // Composed units have no text of their own.
  for (const auto& [unit, text] : {std::pair{Unit::parse("nS") * Unit::parse("mV"), "pA"},
                                   {Unit::parse("mV") / Unit::parse("mV"), "1"},
                                   {Unit::parse("ms").pow(-1), "kHz"},
                                   {Unit::parse("s").pow(2), "s^2"}}) {
    BOOST_TEST(unit.str() == text);
    BOOST_TEST((Unit::parse(unit.str()) == unit), text);
  }
  for (const auto& unit :
       {Unit::parse("deg") * Unit::parse("mV"), Unit::parse("deg/ms") * Unit::parse("nS"),
        Unit::parse("arcmin").pow(3) / Unit::parse("ms"), Unit::parse("h") * Unit::parse("uV"),
        Unit::parse("mV").pow(0.5), Unit::parse("cm").pow(-3) * Unit::parse("%"), Unit::parse("mV").pow(1.0 / 3)})
    BOOST_TEST((Unit::parse(unit.str()) == unit), unit.str());
}

BOOST_AUTO_TEST_CASE(what_is_no_unit_says_so_and_names_the_nearest) {
  BOOST_TEST(message("mv") ==
             "unit 'mv' is not known: no unit 'mv'. Closest: mV, ms, V. Write units like mV, nS/cm^2, 1/ms, deg or 1.");
  BOOST_TEST(message("degree") ==
             "unit 'degree' is not known: no unit 'degree'. Known: ms, s, Hz, kHz, mV, V, pA, nA, nS, mS, pF, uF, ... "
             "Write units like mV, nS/cm^2, 1/ms, deg or 1.");
  BOOST_TEST(message("") == "unit '' lacks a unit symbol. Write units like mV, nS/cm^2, 1/ms, deg or 1.");
  BOOST_TEST(message("mV*") == "unit 'mV*' lacks a unit symbol. Write units like mV, nS/cm^2, 1/ms, deg or 1.");
  BOOST_TEST(message("mV ms") == "unit 'mV ms' has an unexpected 'm'. Write units like mV, nS/cm^2, 1/ms, deg or 1.");
  BOOST_TEST(message("mV/(ms") == "unit 'mV/(ms' lacks a ')'. Write units like mV, nS/cm^2, 1/ms, deg or 1.");
  BOOST_TEST(message("mV^x") ==
             "unit 'mV^x' needs a number at most 1000 after ^. Write units like mV, nS/cm^2, 1/ms, deg or 1.");
  BOOST_TEST(message("0*s") ==
             "unit '0*s' has a scale that is not positive. Write units like mV, nS/cm^2, 1/ms, deg or 1.");
  BOOST_TEST(message(std::string(100, '(') + "s")
                 .ends_with("is nested too deeply. Write units like mV, nS/cm^2, 1/ms, deg or 1."));
}

BOOST_AUTO_TEST_CASE(a_scale_or_power_beyond_numbers_is_an_error_and_no_infinity) {
  for (const char* text : {"((km^1000)^1000)^1000", "((m^1000)^1000)^1000", "Gm^900", "1e200*1e200*m", "(1e-300)^3"})
    BOOST_TEST(message(text) == "unit '" + std::string(text) +
                                    "' is beyond what numbers hold: powers may reach 1000 and scales 1e+-250. "
                                    "Write units like mV, nS/cm^2, 1/ms, deg or 1.");
}

BOOST_AUTO_TEST_CASE(computed_units_are_told_by_what_they_were_made_of) {
  const Unit mV = Unit::parse("mV"), mm = Unit::parse("mm");
  BOOST_TEST((mV / mm.pow(2)).str() == "mV/mm^2");
  BOOST_TEST((mV / (mm * mm)).str() == "mV/(mm*mm)");
  BOOST_TEST((mV / mm.pow(2) * mm).str() == "mV/mm^2*mm");
  BOOST_TEST((mV * Unit::parse("nS")).str() == "pA");
  Unit long_one = mV.pow(3);  // its text must not grow without end
  for (int i = 0; i < 200; ++i) long_one = i % 2 == 0 ? long_one * mm : long_one / mm;
  BOOST_TEST(long_one.str().size() < 60u);
}

BOOST_AUTO_TEST_SUITE_END()

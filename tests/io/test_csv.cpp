#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>

#include "base/error.hpp"
#include "io/csv.hpp"
#include "tests/io/scratch.hpp"

using namespace striate;

BOOST_AUTO_TEST_SUITE(csv)

BOOST_AUTO_TEST_CASE(columns_are_read_by_name_past_comments) {
  const Scratch scratch;
  std::ofstream(scratch.path("a.csv"), std::ios::binary)
      << "# O'Toole & Wenderoth (1977), Fig. 4\r\n#second\r\nseries,angle_deg,\"shift, deg\"\r\n\r\nblack, -0.5 "
         ",+1e-3\r\n"
         "\"white \"\"w\"\"\",20,\r\n";
  const auto table = CsvTable::read(scratch.path("a.csv"));
  BOOST_TEST(table.rows() == 2u);
  BOOST_TEST(table.comments()[0] == "O'Toole & Wenderoth (1977), Fig. 4");
  BOOST_TEST(table.columns()[2] == "shift, deg");
  BOOST_TEST(table.text("series")[1] == "white \"w\"");
  BOOST_TEST(table.numbers("angle_deg")[0] == -0.5);
  BOOST_TEST(table.numbers("angle_deg")[1] == 20.0);
  BOOST_TEST(table.numbers("shift, deg")[0] == 1e-3);
  BOOST_TEST(std::isnan(table.numbers("shift, deg")[1]));
}

BOOST_AUTO_TEST_CASE(mistakes_name_file_and_line) {
  const auto parse = [](const char* text) { return CsvTable::parse(text, "x.csv"); };
  BOOST_CHECK_EXCEPTION(parse("# c\na,b\n1,2\n3\n"), Error, says("x.csv:4: ", "1 cells", "2 columns"));
  BOOST_CHECK_EXCEPTION(parse("a,a\n"), Error, says("x.csv:1: ", "two columns", "`a`"));
  BOOST_CHECK_EXCEPTION(parse("a,,b\n"), Error, says("x.csv:1: column 2"));
  BOOST_CHECK_EXCEPTION(parse("a\n\"b\n"), Error, says("x.csv:2: ", "quote"));
  BOOST_CHECK_EXCEPTION(parse("a,b\n\"c\"d,1\n"), Error, says("x.csv:2: "));
  BOOST_CHECK_EXCEPTION(parse("# only\n\n"), Error, says("x.csv: "));
  const auto table = parse("angle_deg,shift\n# c\n1,2\n3,4 deg\n");
  BOOST_CHECK_EXCEPTION(table.numbers("shift"), Error, says("x.csv:4: shift = 4 deg, but a number"));
  BOOST_CHECK_EXCEPTION(parse("a\n+-1\n").numbers("a"), Error, says("x.csv:2: a = +-1, but a number"));
  BOOST_CHECK_EXCEPTION(table.numbers("angle_dge"), Error, says("x.csv: ", "Closest: angle_deg"));
  const Scratch scratch;
  BOOST_CHECK_EXCEPTION(CsvTable::read(scratch.path("none.csv")), Error, says("none.csv", "No such file"));
  BOOST_CHECK_THROW(CsvTable::read(scratch.path("")), Error);
}

BOOST_AUTO_TEST_SUITE_END()

#include "circuit/shape.hpp"

#include <boost/test/unit_test.hpp>

using namespace striate;

BOOST_AUTO_TEST_SUITE(shapes)

BOOST_AUTO_TEST_CASE(a_scalar_has_one_element_and_no_axis) {
  const Shape scalar;
  BOOST_TEST(scalar.size() == 1);
  BOOST_TEST(scalar.rank() == 0);
  BOOST_TEST(scalar.str() == "");
  BOOST_TEST(scalar.str_sizes() == "scalar");
}

BOOST_AUTO_TEST_CASE(arrays_are_row_major_in_the_order_of_the_axes) {
  const Shape shape{{"z", 2}, {"y", 3}, {"x", 5}};
  BOOST_TEST(shape.size() == 30);
  BOOST_TEST(shape.stride(0) == 15);
  BOOST_TEST(shape.stride(1) == 5);
  BOOST_TEST(shape.stride(2) == 1);
  BOOST_TEST(shape.str() == "[z, y, x]");
  BOOST_TEST(shape.str_sizes() == "[z=2, y=3, x=5]");
  BOOST_TEST(*shape.find("y") == 1);
  BOOST_TEST(!shape.find("w"));
  BOOST_TEST((shape.without({"y", "w"}) == Shape{{"z", 2}, {"x", 5}}));
  BOOST_TEST((shape.with_last({"w", 7}) == Shape{{"z", 2}, {"y", 3}, {"x", 5}, {"w", 7}}));
}

BOOST_AUTO_TEST_CASE(broadcasting_joins_axes_by_name) {
  const Shape yx{{"y", 3}, {"x", 5}}, xy{{"x", 5}, {"y", 3}}, x{{"x", 5}}, z{{"z", 2}};
  BOOST_TEST((*broadcast(yx, x) == yx));
  BOOST_TEST((*broadcast(x, yx) == yx));
  BOOST_TEST((*broadcast(yx, xy) == yx));  // the first order wins
  BOOST_TEST((*broadcast(xy, yx) == xy));
  BOOST_TEST((*broadcast(yx, {}) == yx));
  BOOST_TEST((*broadcast({}, yx) == yx));
  BOOST_TEST((*broadcast(x, z) == Shape{{"x", 5}, {"z", 2}}));
  BOOST_TEST((*broadcast(yx, Shape{{"z", 2}, {"x", 5}}) == Shape{{"y", 3}, {"x", 5}, {"z", 2}}));
  BOOST_TEST(!broadcast(yx, Shape{{"x", 4}}));
  BOOST_TEST(!broadcast(Shape{{"x", 1}}, x));  // length 1 is a length like any other
}

BOOST_AUTO_TEST_SUITE_END()

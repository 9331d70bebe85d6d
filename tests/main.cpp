#define BOOST_TEST_MODULE striate
#include <boost/test/unit_test.hpp>

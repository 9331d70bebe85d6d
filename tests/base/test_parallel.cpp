#include "base/parallel.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/made_once.hpp"
#include "base/parallel_pieces.hpp"

using namespace striate;

BOOST_AUTO_TEST_SUITE(parallel_work)

BOOST_AUTO_TEST_CASE(what_is_thrown_on_threads_comes_out_that_of_the_lowest_index_first) {
  const int threads = omp_get_max_threads();
  for (const int n : {1, 2, 7}) {
    omp_set_num_threads(n);
    const auto body = [](std::size_t i) {
      if (i >= 40) throw std::runtime_error("piece " + std::to_string(i));
    };
    BOOST_CHECK_EXCEPTION(parallel_for(100, true, body), std::runtime_error,
                          [](const auto& e) { return std::string(e.what()) == "piece 40"; });
    BOOST_CHECK_THROW(parallel_pieces(100, true, [](auto...) { throw std::runtime_error("all"); }), std::runtime_error);
  }
  omp_set_num_threads(threads);
}

BOOST_AUTO_TEST_CASE(a_value_is_made_once_and_anew_after_a_failure) {
  const MadeOnce<int> value;
  int made = 0;
  BOOST_CHECK_THROW(value.get([]() -> int { throw std::runtime_error("no"); }), std::runtime_error);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) threads.emplace_back([&] { value.get([&] { return ++made; }); });
  for (auto& thread : threads) thread.join();
  BOOST_TEST(made == 1);
  BOOST_TEST(value.get([] { return 5; }) == 1);
}

BOOST_AUTO_TEST_SUITE_END()

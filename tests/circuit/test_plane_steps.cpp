#include <boost/test/unit_test.hpp>
#include <numeric>

#include "circuit/program/steps.hpp"

using namespace striate;

namespace {

constexpr std::size_t plane_count = 4, plane = 8;

Place memory_at(std::size_t offset) { return {Place::Space::memory, 0, offset}; }

/// out[i] = in[i] + 1, or in[0] + 1 where it reads the whole of `in`.
class AddOne final : public PlaneStep<double> {
 public:
  AddOne(std::size_t in, std::size_t out, std::size_t fixed, bool by_plane = true)
      : in_(in), out_(out), fixed_(fixed), by_plane_(by_plane) {}
  void run(const Frame<double>& frame) const override { run_planes(frame, plane_count, 0, plane_count, nullptr); }
  std::size_t planes() const override { return fixed_; }
  bool falls_into(std::size_t count) const override { return fixed_ == 0 || count == fixed_; }
  std::vector<Access> accesses() const override {
    return {{memory_at(in_), plane_count * plane, false, by_plane_},
            {memory_at(out_), plane_count * plane, true, true}};
  }
  std::size_t work() const override { return plane_count * plane; }
  std::size_t plane_scratch() const override { return 0; }
  void run_planes(const Frame<double>& frame, std::size_t, std::size_t begin, std::size_t end, double*) const override {
    const double* in = frame.read(memory_at(in_));
    double* out = frame.write(memory_at(out_));
    for (std::size_t i = begin * plane; i < end * plane; ++i) out[i] = in[by_plane_ ? i : 0] + 1;
  }

 private:
  std::size_t in_, out_, fixed_;
  bool by_plane_;
};

/// How many steps are left of these, and the memory after them.
std::pair<std::size_t, std::vector<double>> after(const std::vector<AddOne>& given) {
  std::vector<std::unique_ptr<Step<double>>> steps;
  for (const AddOne& step : given) steps.push_back(std::make_unique<AddOne>(step));
  join_planes(steps);
  std::vector<double> memory(4 * plane_count * plane);
  std::iota(memory.begin(), memory.end(), 0.0);
  for (const auto& step : steps) step->run({nullptr, nullptr, memory.data(), nullptr});
  return {steps.size(), memory};
}
std::pair<std::size_t, std::vector<double>> after(AddOne first, AddOne second) {
  return after(std::vector<AddOne>{first, second});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plane_steps)

constexpr std::size_t a = 0, b = plane_count * plane, c = 2 * plane_count * plane;

BOOST_AUTO_TEST_CASE(steps_that_hand_each_other_planes_run_as_one) {
  const auto [count, memory] = after({a, b, plane_count}, {b, c, 0});
  BOOST_TEST(count == 1u);
  for (std::size_t i = 0; i < plane_count * plane; ++i) BOOST_TEST(memory[c + i] == static_cast<double>(i) + 2);
}

BOOST_AUTO_TEST_CASE(a_step_that_writes_over_what_was_read_by_planes_may_join) {
  const auto [count, memory] = after({a, b, plane_count}, {b, a, plane_count});
  BOOST_TEST(count == 1u);
  for (std::size_t i = 0; i < plane_count * plane; ++i) BOOST_TEST(memory[a + i] == static_cast<double>(i) + 2);
}

BOOST_AUTO_TEST_CASE(a_step_that_reads_all_of_what_the_other_writes_stays_apart) {
  const auto [count, memory] = after({a, b, plane_count}, {b, c, plane_count, false});
  BOOST_TEST(count == 2u);
  for (std::size_t i = 0; i < plane_count * plane; ++i) BOOST_TEST(memory[c + i] == 2.0);
  BOOST_TEST(after({a, b, plane_count, false}, {b, a, plane_count}).first ==
             2u);  // and one that writes over what all read
}

BOOST_AUTO_TEST_CASE(a_step_of_no_planes_does_not_part_those_behind_it) {
  constexpr std::size_t d = 3 * plane_count * plane;
  const AddOne of_planes(a, c, plane_count), of_all(b, d, 0, false), last(c, a, 0);
  const auto [count, memory] = after({AddOne(a, b, 0), of_planes, of_all, last});
  BOOST_TEST(count == 2u);
  for (std::size_t i = 0; i < plane_count * plane; ++i) {
    BOOST_TEST(memory[a + i] == static_cast<double>(i) + 2);
    BOOST_TEST(memory[d + i] == 2.0);  // it reads element 0 of what the first has written
  }
  BOOST_TEST(after({AddOne(a, b, plane_count), of_planes, of_all, last}).first == 3u);
}

BOOST_AUTO_TEST_CASE(steps_whose_planes_are_shifted_against_each_other_stay_apart) {
  BOOST_TEST(after({a, b, plane_count}, {b + plane, c + plane, plane_count}).first == 2u);
}

BOOST_AUTO_TEST_CASE(steps_of_other_planes_or_of_none_in_particular_stay_apart) {
  BOOST_TEST(after({a, b, plane_count}, {b, c, 2 * plane_count}).first == 2u);
  BOOST_TEST(after({a, b, 0}, {b, c, 0}).first == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

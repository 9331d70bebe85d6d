#include <boost/test/unit_test.hpp>

#include "sim/condition_runner.hpp"
#include "sim/experiment.hpp"

using namespace striate;

BOOST_AUTO_TEST_SUITE(spike_recording)

BOOST_AUTO_TEST_CASE(an_experiment_on_a_grid_keeps_the_spikes_of_its_events_in_order) {
  const Experiment e = load_experiment(STRIATE_SOURCE_DIR "/examples/coba.toml", {{"run.duration", "\"20 ms\""}});
  const ConditionResult result = ConditionRunner(e).run(0);
  BOOST_TEST(result.spikes.size() == 1u);
  BOOST_TEST(result.spikes[0].times.size() > 100u);
  BOOST_TEST(result.spikes[0].ids.size() == result.spikes[0].times.size());
  BOOST_TEST(std::is_sorted(result.spikes[0].times.begin(), result.spikes[0].times.end()));
}

BOOST_AUTO_TEST_SUITE_END()

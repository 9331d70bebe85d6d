#include <boost/test/unit_test.hpp>
#include <fstream>
#include <limits>

#include "base/error.hpp"
#include "io/image.hpp"
#include "tests/io/scratch.hpp"

using namespace striate;

namespace {

void put(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string all_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(image)

BOOST_AUTO_TEST_CASE(a_png_keeps_every_level_of_every_channel) {
  const Scratch scratch;
  for (const std::size_t channels : {1u, 2u, 3u, 4u}) {
    Image image{16, 16, channels, std::vector<double>(256 * channels)};
    for (std::size_t i = 0; i < image.samples.size(); ++i)
      image.samples[i] = static_cast<double>((i * 7) % 256) / 255.0;
    write_png(scratch.path("a.png"), image);
    const Image back = read_image(scratch.path("a.png"));
    BOOST_TEST(back.height == 16u);
    BOOST_TEST(back.channels == channels);
    BOOST_TEST(back.samples == image.samples, boost::test_tools::per_element());  // levels n/255 are exact both ways
    BOOST_TEST(back.at(3, 5, channels - 1) == image.at(3, 5, channels - 1));
  }
}

BOOST_AUTO_TEST_CASE(grey_levels_are_means_of_colours_and_white_where_an_image_is_transparent) {
  const auto grey = [](std::size_t channels, const std::vector<double>& pixel) {
    std::vector<double> both(channels, 1.0);  // a white pixel before it
    both.insert(both.end(), pixel.begin(), pixel.end());
    return grey_level(Image{1, 2, channels, both}, 1);
  };
  BOOST_TEST(grey(1, {0.25}) == 0.25);
  BOOST_TEST(grey(2, {0.25, 1}) == 0.25);
  BOOST_TEST(grey(2, {0.25, 0}) == 1);
  BOOST_TEST(grey(3, {0.25, 0.5, 0.75}) == 0.5);
  BOOST_TEST(grey(4, {0.25, 0.5, 0.75, 1}) == 0.5);
  BOOST_TEST(grey(4, {0, 0, 0, 0}) == 1);
  BOOST_TEST(grey(4, {0.25, 0.5, 0.75, 0.5}) == 0.75);  // half of it, half white
}

BOOST_AUTO_TEST_CASE(a_sixteen_bit_png_written_elsewhere_is_read_to_its_last_bit) {
  // 2 x 1 grey, 16 bit: samples 0x1234 and 0xffff; made with Python's zlib and struct.
  const unsigned char bytes[] = {0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
                                 0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x10, 0x00, 0x00, 0x00,
                                 0x00, 0x81, 0xd9, 0xfc, 0x15, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78,
                                 0x9c, 0x63, 0x10, 0x32, 0xf9, 0xff, 0x1f, 0x00, 0x03, 0xe6, 0x02, 0x45, 0x2e, 0x42,
                                 0x96, 0x75, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
  const Scratch scratch;
  put(scratch.path("a.png"), std::string(reinterpret_cast<const char*>(bytes), sizeof bytes));
  const Image image = read_image(scratch.path("a.png"));
  BOOST_TEST(image.width == 2u);
  BOOST_TEST(image.height == 1u);
  BOOST_TEST(image.at(0, 0) == 0x1234 / 65535.0);
  BOOST_TEST(image.at(0, 1) == 1.0);
}

BOOST_AUTO_TEST_CASE(portable_maps_are_read_plain_and_raw) {
  const Scratch scratch;
  put(scratch.path("a.pgm"), "P2\n# comment\n3 2\n10\n0 5 10\n1 2 3\n");
  BOOST_TEST(read_image(scratch.path("a.pgm")).at(1, 2) == 0.3);
  put(scratch.path("b.pgm"), std::string("P5 2 1 65535\n\x12\x34\xff\xff", 17));
  BOOST_TEST(read_image(scratch.path("b.pgm")).at(0, 0) == 0x1234 / 65535.0);
  put(scratch.path("c.ppm"), std::string("P6 1 2 255\n\x00\x33\xff\x01\x02\x03", 17));
  const Image colour = read_image(scratch.path("c.ppm"));
  BOOST_TEST(colour.channels == 3u);
  BOOST_TEST(colour.at(0, 0, 1) == 0.2);
  BOOST_TEST(colour.at(1, 0, 2) == 3 / 255.0);
  put(scratch.path("d.ppm"), "P3 1 1 1 0 1 1");
  BOOST_TEST(read_image(scratch.path("d.ppm")).at(0, 0, 2) == 1.0);
}

BOOST_AUTO_TEST_CASE(files_that_are_no_images_or_cut_short_are_refused) {
  const Scratch scratch;
  const auto path = scratch.path("a.png");
  BOOST_CHECK_EXCEPTION(read_image(path), Error, says(path, "No such file"));
  put(path, "GIF89a and so on");
  BOOST_CHECK_EXCEPTION(read_image(path), Error, says(path, "neither PNG"));
  write_png(path, {8, 8, 3, std::vector<double>(192, 0.5)});
  const std::string whole = all_of(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(path, whole.substr(0, size));
    BOOST_CHECK_THROW(read_image(path), Error);
  }
  for (const char* text : {"P5", "P5 2", "P5 2 2 255\n123", "P2 2 1 10 3", "P2 2 1 10 3 11", "P5 0 2 255\n",
                           "P5 2 2 70000\n1234", "P5 99999999 99999999 255\n"}) {
    put(path, text);
    BOOST_CHECK_THROW(read_image(path), Error);
  }
}

BOOST_AUTO_TEST_CASE(a_sample_out_of_range_is_named_by_its_place) {
  const Scratch scratch;
  Image image{2, 3, 1, std::vector<double>(6, 0.5)};
  image.samples[5] = 1.5;
  BOOST_CHECK_EXCEPTION(write_png(scratch.path("a.png"), image), Error, says("y = 1, x = 2", "1.5"));
  image.samples[5] = std::numeric_limits<double>::quiet_NaN();
  BOOST_CHECK_THROW(write_png(scratch.path("a.png"), image), Error);
  image.samples[5] = 0;
  BOOST_CHECK_EXCEPTION(write_png(scratch.path("no/a.png"), image), Error, says("No such file"));
}

BOOST_AUTO_TEST_SUITE_END()

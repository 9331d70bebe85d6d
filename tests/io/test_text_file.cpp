#include <boost/test/unit_test.hpp>
#include <fstream>

#include "base/error.hpp"
#include "io/text_file.hpp"
#include "tests/io/scratch.hpp"

namespace {

using namespace striate;

std::string read_back(const std::string& bytes) {
  const Scratch scratch;
  const std::string path = scratch.path("text");
  std::ofstream(path, std::ios::binary) << bytes;
  return read_text_file(path);
}

BOOST_AUTO_TEST_SUITE(text_file)

BOOST_AUTO_TEST_CASE(Text_in_UTF_8_comes_back_as_it_is) {
  // The first and last characters of one to four bytes, and those around the surrogates (RFC 3629, section 4).
  for (const std::string text : {"", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                 "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\r\nb\n"})
    BOOST_TEST(read_back(text) == text);
  BOOST_TEST(read_back("\xef\xbb\xbf"
                       "a\n") == "a\n");  // without the byte order mark
}

BOOST_AUTO_TEST_CASE(Other_bytes_are_refused_with_their_line) {
  // Latin-1, a stray and a missing continuation, an overlong form of each length, a surrogate, beyond U+10FFFF.
  for (const std::string bytes : {"\xe9t\xe9", "\x80", "\xc2", "\xe2\x82", "\xc0\x80", "\xe0\x80\x80",
                                  "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"})
    BOOST_CHECK_EXCEPTION(read_back("one\ntwo\n" + bytes), Error, says("text:3: the text is not UTF-8"));
}

BOOST_AUTO_TEST_CASE(A_folder_and_a_missing_file_are_refused) {
  const Scratch scratch;
  BOOST_CHECK_EXCEPTION(read_text_file(scratch.path(".")), Error, says("directory"));
  BOOST_CHECK_EXCEPTION(read_text_file(scratch.path("none")), Error, says("No such file"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <random>
#include <sstream>

#include "base/error.hpp"
#include "io/toml.hpp"
#include "tests/io/scratch.hpp"

using namespace striate;

namespace {

constexpr const char* tilt = R"(title = "tilt illusion"

[circuit]
model = "contextual"          # a comment
parameters = {gamma = 1, tau = "8 ms"}

[stimulus]
size = "0.25 deg"
contrast = 50
on = true
orientations = [0, 22.5, 45]

[[stimulus.layers]]
name = "centre"

[[stimulus.layers]]
name = "surround"
size = "8 mV"
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(toml_reading)

BOOST_AUTO_TEST_CASE(values_are_read_in_the_type_asked_for) {
  const auto document = TomlDocument::parse_string(tilt, "tilt.toml");
  const auto stimulus = document.root().table("stimulus");
  const auto size = stimulus.quantity("size");
  BOOST_TEST(size.value == 0.25);
  BOOST_TEST(size.unit == "deg");
  BOOST_TEST(stimulus.number("contrast") == 50.0);
  BOOST_TEST(stimulus.integer("contrast") == 50);
  BOOST_TEST(stimulus.boolean("on"));
  BOOST_TEST(stimulus.at("orientations").as_numbers() == (std::vector<double>{0, 22.5, 45}),
             boost::test_tools::per_element());
  BOOST_TEST(stimulus.number("absent", 3.5) == 3.5);
  BOOST_TEST(stimulus.string("absent", "x") == "x");
  BOOST_TEST(!stimulus.boolean("absent", false));
  const auto layers = stimulus.at("layers").as_array();
  BOOST_TEST_REQUIRE(layers.size() == 2u);
  BOOST_TEST(layers[1].as_table().string("name") == "surround");
  BOOST_TEST(layers[1].as_table().at("size").path() == "stimulus.layers[1].size");
  BOOST_TEST(layers[1].as_table().at("size").position() == "tilt.toml:18");
  const auto keys = document.root().table("circuit").keys();
  BOOST_TEST(keys == (std::vector<std::string>{"model", "parameters"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(quantities_are_a_number_and_what_follows_it) {
  const auto read = [](const std::string& value) {
    return TomlDocument::parse_string(std::string("x = ") + value, "a.toml").root().quantity("x");
  };
  BOOST_TEST(read("\"8mV\"").unit == "mV");
  BOOST_TEST(read("\" -1.5e-3  1/ms \"").value == -1.5e-3);
  BOOST_TEST(read("\" -1.5e-3  1/ms \"").unit == "1/ms");
  BOOST_TEST(read("\"5eV\"").unit == "eV");
  BOOST_TEST(read("\"+.5\"").value == 0.5);
  BOOST_TEST(read("3").value == 3.0);
  BOOST_TEST(read("3").unit == "");
  for (const char* wrong : {"\"mV\"", "\"nano\"", "\"inf ms\"", "\"\"", "\"- 3\"", "true", "[1]", "\"1e999 s\""})
    BOOST_CHECK_EXCEPTION(read(wrong), Error, says("a.toml:1: x = "));
}

BOOST_AUTO_TEST_CASE(a_wrong_value_is_named_with_file_line_key_and_value) {
  const auto document = TomlDocument::parse_string(tilt, "tilt.toml");
  const auto stimulus = document.root().table("stimulus");
  BOOST_CHECK_EXCEPTION(stimulus.number("size"), Error,
                        says("tilt.toml:8: stimulus.size = \"0.25 deg\", but a number is asked for."));
  BOOST_CHECK_EXCEPTION(stimulus.integer("orientations"), Error,
                        says("tilt.toml:11: stimulus.orientations = [ 0, 22.5, 45 ]"));
  BOOST_CHECK_EXCEPTION(stimulus.at("size").fail("but a size is above 0."), Error,
                        says("tilt.toml:8: stimulus.size = \"0.25 deg\", but a size is above 0."));
  BOOST_CHECK_EXCEPTION(stimulus.at("contrats"), Error,
                        says("tilt.toml:7: [stimulus] lacks `contrats`. Is `contrast`"));
  BOOST_CHECK_EXCEPTION(document.root().at("integrator"), Error, says("tilt.toml: the file lacks `integrator`."));
  BOOST_CHECK_EXCEPTION(document.root().table("title"), Error, says("tilt.toml:1: title = ", "but a table"));
}

BOOST_AUTO_TEST_CASE(text_that_is_no_toml_is_named_with_line_and_column) {
  BOOST_CHECK_EXCEPTION(TomlDocument::parse_string("a = 1\nb = = 2\n", "x.toml"), Error, says("x.toml:2:5: "));
  BOOST_CHECK_EXCEPTION(TomlDocument::parse_string("a = 1\na = 2\n", "x.toml"), Error, says("x.toml:2:"));
  BOOST_CHECK_EXCEPTION(TomlDocument::parse_string("a = \"\xff\"", "x.toml"), Error, says("x.toml:1:"));
  const Scratch scratch;
  BOOST_CHECK_EXCEPTION(TomlDocument::parse_file(scratch.path("none.toml")), Error, says("none.toml", "No such file"));
  BOOST_CHECK_EXCEPTION(TomlDocument::parse_file(scratch.path("")), Error, says("directory"));
  std::ofstream(scratch.path("a.toml")) << "a = 3\n";
  BOOST_TEST(TomlDocument::parse_file(scratch.path("a.toml")).root().integer("a") == 3);
}

BOOST_AUTO_TEST_CASE(a_key_that_nobody_asked_for_is_an_error_with_the_nearest_known_one) {
  const auto document = TomlDocument::parse_string("[stimulus]\nsiez = 3\n[output]\nfile = \"a\"\n", "x.toml");
  const auto stimulus = document.root().table("stimulus");
  stimulus.number("size", 1.0);
  stimulus.number("contrast", 1.0);
  BOOST_CHECK_EXCEPTION(document.require_all_used(), Error, says("x.toml:2: stimulus.siez = 3", "Closest: size."));
  stimulus.number("siez");
  BOOST_CHECK_EXCEPTION(document.require_all_used(), Error, says("x.toml:3: output = {...}"));
  document.root().table("output").string("file");
  BOOST_CHECK_NO_THROW(document.require_all_used());
}

BOOST_AUTO_TEST_CASE(unread_keys_are_found_inside_lists_of_tables) {
  const auto document = TomlDocument::parse_string("[[layers]]\nsize = 1\n[[layers]]\nsize = 2\nhue = 3\n", "x.toml");
  for (const auto& layer : document.root().at("layers").as_array()) layer.as_table().number("size");
  BOOST_CHECK_EXCEPTION(document.require_all_used(), Error, says("x.toml:5: layers[1].hue = 3"));
}

BOOST_AUTO_TEST_CASE(values_set_later_replace_those_of_the_file_and_say_where_they_came_from) {
  auto document = TomlDocument::parse_string(tilt, "tilt.toml");
  document.set("stimulus.size", "3 deg");
  document.set("stimulus.contrast", "25");
  document.set("stimulus.layers[1].size", "\"2 deg\"");
  document.set("stimulus.orientations[0]", "-5.5");
  document.set("solver.method", "adams");
  document.set("circuit.parameters", "{gamma = 2}");
  const auto root = document.root();
  BOOST_TEST(root.table("stimulus").quantity("size").value == 3.0);
  BOOST_TEST(root.table("stimulus").integer("contrast") == 25);
  BOOST_TEST(root.table("stimulus").at("layers").as_array()[1].as_table().quantity("size").unit == "deg");
  BOOST_TEST(root.table("stimulus").at("orientations").as_numbers()[0] == -5.5);
  BOOST_TEST(root.table("solver").string("method") == "adams");
  BOOST_TEST(root.table("circuit").table("parameters").integer("gamma") == 2);
  BOOST_CHECK_EXCEPTION(root.table("stimulus").number("size"), Error,
                        says("--set stimulus.size: stimulus.size = \"3 deg\""));
  BOOST_CHECK_EXCEPTION(root.table("circuit").table("parameters").string("gamma"), Error,
                        says("--set circuit.parameters: "));
  const auto again = TomlDocument::parse_string(document.to_text(), "again.toml");
  BOOST_TEST(again.to_text() == document.to_text());
  BOOST_TEST(again.root().table("stimulus").quantity("size").value == 3.0);
}

BOOST_AUTO_TEST_CASE(keys_keep_their_order_when_written_and_when_set) {
  auto document = TomlDocument::parse_string(
      "title = \"t\"\n[conditions.z]\nvalues = [0.1, 1.0, 1e300, inf]\n[conditions.b]\nfrom = 1\n[conditions.a]\nto = "
      "1\n[[layer]]\nonly = {q = 1, p = 'two\\n'}\nlist = [{d = 1, c = [2, 3]}]\n[[layer]]\n[layer.\"a\\\\ b\"]\nx = "
      "1979-05-27\n",
      "x.toml");
  const auto order = [](const TomlDocument& d) { return d.root().table("conditions").keys(); };
  const std::vector<std::string> written{"z", "b", "a"};
  BOOST_TEST(order(document) == written, boost::test_tools::per_element());
  const auto again = TomlDocument::parse_string(document.to_text(), "again.toml");
  BOOST_TEST(order(again) == written, boost::test_tools::per_element());
  BOOST_TEST(again.to_text() == document.to_text());
  const auto layers = again.root().at("layer").as_array();
  BOOST_TEST(layers.at(0).as_table().table("only").keys() == (std::vector<std::string>{"q", "p"}),
             boost::test_tools::per_element());
  BOOST_TEST(layers.at(0).as_table().table("only").string("p") == "two\\n");
  BOOST_TEST(layers.at(1).as_table().table("a\\ b").has("x"));
  const auto values = again.root().table("conditions").table("z").at("values");
  BOOST_TEST(values.as_numbers() == (std::vector<double>{0.1, 1, 1e300, HUGE_VAL}), boost::test_tools::per_element());
  BOOST_TEST(!values.as_array()[1].is_integer());

  document.set("conditions.c.from", "2");
  document.set("conditions.b", "{values = [3], unit = \"ms\"}");
  document.set("conditions.aa", "{from = 1}");
  const std::vector<std::string> now{"z", "b", "a", "c", "aa"};
  BOOST_TEST(order(document) == now, boost::test_tools::per_element());
  const auto set = TomlDocument::parse_string(document.to_text(), "set.toml");
  BOOST_TEST(order(set) == now, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_set_key_that_is_never_used_is_an_error) {
  auto document = TomlDocument::parse_string("a = 1\n", "x.toml");
  document.set("stimulus.sise", "3");
  document.root().integer("a");
  document.root().table("stimulus").number("size", 1.0);
  BOOST_CHECK_EXCEPTION(document.require_all_used(), Error,
                        says("--set stimulus.sise: stimulus.sise = 3", "Closest: size."));
}

BOOST_AUTO_TEST_CASE(a_blank_value_takes_out_what_stands_there) {
  auto document = TomlDocument::parse_string("a = 1\nl = [1, 2, 3]\n[t]\nb = 2\nc = 3\n[gone]\nd = 4\n", "x.toml");
  for (const char* path : {"a", "l[1]", "t.b", "gone"}) document.set(path, " ");
  BOOST_TEST(document.to_text() == TomlDocument::parse_string("l = [1, 3]\n[t]\nc = 3\n", "y.toml").to_text());
  document.set("t", "");
  document.set("t.b", "5");
  BOOST_TEST(document.to_text() == TomlDocument::parse_string("l = [1, 3]\n[t]\nb = 5\n", "y.toml").to_text());
  BOOST_CHECK_EXCEPTION(document.set("a", ""), Error, says("--set a: there is no 'a' to leave out"));
  BOOST_CHECK_EXCEPTION(document.set("u.v", ""), Error, says("--set u.v: there is no 'u.v' to leave out"));
  BOOST_CHECK_EXCEPTION(document.set("l[2]", ""), Error, says("[2] is asked of a list of 2"));
}

BOOST_AUTO_TEST_CASE(paths_that_cannot_be_set_are_errors) {
  auto document = TomlDocument::parse_string("a = 1\nl = [1, 2]\n", "x.toml");
  for (const char* path :
       {"", ".", "a.", "[1]", "l[", "l[x]", "l[2]", "l[99999999999999999999]", "a.b", "a[0]", "\"x", "b..c"})
    BOOST_CHECK_EXCEPTION(document.set(path, "1"), Error, says("--set "));
  BOOST_CHECK_EXCEPTION(document.set("list[0].x", "1"), Error, says("[0] is asked of `list`, of which there is none"));
  BOOST_CHECK_THROW(document.set("a", "1\nb = 2"), Error);
}

BOOST_AUTO_TEST_CASE(deep_and_huge_texts_are_refused_or_read_but_never_crash) {
  const auto repeated = [](const std::string& part, int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += part;
    return text;
  };
  const auto refused = [](const std::string& text) {
    BOOST_CHECK_EXCEPTION(TomlDocument::parse_string(text, "deep.toml"), Error, says("deep.toml"));
  };
  refused(std::string("a = ") + repeated("[", 100000));
  refused(std::string("a = ") + repeated("[", 100000) + repeated("]", 100000));
  refused(std::string("a = ") + repeated("{a = ", 100000));
  refused(repeated("a.", 100000) + "a = 1");
  refused(std::string("[") + repeated("a.", 100000) + "a]");
  refused(std::string("b = 1 # it's\n") + repeated("a.", 100000) + "a = 1\n!");
  refused(std::string("b = '''x\n''' # \"\n") + repeated("a . ", 100000) + "a = 1");
  refused(std::string((16u << 20) + 1, ' '));
  // The deepest that passes: 60 nested tables, each reached through a key of 60 parts.
  const auto deepest = repeated(repeated("a.", 60) + "a = {", 60) + repeated("}", 60);
  BOOST_TEST(!TomlDocument::parse_string(deepest, "deep.toml").to_text().empty());
  // Dots and brackets in strings and comments are no nesting.
  const auto dots = repeated(".[", 1000);
  BOOST_CHECK_NO_THROW(TomlDocument::parse_string(
      std::string("a = \"") + dots + "\" # " + dots + "\nb = '''\n" + dots + "\n'''\n", "x.toml"));
  std::ostringstream many;
  for (int i = 0; i < 100000; ++i) many << 'k' << i << " = " << i << '\n';
  BOOST_TEST(TomlDocument::parse_string(many.str(), "many.toml").root().integer("k99999") == 99999);
}

BOOST_AUTO_TEST_CASE(keys_that_no_message_could_name_are_refused) {
  const auto message = [](const auto& read) -> std::string {
    try {
      read();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  const std::string why = " a key contains a quote, a tab or a line break. Use letters, digits, - and _.";
  BOOST_TEST(message([] { TomlDocument::parse_string("a = 1\n\"b'c\" = 2\n", "x.toml"); }) == "x.toml:2:1:" + why);
  BOOST_TEST(message([] { TomlDocument::parse_string("a = [{\"b\\n\" = 2}]\n", "x.toml"); }) == "x.toml:1:7:" + why);
  auto document = TomlDocument::parse_string("a = 1\n", "x.toml");
  BOOST_TEST(message([&] { document.set("b'''.c", "1"); }) == "--set b'''.c:" + why);
  BOOST_TEST(message([&] { document.set("b", "{\"c\\t\" = 1}"); }).ends_with(why));
  for (const auto& setting : {std::pair{"\xff", "1"}, {"b", "\xff"}})
    BOOST_TEST(message([&] { document.set(setting.first, setting.second); }).find("UTF-8") != std::string::npos);
  BOOST_TEST(document.to_text() == "a = 1\n");
}

BOOST_AUTO_TEST_CASE(mutated_texts_are_read_or_refused) {
  std::mt19937 random(3);
  const std::string alphabet = "[]{}=.,\"'#\\\n \tabx10-+_:eT\xc3\xa4";
  int read = 0, refused = 0;
  for (int trial = 0; trial < 5000; ++trial) {
    std::string text = tilt;
    for (unsigned k = random() % 6 + 1; k > 0; --k) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0)
        text.erase(at, random() % 5);
      else
        text.insert(at, 1, alphabet[random() % alphabet.size()]);
    }
    try {
      const auto document = TomlDocument::parse_string(text, "x.toml");
      document.to_text();
      ++read;
      document.require_all_used();
    } catch (const Error&) {
      ++refused;
    }
  }
  BOOST_TEST(read > 500);
  BOOST_TEST(refused > 500);
}

BOOST_AUTO_TEST_SUITE_END()

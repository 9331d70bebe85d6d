#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// TOML read with its places: every mistake says file, line, key and value, and no key goes unread.
///
///     auto document = TomlDocument::parse_file("tilt.toml");
///     document.set("stimulus.size", "3 deg");                            // --set stimulus.size="3 deg"
///     const auto stimulus = document.root().table("stimulus");
///     const auto size = stimulus.at("size").as_quantity();               // {3, "deg"}
///     if (size.value <= 0) stimulus.at("size").fail("but a size is above 0.");
///     document.require_all_used();                                       // a misspelt key is an Error here
///
/// Values may be asked for from several threads at once.
namespace striate {

namespace detail {
struct TomlState;
struct TomlNode;
}  // namespace detail

class TomlTable;

/// A number with a unit as written: "0.25 deg", "8" or a bare number (then the unit is empty). What units there are is
/// not known here.
struct TomlQuantity {
  double value = 0;
  std::string unit;
};

/// A value in its place. The getters throw Error: `tilt.toml:12: stimulus.size = "8 mV", but a number is asked for.`
class TomlValue {
 public:
  const std::string& path() const { return path_; }  ///< "stimulus.layer[1].size"
  std::string position() const;                      ///< "tilt.toml:12", or "--set stimulus.size"
  std::string text() const;                          ///< the value in TOML, shortened if long

  bool is_string() const;
  bool is_number() const;  ///< integers too
  bool is_integer() const;
  bool is_bool() const;
  bool is_array() const;
  bool is_table() const;

  std::string as_string() const;
  double as_number() const;
  std::int64_t as_integer() const;
  bool as_bool() const;
  TomlQuantity as_quantity() const;
  std::vector<TomlValue> as_array() const;
  std::vector<std::string> as_strings() const;
  std::vector<double> as_numbers() const;
  TomlTable as_table() const;

  /// Whether a text in it, at any depth, holds the word as a name of its own; does not count as asking for keys.
  bool mentions(std::string_view word) const;

  /// Throws Error: "position: path = value, <but>".
  [[noreturn]] void fail(std::string_view but) const;

 private:
  friend class TomlTable;
  friend class TomlDocument;
  TomlValue(std::shared_ptr<detail::TomlState> state, const detail::TomlNode* node, std::string path,
            std::string origin)
      : state_(std::move(state)), node_(node), path_(std::move(path)), origin_(std::move(origin)) {}
  std::shared_ptr<detail::TomlState> state_;
  const detail::TomlNode* node_;  // owned by the document
  std::string path_;
  std::string origin_;  // where an override came from; empty for the file
};

/// A table in its place. Asking for a key, present or not, makes it known; a key of the file that is never asked for is
/// an Error of `TomlDocument::require_all_used`.
class TomlTable {
 public:
  const std::string& path() const { return value_.path(); }
  std::string position() const { return value_.position(); }

  bool has(std::string_view key) const;
  std::optional<TomlValue> find(std::string_view key) const;
  TomlValue at(std::string_view key) const;  ///< throws Error if the key is missing
  std::vector<std::string> keys() const;     ///< as they stand in the file; does not count as asking

  TomlTable table(std::string_view key) const { return at(key).as_table(); }
  std::optional<TomlTable> find_table(std::string_view key) const;
  std::string string(std::string_view key) const { return at(key).as_string(); }
  std::string string(std::string_view key, std::string fallback) const;
  double number(std::string_view key) const { return at(key).as_number(); }
  double number(std::string_view key, double fallback) const;
  std::int64_t integer(std::string_view key) const { return at(key).as_integer(); }
  std::int64_t integer(std::string_view key, std::int64_t fallback) const;
  bool boolean(std::string_view key) const { return at(key).as_bool(); }
  bool boolean(std::string_view key, bool fallback) const;
  TomlQuantity quantity(std::string_view key) const { return at(key).as_quantity(); }

  /// Throws Error: "position: [path] <what>".
  [[noreturn]] void fail(std::string_view what) const;

 private:
  friend class TomlValue;
  friend class TomlDocument;
  explicit TomlTable(TomlValue value) : value_(std::move(value)) {}
  TomlValue value_;
};

class TomlDocument {
 public:
  /// Throws Error `file:line:column: message` on a file that is missing, above 16 MiB, nested deeper than 64 levels, or
  /// not TOML.
  static TomlDocument parse_file(const std::string& path);
  static TomlDocument parse_string(std::string_view text, const std::string& name);

  TomlTable root() const;

  /// Replaces or adds the value at a path such as `stimulus.layer[1].size`. `value` is read as TOML (3, true, [1, 2],
  /// "text"), else taken as a string as it stands (3 deg); a blank one takes what stands there out. Throws Error on a
  /// path that goes through something that is no table, and on one to take out that is not there. To be called before
  /// values are asked for: those it replaces are gone.
  void set(std::string_view path, std::string_view value);

  /// Throws Error naming the first key, in the order of the file, that nobody asked for, with its line and the nearest
  /// known key.
  void require_all_used() const;

  /// Every text in it that is a value, at any depth.
  std::vector<std::string> texts() const;

  /// The document with what was set, as TOML text; keys stand in the order in which `keys` gives them.
  std::string to_text() const;

 private:
  explicit TomlDocument(std::shared_ptr<detail::TomlState> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::TomlState> state_;
};

}  // namespace striate

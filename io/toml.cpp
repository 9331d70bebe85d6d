#include "io/toml.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

#include "base/error.hpp"
#include "io/text_file.hpp"
#include "io/toml_limits.hpp"

namespace striate {

namespace detail {

struct TomlState {
  std::string name;
  toml::table root;
  std::map<const toml::node*, std::string> overrides;                           // value set later -> "--set path"
  std::map<const toml::node*, std::pair<std::uint32_t, std::uint32_t>> places;  // of values set later: line, column
  std::uint32_t sets = 0;
  std::mutex lock;                                                        // of what follows
  std::map<const toml::node*, std::set<std::string, std::less<>>> asked;  // table -> keys asked for
};

}  // namespace detail

namespace {

const toml::node* real(const detail::TomlNode* node) { return reinterpret_cast<const toml::node*>(node); }
const detail::TomlNode* hidden(const toml::node* node) { return reinterpret_cast<const detail::TomlNode*>(node); }

bool is_bare_key(std::string_view key) {
  return !key.empty() &&
         std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

std::string joined_path(const std::string& path, std::string_view key) {
  const std::string own = is_bare_key(key) ? std::string(key) : fmt::format("\"{}\"", key);
  return path.empty() ? own : path + "." + own;
}

std::string value_text(const toml::node& node) {
  std::ostringstream out;
  node.visit([&](const auto& concrete) {
    if constexpr (toml::is_table<decltype(concrete)>)
      out << "{...}";
    else if constexpr (toml::is_floating_point<decltype(concrete)>)
      out << fmt::format("{}", concrete.get());
    else
      out << toml::toml_formatter(concrete, toml::format_flags::allow_unicode_strings);
  });
  std::string text = out.str();
  std::replace(text.begin(), text.end(), '\n', ' ');
  constexpr std::size_t shown = 60;
  if (text.size() > shown) {
    std::size_t cut = shown;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;  // not inside a UTF-8 character
    text = text.substr(0, cut) + "...";
  }
  return text;
}

std::string position_of(const detail::TomlState& state, const toml::node& node, const std::string& origin) {
  if (!origin.empty()) return origin;
  const auto line = node.source().begin.line;
  return line == 0 ? state.name : fmt::format("{}:{}", state.name, line);
}

std::string origin_of(const detail::TomlState& state, const toml::node* node, const std::string& inherited) {
  const auto found = state.overrides.find(node);
  return found == state.overrides.end() ? inherited : found->second;
}

[[noreturn]] void throw_parse_error(const toml::parse_error& error, const std::string& name) {
  throw Error(
      fmt::format("{}:{}:{}: {}.", name, error.source().begin.line, error.source().begin.column, error.description()));
}

struct Step {
  std::string key;        // of a table, or
  std::size_t index = 0;  // of an array, if key is empty
};

/// "a.b[2].\"c d\"" cut into its steps; empty if it is malformed.
std::vector<Step> path_steps(std::string_view path) {
  std::vector<Step> steps;
  std::size_t i = 0;
  while (i < path.size()) {
    if (!steps.empty() && path[i] == '[') {
      Step step;
      const auto [end, error] = std::from_chars(path.data() + i + 1, path.data() + path.size(), step.index);
      if (error != std::errc() || end == path.data() + path.size() || *end != ']') return {};
      i = static_cast<std::size_t>(end - path.data()) + 1;
      steps.push_back(step);
      continue;
    }
    if (!steps.empty()) {
      if (path[i] != '.') return {};
      ++i;
    }
    std::string key;
    if (i < path.size() && path[i] == '"') {
      const std::size_t end = path.find('"', i + 1);
      if (end == std::string_view::npos) return {};
      key = path.substr(i + 1, end - i - 1);
      i = end + 1;
    } else {
      const std::size_t end = std::min(path.find_first_of(".[", i), path.size());
      key = path.substr(i, end - i);
      i = end;
    }
    if (key.empty()) return {};
    steps.push_back({key, 0});
  }
  return steps;
}

/// Line and column of a value; one that was set keeps the place of the one before it, new ones follow in their order.
std::pair<std::uint32_t, std::uint32_t> place_of(const detail::TomlState& state, const toml::node* node) {
  if (const auto found = state.places.find(node); found != state.places.end()) return found->second;
  return {node->source().begin.line, node->source().begin.column};
}

void collect_texts(const toml::node& node, std::vector<std::string>& all) {
  if (const auto* text = node.as_string()) all.push_back(text->get());
  if (const auto* table = node.as_table())
    for (const auto& [key, child] : *table) collect_texts(child, all);
  if (const auto* array = node.as_array())
    for (const auto& child : *array) collect_texts(child, all);
}

/// What is known of a node and those in it by their addresses, before they go.
void forget(detail::TomlState& state, const toml::node* node) {
  if (node == nullptr) return;
  state.overrides.erase(node);
  state.places.erase(node);
  state.asked.erase(node);
  if (const auto* table = node->as_table())
    for (const auto& [key, child] : *table) forget(state, &child);
  if (const auto* array = node->as_array())
    for (const auto& child : *array) forget(state, &child);
}

/// The keys of a table as they stand in the file, new ones last.
std::vector<std::pair<std::string, const toml::node*>> entries(const detail::TomlState& state,
                                                               const toml::table& table) {
  std::vector<std::pair<std::string, const toml::node*>> found;
  for (const auto& [key, node] : table) found.emplace_back(std::string(key.str()), &node);
  const auto place = [&](const toml::node* node) { return place_of(state, node); };
  std::stable_sort(found.begin(), found.end(),
                   [&](const auto& a, const auto& b) { return place(a.second) < place(b.second); });
  return found;
}

void require_used(const detail::TomlState& state, const toml::node& node, const std::string& path,
                  const std::string& inherited) {
  const std::string origin = origin_of(state, &node, inherited);
  if (const auto* array = node.as_array()) {
    for (std::size_t i = 0; i < array->size(); ++i)
      require_used(state, *array->get(i), fmt::format("{}[{}]", path, i), origin);
    return;
  }
  const auto* table = node.as_table();
  if (table == nullptr) return;
  const auto asked = state.asked.find(table);
  for (const auto& [key, child] : entries(state, *table)) {
    const std::string child_path = joined_path(path, key);
    if (asked == state.asked.end() || !asked->second.contains(key)) {
      std::vector<std::string> known;
      if (asked != state.asked.end()) known.assign(asked->second.begin(), asked->second.end());
      throw Error(fmt::format("{}: {} = {}, but there is no such key here.{}",
                              position_of(state, *child, origin_of(state, child, origin)), child_path,
                              value_text(*child), suggest_names(key, known)));
    }
    require_used(state, *child, child_path, origin);
  }
}

}  // namespace

// --- values ---------------------------------------------------------------------------------------------------------

std::string TomlValue::position() const { return position_of(*state_, *real(node_), origin_); }
std::string TomlValue::text() const { return value_text(*real(node_)); }

void TomlValue::fail(std::string_view but) const {
  throw Error(fmt::format("{}: {} = {}, {}", position(), path_, text(), but));
}

bool TomlValue::is_string() const { return real(node_)->is_string(); }
bool TomlValue::is_number() const { return real(node_)->is_number(); }
bool TomlValue::is_integer() const { return real(node_)->is_integer(); }
bool TomlValue::is_bool() const { return real(node_)->is_boolean(); }
bool TomlValue::is_array() const { return real(node_)->is_array(); }
bool TomlValue::is_table() const { return real(node_)->is_table(); }

std::string TomlValue::as_string() const {
  if (const auto* value = real(node_)->as_string()) {
    if (value->get().find('\0') != std::string::npos) fail("but a text must not hold a zero byte.");
    return value->get();
  }
  fail("but a string is asked for, in quotes.");
}

double TomlValue::as_number() const {
  if (const auto* value = real(node_)->as_floating_point()) return value->get();
  if (const auto* value = real(node_)->as_integer()) return static_cast<double>(value->get());
  fail("but a number is asked for.");
}

std::int64_t TomlValue::as_integer() const {
  if (const auto* value = real(node_)->as_integer()) return value->get();
  const auto* real_number = real(node_)->as_floating_point();
  if (real_number != nullptr && real_number->get() == std::floor(real_number->get()))
    fail(std::abs(real_number->get()) < 0x1p63
             ? fmt::format("but a whole number is asked for: write {:.0f}.", real_number->get())
             : fmt::format("but a whole number is asked for, and these end at {}.",
                           std::numeric_limits<std::int64_t>::max()));
  fail("but a whole number is asked for.");
}

bool TomlValue::as_bool() const {
  if (const auto* value = real(node_)->as_boolean()) return value->get();
  fail("but true or false is asked for.");
}

namespace {

bool holds_word(std::string_view text, std::string_view word) {
  const auto in_name = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
  };
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
    if (!in_name(at + word.size()) && (at == 0 || !in_name(at - 1))) return true;
  return false;
}

bool node_mentions(const toml::node& node, std::string_view word) {
  if (const auto* text = node.as_string()) return holds_word(text->get(), word);
  if (const auto* array = node.as_array())
    return std::any_of(array->begin(), array->end(), [&](const toml::node& n) { return node_mentions(n, word); });
  if (const auto* table = node.as_table())
    return std::any_of(table->begin(), table->end(),
                       [&](const auto& entry) { return node_mentions(entry.second, word); });
  return false;
}

}  // namespace

bool TomlValue::mentions(std::string_view word) const { return node_mentions(*real(node_), word); }

TomlQuantity TomlValue::as_quantity() const {
  if (is_number()) return {as_number(), ""};
  const auto* value = real(node_)->as_string();
  if (value == nullptr) fail("but a number with its unit is asked for, such as \"8 ms\".");
  std::string_view text = value->get();
  const auto trim = [](std::string_view s) {
    const auto first = s.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view{}
                                           : s.substr(first, s.find_last_not_of(" \t") - first + 1);
  };
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || (!std::isdigit(static_cast<unsigned char>(digits[0])) && digits[0] != '.'))
    fail("but a number with its unit is asked for, such as \"8 ms\".");
  TomlQuantity quantity;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quantity.value);
  if (error == std::errc::result_out_of_range) fail("but that number is too large or too small for a double.");
  if (error != std::errc()) fail("but a number with its unit is asked for, such as \"8 ms\".");
  quantity.unit = trim(text.substr(static_cast<std::size_t>(end - text.data())));
  return quantity;
}

std::vector<TomlValue> TomlValue::as_array() const {
  const auto* array = real(node_)->as_array();
  if (array == nullptr) fail("but a list [...] is asked for.");
  std::vector<TomlValue> values;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const toml::node* element = array->get(i);
    values.push_back(
        TomlValue(state_, hidden(element), fmt::format("{}[{}]", path_, i), origin_of(*state_, element, origin_)));
  }
  return values;
}

std::vector<std::string> TomlValue::as_strings() const {
  std::vector<std::string> strings;
  for (const auto& value : as_array()) strings.push_back(value.as_string());
  return strings;
}

std::vector<double> TomlValue::as_numbers() const {
  std::vector<double> numbers;
  for (const auto& value : as_array()) numbers.push_back(value.as_number());
  return numbers;
}

TomlTable TomlValue::as_table() const {
  if (!is_table()) fail("but a table is asked for.");
  return TomlTable(*this);
}

// --- tables ---------------------------------------------------------------------------------------------------------

bool TomlTable::has(std::string_view key) const { return find(key).has_value(); }

std::optional<TomlValue> TomlTable::find(std::string_view key) const {
  const auto& table = *real(value_.node_)->as_table();
  {
    const std::scoped_lock guard(value_.state_->lock);
    value_.state_->asked[&table].emplace(key);
  }
  const toml::node* child = table.get(key);
  if (child == nullptr) return std::nullopt;
  return TomlValue(value_.state_, hidden(child), joined_path(path(), key),
                   origin_of(*value_.state_, child, value_.origin_));
}

TomlValue TomlTable::at(std::string_view key) const {
  auto value = find(key);
  if (!value)
    fail(fmt::format("lacks `{}`.{}", key, [&] {
      const auto near = closest_names(key, keys());
      return near.empty() ? "" : fmt::format(" Is `{}` a misspelling?", near[0]);
    }()));
  return *value;
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : entries(*value_.state_, *real(value_.node_)->as_table())) names.push_back(entry.first);
  return names;
}

std::optional<TomlTable> TomlTable::find_table(std::string_view key) const {
  const auto value = find(key);
  return value ? std::optional(value->as_table()) : std::nullopt;
}

std::string TomlTable::string(std::string_view key, std::string fallback) const {
  const auto value = find(key);
  return value ? value->as_string() : std::move(fallback);
}

double TomlTable::number(std::string_view key, double fallback) const {
  const auto value = find(key);
  return value ? value->as_number() : fallback;
}

std::int64_t TomlTable::integer(std::string_view key, std::int64_t fallback) const {
  const auto value = find(key);
  return value ? value->as_integer() : fallback;
}

bool TomlTable::boolean(std::string_view key, bool fallback) const {
  const auto value = find(key);
  return value ? value->as_bool() : fallback;
}

void TomlTable::fail(std::string_view what) const {
  throw Error(path().empty() ? fmt::format("{}: the file {}", value_.state_->name, what)
                             : fmt::format("{}: [{}] {}", position(), path(), what));
}

// --- documents ------------------------------------------------------------------------------------------------------

TomlDocument TomlDocument::parse_file(const std::string& path) { return parse_string(read_text_file(path), path); }

namespace {

/// Messages name keys, in one line.
void require_plain_key(std::string_view key, const std::string& where) {
  if (std::ranges::any_of(key, [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\''; }))
    throw Error(where, "a key contains a quote, a tab or a line break. Use letters, digits, - and _.");
}

void require_plain_keys(const toml::node& node, const std::string& name) {
  if (const auto* array = node.as_array())
    for (const auto& element : *array) require_plain_keys(element, name);
  if (const auto* table = node.as_table())
    for (const auto& [key, value] : *table) {
      require_plain_key(key.str(), fmt::format("{}:{}:{}", name, key.source().begin.line, key.source().begin.column));
      require_plain_keys(value, name);
    }
}

}  // namespace

TomlDocument TomlDocument::parse_string(std::string_view text, const std::string& name) {
  if (text.size() > largest_text)
    throw Error(name, "the text is above 16 MiB. Keep arrays of data in files of their own.");
  if (const auto line = detail::line_nested_too_deep(text))
    throw Error(fmt::format("{}:{}: the text is nested deeper than {} levels.", name, *line, detail::deepest_toml));
  auto state = std::make_shared<detail::TomlState>();
  state->name = name;
  try {
    state->root = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    throw_parse_error(error, name);
  }
  require_plain_keys(state->root, name);
  return TomlDocument(std::move(state));
}

TomlTable TomlDocument::root() const {
  return TomlTable(TomlValue(state_, hidden(static_cast<const toml::node*>(&state_->root)), "", ""));
}

namespace {

/// A value of `--set` under the key `value`: TOML, else a text as it stands.
toml::table parsed_setting(std::string_view value, const std::string& origin) {
  if (value.size() > largest_text || detail::line_nested_too_deep(value))
    throw Error(origin, "the value is too long or too deep.");
  try {
    if (value.find('\n') != std::string_view::npos) throw Error(origin, "the value has more than one line.");
    return toml::parse(fmt::format("value = {}", value), origin);
  } catch (const toml::parse_error&) {
    return toml::table{{"value", std::string(value)}};
  }
}

}  // namespace

void TomlDocument::set(std::string_view path, std::string_view value) {
  const std::string origin = fmt::format("--set {}", path);
  const auto steps = path_steps(path);
  if (steps.empty() || steps.size() > static_cast<std::size_t>(detail::deepest_toml))
    throw Error(origin, "this is not a path of keys such as stimulus.layer[1].size.");

  if (first_foreign_byte(path) < path.size() || first_foreign_byte(value) < value.size())
    throw Error("--set", "the key or the value is not UTF-8. Give it in that encoding.");
  const bool removed = value.find_first_not_of(" \t") == std::string_view::npos;
  toml::table parsed = parsed_setting(value, origin);
  for (const auto& step : steps) require_plain_key(step.key, origin);
  require_plain_keys(*parsed.get("value"), origin);

  ++state_->sets;
  const std::pair behind{UINT32_MAX, state_->sets};
  toml::node* place = &state_->root;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool last = i + 1 == steps.size();
    if (!steps[i].key.empty()) {
      auto* table = place->as_table();
      if (table == nullptr)
        throw Error(origin,
                    fmt::format("`{}` is looked for in {}, which is no table.", steps[i].key, value_text(*place)));
      const toml::node* old = table->get(steps[i].key);
      if (removed && old == nullptr)
        throw Error(origin,
                    fmt::format("there is no '{}' to leave out. A text without letters is written \"\".", path));
      const auto stands = old != nullptr ? place_of(*state_, old) : behind;
      if (removed && last) {
        forget(*state_, old);
        table->erase(steps[i].key);
        return;
      }
      if (last) {
        forget(*state_, old);
        table->insert_or_assign(steps[i].key, std::move(*parsed.get("value")));
      } else if (old == nullptr) {
        if (steps[i + 1].key.empty())
          throw Error(origin,
                      fmt::format("[{}] is asked of `{}`, of which there is none.", steps[i + 1].index, steps[i].key));
        table->insert(steps[i].key, toml::table{});
        state_->overrides[table->get(steps[i].key)] = origin;
      }
      place = table->get(steps[i].key);
      if (last || old == nullptr) state_->places[place] = stands;
    } else {
      auto* array = place->as_array();
      if (array == nullptr || steps[i].index >= array->size())
        throw Error(origin,
                    array == nullptr
                        ? fmt::format("[{}] is asked of {}, which is no list.", steps[i].index, value_text(*place))
                        : fmt::format("[{}] is asked of a list of {}.", steps[i].index, array->size()));
      if (last) forget(*state_, array->get(steps[i].index));
      if (removed && last) {
        array->erase(array->cbegin() + static_cast<std::ptrdiff_t>(steps[i].index));
        return;
      }
      if (last)
        array->replace(array->cbegin() + static_cast<std::ptrdiff_t>(steps[i].index), std::move(*parsed.get("value")));
      place = array->get(steps[i].index);
    }
  }
  state_->overrides[place] = origin;
}

std::vector<std::string> TomlDocument::texts() const {
  std::vector<std::string> all;
  collect_texts(state_->root, all);
  return all;
}

void TomlDocument::require_all_used() const { require_used(*state_, state_->root, "", ""); }

namespace {

std::string key_text(std::string_view key) { return is_bare_key(key) ? std::string(key) : fmt::format("'{}'", key); }

[[gnu::noinline]] std::string scalar_text(const toml::node& node) {
  if (const auto* number = node.as_floating_point()) {
    const std::string text = fmt::format("{}", number->get());
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  std::ostringstream out;
  node.visit([&](const auto& value) { out << toml::toml_formatter(value, toml::format_flags::allow_unicode_strings); });
  return out.str();
}

/// Apart, so that its buffers are no part of the frames of write_inline, which goes thousands deep.
[[gnu::noinline]] void write_key(const std::string& key, std::string& out) { (out += key_text(key)) += " = "; }

/// Arrays and tables too, in one line.
void write_inline(const detail::TomlState& state, const toml::node& node, std::string& out) {
  if (const auto* array = node.as_array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) out += ", ";
      write_inline(state, *array->get(i), out);
    }
    out += ']';
  } else if (const auto* table = node.as_table()) {
    out += '{';
    bool first = true;
    for (const auto& [key, value] : entries(state, *table)) {
      if (!first) out += ", ";
      first = false;
      write_key(key, out);
      write_inline(state, *value, out);
    }
    out += '}';
  } else {
    out += scalar_text(node);
  }
}

bool has_header(const toml::node& node) { return node.is_table() && !node.as_table()->is_inline(); }

/// Under its header, where it has values of its own: these, then what has headers; both in the order of the file.
void write_table(const detail::TomlState& state, const toml::table& table, const std::string& path,
                 const std::string& header, std::string& out) {
  std::string own;
  std::vector<std::pair<std::string, const toml::node*>> below;
  for (const auto& [key, node] : entries(state, table)) {
    const auto* array = node->as_array();
    if (has_header(*node) || (node->is_table() && !below.empty()) ||
        (array != nullptr && !array->empty() && std::ranges::all_of(*array, has_header))) {
      below.emplace_back(path.empty() ? key_text(key) : path + "." + key_text(key), node);
    } else {
      write_key(key, own);
      write_inline(state, *node, own);
      own += '\n';
    }
  }
  if (!header.empty() && (!own.empty() || below.empty() || header.starts_with("[["))) out += "\n" + header + "\n";
  out += own;
  for (const auto& [name, node] : below) {
    if (const auto* inner = node->as_table()) {
      write_table(state, *inner, name, "[" + name + "]", out);
      continue;
    }
    for (const auto& element : *node->as_array())
      write_table(state, *element.as_table(), name, "[[" + name + "]]", out);
  }
}

}  // namespace

std::string TomlDocument::to_text() const {
  std::string out;
  write_table(*state_, state_->root, "", "", out);
  return out;
}

}  // namespace striate

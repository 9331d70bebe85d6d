#include "sim/data_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "io/hdf5.hpp"
#include "io/image.hpp"
#include "sim/experiment_circuit.hpp"
#include "sim/output_file.hpp"
#include "sim/pathfinder.hpp"
#include "sim/quantity.hpp"
#include "sim/version.hpp"

namespace striate {
namespace {

/// A sum over numbers in their order, which any change of one of them changes.
class Checksum {
 public:
  void add(std::uint64_t word) {
    sum_ = (sum_ ^ word) * 0x9e3779b97f4a7c15U;
    sum_ ^= sum_ >> 32;
  }
  void add_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error(path, "the file cannot be read.");
    char block[1 << 14];
    do {
      file.read(block, sizeof block);
      add(static_cast<std::uint64_t>(file.gcount()));
      for (std::streamsize i = 0; i < file.gcount(); ++i) add(static_cast<unsigned char>(block[i]));
    } while (file);
  }
  std::string str() const { return fmt::format("{:016x}", sum_); }

 private:
  std::uint64_t sum_ = 0x9e3779b97f4a7c15U;
};

/// Images made on the fly, of `samples` indices.
class PathfinderData : public DataSet {
 public:
  explicit PathfinderData(const TomlTable& t) : pathfinder_(settings(t)) {
    seed_ = whole_number(t, "seed", 0, 0);
    size_ = whole_number(t, "samples", 100'000, 1);
    const std::string task = t.string("task", "classification");
    segmentation_ = task == "segmentation";
    if (!segmentation_ && task != "classification")
      t.at("task").fail("but the tasks are these." + suggest_names(task, {"classification", "segmentation"}));
    const std::size_t side = pathfinder_.settings().size;
    const Shape image{{"y", side}, {"x", side}};
    variables_.push_back({"image", image, "two dashed contours among distractors"});
    if (segmentation_)
      variables_.push_back({"target", image, "1 on the marked contour"});
    else
      variables_.push_back({"label", {}, "1 if both markers are on one contour"});
  }

  void sample(std::size_t index, std::span<double> values) const override {
    const std::size_t pixels = variables_[0].shape.size();
    const PathfinderScene scene = pathfinder_.scene(seed_, index);
    std::vector<float> drawn(pixels);
    pathfinder_.draw(scene, segmentation_ ? 1 : 2, drawn);
    std::ranges::copy(drawn, values.begin());
    if (!segmentation_) {
      values[pixels] = scene.connected ? 1 : 0;
      return;
    }
    pathfinder_.draw_target(scene, drawn);
    std::ranges::copy(drawn, values.begin() + static_cast<std::ptrdiff_t>(pixels));
  }

 private:
  std::string make_digest() const override {
    const PathfinderSettings& s = pathfinder_.settings();
    std::string text;
    for (const auto& [name, value] : {std::pair<const char*, std::size_t>("size", s.size),
                                      {"canvas", s.canvas},
                                      {"length", s.length},
                                      {"distractors", s.distractors},
                                      {"padding", s.padding},
                                      {"seed_distance", s.seed_distance},
                                      {"samples", size_},
                                      {"seed", seed_},
                                      {"segmentation", segmentation_}})
      text += fmt::format("{} = {}\n", name, value);
    for (const auto& [name, value] : {std::pair<const char*, double>("marker_radius", s.marker_radius),
                                      {"paddle_length", s.paddle_length},
                                      {"thickness", s.thickness},
                                      {"margin", s.margin},
                                      {"continuity", s.continuity},
                                      {"contrast", s.contrast}})
      text += fmt::format("{} = {}\n", name, value);
    return text;
  }

  static Pathfinder settings(const TomlTable& t) {
    PathfinderSettings s;
    const auto whole = [&](const std::string& key, std::size_t& value, std::size_t least) {
      value = whole_number(t, key, value, least, 4096);
    };
    whole("size", s.size, 1);
    whole("canvas", s.canvas, 16);
    whole("length", s.length, 1);
    whole("distractors", s.distractors, 0);
    whole("padding", s.padding, 0);
    whole("seed_distance", s.seed_distance, 0);
    s.marker_radius = t.number("marker_radius", s.marker_radius);
    s.paddle_length = t.number("paddle_length", s.paddle_length);
    s.thickness = t.number("thickness", s.thickness);
    s.margin = t.number("margin", s.margin);
    s.continuity = t.number("continuity", s.continuity);
    s.contrast = t.number("contrast", s.contrast);
    try {
      return Pathfinder(s);
    } catch (const Error& e) {
      throw Error(fmt::format("{}: {}", t.position(), e.what()));
    }
  }

  Pathfinder pathfinder_;
  std::uint64_t seed_ = 0;
  bool segmentation_ = false;
};

/// A folder of images, one folder in it for each class, classes in the order of their names.
class ImageData : public DataSet {
 public:
  ImageData(const TomlTable& t, const std::string& path) {
    namespace fs = std::filesystem;
    const TomlValue where = t.at("folder");
    const std::string folder = beside(path, where.as_string());
    if (!fs::is_directory(folder)) where.fail(fmt::format("but '{}' is no folder.", folder));
    std::vector<fs::path> classes;
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.is_directory() && !entry.path().filename().string().starts_with(".")) classes.push_back(entry.path());
    std::sort(classes.begin(), classes.end());
    std::string without;
    for (std::size_t c = 0; c < classes.size(); ++c) {
      std::vector<std::string> files;
      for (const auto& entry : fs::directory_iterator(classes[c])) {
        std::string ending = entry.path().extension().string();
        std::ranges::transform(ending, ending.begin(), [](unsigned char letter) { return std::tolower(letter); });
        if (ending == ".png" || ending == ".pgm" || ending == ".ppm") files.push_back(entry.path().string());
      }
      std::sort(files.begin(), files.end());
      if (files.empty()) without = classes[c].string();
      classes_.emplace_back(classes[c].filename().string(), files.size());
      for (auto& file : files) files_.push_back(std::move(file));
      labels_.resize(files_.size(), static_cast<double>(c));
    }
    if (files_.empty())
      where.fail(
          fmt::format("but '{}' holds no folders with .png, .pgm or .ppm images; one folder is one class.", folder));
    if (!without.empty())
      where.fail(
          fmt::format("but its folder '{}' holds no .png, .pgm or .ppm images, and would be a class without "
                      "samples. Fill it, or move it elsewhere.",
                      without));
    size_ = files_.size();
    const Image first = read_image_size(files_.front());
    for (const auto& file : files_) {
      const Image image = read_image_size(file);
      if (image.height != first.height || image.width != first.width)
        throw Error(file, fmt::format("the image has {} x {} pixels, but '{}' has {} x {}. Bring all to one size.",
                                      image.height, image.width, files_.front(), first.height, first.width));
    }
    variables_.push_back({"image", {{"y", first.height}, {"x", first.width}}, "grey level, 0 to 1"});
    variables_.push_back({"label", {}, "number of the class, in the order of the folders' names"});
  }

  void sample(std::size_t index, std::span<double> values) const override {
    const Image image = read_image(files_[index]);
    const Shape& shape = variables_[0].shape;
    if (image.height != shape[0].size || image.width != shape[1].size)
      throw Error(files_[index], "the image has changed its size since the training began.");
    for (std::size_t i = 0; i < shape.size(); ++i) values[i] = grey_level(image, i);
    values[shape.size()] = labels_[index];
  }

  std::span<const double> known(std::size_t variable) const override {
    return variable == 1 ? std::span(labels_) : std::span<const double>();
  }

 private:
  std::string make_digest() const override {
    std::string text;
    auto file = files_.begin();
    for (const auto& [name, count] : classes_) {
      Checksum sum;
      for (const auto end = file + static_cast<std::ptrdiff_t>(count); file != end; ++file) sum.add_file(*file);
      text += fmt::format("folder {}: {} images, checksum {}\n", name, count, sum.str());
    }
    return text;
  }

  std::vector<std::pair<std::string, std::size_t>> classes_;  ///< folders, and how many images
  std::vector<std::string> files_;
  std::vector<double> labels_;
};

/// Datasets of an HDF5 file, [sample, ...] each.
class ArrayData : public DataSet {
 public:
  ArrayData(const TomlTable& t, const std::string& path) {
    const TomlValue where = t.at("file");
    const std::string file_path = beside(path, where.as_string());
    const H5File file = [&] {
      try {
        return H5File::open(file_path);
      } catch (const Error& e) {
        where.fail(fmt::format("but {}", e.what()));
      }
    }();
    const auto names = t.find("variables") ? t.at("variables").as_strings() : variables_of(file);
    for (const auto& name : names) {
      if (std::ranges::count(names, name) > 1)
        t.at("variables").fail(fmt::format("but '{}' stands there twice.", name));
      if (!file.exists(name))
        where.fail(
            fmt::format("but '{}' has no dataset '{}'.{}", file_path, name, suggest_names(name, variables_of(file))));
      H5Array array = file.read_numbers(name);
      if (array.shape.empty()) where.fail(fmt::format("but its dataset '{}' is one number, without samples.", name));
      if (variables_.empty()) size_ = array.shape[0];
      if (array.shape[0] != size_)
        where.fail(
            fmt::format("but its dataset '{}' has {} samples and '{}' has {}. Name those to learn from in "
                        "data.variables = [...].",
                        name, array.shape[0], names.front(), size_));
      variables_.push_back({name, shape_of(file, name, array), "", unit_of(file, name)});
      const auto& held = values_.emplace_back(std::move(array.values));
      const auto odd = std::ranges::find_if_not(held, [](double x) { return std::isfinite(x); }) - held.begin();
      if (odd < std::ssize(held))
        where.fail(fmt::format("but its dataset '{}' holds {} in sample {}, which is no number to learn from.", name,
                               held[static_cast<std::size_t>(odd)],
                               static_cast<std::size_t>(odd) / (held.size() / size_)));
    }
    if (variables_.empty() && !file.groups("/").empty())
      where.fail(
          fmt::format("but its datasets lie in groups, such as '{0}'. Name them in data.variables = "
                      "[\"{0}/...\"].",
                      file.groups("/").front()));
    if (variables_.empty() || size_ == 0) where.fail("but it holds no samples.");
  }

  void sample(std::size_t index, std::span<double> values) const override {
    std::size_t at = 0;
    for (std::size_t v = 0; v < variables_.size(); ++v) {
      const std::size_t n = variables_[v].shape.size();
      const auto first = values_[v].begin() + static_cast<std::ptrdiff_t>(index * n);
      std::copy(first, first + static_cast<std::ptrdiff_t>(n), values.begin() + static_cast<std::ptrdiff_t>(at));
      at += n;
    }
  }

  std::span<const double> known(std::size_t variable) const override { return values_[variable]; }

 private:
  std::string make_digest() const override {
    std::string text;
    for (std::size_t v = 0; v < variables_.size(); ++v) {
      Checksum sum;
      for (const double x : values_[v]) sum.add(std::bit_cast<std::uint64_t>(x));
      const auto& unit = variables_[v].unit;
      text += fmt::format("dataset {}: {} samples {}{}, checksum {}\n", variables_[v].name, size_,
                          variables_[v].shape.str_sizes(), unit ? fmt::format(" in {}", unit->str()) : "", sum.str());
    }
    return text;
  }

  /// Those datasets of the root that are not axes of others.
  static std::vector<std::string> variables_of(const H5File& file) {
    std::vector<std::string> names = file.datasets("/");
    std::vector<std::string> axes;
    for (const auto& name : names)
      for (const auto& axis : file.axes("/" + name)) axes.push_back(axis);
    std::erase_if(names, [&](const std::string& name) {
      return std::find(axes.begin(), axes.end(), "/" + name) != axes.end() || file.type("/" + name) == H5Type::text;
    });
    return names;
  }

  static Shape shape_of(const H5File& file, const std::string& name, const H5Array& array) {
    const auto scales = file.axes(name);
    std::vector<Axis> axes;
    for (std::size_t a = 1; a < array.shape.size(); ++a) {
      const std::string scale = a < scales.size() ? scales[a] : "";
      axes.push_back({scale.empty() ? fmt::format("axis{}", a) : scale.substr(scale.rfind('/') + 1), array.shape[a]});
    }
    return Shape(axes);
  }

  /// That of the attribute `units`, where it is one.
  static std::optional<Unit> unit_of(const H5File& file, const std::string& name) {
    const auto units = file.attribute(name, "units");
    if (!units || !std::holds_alternative<std::string>(*units)) return std::nullopt;
    try {
      return Unit::parse(std::get<std::string>(*units));
    } catch (const Error&) {
      return std::nullopt;  // "counts", or whatever else a file may say
    }
  }

  std::vector<std::vector<double>> values_;
};

}  // namespace

std::span<const double> DataSet::known(std::size_t /*variable*/) const { return {}; }

double DataSet::factor(std::size_t variable, const Unit& unit) const {
  const auto& own = variables_[variable].unit;
  return own ? own->to(unit) : 1;
}

std::size_t DataSet::sample_size() const {
  std::size_t n = 0;
  for (const auto& v : variables_) n += v.shape.size();
  return n;
}

std::shared_ptr<const DataSet> read_data_set(const TomlTable& t, const std::string& path) {
  const std::string kind = t.string("kind");
  if (kind == "pathfinder") return std::make_shared<PathfinderData>(t);
  if (kind == "images") return std::make_shared<ImageData>(t, path);
  if (kind == "arrays") return std::make_shared<ArrayData>(t, path);
  t.at("kind").fail("but the kinds of data are these." + suggest_names(kind, {"pathfinder", "images", "arrays"}));
}

void write_samples(const DataSet& data, std::size_t count, const std::string& title, const std::string& path) {
  count = std::min(count, data.size());
  std::vector<double> sample(data.sample_size());
  std::vector<std::vector<double>> columns(data.variables().size());
  for (std::size_t i = 0; i < count; ++i) {
    data.sample(i, sample);
    auto at = sample.begin();
    for (std::size_t v = 0; v < columns.size(); ++v) {
      const auto end = at + static_cast<std::ptrdiff_t>(data.variables()[v].shape.size());
      columns[v].insert(columns[v].end(), at, end);
      at = end;
    }
  }
  write_whole(path, [&](H5File& file) {
    file.set_attribute("/", "complete", std::int64_t{1});
    file.set_attribute("/", "kind", std::string("samples"));
    file.set_attribute("/", "title", title);
    file.set_attribute("/", "striate_version", std::string(version));
    file.create_axis("/sample", count);
    for (std::size_t v = 0; v < columns.size(); ++v) {
      const DataVariable& variable = data.variables()[v];
      std::vector<std::string> axes{"/sample"};
      for (const auto& axis : variable.shape) {
        axes.push_back(fmt::format("/axes/{}/{}", variable.name, axis.name));
        file.create_axis(axes.back(), axis.size);
      }
      file.write("/" + variable.name, std::span<const double>(columns[v]), axes,
                 {variable.unit ? variable.unit->str() : "", variable.description});
    }
  });
}

}  // namespace striate

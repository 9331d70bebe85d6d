#include "io/image.hpp"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/error.hpp"

namespace striate {
namespace {

constexpr std::size_t most_pixels = std::size_t{1} << 26;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open_file(const std::string& path, const char* mode, const char* what) {
  File file(std::fopen(path.c_str(), mode), std::fclose);
  if (!file) throw Error(path, fmt::format("the image cannot be {}: {}.", what, std::strerror(errno)));
  return file;
}

void check_size(const std::string& path, std::size_t height, std::size_t width) {
  if (height == 0 || width == 0 || height > most_pixels / width)
    throw Error(path, fmt::format("the image is {} x {}, but at least one and at most 2^26 pixels can be read.", height,
                                  width));
}

struct Message {
  char text[200] = "";
};

void keep_message(png_structp png, png_const_charp text) {
  auto* message = static_cast<Message*>(png_get_error_ptr(png));
  std::snprintf(message->text, sizeof message->text, "%s", text);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

/// A libpng reader or writer. libpng leaves by longjmp, so each use is a function that sets the jump first and holds
/// nothing with a destructor.
struct Png {
  png_structp png = nullptr;
  png_infop info = nullptr;
  Message message;
  bool reads;
  explicit Png(bool reader) : reads(reader) {
    png = reads ? png_create_read_struct(PNG_LIBPNG_VER_STRING, &message, keep_message, ignore_warning)
                : png_create_write_struct(PNG_LIBPNG_VER_STRING, &message, keep_message, ignore_warning);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) throw std::bad_alloc();
  }
  Png(const Png&) = delete;
  Png& operator=(const Png&) = delete;
  ~Png() {
    if (reads)
      png_destroy_read_struct(&png, &info, nullptr);
    else
      png_destroy_write_struct(&png, &info);
  }
};

bool read_header(Png& png, std::FILE* file) {
  if (setjmp(png_jmpbuf(png.png))) return false;
  png_init_io(png.png, file);
  png_read_info(png.png, png.info);
  png_set_expand(png.png);  // palettes, low bit depths, transparent colours
  if (png_get_bit_depth(png.png, png.info) == 16) png_set_swap(png.png);
  png_set_interlace_handling(png.png);
  png_read_update_info(png.png, png.info);
  return true;
}

bool read_rows(Png& png, png_bytepp rows) {
  if (setjmp(png_jmpbuf(png.png))) return false;
  png_read_image(png.png, rows);
  png_read_end(png.png, nullptr);
  return true;
}

Image read_png(const std::string& path, std::FILE* file, bool samples) {
  Png png(true);
  const auto damaged = [&] { throw Error(path, fmt::format("the PNG is damaged ({}).", png.message.text)); };
  if (!read_header(png, file)) damaged();
  Image image;
  image.height = png_get_image_height(png.png, png.info);
  image.width = png_get_image_width(png.png, png.info);
  image.channels = png_get_channels(png.png, png.info);
  check_size(path, image.height, image.width);
  if (!samples) return image;
  const std::size_t depth = png_get_bit_depth(png.png, png.info) / 8;
  const std::size_t row_bytes = png_get_rowbytes(png.png, png.info);
  std::vector<png_byte> bytes(image.height * row_bytes);
  std::vector<png_bytep> rows(image.height);
  for (std::size_t y = 0; y < image.height; ++y) rows[y] = bytes.data() + y * row_bytes;
  if (!read_rows(png, rows.data())) damaged();
  image.samples.resize(image.height * image.width * image.channels);
  for (std::size_t i = 0; i < image.samples.size(); ++i) {
    if (depth == 2) {
      std::uint16_t sample = 0;
      std::memcpy(&sample, bytes.data() + 2 * i, 2);
      image.samples[i] = sample / 65535.0;
    } else {
      image.samples[i] = bytes[i] / 255.0;
    }
  }
  return image;
}

/// A number of a PNM header; comments run from # to the end of the line.
std::size_t header_number(const std::string& path, std::FILE* file) {
  int c = std::fgetc(file);
  while (c == '#' || c == ' ' || c == '\t' || c == '\n' || c == '\r') {
    if (c == '#')
      while (c != '\n' && c != EOF) c = std::fgetc(file);
    c = std::fgetc(file);
  }
  std::size_t value = 0;
  int digits = 0;
  for (; c >= '0' && c <= '9' && digits < 9; c = std::fgetc(file), ++digits)
    value = 10 * value + static_cast<std::size_t>(c - '0');
  if (digits == 0 || (c >= '0' && c <= '9')) throw Error(path, "the PGM or PPM is damaged or cut short.");
  return value;
}

Image read_pnm(const std::string& path, std::FILE* file, bool samples) {
  std::fgetc(file);
  const int kind = std::fgetc(file);
  Image image;
  image.channels = kind == '3' || kind == '6' ? 3 : 1;
  image.width = header_number(path, file);
  image.height = header_number(path, file);
  check_size(path, image.height, image.width);
  const std::size_t largest = header_number(path, file);
  if (largest == 0 || largest > 65535)
    throw Error(path, fmt::format("the largest sample is {}, but 1..65535 is allowed.", largest));
  if (!samples) return image;
  const bool plain = kind == '2' || kind == '3';
  image.samples.resize(image.height * image.width * image.channels);
  for (double& sample : image.samples) {
    std::size_t value = 0;
    if (plain) {
      value = header_number(path, file);
    } else {
      for (int k = largest > 255 ? 2 : 1; k > 0; --k) {
        const int c = std::fgetc(file);
        if (c == EOF) throw Error(path, "the PGM or PPM is cut short.");
        value = 256 * value + static_cast<std::size_t>(c);
      }
    }
    if (value > largest) throw Error(path, fmt::format("a sample is {}, but the largest is {}.", value, largest));
    sample = static_cast<double>(value) / static_cast<double>(largest);
  }
  return image;
}

bool write_rows(Png& png, std::FILE* file, const Image& image, int colour, png_bytepp rows) {
  if (setjmp(png_jmpbuf(png.png))) return false;
  png_init_io(png.png, file);
  png_set_IHDR(png.png, png.info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
               colour, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png.png, png.info);
  png_write_image(png.png, rows);
  png_write_end(png.png, nullptr);
  return true;
}

Image read(const std::string& path, bool samples) {
  const File file = open_file(path, "rb", "opened");
  unsigned char start[8] = {};
  const std::size_t got = std::fread(start, 1, sizeof start, file.get());
  std::rewind(file.get());
  if (got == sizeof start && png_sig_cmp(start, 0, sizeof start) == 0) return read_png(path, file.get(), samples);
  if (got > 2 && start[0] == 'P' &&
      std::string_view("2356").find(static_cast<char>(start[1])) != std::string_view::npos)
    return read_pnm(path, file.get(), samples);
  throw Error(path, "this is neither PNG nor PGM nor PPM. Convert it to PNG.");
}

}  // namespace

double grey_level(const Image& image, std::size_t pixel) {
  const std::size_t colours = image.channels >= 3 ? 3 : 1;
  const double* const first = image.samples.data() + pixel * image.channels;
  double sum = 0;
  for (std::size_t c = 0; c < colours; ++c) sum += first[c];
  const double grey = sum / static_cast<double>(colours);
  if (image.channels == colours) return grey;
  const double alpha = first[colours];
  return alpha * grey + (1 - alpha);
}

Image read_image(const std::string& path) { return read(path, true); }
Image read_image_size(const std::string& path) { return read(path, false); }

void write_png(const std::string& path, const Image& image) {
  check_size(path, image.height, image.width);
  if (image.channels < 1 || image.channels > 4 || image.samples.size() != image.height * image.width * image.channels)
    throw Error(path, fmt::format("{} samples are given for {} x {} pixels of {} channels.", image.samples.size(),
                                  image.height, image.width, image.channels));
  std::vector<png_byte> bytes(image.samples.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const double sample = image.samples[i];
    if (!(sample >= 0 && sample <= 1)) {
      const std::size_t pixel = i / image.channels;
      throw Error(path,
                  fmt::format("sample at y = {}, x = {}, channel {} = {}, but a sample is 0..1. Scale the image first.",
                              pixel / image.width, pixel % image.width, i % image.channels, sample));
    }
    bytes[i] = static_cast<png_byte>(std::lround(255 * sample));
  }
  std::vector<png_bytep> rows(image.height);
  for (std::size_t y = 0; y < image.height; ++y) rows[y] = bytes.data() + y * image.width * image.channels;
  constexpr int colours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                             PNG_COLOR_TYPE_RGB_ALPHA};
  File file = open_file(path, "wb", "written");
  Png png(false);
  const bool written = write_rows(png, file.get(), image, colours[image.channels - 1], rows.data());
  if (!written || std::fclose(file.release()) != 0)
    throw Failure(fmt::format("{}: the image cannot be written: {}.", path, std::strerror(errno)));
}

}  // namespace striate

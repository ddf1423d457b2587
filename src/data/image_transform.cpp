#include <algorithm>
#include <cstddef>

#include <lockstep/data/image_transform.hpp>

namespace lockstep::data {
namespace {

/// Of one image.
struct ImageSize {
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;

  [[nodiscard]] std::int64_t elements() const { return channels * height * width; }
};

/// Of `length` rows or columns of a result, shifted by `shift`: those that show the image.
struct Shown {
  std::int64_t first = 0;
  std::int64_t end = 0;

  Shown(std::int64_t length, std::int64_t shift)
      : first(std::max<std::int64_t>(-shift, 0)), end(std::min(length - shift, length)) {}
};

template <typename Element>
void transform_image(const Element* image, const ImageTransform& transform, const ImageSize& size,
                     Element* result) {
  const auto& [down, right, mirrored] = transform;
  if (down != 0 || right != 0) std::fill_n(result, size.elements(), Element{0});
  const Shown rows(size.height, down);
  const Shown columns(size.width, right);
  for (std::int64_t channel = 0; channel < size.channels; ++channel) {
    const auto top = channel * size.height;
    for (auto y = rows.first; y < rows.end; ++y) {
      const auto* const from = image + (top + y + down) * size.width + (columns.first + right);
      const auto* const end = from + (columns.end - columns.first);
      auto* const to = result + (top + y) * size.width;
      if (mirrored) {
        std::reverse_copy(from, end, to + (size.width - columns.end));
      } else {
        std::copy(from, end, to + columns.first);
      }
    }
  }
}

/// Elements are only moved, so any type of the same size will do.
template <typename Element>
void gather_elements(const torch::Tensor& images, std::span<const std::int64_t> index,
                     std::span<const ImageTransform> transforms, const torch::Tensor& rows) {
  const ImageSize size{images.size(1), images.size(2), images.size(3)};
  const auto* const first = static_cast<const Element*>(images.data_ptr());
  auto* row = static_cast<Element*>(rows.data_ptr());
  for (std::size_t i = 0; i < index.size(); ++i, row += size.elements()) {
    TORCH_CHECK_INDEX(index[i] >= 0 && index[i] < images.size(0), "no image ", index[i]);
    transform_image(first + index[i] * size.elements(), transforms[i], size, row);
  }
}

}  // namespace

void gather_transformed(const torch::Tensor& images, std::span<const std::int64_t> index,
                        std::span<const ImageTransform> transforms, const torch::Tensor& rows) {
  TORCH_CHECK(images.is_contiguous() && rows.is_contiguous() && transforms.size() == index.size() &&
              rows.scalar_type() == images.scalar_type());
  switch (images.element_size()) {
    case sizeof(std::uint8_t):
      return gather_elements<std::uint8_t>(images, index, transforms, rows);
    case sizeof(std::uint16_t):
      return gather_elements<std::uint16_t>(images, index, transforms, rows);
    case sizeof(std::uint32_t):
      return gather_elements<std::uint32_t>(images, index, transforms, rows);
    case sizeof(std::uint64_t):
      return gather_elements<std::uint64_t>(images, index, transforms, rows);
    default:
      TORCH_CHECK(false, "elements of ", images.element_size(), " bytes");
  }
}

torch::Tensor tensor_of(std::span<const ImageTransform> transforms) {
  constexpr std::int64_t kNumbers = 3;
  auto all = torch::empty({static_cast<std::int64_t>(transforms.size()), kNumbers}, torch::kInt64);
  auto* number = all.data_ptr<std::int64_t>();
  for (const auto& [down, right, mirrored] : transforms) {
    *number++ = down;
    *number++ = right;
    *number++ = mirrored ? 1 : 0;
  }
  return all;
}

torch::Tensor transformed(const torch::Tensor& images, const torch::Tensor& transforms) {
  const auto height = images.size(2);
  const auto width = images.size(3);
  const auto place = torch::TensorOptions(images.device()).dtype(torch::kInt64);
  const auto down = transforms.select(1, 0).unsqueeze(1);
  const auto right = transforms.select(1, 1).unsqueeze(1);
  const auto mirrored = transforms.select(1, 2).unsqueeze(1).ne(0);
  const auto x = torch::arange(width, place);
  const auto image_y = torch::arange(height, place) + down;  // [B, height]
  const auto image_x = torch::where(mirrored, width - 1 - x, x.unsqueeze(0)) + right;  // [B, width]
  const auto outside =
      image_y.lt(0)
          .logical_or(image_y.ge(height))
          .unsqueeze(2)
          .logical_or(
              image_x.lt(0).logical_or(image_x.ge(width)).unsqueeze(1));  // [B, height, width]
  const auto pixel =
      image_y.clamp(0, height - 1).unsqueeze(2) * width + image_x.clamp(0, width - 1).unsqueeze(1);
  const auto pixels = images.flatten(2);
  return pixels.gather(2, pixel.flatten(1).unsqueeze(1).expand_as(pixels))
      .view_as(images)
      .masked_fill_(outside.unsqueeze(1), 0);
}

}  // namespace lockstep::data

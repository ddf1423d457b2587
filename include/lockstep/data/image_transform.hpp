// Shifting and mirroring images while they are gathered.
#pragma once

#include <cstdint>
#include <span>

#include <torch/torch.h>

namespace lockstep::data {

/// Pixel (y, x) of the result is pixel (y + down, x + right) of the image, or 0 where that is
/// outside. If it is `mirrored`, x counts from the result's right edge: the shift comes first.
struct ImageTransform {
  std::int64_t down = 0;
  std::int64_t right = 0;
  bool mirrored = false;

  [[nodiscard]] bool operator==(const ImageTransform&) const = default;
};

/// On a CPU: row i of `rows` becomes images[index[i]], transformed by transforms[i]. `images`: [N,
/// channels, height, width]; `rows`: [B, channels, height, width] of the same type, of 1, 2, 4 or 8
/// bytes; both contiguous. Shifts must be smaller than the image.
void gather_transformed(const torch::Tensor& images, std::span<const std::int64_t> index,
                        std::span<const ImageTransform> transforms, const torch::Tensor& rows);

/// Transforms as numbers, for `transformed`: [B, 3] int64.
[[nodiscard]] torch::Tensor tensor_of(std::span<const ImageTransform> transforms);

/// On any device, without a wait of the host: images [B, channels, height, width] of any type,
/// transformed as `transforms` [B, 3] on the same device says. The same values as of
/// `gather_transformed`.
[[nodiscard]] torch::Tensor transformed(const torch::Tensor& images,
                                        const torch::Tensor& transforms);

}  // namespace lockstep::data

#include <xxhash.h>

#include <algorithm>
#include <map>
#include <optional>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/train/replica_check.hpp>

namespace lockstep::train {
namespace {

using AllDigests = std::vector<std::vector<std::uint64_t>>;  // by rank, then part

std::uint64_t digest_of(const std::vector<PartDigest>& parts) {
  std::vector<std::uint64_t> digests;
  for (const auto& part : parts) digests.push_back(part.digest);
  return XXH3_64bits(digests.data(), digests.size() * sizeof(std::uint64_t));
}

/// Every rank's digest, by rank.
std::vector<std::uint64_t> gather(std::uint64_t mine, comm::Communicator& communicator) {
  std::vector<std::uint64_t> digests;
  for (const auto& row :
       comm::gather_values(communicator, std::span<const std::uint64_t>(&mine, 1))) {
    digests.push_back(row.front());
  }
  return digests;
}

AllDigests gather_all(const std::vector<PartDigest>& mine, comm::Communicator& communicator) {
  auto numbers = nlohmann::json::array();
  for (const auto& part : mine) numbers.push_back(part.digest);
  AllDigests all;
  for (const auto& text : comm::gather_texts(communicator, numbers.dump())) {
    all.push_back(nlohmann::json::parse(text).get<std::vector<std::uint64_t>>());
  }
  return all;
}

/// The digest of more than half of the ranks.
std::optional<std::uint64_t> majority_of(const std::vector<std::uint64_t>& digests) {
  std::map<std::uint64_t, std::size_t> counts;
  for (const auto digest : digests) ++counts[digest];
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  if (2 * most->second <= digests.size()) return std::nullopt;
  return most->first;
}

std::string first_difference(const std::vector<PartDigest>& names,
                             const std::vector<std::uint64_t>& a,
                             const std::vector<std::uint64_t>& b) {
  for (std::size_t part = 0; part < names.size(); ++part) {
    if (a[part] != b[part]) return names[part].name;
  }
  return "none";
}

/// The message, from what all ranks know.
std::string describe(const std::vector<std::uint64_t>& digests, const AllDigests& parts,
                     const std::vector<PartDigest>& names, const runtime::RankLayout& layout) {
  const auto majority = majority_of(digests);
  const auto sound = std::find(digests.begin(), digests.end(), majority.value_or(digests[0]));
  std::string who;
  std::optional<std::size_t> first_odd;
  for (std::size_t rank = 0; rank < digests.size(); ++rank) {
    if (digests[rank] == *sound) continue;
    if (!first_odd) first_odd = rank;
    who += fmt::format("{}{}", who.empty() ? "" : ", ", layout.describe(static_cast<int>(rank)));
  }
  const auto reference = static_cast<std::size_t>(sound - digests.begin());
  const auto part = first_difference(names, parts[reference], parts[*first_odd]);
  const auto count = std::count(digests.begin(), digests.end(), *sound);
  return fmt::format(
      "{} differ{} from {}, first in {}", who, who.find(", rank") == std::string::npos ? "s" : "",
      majority
          ? fmt::format("the other {} rank{}", count, count == 1 ? "" : "s")
          : fmt::format("{} (there is no majority)", layout.describe(static_cast<int>(reference))),
      part);
}

}  // namespace

std::vector<PartDigest> digests_of(const std::vector<model::NamedTensor>& parts) {
  std::vector<PartDigest> digests;
  for (const auto& [name, value] : parts) {
    digests.push_back({name, XXH3_64bits(value.data_ptr(), value.nbytes())});
  }
  return digests;
}

void require_equal_replicas(const std::vector<PartDigest>& mine, const std::string& when,
                            comm::Communicator& communicator, const runtime::RankLayout& layout) {
  const auto digests = gather(digest_of(mine), communicator);
  if (std::all_of(digests.begin(), digests.end(),
                  [&](auto digest) { return digest == digests[0]; })) {
    return;
  }
  const auto parts = gather_all(mine, communicator);
  comm::fail_together(communicator,
                      fmt::format("{}: the replicas differ: {}: faulty memory or GPU, or ranks of "
                                  "different versions; earlier checkpoints are sound",
                                  when, describe(digests, parts, mine, layout)));
}

}  // namespace lockstep::train

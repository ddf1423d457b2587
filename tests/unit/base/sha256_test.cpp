#include <string>

#include <gtest/gtest.h>

#include <lockstep/base/file.hpp>
#include <lockstep/base/sha256.hpp>

namespace lockstep {
namespace {

// The examples of FIPS 180-4 (NIST, "SHA256.pdf").
TEST(Sha256, MatchesTheStandardsExamples) {
  Sha256 one;
  one.update(as_byte_span("abc"));
  EXPECT_EQ(to_hex(one.finish()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 two;
  two.update(as_byte_span("abcdbcdecdefdefgefghfghighijhi"));
  two.update(as_byte_span("jkijkljklmklmnlmnomnopnopq"));
  EXPECT_EQ(to_hex(two.finish()),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

}  // namespace
}  // namespace lockstep

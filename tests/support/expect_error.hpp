// Expecting an error of a type whose message, in one line, and whose settings name certain things.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace lockstep::tests {

template <typename ErrorType>
void expect_error(const std::function<void()>& action,
                  std::initializer_list<std::string_view> mentions) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ErrorType& error) {
    std::string message = error.what();
    for (const auto& setting : error.settings()) message += " (" + setting + ")";
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const auto mention : mentions) {
      EXPECT_NE(message.find(mention), std::string::npos)
          << "'" << mention << "' is missing in: " << message;
    }
  }
}

}  // namespace lockstep::tests

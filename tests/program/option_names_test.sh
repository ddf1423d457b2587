#!/usr/bin/env bash
# The modules of the library name no options, and the settings that their errors name are options.
set -euo pipefail

program=$1
source=$2
modules=(base runtime comm watch data model sync metrics train)

fail() {
  printf 'option_names_test: %s\n' "$*" >&2
  exit 1
}

options=$(for command in train evaluate predict 'bench step' 'bench allreduce' doctor; do
  # shellcheck disable=SC2086 # two words
  "$program" $command --help
done | grep -oE '^ +--[a-z][a-z-]*' | tr -d ' ' | sort -u)
(($(wc -l <<<"$options") > 50)) || fail "these are not all options: $options"

for module in "${modules[@]}"; do
  if grep -rnwF -e "$options" "$source/src/$module" "$source/include/lockstep/$module"; then
    fail "module $module names an option: an error's settings are for that"
  fi
done

# {"lr", "warmup_steps"} behind a message.
settings=$(for module in "${modules[@]}" session; do
  grep -rhoE '(^ +|Settings|settings = |return |, )\{"[a-z_]+"(, "[a-z_]+")*\}\)?;' "$source/src/$module" "$source/include/lockstep/$module" || true
done | grep -oE '"[a-z_]+"' | tr -d '"' | sort -u)
grep -qx collective_timeout <<<"$settings" || fail "no settings found"
for setting in $settings; do
  grep -qxF -e "--${setting//_/-}" <<<"$options" || fail "no option for the setting $setting"
done

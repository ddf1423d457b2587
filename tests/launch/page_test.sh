#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/launch/page_test.sh [--help] PAGE [PICTURE]

Looks at a report's page in headless Chromium, at three widths: plots are there, nothing overlaps or sticks out, nothing
is loaded. PICTURE gets a screenshot. Exit code 77: there is no Chromium.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
page=$1 picture=${2-}
fail() {
  printf 'page_test: FAILED: %s\n' "$1" >&2
  exit 1
}
command -v chromium >/dev/null || { echo 'page_test: SKIPPED: there is no chromium (package chromium)' >&2 && exit 77; }
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# As it is, the page forbids itself to load anything or to run a script.
grep -q "Content-Security-Policy\" content=\"default-src 'none'" "$page" || fail "the page may load things"
! grep -Eqi '(src|href) *= *"?https?:|@import|url\( *"?https?:' "$page" || fail "the page names something to load"

# A copy with a script that measures it.
{
  sed '/Content-Security-Policy/d; /<\/body>/,$d' -- "$page"
  cat <<'J'
<script>
const problems = [];
const box = e => e.getBoundingClientRect();
const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
  Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
const pairs = (list, name) => list.forEach((a, i) => list.slice(i + 1).forEach(b => {
  if (meet(box(a), box(b))) problems.push(`${name}: '${a.textContent.trim().slice(0, 40)}' over '${b.textContent.trim().slice(0, 40)}'`);
}));
const plots = [...document.querySelectorAll('figure svg')];
plots.forEach((svg, i) => {
  const all = box(svg);
  if (all.width < 250 || all.height < 120) problems.push(`plot ${i} is ${all.width} x ${all.height}`);
  if (svg.querySelectorAll('path').length < 5) problems.push(`plot ${i} is empty`);
  const texts = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim());
  if (texts.length < 4) problems.push(`plot ${i} has no labels`);
  pairs(texts, `plot ${i}`);
  texts.forEach(t => {
    const b = box(t);
    if (b.left < all.left - 1 || b.right > all.right + 1 || b.top < all.top - 1 || b.bottom > all.bottom + 1)
      problems.push(`plot ${i}: '${t.textContent.trim()}' sticks out`);
  });
});
pairs([...document.querySelectorAll('figure, h1, h2, p, .table')], 'page');
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) problems.push(`the page is ${root.scrollWidth} wide in a window of ${root.clientWidth}`);
const loaded = performance.getEntriesByType('resource').length;
if (loaded) problems.push(`${loaded} things were loaded`);
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
if (new Set(ids).size != ids.length) problems.push('ids are not unique');
document.documentElement.setAttribute('data-result', `plots ${plots.length}; tables ${document.querySelectorAll('table').length}; problems ${problems.length}: ${problems.join('; ')} END`);
</script></body></html>
J
} >"$work/page.html"

browse() { # ARGUMENT...
  timeout 90 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
    --proxy-server=127.0.0.1:9 "$@" 2>"$work/log" || fail "chromium: $(tail -n 5 "$work/log")"
}
for width in 600 1280 2000; do
  browse --window-size="$width,1000" --dump-dom "file://$work/page.html" >"$work/dom"
  result=$(grep -o 'data-result="[^"]*"' "$work/dom") || fail "the script did not run at width $width"
  [[ $result == *'problems 0:'* ]] || fail "at width $width: $result"
  [[ $result =~ plots\ ([0-9]+)\;\ tables\ ([0-9]+) ]] || fail "$result"
  ((BASH_REMATCH[1] >= 4 && BASH_REMATCH[2] >= 3)) || fail "only ${BASH_REMATCH[1]} plots and ${BASH_REMATCH[2]} tables"
done
browse --window-size=1280,3600 --screenshot="$work/page.png" "file://$(readlink -f -- "$page")"
(($(stat -c %s "$work/page.png") > 30000)) || fail "the picture is as good as empty"
[[ -z $picture ]] || cp -- "$work/page.png" "$picture"
printf 'page_test: passed: %s\n' "$result"

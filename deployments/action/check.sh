#!/usr/bin/env bash
# Check cards for GitHub Actions: marks on lines in the log, a job summary, and on request SARIF and a badge.
# Exit code: that of `cardiograph check`: 0 where all is well, 1 with findings, 2 where it cannot be run.
# Inputs: INPUT_PATHS (one per line), INPUT_MIN, INPUT_SELECT, INPUT_IGNORE, INPUT_SARIF, INPUT_BADGE; PROGRAM: the command.
set -euo pipefail
program=${PROGRAM:-cardiograph}

mapfile -t paths < <(printf '%s\n' "${INPUT_PATHS:-.}" | sed -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' -e '/^$/d')
[ ${#paths[@]} -gt 0 ] || paths=(.)
options=()
[ -z "${INPUT_MIN:-}" ] || options+=("--min=$INPUT_MIN")
for option in select ignore; do
  input="INPUT_${option^^}"
  read -r -d '' -a rules < <(printf '%s' "${!input:-}" | tr ',\n' '  ') || true
  for rule in "${rules[@]}"; do options+=("--$option=$rule"); done
done

check() { "$program" check "--format=$1" "${options[@]}" -- "${paths[@]}"; }

code=0
check github || code=$?
if [ "$code" -gt 1 ]; then exit "$code"; fi # it could not be run, and has said why
if [ -n "${GITHUB_OUTPUT:-}" ]; then
  if [ "$code" = 0 ]; then echo "findings=false"; else echo "findings=true"; fi >>"$GITHUB_OUTPUT"
fi

# The summary is Markdown, and its lines hold what strangers wrote: indented, they are code and nothing else.
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  {
    printf '### Model cards\n\n'
    { check text || true; } | head -n 500 | sed 's/^/    /'
    printf '\n'
  } >>"$GITHUB_STEP_SUMMARY"
fi
if [ -n "${INPUT_SARIF:-}" ]; then
  check sarif >"$INPUT_SARIF" || true
fi
if [ -n "${INPUT_BADGE:-}" ]; then
  case "$INPUT_BADGE" in
    *.svg) form=svg ;;
    *.json) form=json ;;
    *) echo "badge: $INPUT_BADGE ends neither in .svg nor in .json; name such a file" >&2 && exit 2 ;;
  esac
  "$program" badge "--format=$form" "--output=$INPUT_BADGE" -- "${paths[0]}"
fi
exit "$code"

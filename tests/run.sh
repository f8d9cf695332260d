#!/bin/sh
# Every check of the project, from a fresh checkout: `sh tests/run.sh [pytest's arguments]`.
# Installs what it needs (a virtual environment with the test extra; Chromium, shellcheck and systemd's checker from apt).
# PYTHON=python3.13 picks another interpreter. Exit status 0 only if every check passed; pytest's closing line comes last.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$here"
exec </dev/null
# shellcheck source=systemd/lib.sh
. "$here/systemd/lib.sh"

need_program() {
    command -v "$1" >/dev/null 2>&1 || apt_need "$2"
}

if ! command -v chromium >/dev/null 2>&1 && ! command -v chromium-browser >/dev/null 2>&1; then
    apt_need chromium
fi
apt_need libatomic1 # Playwright's driver is linked to it, and nothing else brings it along
need_program shellcheck shellcheck
need_program systemd-analyze systemd

venv=$(venv_folder "$here")
install_project "$here" "$venv" test

failed=
check() {
    say "check: $*"
    "$venv/bin/python" -m "$@" || failed="$failed $1"
}

check ruff check .
check mypy
check mypy --explicit-package-bases tests
say "check: import-linter"
"$venv/bin/lint-imports" || failed="$failed import-linter"
[ -z "$failed" ] || say "FAILED before the tests:$failed"

say "check: pytest"
status=0
# Side by side, file by file: much of the time films are waited for as they play. More than two would starve those.
"$venv/bin/python" -m pytest -n 2 --dist loadfile "$@" || status=$?
[ -z "$failed" ] || [ "$status" -ne 0 ] || status=1
exit "$status"

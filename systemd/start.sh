#!/bin/sh
# From a fresh checkout to a running Kneeline: `sh systemd/start.sh [kneeline's arguments]`.
# Without arguments: `kneeline run` on a Raspberry Pi, `kneeline demo` anywhere else.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=systemd/lib.sh
. "$here/systemd/lib.sh"

venv=$(venv_folder "$here")
install_project "$here" "$venv" ""

if [ $# -eq 0 ]; then
    if on_pi; then
        set -- run
    else
        set -- demo
    fi
fi
say "starting: kneeline $*"
exec "$venv/bin/kneeline" "$@"

#!/bin/sh
# From a fresh checkout to a running Kneeline: `sh systemd/start.sh [kneeline's arguments]`.
# Without a command: `kneeline run` on a Raspberry Pi, `kneeline demo` anywhere else, also with --host or --port alone.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=systemd/lib.sh
. "$here/systemd/lib.sh"

venv=$(venv_folder "$here")
install_project "$here" "$venv" ""

case "${1-}" in
    "" | --host* | --port*)
        if on_pi; then
            set -- run "$@"
        else
            set -- demo "$@"
        fi
        ;;
esac
say "starting: kneeline $*"
exec "$venv/bin/kneeline" "$@"

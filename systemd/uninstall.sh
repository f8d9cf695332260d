#!/bin/sh
# Takes Kneeline's services and program off this machine: sudo sh systemd/uninstall.sh [--purge]
# Settings and sessions stay, unless --purge is given. Packages that came from apt stay in any case.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=systemd/lib.sh
. "$here/systemd/lib.sh"

prefix=/opt/kneeline
units=/etc/systemd/system
purge=no

for argument in "$@"; do
    case $argument in
        --purge) purge=yes ;;
        *) die "unknown argument $argument; usage: sudo sh systemd/uninstall.sh [--purge]" ;;
    esac
done
[ "$(id -u)" = 0 ] || die "this needs root; run: sudo sh systemd/uninstall.sh"

say "stopping and removing the services"
for unit in kneeline.target kneeline-kiosk.service kneeline-web.service kneeline-device.service; do
    [ -e "$units/$unit" ] || continue
    [ ! -d /run/systemd/system ] || systemctl stop "$unit"
    systemctl --quiet disable "$unit"
    rm -rf "${units:?}/$unit" "${units:?}/$unit.d"
done
if [ -e "$prefix/default-target" ]; then
    systemctl --quiet set-default "$(cat "$prefix/default-target")"
    say "the desktop comes back at the next boot"
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload

say "removing $prefix"
rm -rf "$prefix"
rm -f /usr/local/bin/kneeline

if [ "$purge" = no ]; then
    say "kept: /etc/kneeline (settings) and /var/lib/kneeline (sessions); --purge removes them too"
    exit 0
fi
say "removing settings, sessions and users"
rm -rf /etc/kneeline /var/lib/kneeline /var/lib/kneeline-web
for name in kneeline-kiosk kneeline-web kneeline; do
    if getent passwd "$name" >/dev/null; then
        # The kiosk's login leaves a service manager of its user behind for some seconds, which keeps the user in use.
        [ ! -d /run/systemd/system ] || systemctl stop "user@$(id -u "$name").service"
        userdel "$name"
    fi
    ! getent group "$name" >/dev/null || groupdel "$name"
done

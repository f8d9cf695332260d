#!/bin/sh
# Installs Kneeline as services that start at boot, on 64-bit Raspberry Pi OS and on Debian 12 or newer:
#   sudo sh systemd/install.sh [--kiosk]
# --kiosk also shows the page on the attached screen. Run it again to upgrade from a newer checkout: settings and sessions
# stay; the new program is built beside the running one and taken over in one step.
#   /opt/kneeline/current      the program (a virtual environment)      /etc/kneeline/config.toml   settings
#   /var/lib/kneeline          sessions, the page's password            /usr/local/bin/kneeline     command
set -eu
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=systemd/lib.sh
. "$here/systemd/lib.sh"

prefix=/opt/kneeline
units=/etc/systemd/system
kiosk=no

for argument in "$@"; do
    case $argument in
        --kiosk) kiosk=yes ;;
        *) die "unknown argument $argument; usage: sudo sh systemd/install.sh [--kiosk]" ;;
    esac
done

# What an installation that was cut off has left; the running one stays, even where it was found damaged.
remove_half_releases() {
    for half in "$prefix"/releases/*; do
        [ -e "$half/complete" ] || [ "$half" = "$(readlink "$prefix/current")" ] || rm -rf "$half"
    done
}

check_machine() {
    [ "$(id -u)" = 0 ] || die "this needs root; run: sudo sh systemd/install.sh"
    command -v systemctl >/dev/null 2>&1 || die "no systemd here; without it, start Kneeline with: sh systemd/start.sh"
    command -v dpkg >/dev/null 2>&1 || die "only Debian 12 or newer and Raspberry Pi OS (64-bit) are supported"
    case $(dpkg --print-architecture) in
        arm64 | amd64) ;;
        *) die "this system is $(dpkg --print-architecture); Kneeline needs a 64-bit one (arm64 or amd64): on a Raspberry Pi, write the 64-bit Raspberry Pi OS to the card" ;;
    esac
    need_mb=1500
    [ "$kiosk" = no ] || need_mb=3000
    mkdir -p "$prefix"
    remove_half_releases
    free_mb=$(df -Pm "$prefix" | awk 'NR == 2 { print $4 }')
    [ "$free_mb" -ge "$need_mb" ] ||
        die "$prefix has $free_mb MB free and $need_mb MB are needed; delete something or use a larger card"
}

need_kiosk_packages() {
    apt_need cage xwayland kbd libpam-systemd # cage hangs where it finds no Xwayland
    # Of runners' names in any script: two that are boxes cannot be told apart.
    apt_need fonts-dejavu-core fonts-noto-core fonts-droid-fallback fonts-noto-color-emoji
    # The desktop image of Raspberry Pi OS before Trixie brings its own build under another name.
    [ -z "$(apt_missing chromium-browser)" ] || apt_need chromium chromium-sandbox
}

need_user() { # NAME HOME
    getent group "$1" >/dev/null || groupadd --system "$1"
    getent passwd "$1" >/dev/null ||
        useradd --system --gid "$1" --home-dir "$2" --no-create-home --shell /usr/sbin/nologin "$1"
}

create_users() {
    for group in video render gpio input; do
        getent group "$group" >/dev/null || groupadd --system "$group"
    done
    need_user kneeline /var/lib/kneeline
    need_user kneeline-web /var/lib/kneeline-web
    [ "$kiosk" = no ] || need_user kneeline-kiosk /run/kneeline-kiosk
    # Who installs may also use the command: read the sessions, try the cues. (In force after the next login.)
    case ${SUDO_USER:-root} in
        root) ;;
        *) usermod -aG kneeline,video,gpio "$SUDO_USER" ;;
    esac
    [ "$kiosk" = no ] || usermod -aG video,render,input kneeline-kiosk
}

# A name for this very program: its sources, this Python and the scripts that go with it.
release_name() {
    {
        printf '%s\n' "$python_version"
        cd "$here"
        find model device web pyproject.toml systemd/kiosk.sh -type f ! -path '*/__pycache__/*' -print0 |
            LC_ALL=C sort -z | xargs -0 sha256sum
    } | sha256sum | cut -c 1-12
}

# Whether a release was built to its end, and none of its files has changed since.
is_whole() {
    [ -e "$1/complete" ] && (cd "$1" && sha256sum --quiet --check checksums) >/dev/null 2>&1
}

# Builds the release beside the running one; one that was cut off has no stamp and is done again, and so is a damaged one,
# under another name where it runs.
build_release() {
    built=$prefix/releases/$(release_name)
    for release in "$built" "$built-again"; do
        if is_whole "$release"; then
            say "the program in $release is up to date"
            return 0
        fi
        if [ -e "$release/complete" ]; then
            say "the program in $release is damaged"
            rm "$release/complete"
        fi
    done
    release=$built
    [ "$(readlink "$prefix/current")" != "$built" ] || release=$built-again
    say "building the program in $release (a few minutes)"
    rm -rf "$release"
    mkdir -p "$prefix/releases"
    make_venv "$release"
    source=$(mktemp -d)
    trap 'rm -rf "$source"' EXIT
    trap 'exit 1' HUP INT TERM # without it not every shell minds the one above
    # pip builds in the folder it is given: a copy keeps the checkout free of files that belong to root.
    (cd "$here" && tar -cf - --exclude=__pycache__ pyproject.toml README.md model device web) | tar -xf - -C "$source"
    pip_install "$release" --no-cache-dir "$source"
    rm -rf "$source"
    check_pi_camera_stack "$release"
    install -m 755 "$here/systemd/kiosk.sh" "$release/kiosk.sh"
    (cd "$release" && find . -type f ! -path '*/__pycache__/*' ! -path ./checksums -print0 | xargs -0 sha256sum) \
        >"$release/checksums"
    sync
    touch "$release/complete"
}

check_program() {
    "$release/bin/kneeline" --version >/dev/null && return 0
    rm "$release/complete"
    die "the program in $release does not run (its own message is above); run this again, which builds it anew; nothing was changed over to it"
}

write_config() {
    if [ -e /etc/kneeline/config.toml ]; then
        say "keeping /etc/kneeline/config.toml"
        "$release/bin/kneeline" config check --config /etc/kneeline/config.toml >&2 ||
            die "mend /etc/kneeline/config.toml (faults above), then run this again; nothing was changed over to the new version"
        return 0
    fi
    say "writing /etc/kneeline/config.toml"
    mkdir -p /etc/kneeline
    "$release/bin/python" "$here/systemd/default_config.py" >/etc/kneeline/config.toml.new
    chmod 644 /etc/kneeline/config.toml.new
    mv /etc/kneeline/config.toml.new /etc/kneeline/config.toml
}

take_over() {
    previous=$(readlink "$prefix/current") || previous=
    ln -sfn "$release" "$prefix/current.new"
    mv -T "$prefix/current.new" "$prefix/current"
    ln -sfn "$prefix/current/bin/kneeline" /usr/local/bin/kneeline
}

install_units() {
    say "installing the units in $units"
    chosen="kneeline.target kneeline-device.service kneeline-web.service"
    [ "$kiosk" = no ] || chosen="$chosen kneeline-kiosk.service"
    for unit in $chosen; do
        install -m 644 "$here/systemd/$unit" "$units/$unit"
    done
    restart=slow
    [ "$(systemctl --version | awk 'NR == 1 { print int($2) }')" -lt 254 ] || restart=steps
    for unit in device web; do
        rm -f "$units/kneeline-$unit.service.d/10-restart-"*.conf # of the system before an upgrade
        install -D -m 644 "$here/systemd/restart-$restart.conf" "$units/kneeline-$unit.service.d/10-restart-$restart.conf"
    done
    # shellcheck disable=SC2086 # a list of words is what is wanted
    systemctl --quiet enable $chosen
    # A desktop and the kiosk cannot share one screen. What was there before is noted for the uninstaller.
    if [ "$kiosk" = yes ] && [ "$(systemctl get-default)" = graphical.target ] && [ -e "$units/display-manager.service" ]; then
        say "the kiosk takes the desktop's place (systemd/uninstall.sh brings it back)"
        echo graphical.target >"$prefix/default-target"
        systemctl --quiet set-default multi-user.target
        [ ! -d /run/systemd/system ] || systemctl stop display-manager.service
    fi
}

start_services() {
    if [ ! -d /run/systemd/system ]; then
        say "systemd is not running here (an image or a container): the services start at its next boot"
        return 0
    fi
    systemctl daemon-reload
    # shellcheck disable=SC2086
    systemctl reset-failed $chosen 2>/dev/null || true
    say "starting the services"
    systemctl restart kneeline.target
    for unit in $chosen; do
        systemctl --quiet is-active "$unit" ||
            die "$unit did not start; see: journalctl -u ${unit%.*} -n 50"
    done
    say "running; the page: $("$release/bin/python" -c '
import socket
from device.config import load_config
from web.address import page_url

web = load_config().web
print(f"http://{socket.gethostname()}.local:{web.port} or {page_url(web.host, web.port)}")')"
}

# The release that ran before stays, to go back to by hand, unless it was found damaged; older ones go.
remove_old_releases() {
    [ "$previous" != "$release" ] || return 0
    for old in "$prefix"/releases/*; do
        [ "$old" = "$release" ] || { [ "$old" = "$previous" ] && [ -e "$old/complete" ]; } || rm -rf "$old"
    done
}

check_machine
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || apt_need python3
choose_python
need_system_packages
[ "$kiosk" = no ] || need_kiosk_packages
create_users
build_release
check_program
write_config
take_over
install_units
start_services
remove_old_releases

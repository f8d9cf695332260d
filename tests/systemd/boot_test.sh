#!/bin/bash
# Installs Kneeline into a fresh Debian and boots it under a real systemd, without a camera (a clip stands in for it):
#   sudo tests/systemd/boot_test.sh [bookworm|trixie] [--kiosk]
# --kiosk also installs the kiosk (Chromium, 1 GB) and lets it draw on a screen that exists in memory only.
# Needs root, mmdebstrap and systemd-container, and 4 GB of disk under $TMPDIR (default /var/tmp); takes some minutes, so it
# is not part of the fast suite. KNEELINE_BOOT_BASE=FILE.tar keeps the bare Debian there for the next time, KNEELINE_BOOT_KEEP=1
# keeps the system under test and its journal. The pip, proxy and certificate settings of this machine are lent to it. Prints a
# line for each check; the last line counts.
set -euo pipefail

suite=bookworm
kiosk=
for argument in "$@"; do
    case $argument in
        --kiosk) kiosk=--kiosk ;;
        *) suite=$argument ;;
    esac
done
repo=$(cd "$(dirname "$0")/../.." && pwd -P)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/kneeline-boot.XXXXXX")
root=$work/root
base=${KNEELINE_BOOT_BASE:-$work/base.tar}
clip=/srv/demo_front.mp4
port=8080
container=
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 # what a Debian boots with

# shellcheck source=tests/systemd/chroot.sh
. "$repo/tests/systemd/chroot.sh"

until_ok() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.5
    done
}

# The booted system: in all namespaces of its init.
inside() {
    nsenter --target "$(pgrep -P "$container" | head -n 1)" --all --wd=/ \
        env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

boot() {
    note "booting"
    script -qefc "systemd-nspawn --quiet --register=no --keep-unit -D '$root' --boot --private-network" "$work/console" \
        >/dev/null 2>&1 </dev/null &
    local script_pid=$!
    until_ok 20 pgrep -P "$script_pid" -f systemd-nspawn >/dev/null
    container=$(pgrep -P "$script_pid" -f systemd-nspawn | head -n 1)
    until_ok 60 booted
}

booted() { inside systemctl is-system-running --quiet 2>/dev/null || inside systemctl is-active --quiet multi-user.target 2>/dev/null; }

gone() { ! kill -0 "$1" 2>/dev/null; }

power_off() {
    inside systemctl poweroff --no-block
    until_ok 60 gone "$container"
    container=
}

power_cut() {
    kill -9 "$(pgrep -P "$container" | head -n 1)"
    until_ok 60 gone "$container"
    container=
}

clean_up() {
    if [ -n "$container" ]; then
        inside journalctl --no-pager >"$work/journal" 2>/dev/null || true
        kill -9 "$(pgrep -P "$container" | head -n 1)" 2>/dev/null || true
        sleep 1
    fi
    if [ "$failed" -gt 0 ] || [ -n "${KNEELINE_BOOT_KEEP:-}" ]; then
        note "kept for a look: $work"
    else
        rm -rf "$work"
    fi
}
trap clean_up EXIT

property() { inside systemctl show --property="$2" --value "$1"; }
active() { inside systemctl is-active --quiet "$1"; }
# shellcheck disable=SC2016
http() { inside /opt/kneeline/current/bin/python -c 'import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1], timeout=5).read().decode())' "http://127.0.0.1:$port$1"; }

as_web() { inside setpriv --reuid=kneeline-web --regid=kneeline-web --groups=kneeline "$@"; }

# Sessions as the web service's user sees them: lines of "id state stances cues", newest first.
sessions() {
    as_web /opt/kneeline/current/bin/python - <<'PYTHON'
from pathlib import Path
from device.store import StoreReader

for s in StoreReader(Path("/var/lib/kneeline/kneeline.db")).list_sessions():
    print(s["id"], s["state"], s["stances"], s["cues"])
PYTHON
}
session_with_stances() { sessions | awk -v state="$1" '$2 == state && $3 >= 3 { found = 1 } END { exit !found }'; }
restarted_after() { # OLD_PID
    [ "$(property kneeline-device.service MainPID)" != "$1" ] && active kneeline-device.service
}
refused_to_web() { ! as_web test "$@"; }
another_user_is_told() {
    local told
    told=$(inside setpriv --reuid=nobody --regid=nogroup --clear-groups kneeline export 1 2>&1 >/dev/null) && return 1
    [ "$(wc -l <<<"$told")" = 1 ] && grep -q sudo <<<"$told"
}
no_failed_unit() { [ -z "$(inside systemctl list-units --failed --no-legend 'kneeline*')" ]; }
# There are no pins here: it says so, and exits 2.
cues_off_ran() { property kneeline-device.service ExecStopPost | grep -qE 'code=exited ; status=[02]'; }
kiosk_runs() { inside pgrep -u kneeline-kiosk -f -- '--type=renderer' >/dev/null && active kneeline-kiosk.service; }
# A page that is drawn is no flat colour: its picture does not compress to nothing.
kiosk_draws() {
    # shellcheck disable=SC2016
    inside setpriv --reuid=kneeline-kiosk --regid=kneeline-kiosk --clear-groups sh -c '
        XDG_RUNTIME_DIR=/run/user/$(id -u) WAYLAND_DISPLAY=wayland-0 grim /run/kneeline-kiosk/shot.png' &&
        inside mv /run/kneeline-kiosk/shot.png /root/kiosk.png &&
        [ "$(stat -c %s "$root/root/kiosk.png")" -gt 8000 ]
}
absent() { # GLOB...: none of these exists under the root
    local path
    for path in "$@"; do
        [ -z "$(compgen -G "$root$path")" ] || return 1
    done
}

note "preparing a fresh $suite"
[ -e "$base" ] || mmdebstrap --quiet --variant=minbase \
    --include=systemd,systemd-sysv,dbus,udev,python3,git,ca-certificates "$suite" "$base"
mkdir "$root"
tar -xf "$base" -C "$root"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
mkdir "$root/root/kneeline"
(cd "$repo" && git ls-files -z --cached | xargs -0 tar -cf -) | tar -xf - -C "$root/root/kneeline"

note "installing (not booted, as into an image)"
# shellcheck disable=SC2086 # nothing or one word
ok "install.sh runs in an image" in_chroot sh /root/kneeline/systemd/install.sh $kiosk
cp "$repo/device/demo/demo_front.mp4" "$root$clip"
sed -i "s|^#source = .*|source = \"$clip\"|" "$root/etc/kneeline/config.toml"
ok "the settings file is accepted" in_chroot kneeline config check
if [ -n "$kiosk" ]; then
    in_chroot apt-get -qq install -y --no-install-recommends grim procps >/dev/null
    # No tty and no GPU in here: the screen is one in memory.
    mkdir "$root/etc/systemd/system/kneeline-kiosk.service.d"
    cat >"$root/etc/systemd/system/kneeline-kiosk.service.d/headless.conf" <<'UNIT'
[Unit]
ConditionPathExists=
[Service]
TTYPath=/dev/console
StandardInput=null
TTYReset=no
TTYVHangup=no
TTYVTDisallocate=no
Environment=WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1
Environment=KNEELINE_CHROMIUM_FLAGS=--disable-gpu
UNIT
fi

boot
ok "device is ready after boot" until_ok 60 active kneeline-device.service
ok "web is up after boot" until_ok 60 active kneeline-web.service
ok "the page answers /healthz" until_ok 30 http /healthz
ok "a session is recorded, and the web's user can read it while it is written" until_ok 60 session_with_stances open
ok "the page shows the front" http /
ok "the page's key is kept in the web's own folder" inside test -s /var/lib/kneeline-web/web-secret.key
ok "the web's user cannot write the store" refused_to_web -w /var/lib/kneeline/kneeline.db
ok "nor put files beside it" refused_to_web -w /var/lib/kneeline
ok "any other user is told in one line to use sudo" another_user_is_told

if [ -n "$kiosk" ]; then
    note "kiosk"
    ok "the kiosk's browser runs in full screen" until_ok 60 kiosk_runs
    ok "it shows the live page" until_ok 60 kiosk_draws
    cp "$root/root/kiosk.png" "$work/kiosk.png" 2>/dev/null || true
    inside pkill -KILL -f -- --type=renderer
    inside pkill -KILL -x cage
    ok "it comes back after a crash" until_ok 60 kiosk_runs
fi

note "kill -9"
until_ok 60 session_with_stances open || true # the clip begins anew now and then
old=$(property kneeline-device.service MainPID)
inside systemctl kill --kill-whom=main --signal=KILL kneeline-device.service
ok "device starts again after kill -9" until_ok 60 restarted_after "$old"
ok "the session that was cut off is closed as interrupted, with its stances" until_ok 20 session_with_stances interrupted

note "a device that hangs"
until_ok 60 session_with_stances open || true
old=$(property kneeline-device.service MainPID)
inside systemctl kill --kill-whom=main --signal=STOP kneeline-device.service
ok "the watchdog ends it and it starts again" until_ok 90 restarted_after "$old"
ok "the page answered all the while" http /healthz

note "stop"
SECONDS=0
ok "device stops" inside systemctl stop kneeline-device.service
ok "within 15 s" test "$SECONDS" -le 15
ok "and by its own will" test "$(property kneeline-device.service Result)" = success
ok "LEDs and buzzer were switched off once more by ExecStopPost" cues_off_ran
ok "the store of a stopped device can be read by the web's user" sessions
ok "the page answers without the device" http /healthz

note "run the installer again in the booted system"
ok "install.sh runs again" inside sh /root/kneeline/systemd/install.sh
ok "device is active again" until_ok 60 active kneeline-device.service
ok "settings were kept" grep -qF "$clip" "$root/etc/kneeline/config.toml"

until_ok 60 session_with_stances open || true
before=$(sessions | wc -l)
# Everything dies at once; this machine's kernel lives on, so that what a real power cut loses of its memory is not tried.
note "the whole system is killed"
power_cut
boot
ok "device comes up by itself after that" until_ok 60 active kneeline-device.service
ok "web too" until_ok 60 http /healthz
ok "no session was lost" test "$(sessions | wc -l)" -ge "$before"

note "shut down and boot again"
power_off
boot
ok "device comes up by itself" until_ok 60 active kneeline-device.service
ok "no unit of Kneeline has failed" no_failed_unit

note "uninstall"
ok "uninstall.sh keeps the sessions" inside sh /root/kneeline/systemd/uninstall.sh
ok "they are there" test -s "$root/var/lib/kneeline/kneeline.db"
ok "units and program are gone" absent '/etc/systemd/system/kneeline*' /opt/kneeline /usr/local/bin/kneeline
ok "uninstall.sh --purge" inside sh /root/kneeline/systemd/uninstall.sh --purge
ok "settings and sessions are gone" absent '/var/lib/kneeline*' /etc/kneeline
ok "and the users" test "$(grep -c kneeline "$root/etc/passwd")" = 0
inside journalctl --no-pager >"$work/journal"
power_off

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

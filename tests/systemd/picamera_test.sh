#!/bin/bash
# Runs Kneeline in a fresh Debian against the real Picamera2 and libcamera, whose virtual camera plays pictures from a folder:
#   sudo tests/systemd/picamera_test.sh [trixie]
# Needs root, mmdebstrap and 4 GB of disk under $TMPDIR (default /var/tmp), and takes five to ten minutes, most of them to install:
# libcamera from the backports, where it is young enough for the virtual camera to tell the truth, and Picamera2 from PyPI in
# the place of Raspberry Pi OS's package. KNEELINE_PICAMERA_BASE=FILE.tar keeps that system there for the next time,
# KNEELINE_PICAMERA_KEEP=1 the one under test. The pip, proxy and certificate settings of this machine are lent to it. Prints a
# line for each check, and what was seen; the last line counts.
# It shows that device/cameras/picamera.py makes calls that these libraries have, that pictures come through them whole, in
# their colours and in order, and what happens where the camera is busy, absent or falls silent. picamera_shims/ says what is
# changed of Picamera2 for a machine that is no Pi. Of sensors and their modes, YUV420 and its padding (the virtual camera gives
# NV12), exposure, focus, the picture turned upside down, the memory of a Pi and a camera that another program has, it shows
# nothing.
set -euo pipefail

suite=${1:-trixie}
repo=$(cd "$(dirname "$0")/../.." && pwd -P)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/kneeline-picamera.XXXXXX")
root=$work/root
base=${KNEELINE_PICAMERA_BASE:-}
project=/srv/kneeline
clip=device/demo/demo_front.mp4
settings=/srv/kneeline.toml

# shellcheck source=tests/systemd/chroot.sh
. "$repo/tests/systemd/chroot.sh"

clean_up() {
    if [ "$failed" -gt 0 ] || [ -n "${KNEELINE_PICAMERA_KEEP:-}" ]; then
        note "kept for a look: $work"
    else
        rm -rf "$work"
    fi
}
trap clean_up EXIT

# The project's programs, with what picamera2 lacks here.
camera_run() { in_chroot env PYTHONPATH="$project/tests/systemd/picamera_shims" "$@"; }

check() { camera_run timeout 120 "$project/.venv/bin/python" "$project/tests/systemd/picamera_check.py" "$@"; }

# The pictures of FOLDER are the virtual camera's from now on.
plays() {
    cat >"$root/usr/share/libcamera/pipeline/virtual/virtual.yaml" <<YAML
%YAML 1.1
---
"Virtual0":
  supported_formats:
  - width: 640
    height: 480
    frame_rates: [10, 120]
  - width: 800
    height: 600
    frame_rates: [10, 120]
  frames:
    path: "$1"
    scale_mode: "fill"
  location: "CameraLocationFront"
  model: "Virtual Video Device"
YAML
}

seen() { sed 's/^/        /' "$work/said" | grep -v DmaBufAllocator >&2 || true; }

installs_as_on_a_pi() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    camera_run sh -c '
        . "$1/systemd/lib.sh"
        on_pi() { true; }
        need_pi_packages() { :; } # they are there, from elsewhere
        install_project "$1" "$1/.venv" ""' _ "$project" &&
        ! grep -q 'picamera2 does not load' "$work/said"
}

doctor_names_the_camera() {
    camera_run "$project/.venv/bin/kneeline" doctor --config "$settings" &&
        grep -q '^ok    camera: picamera:0, 640×480 at 30 frames per second' "$work/said"
}

doctor_tells_what_is_amiss() {
    sed 's/^source.*/&\ndevice = 3/' "$root$settings" >"$root/srv/absent.toml"
    ! camera_run "$project/.venv/bin/kneeline" doctor --config /srv/absent.toml &&
        [ "$(grep -c 'the Pi sees 1 camera(s), none is number 3' "$work/said")" = 1 ] && no_traceback
}

no_traceback() { ! grep -qE 'Traceback|Warning' "$work/said"; }

runs() {
    camera_run timeout --signal=INT 50 "$project/.venv/bin/kneeline" run --config "$settings" || [ $? = 124 ]
    grep -q 'session 1 ended' "$work/said" && no_traceback
}

same_as_replayed() {
    in_chroot "$project/.venv/bin/kneeline" export --format json --config "$settings" 1 >"$root/srv/live.json" &&
        in_chroot "$project/.venv/bin/kneeline" replay "$project/$clip" --model lightning --json /srv/film.json &&
        check same_as_replayed /srv/live.json /srv/film.json
}

if [ -n "$base" ] && [ -e "$base" ]; then
    mkdir "$root"
    tar -xf "$base" -C "$root"
else
    note "making a $suite with libcamera and Picamera2"
    archive=http://deb.debian.org/debian
    mmdebstrap --quiet --variant=minbase \
        --include=python3,python3-venv,python3-pip,python3-numpy,python3-dev,gcc,libc6-dev,libcap-dev,git,ca-certificates \
        "$suite" "$root" "deb $archive $suite main" "deb $archive $suite-backports main"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    in_chroot apt-get -qq update
    in_chroot env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends \
        --target-release "$suite-backports" python3-libcamera libcamera-tools libcamera-ipa >/dev/null
    in_chroot pip install --quiet --break-system-packages --root-user-action=ignore picamera2
    [ -z "$base" ] || tar -cf "$base" -C "$root" .
fi
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$root$project"
(cd "$repo" && git ls-files -z --cached | xargs -0 tar -cf -) | tar -xf - -C "$root$project"
cat >"$root$settings" <<'TOML'
[camera]
source = "picamera"
[model]
name = "lightning"
[cues]
enabled = false
[store]
path = "/srv/state/kneeline.db"
[live]
socket = "/srv/state/live.sock"
[web]
host = "127.0.0.1"
port = 8099
TOML
mkdir "$root/srv/state"

note "installing"
ok "Kneeline is installed as on a Pi, and its environment sees the system's picamera2" installs_as_on_a_pi
check make "$project/$clip"
in_chroot pip list 2>/dev/null | grep picamera2 >&2
in_chroot dpkg-query --show python3-libcamera >&2

note "the camera"
plays /srv/card
while read -r name what; do
    ok "$what" check "$name" </dev/null
    seen
done <<'CHECKS'
auto source "auto" takes it
card size and colours are right, and a size that is not to be had is told
turn the picture's turn is asked for (the virtual camera does not do it)
metadata every picture has the sensor's time
again opened and closed six times it leaves no file and no thread
busy where it is busy there is one clear error, and nothing is left open
absent a number that is not there is told
silent no more pictures: told after 2 s, closed, opened again
stopping it stops while no picture comes
quiet the libraries say nothing of how they get on
CHECKS
plays /srv/film
ok "every picture comes once and in order, at its pace" check frames
seen

note "the program"
ok "doctor names the camera" doctor_names_the_camera
ok "doctor tells of a number that is not there" doctor_tells_what_is_amiss
ok "kneeline run measures a session and ends without a word too many" runs
seen
ok "stances and cues are kept, and are those of the film" same_as_replayed
seen

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

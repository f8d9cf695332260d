#!/bin/bash
# Installs Kneeline into a fresh arm64 Debian under qemu's user mode, measures the demo clip there and compares with this machine:
#   sudo tests/systemd/arm64_test.sh [bookworm|trixie]
# Needs root, mmdebstrap, arch-test and qemu-aarch64 of version 10 or later registered as the interpreter of arm64 programs with
# flag F (Debian 13's qemu-user-binfmt does that; Debian 12's 7.2 crashes in ai-edge-litert), a `.venv` beside this folder's
# project (tests/run.sh makes it), 2 GB of disk under $TMPDIR (default /var/tmp), and an hour on two slow cores. It shows that all
# that is installed is to be had for a 64-bit Pi and measures the same there; of a Pi's camera, pins, heat and speed it shows
# nothing. KNEELINE_ARM_BASE=FILE.tar keeps the bare Debian there for the next time.
set -euo pipefail

suite=${1:-bookworm}
repo=$(cd "$(dirname "$0")/../.." && pwd -P)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/kneeline-arm64.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
base=${KNEELINE_ARM_BASE:-$work/base.tar}

# shellcheck source=tests/systemd/chroot.sh
. "$repo/tests/systemd/chroot.sh"

if [ ! -e "$base" ]; then
    note "making an arm64 $suite"
    mmdebstrap --quiet --variant=minbase --arch=arm64 --include=python3,python3-venv,git,ca-certificates "$suite" "$base"
fi
mkdir "$root"
tar -C "$root" -xf "$base"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
cp /etc/resolv.conf "$root/etc/resolv.conf"
git clone --quiet "$repo" "$root/srv/kneeline"

clip=device/demo/demo_front.mp4
note "installing there, and measuring $clip: this takes a while"
in_chroot sh -c "cd /srv/kneeline && sh systemd/start.sh replay $clip --model lightning --json /srv/arm64.json" 2>"$work/said"
if grep -q Warning "$work/said"; then
    cat "$work/said" >&2
    note "FAILED  a warning was printed"
    exit 1
fi
"$repo/.venv/bin/kneeline" replay "$repo/$clip" --model lightning --json "$work/here.json"
"$repo/.venv/bin/python" - "$root/srv/arm64.json" "$work/here.json" <<'PYTHON'
import json
import sys

there, here = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
for name, document in (("arm64", there), ("here", here)):
    knees = {side: document["summary"][side]["fppa_deg"]["mean"] for side in ("left", "right")}
    print(name, len(document["stances"]), "stances", len(document["cues"]), "cues", knees)
cues = [[(cue["side"], round(cue["t_s"], 1)) for cue in document["cues"]] for document in (there, here)]
pairs = zip(there["stances"], here["stances"], strict=True)
apart = max(abs(a["fppa_deg"] - b["fppa_deg"]) for a, b in pairs if a["fppa_deg"] is not None and b["fppa_deg"] is not None)
print(f"largest difference of a stance's knee angle: {apart:.2f}°; the same cues: {cues[0] == cues[1]}")
sys.exit(not (cues[0] == cues[1] and apart < 2.0))
PYTHON
note "ok"

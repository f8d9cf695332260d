#!/bin/sh
# Shows the page on the attached screen once it answers. Started by kneeline-kiosk.service.
# KNEELINE_CHROMIUM_FLAGS: more switches for Chromium, where a screen needs them.
set -eu

python=$(dirname -- "$0")/bin/python

# The page's address on this machine, as the settings have it.
page=$("$python" - <<'PYTHON'
from device.config import load_config

web = load_config().web
host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(web.host, web.host)
print(f"http://{f'[{host}]' if ':' in host else host}:{web.port}")
PYTHON
)

echo "waiting for $page/healthz"
until "$python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$page/healthz" 2>/dev/null; do
    sleep 1
done

for chromium in chromium chromium-browser; do
    ! command -v "$chromium" >/dev/null || break
done

HOME=${RUNTIME_DIRECTORY:-$(mktemp -d)} # Chromium, fontconfig and NSS write here, not on the card
export HOME
echo "showing $page on the screen"
# shellcheck disable=SC2086 # a list of switches is what is wanted
exec cage -s -- "$chromium" --kiosk --ozone-platform=wayland --user-data-dir="$HOME/profile" \
    --no-first-run --noerrdialogs --disable-session-crashed-bubble --disable-component-update \
    --disable-background-networking --disable-sync --disable-features=Translate --password-store=basic \
    --check-for-update-interval=31536000 ${KNEELINE_CHROMIUM_FLAGS:-} "$page/?kiosk=1"

#!/bin/sh
# Shows the page on the attached screen once it answers. Started by kneeline-kiosk.service.
# KNEELINE_CHROMIUM_FLAGS: more switches for Chromium, where a screen needs them.
set -eu

python=$(dirname -- "$0")/bin/python

# The page's address on this machine, as the settings have it; fails where they have faults.
address() {
    "$python" - <<'PYTHON'
from device.config import load_config

web = load_config().web
host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(web.host, web.host)
print(f"http://{f'[{host}]' if ':' in host else host}:{web.port}")
PYTHON
}

# Whatever the answer is: where the settings have faults, it is a page that names them.
answers() {
    "$python" - "$1" <<'PYTHON' 2>/dev/null
import contextlib, sys, urllib.error, urllib.request

with contextlib.suppress(urllib.error.HTTPError):
    urllib.request.urlopen(sys.argv[1], timeout=5)
PYTHON
}

if ! page=$(address); then
    page=http://127.0.0.1:8080 # the default, where the faults are shown; ends once they are mended, to be started again
    (until address >/dev/null 2>&1; do sleep 5; done && kill $$) &
fi

echo "waiting for $page/healthz"
until answers "$page/healthz"; do
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

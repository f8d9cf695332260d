# Functions shared by systemd/start.sh, systemd/install.sh and tests/run.sh. POSIX sh, sourced, with `set -eu` in force.
# Everything a fresh Debian 12/13 or 64-bit Raspberry Pi OS lacks is installed here and nowhere else.
# shellcheck shell=sh

say() { printf 'kneeline: %s\n' "$*" >&2; }

die() {
    printf 'kneeline: error: %s\n' "$*" >&2
    exit 1
}

# True on a Raspberry Pi: its firmware names the board in the device tree.
on_pi() {
    [ -r /proc/device-tree/model ] && tr -d '\0' </proc/device-tree/model | grep -q 'Raspberry Pi'
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        die "this needs root and there is no sudo here; as root, run: $*"
    fi
}

# apt_missing PACKAGE... prints those that are not installed.
apt_missing() {
    for package in "$@"; do
        status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=absent
        [ "$status" = installed ] || printf '%s ' "$package"
    done
}

# apt's chatter is left out, its errors (on stderr) are not.
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes \
        apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

# apt_need PACKAGE... installs those that are not there, and touches nothing (no update, no sudo) when all are.
apt_need() {
    command -v apt-get >/dev/null 2>&1 ||
        die "no apt-get on this system; install the equivalents of these by hand: $*"
    wanted=$(apt_missing "$@")
    [ -n "$wanted" ] || return 0
    say "installing from apt: $wanted"
    apt_get update ||
        die "apt-get update failed; check the network and /etc/apt, then run this again"
    # shellcheck disable=SC2086 # a list of words is what is wanted
    apt_get -y install --no-install-recommends $wanted ||
        die "apt-get could not install: $wanted; its own message is above"
}

# Sets PYTHON to the interpreter to build on. An explicit $PYTHON wins; a Pi needs Debian's own, for which alone
# picamera2 and libcamera are built.
choose_python() {
    if [ -z "${PYTHON:-}" ]; then
        command -v python3 >/dev/null 2>&1 || apt_need python3
        if on_pi && [ -x /usr/bin/python3 ]; then
            PYTHON=/usr/bin/python3
        else
            PYTHON=python3
        fi
    fi
    command -v "$PYTHON" >/dev/null 2>&1 || die "PYTHON=$PYTHON: no such program; unset PYTHON or name a Python 3.11 or newer"
    python_version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])') ||
        die "PYTHON=$PYTHON does not run"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "Python $python_version ($PYTHON) is too old: Kneeline needs 3.11 or newer (Debian 12, Raspberry Pi OS Bookworm); set PYTHON=/path/to/python3.11 if you have one"
}

# What is missing from apt for a virtual environment, and on a Pi for its camera and pins.
need_system_packages() {
    if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
        case $(command -v "$PYTHON") in
            /usr/bin/python3) apt_need python3-venv ;;
            /usr/bin/*) apt_need "python$python_version-venv" ;;
            *) die "$PYTHON has no venv and ensurepip modules; install them or unset PYTHON" ;;
        esac
    fi
    if on_pi; then
        need_pi_packages
    fi
}

# The Pi's camera and pins come from Raspberry Pi OS's own archive; plain Debian on a Pi goes on without.
need_pi_packages() {
    [ -n "$(apt_missing python3-picamera2 python3-lgpio)" ] || return 0
    apt-cache show python3-picamera2 >/dev/null 2>&1 || apt_get update ||
        die "apt-get update failed; check the network and /etc/apt, then run this again"
    for package in python3-picamera2 python3-lgpio; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            apt_need "$package"
        else
            say "warning: this system's archive has no $package (Raspberry Pi OS has): no ribbon camera, or no pins; a USB camera works"
        fi
    done
}

# make_venv FOLDER: a virtual environment of $PYTHON, kept when it fits, made anew when it is broken, of another Python, or
# was moved. On a Pi it sees apt's packages: picamera2, libcamera and lgpio come from there only.
make_venv() {
    venv=$1
    fits='import sys, pip; sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1] or sys.prefix != sys.argv[2])'
    if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c "$fits" "$python_version" "$venv" 2>/dev/null &&
        grep -qF "$venv/bin/" "$venv/bin/pip"; then
        return 0
    fi
    say "creating $venv with Python $python_version"
    if on_pi; then
        "$PYTHON" -m venv --clear --system-site-packages "$venv" || die "cannot create $venv; is the folder writable?"
    else
        "$PYTHON" -m venv --clear "$venv" || die "cannot create $venv; is the folder writable?"
    fi
}

# pip_install VENV ARGUMENT...: one place for pip's switches and for what to do when it fails.
pip_install() {
    pip_python=$1/bin/python
    shift
    "$pip_python" -m pip --quiet --disable-pip-version-check --no-input install "$@" >&2 ||
        die "pip could not install Kneeline's Python packages; its own message is above (no network? disk full?), then run this again"
}

# On a Pi, apt's picamera2 (and the simplejpeg it needs) meets the numpy of the virtual environment: compiled modules of numpy 1
# and 2 do not mix, and only an import in this very environment tells.
check_pi_camera_stack() {
    on_pi || return 0
    "$1/bin/python" -c 'import numpy, picamera2' >/dev/null 2>&1 ||
        say "warning: picamera2 does not load in $1; see: $1/bin/python -c 'import picamera2' (a USB camera still works)"
}

# install_project CHECKOUT VENV EXTRAS: an editable install, done again only when pyproject.toml, the extras or the Python changed.
install_project() {
    choose_python
    need_system_packages
    make_venv "$2"
    stamp="$2/kneeline${3:+-$3}.stamp"
    state=$(sha256sum <"$1/pyproject.toml")
    if [ "$(cat "$stamp" 2>/dev/null)" != "$state" ]; then
        say "installing Kneeline's Python packages into $2 (a few minutes the first time)"
        pip_install "$2" -e "$1${3:+[$3]}"
        check_pi_camera_stack "$2"
        printf '%s\n' "$state" >"$stamp"
    fi
}

# venv_folder CHECKOUT: .venv, or one per Python where $PYTHON was asked for.
venv_folder() {
    if [ -n "${PYTHON:-}" ]; then
        choose_python
        printf '%s/.venv-%s\n' "$1" "$python_version"
    else
        printf '%s/.venv\n' "$1"
    fi
}

# shellcheck shell=bash
# Functions shared by boot_test.sh, arm64_test.sh and picamera_test.sh. Bash, sourced, with `set -euo pipefail` in force, root
# set to the folder of the system under test and work to one for what is written on the way.

passed=0
failed=0

note() { printf '%s\n' "$*" >&2; }

ok() { # NAME COMMAND...: one check, by the command's status
    local name=$1
    shift
    if "$@" >"${work:?}/said" 2>&1; then
        passed=$((passed + 1))
        note "ok      $name"
    else
        failed=$((failed + 1))
        note "FAILED  $name: $* -> $(tail -n 3 "$work/said")"
    fi
}

# The system under test while it is not booted: with this machine's network, pip and certificates.
in_chroot() {
    local lent
    mapfile -t lent < <(env | grep -E '^(PIP_|SSL_CERT|REQUESTS_CA|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)' || true)
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --propagation private sh -c '
        root=$1; shift
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/tmp"
        exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
    ' _ "${root:?}" "${lent[@]}" "$@"
}

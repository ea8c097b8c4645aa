# What the steps share. Sourced, not run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TERM_COLOR=never
# Nothing is built twice, so what cargo keeps for the next build would only fill the disk. A backtrace needs no more than lines.
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=line-tables-only

# Something optional is missing: not a failure, and not a secret.
skipped() {
    printf '\n!!! SKIPPED: %s\n\n' "$*" >&2
}

# As root, if that can be had without asking.
privileged() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Shows a command, then runs it.
run() {
    printf '+ %s\n' "$*"
    "$@"
}

# Up to three times: the network fails for a moment.
persistently() {
    for _ in 1 2; do
        "$@" && return
        sleep 10
    done
    "$@"
}

# Installs packages.
apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    persistently privileged apt-get -o DPkg::Lock::Timeout=300 update
    persistently privileged apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
}

# The names under [features], `default` first.
features() {
    sed -n '/^\[features\]/,/^\[[^f]/s/^\([a-z0-9_-]*\) = .*/\1/p' Cargo.toml
}

# Whether a toolchain of this version or channel is installed.
toolchain() {
    command -v rustup >/dev/null && rustup toolchain list | grep -qE "^$1[.-]"
}

# Whether there is valgrind, which is installed if it is missing and can be.
has_valgrind() {
    command -v valgrind >/dev/null && return
    apt_install valgrind >/dev/null 2>&1 && command -v valgrind >/dev/null
}

# Runs the scripts beside this one that are named, in order, up to the first that fails. A name may bring arguments.
steps() {
    local step started
    for step in "$@"; do
        printf '\n=== %s\n' "$step"
        started=$SECONDS
        if ! .ci/$step; then
            printf '\n=== %s FAILED after %s s\n' "$step" $((SECONDS - started)) >&2
            exit 1
        fi
        printf '=== %s: %s s\n' "$step" $((SECONDS - started))
    done
    printf '\n=== all passed: %s s\n' "$SECONDS"
}

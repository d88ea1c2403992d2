#!/usr/bin/env bash
# Has a container runtime answer: installs Debian's docker.io where it is missing, and starts `dockerd` in the background where
# nobody answers. Where that cannot be, it says why and exits with 1.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: scripts/dockerd.sh [--check]

Installs docker.io (apt) and starts dockerd where no docker daemon answers yet. Its data is in /var/lib/docker, its log in
/var/log/helix-dockerd.log. Running it again changes nothing.

Options:
  --check      Change nothing; exit with 0 when a daemon answers
  -h, --help   Show this text
TEXT
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

# How long a daemon may take until it answers, in seconds.
PATIENCE=60
LOG=/var/log/helix-dockerd.log
PID=/var/run/docker.pid

check=0
while [ $# -gt 0 ]; do
    case "$1" in
        --check) check=1 ;;
        -h | --help) usage && exit 0 ;;
        *) fail "unknown argument \`$1\`; see scripts/dockerd.sh --help" ;;
    esac
    shift
done

answers() { have docker && docker version >/dev/null 2>&1; }

if answers; then
    say "docker answers: $(docker version --format '{{.Server.Version}}, API {{.Server.APIVersion}}')"
    exit 0
fi
[ "$check" = 0 ] || fail "no docker daemon answers"
[ -z "${DOCKER_HOST:-}" ] || fail "DOCKER_HOST is $DOCKER_HOST, and nobody answers there: unset it, or start that daemon"
[ "$(uname -s)" = Linux ] || fail "start Docker Desktop, OrbStack or Colima: dockerd runs on Linux only"
[ "$(id -u)" = 0 ] || fail "no docker daemon answers: start it with \`sudo systemctl start docker\`, or run this as root"

if ! have dockerd || ! have docker; then
    packages=(docker.io iptables)
    # Debian has the client in a package of its own since trixie.
    if apt-cache show docker-cli >/dev/null 2>&1; then packages+=(docker-cli); fi
    apt_install "${packages[@]}"
fi

# A daemon that another script has just started needs a moment.
wait_for_answer() {
    local waited=0
    while ! answers; do
        [ "$waited" -lt "$PATIENCE" ] || return 1
        [ -z "${1:-}" ] || kill -0 "$1" 2>/dev/null || return 1
        sleep 1
        waited=$((waited + 1))
    done
}

if [ -f "$PID" ] && kill -0 "$(cat "$PID")" 2>/dev/null; then
    say "waiting for the dockerd that runs (pid $(cat "$PID"))"
    wait_for_answer "$(cat "$PID")" || fail "dockerd runs and does not answer: see $LOG"
else
    say "starting dockerd"
    # shellcheck disable=SC2024 # It is root that writes.
    setsid nohup dockerd --data-root /var/lib/docker >"$LOG" 2>&1 </dev/null &
    wait_for_answer "$!" || {
        tail -n 15 "$LOG" >&2 || true
        fail "dockerd does not run here (it needs cgroups, overlay mounts and iptables): see $LOG"
    }
fi
say "docker answers: $(docker version --format '{{.Server.Version}}, API {{.Server.APIVersion}}')"
say "to stop it: kill \$(cat $PID)"

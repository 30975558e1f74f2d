#!/bin/sh
# From a clean checkout with an empty Maven repository, on every JDK of this machine: install.sh
# from source, a port, `lsm -c` names the process; then the whole test suite, but not on the default
# JDK, whose suite .ci/run has run. The suite sees only processes and named network namespaces of its
# own, and others do not see those, since other tests run at the same time; sh is PID 1 there, and reaps what the tests leave.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

on_jdk() {
  java_home=$1
  name=$(basename "$java_home")
  clone=$work/$name
  git clone -q "$root" "$clone"
  cd "$clone" || exit 1
  JAVA_HOME=$java_home
  MAVEN_OPTS=-Dmaven.repo.local=$work/repository
  export JAVA_HOME MAVEN_OPTS

  prefix=$work/$name.local state=$work/$name.state
  conf=$prefix/lsm/conf.lsm lsm=$prefix/sbin/lsm
  run ./install.sh --prefix "$prefix" --state-dir "$state" --cron-dir "$work/$name.cron"
  exits "$name: install.sh from a clean checkout" 0
  prints "$name: it stores a baseline" "generated base comparison files"
  # shellcheck disable=SC2016  # for the other shell
  check "$name: the runtime is from this JDK" sh -c '. "$1/release"; own=$JAVA_VERSION
    . "$2/release"; test "$own" = "$JAVA_VERSION"' sh "$java_home" "$prefix/lsm/runtime"
  # shellcheck disable=SC2119  # no further lines
  configure
  run "$lsm" -g
  open_sockets tcp/127.0.0.1:0
  at_end "kill $holder 2>/dev/null || :"
  endpoint=$(head -n 1 "$work/endpoints")
  run "$lsm" -c
  exits "$name: a new listener" 1
  prints "$name: compare names the port" "NEW      $endpoint"
  prints "$name: compare names the program" "         program    $(readlink -f "$(command -v perl)")"
  prints "$name: compare names the process" "
         PID        $holder
         user       root"
  close_sockets

  [ "$java_home" = "$default" ] ||
    check "$name: mvn verify" unshare --mount --pid --fork --kill-child --mount-proc sh -c '
      mount -t tmpfs -o mode=755 lsm-e2e /run && mvn -B verify; exit $?'
  cd "$root" || exit 1
}

default=$(readlink -f "$(command -v javac)")
default=${default%/bin/javac}
for javac in /usr/lib/jvm/*/bin/javac; do
  home=${javac%/bin/javac}
  # Each JDK once, by its real directory.
  if [ ! -L "$home" ] && [ -x "$javac" ]; then
    on_jdk "$home"
  fi
done
finish

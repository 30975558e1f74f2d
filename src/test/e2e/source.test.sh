#!/bin/sh
# From a clean checkout with an empty Maven repository, on every JDK of this machine: install.sh
# from source, a port, `lsm -c` says who opened it; then the whole test suite.
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

  run ./install.sh --prefix "$work/$name.local" --state-dir "$work/$name.state" --cron-dir "$work/$name.cron"
  ends "$name: install.sh from a clean checkout" 0
  says "$name: it takes a baseline" "generated base comparison files"
  # shellcheck disable=SC2016  # it is for the other shell
  check "$name: the runtime is made of this JDK" sh -c '. "$1/release"; own=$JAVA_VERSION
    . "$2/release"; test "$own" = "$JAVA_VERSION"' sh "$java_home" "$work/$name.local/lsm/runtime"
  lsm=$work/$name.local/sbin/lsm
  printf 'MAILER="none"\nSYSLOG="no"\nSTATE_DIR="%s"\n' "$work/$name.state" >"$work/$name.local/lsm/conf.lsm"
  run "$lsm" -g
  mkfifo "$work/$name.fifo"
  perl -MSocket -e '
    socket(my $s, AF_INET, SOCK_STREAM, 6) or die $!;
    bind($s, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die $!;
    listen($s, 1) or die $!;
    my ($port) = unpack_sockaddr_in(getsockname $s);
    open(my $out, ">", $ARGV[0]) or die $!; print $out "$port\n"; close $out;
    sleep 600;' "$work/$name.fifo" &
  listener=$!
  at_end "kill $listener 2>/dev/null || :"
  port=$(cat "$work/$name.fifo")
  run "$lsm" -c
  ends "$name: a new port is a difference" 1
  says "$name: it names the port" "NEW      tcp/127.0.0.1:$port"
  says "$name: it names the program" "by $(readlink -f "$(command -v perl)") (root), PID $listener"
  kill "$listener"

  check "$name: mvn verify" mvn -B verify
  cd "$root" || exit 1
}

for javac in /usr/lib/jvm/*/bin/javac; do
  home=${javac%/bin/javac}
  # Each JDK once, by its real directory.
  if [ ! -L "$home" ] && [ -x "$javac" ]; then
    on_jdk "$home"
  fi
done
finish

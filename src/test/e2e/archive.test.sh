#!/bin/sh
# The class-data archive is used; without it, or with a damaged one, lsm prints the same and exits with the same status; what is
# damaged is set aside and reported once, and Java that it keeps busy is killed. On the runtime of every JDK of this machine.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate

open_sockets unix-stream/@lsm-e2e-archive

# from_archive STATUS ARGUMENT...: lsm exits with this status, and loads its classes and those of its libraries from the archive, and
# all but a few of Java. Java makes some at run time: those of lambdas.
from_archive() {
  expected=$1
  shift
  run "$home/lsm.traced" "$@"
  exits "$name: lsm $*" "$expected"
  check "$name: lsm $*: Lsm comes from the archive" \
    grep -q ' org\.lsm\.Lsm source: shared objects file' "$work/classes"
  grep -v 'source: shared objects file' "$work/classes" >"$work/others"
  # Two of Gson are for java.sql, which the runtime does not have.
  check "$name: lsm $*: so do all other classes of lsm and its libraries" \
    none_of "$work/others" '^[^ ]* (?!com\.google\.gson\.internal\.sql\.).* source: file:'
  check "$name: lsm $*: so do 95 % of the classes of Java" \
    test "$(wc -l <"$work/others")" -le $(($(wc -l <"$work/classes") / 20))
}

# none_of FILE PATTERN: no line matches; shows those that do.
none_of() {
  ! grep -P "$2" "$1"
}

# other_commands: the classes of each come from the archive, too.
other_commands() {
  from_archive 0 --version
  from_archive 0 --help
  from_archive 0 help list
  from_archive 0 --verbose list
  from_archive 0 generate
  from_archive 0 compare
  from_archive 0 compare --format json
  fault=0
  for command in list status history connections; do
    [ "$command" != status ] || fault=1 # nothing runs lsm here
    from_archive "$fault" "$command"
    from_archive "$fault" "$command" --format json
    fault=0
  done
  from_archive 0 show unix/@lsm-e2e-archive
  from_archive 0 diff "$state/baseline" "$state/baseline"
  from_archive 0 check
  from_archive 2 accept 1
  from_archive 2 sentry
  from_archive 2 outbound
}

# differences: so do those of a run with a difference: the first compare reports it, a run of cron knows it, and accept stores it.
differences() {
  open_sockets unix-stream/@lsm-e2e-new
  from_archive 1 compare
  from_archive 1 -c --quiet
  from_archive 0 accept 'unix/@lsm-e2e-new'
  close_sockets
  run "$home/lsm" generate
  exits "$name: a baseline without the socket" 0
}

# replace FILE: the archive by this one, as archive.sh does.
replace() {
  cksum <"$1" >"$home/lsm.jsa.cksum"
  cp "$1" "$home/lsm.jsa"
  touch -r "$home/lsm.jsa" "$home/lsm.jsa.cksum"
}

# damage PERCENT: inverts 64 KiB there.
damage() {
  replace "$work/good.jsa"
  perl -e '
    ($file, $at) = @ARGV;
    open(my $f, "+<:raw", $file) or die $!;
    seek($f, $at, 0); read($f, my $bytes, 65536);
    seek($f, $at, 0); print $f ~$bytes;' "$home/lsm.jsa" $((size * $1 / 100))
}

# sets_aside WHAT: the first run reports the damage and does its job, the next says nothing.
sets_aside() {
  case_=$1
  shift
  run "$home/lsm" --version
  exits "$name: $case_: --version" 0
  check "$name: $case_: its output is the version" test "$out" = "$version"
  check "$name: $case_: it names the archive and what to do, in one line" \
    test "$(grep -c "^lsm: $home/lsm.jsa is damaged, .* run $home/archive.sh$" "$work/run.err")/$(wc -l <"$work/run.err")" = 1/1
}

# works WHAT: lsm behaves as with a good archive.
works() {
  run "$home/lsm" --version
  exits "$name: $1: --version" 0
  check "$name: $1: it prints only the version" test "$out$err" = "$version"
  run "$home/lsm" -c --quiet
  exits "$name: $1: -c --quiet" 0
  prints_nothing "$name: $1: it prints nothing"
  run "$home/lsm" list --format json
  exits "$name: $1: list" 0
  check "$name: $1: list prints JSON" perl -MJSON::PP -0777 -e 'decode_json(<>)->{sockets}[0] or die' "$work/run.out"
}

# pause: starts Java that does not come to an end, $endless.
pause() {
  rm -f "$work/paused"
  "$home/lsm.paused" -c --quiet &
  endless=$!
  check "$name: Java that does not come to an end" within 10 test -f "$work/paused"
}

on_jdk() {
  name=$(basename "$1")
  cp -R "$root/target/lsm" "$work/$name.image"
  check "$name: a runtime" env JAVA_HOME="$1" sh "$root/src/build/runtime.sh" "$work/$name.image/runtime"
  run "$work/$name.image/install.sh" \
    --prefix "$work/$name" --state-dir "$work/$name.state" --no-cron
  exits "$name: installed" 0
  home=$work/$name/lsm
  conf=$home/conf.lsm
  state=$work/$name.state
  configure 'USER="root"'
  check "$name: there are archives" test -s "$home/lsm.jsa" -a -s "$home/lsm-commands.jsa"
  version=$("$home/lsm" --version)
  sed "s,-Xlog:disable,& -Xlog:class+load:file=$work/classes," "$home/lsm" >"$home/lsm.traced"
  chmod 755 "$home/lsm.traced"
  from_archive 0 -c --quiet
  pass_time 60 owner-cache
  from_archive 0 -c --quiet # the first run of an hour
  other_commands
  differences
  cp "$home/lsm.jsa" "$work/good.jsa"
  size=$(stat -c %s "$work/good.jsa")

  rm "$home/lsm.jsa"
  works "no archive"
  run "$home/lsm.traced" --version
  check "$name: no archive: Lsm comes from the jar" grep -q ' org\.lsm\.Lsm source: file:' "$work/classes"
  # With a checksum that fits, it is Java that refuses them.
  : >"$work/bad.jsa"
  replace "$work/bad.jsa"
  works "an empty archive"
  head -c "$size" /dev/urandom >"$work/bad.jsa"
  replace "$work/bad.jsa"
  works "random bytes"
  for part in 10 1000 $((size / 10)) $((size / 2)) $((size * 9 / 10)) $((size - 1)); do
    head -c "$part" "$work/good.jsa" >"$work/bad.jsa"
    replace "$work/bad.jsa"
    works "the first $part bytes"
  done
  { head -c 4096 /dev/urandom && tail -c +4097 "$work/good.jsa"; } >"$work/bad.jsa"
  replace "$work/bad.jsa"
  works "a damaged header"
  : >"$home/lsm.jsa"
  sets_aside "emptied"
  works "emptied, next run"
  : >"$home/lsm-commands.jsa"
  run "$home/lsm" check
  exits "$name: lsm-commands.jsa emptied: check" 0
  prints "$name: lsm-commands.jsa emptied: it is named" "lsm: $home/lsm-commands.jsa is damaged"
  run "$home/lsm" check
  check "$name: lsm-commands.jsa emptied, next run: it says nothing" test -z "$err"
  crashes=0
  for percent in 2 20 35 50 65 80 95; do
    damage "$percent"
    sets_aside "damaged at $percent %"
    works "damaged at $percent %, next run"
    damage "$percent"
    touch -r "$home/lsm.jsa.cksum" "$home/lsm.jsa"
    run timeout -s KILL 10 "$home/lsm" -c --quiet
    case $status in
      0) what="does no harm" ;;
      1 | 2 | 134 | 137) what="costs one run" crashes=$((crashes + 1)) ;; # 137: Java runs for ever
      *) fail "$name: damaged at $percent %, with its old time: exited with $status: $out $err" ;;
    esac
    [ "$status" -eq 0 ] || sets_aside "damaged at $percent %, with its old time, next run"
    [ "$status" -eq 0 ] || works "damaged at $percent %, with its old time: it $what"
  done
  check "$name: some of that ends Java" test "$crashes" -gt 0
  check "$name: a crash leaves no file" test -z "$(find . /tmp -maxdepth 1 -name 'hs_err*')"
  replace "$work/good.jsa"
  sed "s,-Xmn8m,& -XX:+UnlockDiagnosticVMOptions -XX:+PauseAtStartup -XX:PauseAtStartupFile=$work/paused," "$home/lsm" >"$home/lsm.paused"
  chmod 755 "$home/lsm.paused"
  pause
  run "$home/lsm" --version
  check "$name: with a sound archive, the next run does not kill it" kill "$endless"
  wait "$endless" 2>/dev/null
  pause
  damage 50
  touch -r "$home/lsm.jsa.cksum" "$home/lsm.jsa"
  sets_aside "damaged, with its old time, and Java does not come to an end"
  wait "$endless"
  check "$name: the next run kills it" test $? -eq 137
  replace "$work/good.jsa"
  in_use=/run/lsm$(readlink -f "$home/lsm.jsa" | tr / -)
  run "$home/lsm" --version
  check "$name: a run that ends leaves no file in /run" absent "$in_use"
  sleep 60 9>"$in_use" &
  other=$!
  check "$name: the file is there" within 10 test -e "$in_use"
  damage 50
  touch -r "$home/lsm.jsa.cksum" "$home/lsm.jsa"
  sets_aside "damaged, with its old time, and another program has the file open"
  check "$name: it is not killed" kill "$other"
  rm -f "$in_use"
  damage 50
  killed=0
  "$home/lsm" --version >/dev/null 2>&1 & first=$!
  "$home/lsm" --version >/dev/null 2>&1 & second=$!
  "$home/lsm" --version >/dev/null 2>&1 & third=$!
  for run in "$first" "$second" "$third"; do
    wait "$run" || killed=$((killed + 1))
  done
  check "$name: none of three runs that find the damage at the same time is killed" test "$killed" -eq 0
  mount -t tmpfs -o ro lsm-e2e /run
  replace "$work/good.jsa"
  run "$home/lsm" -c --quiet
  exits "$name: /run cannot be written: -c --quiet" 0
  prints_nothing "$name: /run cannot be written: it prints nothing"
  umount /run
  touch "$home/lsm.jsa"
  from_archive 0 --version
  check "$name: a good archive is not checked again" test ! "$home/lsm.jsa" -nt "$home/lsm.jsa.cksum"
  damage 50
  mount --bind "$home" "$home"
  mount -o remount,ro,bind "$home"
  sets_aside "damaged, and the directory cannot be written"
  umount "$home"
  replace "$work/good.jsa"
  touch "$home/lib/lsm.jar"
  works "a jar that is newer"
  check "$name: archive.sh makes a new one" "$home/archive.sh"
  from_archive 0 -c --quiet

  damage 50
  check "$name: archive.sh replaces one that stops the virtual machine" \
    env JAVA_TOOL_OPTIONS=-XX:+UseParallelGC "$home/archive.sh"
  from_archive 0 -c --quiet
  run unshare --net "$home/archive.sh"
  exits "$name: archive.sh on a host without sockets" 0
  check "$name: archive.sh leaves no temporary file" test -z "$(find "$home" -name '.*' -print)"
}

for javac in /usr/lib/jvm/*/bin/javac "${JAVA_HOME:-/nonexistent}"/bin/javac; do
  home=${javac%/bin/javac}
  # Each JDK once, by its real directory.
  if [ ! -L "$home" ] && [ -x "$javac" ] && [ ! -e "$work/$(basename "$home")" ]; then
    on_jdk "$home"
  fi
done
check "there is a JDK" test "$passed" -gt 20
finish

#!/bin/sh
# The class-data archive is used; without it, or with a damaged one, lsm prints the same and exits with the same status. On the
# runtime of every JDK of this machine.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate

open_sockets unix-stream/@lsm-e2e-archive

# from_archive ARGUMENT...: lsm loads its classes from the archive, and all but a few classes of Java.
from_archive() {
  run "$home/lsm.traced" "$@"
  exits "$name: lsm $*" 0
  check "$name: lsm $*: Lsm comes from the archive" \
    grep -q ' org\.lsm\.Lsm source: shared objects file' "$work/classes"
  grep -v 'source: shared objects file' "$work/classes" >"$work/others"
  check "$name: lsm $*: so do all other classes of lsm" test -z "$(grep -E ' org\.lsm\.[A-Za-z.$]+ ' "$work/others")"
  check "$name: lsm $*: so do 95 % of the classes of Java" \
    test "$(wc -l <"$work/others")" -le $(($(wc -l <"$work/classes") / 20))
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

on_jdk() {
  name=$(basename "$1")
  cp -R "$root/target/lsm" "$work/$name.image"
  check "$name: a runtime" env JAVA_HOME="$1" sh "$root/src/build/runtime.sh" "$work/$name.image/runtime"
  run "$work/$name.image/install.sh" \
    --prefix "$work/$name" --state-dir "$work/$name.state" --no-cron
  exits "$name: installed" 0
  home=$work/$name/lsm
  check "$name: there is an archive" test -s "$home/lsm.jsa"
  version=$("$home/lsm" --version)
  sed "s,-Xlog:disable,& -Xlog:class+load:file=$work/classes," "$home/lsm" >"$home/lsm.traced"
  chmod 755 "$home/lsm.traced"
  from_archive --version
  from_archive -c --quiet
  cp "$home/lsm.jsa" "$work/good.jsa"
  size=$(stat -c %s "$work/good.jsa")

  rm "$home/lsm.jsa"
  works "no archive"
  run "$home/lsm.traced" --version
  check "$name: no archive: Lsm comes from the jar" grep -q ' org\.lsm\.Lsm source: file:' "$work/classes"
  : >"$home/lsm.jsa"
  works "an empty archive"
  head -c "$size" /dev/urandom >"$home/lsm.jsa"
  works "random bytes"
  for part in 10 1000 $((size / 10)) $((size / 2)) $((size * 9 / 10)) $((size - 1)); do
    head -c "$part" "$work/good.jsa" >"$home/lsm.jsa"
    works "the first $part bytes"
  done
  { head -c 4096 /dev/urandom && tail -c +4097 "$work/good.jsa"; } >"$home/lsm.jsa"
  works "a damaged header"
  cp "$work/good.jsa" "$home/lsm.jsa"
  touch "$home/lib/lsm.jar"
  works "a jar that is newer"
  check "$name: archive.sh makes a new one" "$home/archive.sh"
  from_archive -c --quiet

  dd if=/dev/zero of="$home/lsm.jsa" bs=4096 seek=$((size / 8192)) count=500 conv=notrunc 2>"$work/dd"
  check "$name: archive.sh replaces one that stops the virtual machine" \
    env JAVA_TOOL_OPTIONS=-XX:+UseParallelGC "$home/archive.sh"
  from_archive -c --quiet
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

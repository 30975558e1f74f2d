#!/bin/sh
# The class-data archive is used, and one that is missing, damaged or does not fit is no trouble: lsm
# prints and ends as it does with it. On the runtime of every JDK of this machine.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
if [ "$(id -u)" -ne 0 ]; then
  echo "SKIPPED  archive: making a network namespace needs root"
  exit 0
fi

# In a namespace of its own, so that nobody else opens sockets.
netns=lsm-e2e-archive-$$
ip netns add "$netns" || exit 1
at_end "ip netns delete '$netns'"
mkfifo "$work/opened"
# shellcheck disable=SC2016  # it is Perl
ip netns exec "$netns" perl -MIO::Socket::UNIX -e '
  my $s = IO::Socket::UNIX->new(Local => "\0lsm-e2e-archive", Listen => 1) or die $!;
  open(my $out, ">", $ARGV[0]) or die $!; close $out;
  sleep 600;' "$work/opened" &
at_end "kill $!"
cat "$work/opened"

# from_archive ARGUMENT...: what the launcher's Java loads comes from the archive, but for a few
# classes of Java that it happens to need this time.
from_archive() {
  run ip netns exec "$netns" "$home/lsm.traced" "$@"
  ends "$name: lsm $*" 0
  check "$name: lsm $*: Lsm comes from the archive" \
    grep -q ' org\.lsm\.Lsm source: shared objects file' "$work/classes"
  grep -v 'source: shared objects file' "$work/classes" >"$work/others"
  check "$name: lsm $*: and all other classes of lsm" test -z "$(grep -E ' org\.lsm\.[A-Za-z.$]+ ' "$work/others")"
  check "$name: lsm $*: and 95 % of Java's" \
    test "$(wc -l <"$work/others")" -le $(($(wc -l <"$work/classes") / 20))
}

# quiet WHAT: lsm does as it does with a good archive.
quiet() {
  run ip netns exec "$netns" "$home/lsm" --version
  ends "$name: $1: --version" 0
  check "$name: $1: it prints that and nothing else" test "$out$err" = "$version"
  run ip netns exec "$netns" "$home/lsm" -c --quiet
  ends "$name: $1: -c --quiet" 0
  check "$name: $1: it prints nothing" test -z "$out$err"
  run ip netns exec "$netns" "$home/lsm" list --format json
  ends "$name: $1: list" 0
  check "$name: $1: the list is whole" perl -MJSON::PP -0777 -e 'decode_json(<>)->{sockets}[0] or die' "$work/run.out"
}

on_jdk() {
  name=$(basename "$1")
  cp -R "$root/target/lsm" "$work/$name.image"
  check "$name: a runtime" env JAVA_HOME="$1" sh "$root/src/build/runtime.sh" "$work/$name.image/runtime"
  run ip netns exec "$netns" "$work/$name.image/install.sh" \
    --prefix "$work/$name" --state-dir "$work/$name.state" --no-cron
  ends "$name: installed" 0
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
  quiet "no archive"
  run ip netns exec "$netns" "$home/lsm.traced" --version
  check "$name: no archive: the test would see it" grep -q ' org\.lsm\.Lsm source: file:' "$work/classes"
  : >"$home/lsm.jsa"
  quiet "an empty archive"
  head -c "$size" /dev/urandom >"$home/lsm.jsa"
  quiet "random bytes"
  for part in 10 1000 $((size / 10)) $((size / 2)) $((size * 9 / 10)) $((size - 1)); do
    head -c "$part" "$work/good.jsa" >"$home/lsm.jsa"
    quiet "the first $part bytes"
  done
  { head -c 4096 /dev/urandom && tail -c +4097 "$work/good.jsa"; } >"$home/lsm.jsa"
  quiet "a damaged header"
  cp "$work/good.jsa" "$home/lsm.jsa"
  touch "$home/lib/lsm.jar"
  quiet "a jar that is newer"
  check "$name: archive.sh makes it anew" ip netns exec "$netns" "$home/archive.sh"
  from_archive -c --quiet

  dd if=/dev/zero of="$home/lsm.jsa" bs=4096 seek=$((size / 8192)) count=500 conv=notrunc 2>"$work/dd"
  check "$name: archive.sh makes one anew that stops the virtual machine" \
    ip netns exec "$netns" env JAVA_TOOL_OPTIONS=-XX:+UseParallelGC "$home/archive.sh"
  from_archive -c --quiet
  run "$home/archive.sh"
  ends "$name: archive.sh where there may be no socket" 0
  check "$name: archive.sh leaves nothing else" test -z "$(find "$home" -name '.*' -print)"
}

for javac in /usr/lib/jvm/*/bin/javac "${JAVA_HOME:-/nonexistent}"/bin/javac; do
  home=${javac%/bin/javac}
  # Each JDK once, by its real directory.
  if [ ! -L "$home" ] && [ -x "$javac" ] && [ ! -e "$work/$(basename "$home")" ]; then
    on_jdk "$home"
  fi
done
check "there was a JDK" test "$passed" -gt 20
finish

#!/bin/sh
# Makes lsm.jsa, the class-data archive from which lsm starts in half the time. It fits these files
# at this place only: install.sh and the packages make it once all is where it stays. Without it
# lsm works all the same.
set -eu
home=$(dirname -- "$(readlink -f -- "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
java() {
  "$home/runtime/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData "$@"
}
lsm() {
  java "$@" -cp "$home/lib/lsm.jar" org.lsm.Lsm compare --quiet --config "$work/conf.lsm"
}

# What an idle compare loads, measured on a baseline of this host.
printf 'STATE_DIR="%s"\nMAILER="none"\nSYSLOG="no"\n' "$work/state" >"$work/conf.lsm"
"$home/lsm" generate --config "$work/conf.lsm" >/dev/null
lsm -Xshare:off -XX:DumpLoadedClassList="$work/classes" || [ $? -eq 1 ]
java -Xshare:dump -XX:SharedClassListFile="$work/classes" \
  -XX:SharedArchiveFile="$work/lsm.jsa" -Xlog:disable -cp "$home/lib/lsm.jar" >/dev/null
mv "$work/lsm.jsa" "$home/lsm.jsa"

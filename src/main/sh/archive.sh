#!/bin/sh
# Makes lsm.jsa, the class-data archive that lets lsm start in a fraction of the time. It fits these
# files at this place only: install.sh and the packages make it once all is where it stays. Without
# it lsm works all the same.
set -eu
umask 022
home=$(dirname -- "$(readlink -f -- "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work" "$home/.lsm.jsa"' EXIT
java() {
  "$home/runtime/bin/java" -XX:-UsePerfData -Xlog:disable "$@"
}

# The classes that an idle compare loads, of this host.
printf 'STATE_DIR="%s"\nMAILER="none"\nSYSLOG="no"\n' "$work/state" >"$work/conf.lsm"
export LSM_CONF="$work/conf.lsm"
"$home/lsm" generate >/dev/null 2>&1
java -Xshare:off -XX:DumpLoadedClassList="$work/classes" -cp "$home/lib/lsm.jar" \
  org.lsm.Lsm -c --quiet 2>/dev/null || [ $? -eq 1 ]
# Since JDK 24 the classes are linked in the archive as well; JDK 17 can store objects with G1 only.
java -Xshare:dump -XX:+IgnoreUnrecognizedVMOptions -XX:+AOTClassLinking -XX:+UseG1GC \
  -XX:SharedClassListFile="$work/classes" -XX:SharedArchiveFile="$home/.lsm.jsa" \
  -cp "$home/lib/lsm.jar" >/dev/null
chmod 644 "$home/.lsm.jsa"
mv "$home/.lsm.jsa" "$home/lsm.jsa" # at once: cron may start lsm at any moment

#!/bin/sh
# Makes lsm.jsa, the class-data archive that lets lsm start in a fraction of the time. It fits these
# files at this place only: install.sh and the packages make it once all is where it stays. Without
# it lsm works all the same.
set -eu
umask 022
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C.UTF-8
export PATH LC_ALL
unset CLASSPATH JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS _JAVA_LAUNCHER_DEBUG
unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT
unset -f dirname readlink mktemp printf chmod sync mv rm # bash takes functions from the environment

home=$(dirname -- "$(readlink -f -- "$0")")
work=$(mktemp -d "$home/.archive.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
java() {
  "$home/runtime/bin/java" -XX:-UsePerfData -Xlog:disable -cp "$home/lib/lsm.jar" "$@"
}

rm -f "$home/lsm.jsa" # one that is damaged stops the virtual machine
# The classes that an idle compare loads, of this host. Where it has no sockets they are fewer.
printf 'USER="root"\nSTATE_DIR="%s"\nMAILER="none"\nSYSLOG="no"\nSENTRY_TCP="1-9"\nSENTRY_IGNORE="::1"\n' "$work/state" >"$work/conf.lsm"
export LSM_CONF="$work/conf.lsm"
"$home/lsm" generate >/dev/null 2>&1 || :
java -Xshare:off -XX:DumpLoadedClassList="$work/classes" org.lsm.Lsm -c --quiet 2>/dev/null || :
# Since JDK 24 the classes are linked in the archive as well; JDK 17 can store objects with G1 only.
java -Xshare:dump -XX:+IgnoreUnrecognizedVMOptions -XX:+AOTClassLinking -XX:+UseG1GC \
  -XX:SharedClassListFile="$work/classes" -XX:SharedArchiveFile="$work/lsm.jsa" >/dev/null
chmod 644 "$work/lsm.jsa"
sync "$work/lsm.jsa"
mv "$work/lsm.jsa" "$home/lsm.jsa" # at once: cron may start lsm at any moment

#!/bin/sh
# Creates lsm.jsa, the class-data archive with which lsm starts several times faster. An archive is
# valid only for these files in this directory, so install.sh and the packages create it last. lsm
# works without it, too.
set -eu
umask 022
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C.UTF-8
export PATH LC_ALL
unset CLASSPATH JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS _JAVA_LAUNCHER_DEBUG
unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT
unset -f dirname readlink mktemp printf chmod cksum touch sync mv rm sed awk unshare # bash imports functions from the environment

home=$(dirname -- "$(readlink -f -- "$0")")
work=$(mktemp -d "$home/.archive.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
java() {
  "$home/runtime/bin/java" -XX:-UsePerfData -Xlog:disable -cp "$home/lib/lsm.jar" "$@"
}

rm -f "$home/lsm.jsa" "$home/lsm.jsa.cksum" "$home/lsm.jsa.damaged" # a damaged archive stops the virtual machine
# List the classes that an idle compare loads.
printf 'USER="root"\nSTATE_DIR="%s"\nMAILER="none"\nSYSLOG="no"\nSENTRY_TCP="1-9"\nSENTRY_IGNORE="::1"\n' "$work/state" >"$work/conf.lsm"
echo 'unix /run/user/*/** program=/usr/** user=root' >"$work/ignore.lsm" # the installed one has rules, too
export LSM_CONF="$work/conf.lsm"
"$home/lsm" generate >/dev/null 2>&1 || :
java -Xshare:off -XX:DumpLoadedClassList="$work/classes" org.lsm.Lsm -c --quiet 2>/dev/null || :
# Add those that read the packet filter, in a network namespace, where this cannot change the rules of the host.
if unshare --net nft list tables >/dev/null 2>&1; then
  echo 'OUTBOUND="learn"' >>"$work/conf.lsm"
  # shellcheck disable=SC2016  # for the other shell
  unshare --net sh -c '"$1/lsm" -c --quiet
    exec "$1/runtime/bin/java" -XX:-UsePerfData -Xlog:disable -cp "$1/lib/lsm.jar" -Xshare:off -XX:DumpLoadedClassList="$2" \
      org.lsm.Lsm -c --quiet' sh "$home" "$work/filter" >/dev/null 2>&1 || :
  # The numbers of the classes differ between two lists, and are needed for other class loaders only.
  [ ! -s "$work/filter" ] || sed -i 's/ id: [0-9]*$//' "$work/classes" "$work/filter"
  [ ! -s "$work/filter" ] || awk '!seen[$0]++' "$work/classes" "$work/filter" >"$work/all"
  [ ! -s "$work/all" ] || mv "$work/all" "$work/classes"
fi
# Since JDK 24 the archive can hold linked classes. JDK 17 stores heap objects only with G1.
java -Xshare:dump -XX:+IgnoreUnrecognizedVMOptions -XX:+AOTClassLinking -XX:+UseG1GC \
  -XX:SharedClassListFile="$work/classes" -XX:SharedArchiveFile="$work/lsm.jsa" >/dev/null
cksum <"$work/lsm.jsa" >"$work/lsm.jsa.cksum"
touch -r "$work/lsm.jsa" "$work/lsm.jsa.cksum" # the launcher takes the archive for checked
chmod 644 "$work/lsm.jsa" "$work/lsm.jsa.cksum"
sync "$work/lsm.jsa" "$work/lsm.jsa.cksum"
# The archive last, and atomically: cron may start lsm at any moment.
mv "$work/lsm.jsa.cksum" "$home/lsm.jsa.cksum"
mv "$work/lsm.jsa" "$home/lsm.jsa"

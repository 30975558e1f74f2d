#!/bin/sh
# Creates the class-data archives with which lsm starts several times faster: lsm.jsa for the runs of cron, and lsm-commands.jsa
# for all other commands. Since JDK 24 an archive can hold linked classes, but then Java loads all of them at each start: that
# helps where most are used, and the usual run of cron uses few. An archive is valid only for these files in this directory, so
# install.sh and the packages create them last. lsm works without them, too.
set -eu
umask 022
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C.UTF-8
export PATH LC_ALL
unset CLASSPATH JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS _JAVA_LAUNCHER_DEBUG
unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT
# bash imports functions from the environment
unset -f dirname readlink mktemp printf mkdir cp chmod cksum touch sync mv rm sed awk unshare nft echo

home=$(dirname -- "$(readlink -f -- "$0")")
java() {
  "$home/runtime/bin/java" -XX:-UsePerfData -Xlog:disable -cp "$home/lib/lsm.jar" "$@"
}

# configure NAME LINE...: lsm has a state directory of its own, sends nothing, and has these lines in its configuration.
configure() {
  mkdir "$work/$1"
  echo 'unix /run/user/*/** program=/usr/** user=root' >"$work/$1/ignore.lsm" # the installed one has rules, too
  conf=$work/$1/conf.lsm
  printf '%s\n' 'USER="root"' "STATE_DIR=\"$work/$1/state\"" 'MAILER="none"' 'SYSLOG="no"' 'SENTRY_TCP="1-9"' 'SENTRY_IGNORE="::1"' >"$conf"
  shift
  [ $# -eq 0 ] || printf '%s\n' "$@" >>"$conf"
}

# list ARCHIVE: lists for this archive the classes that lsm loads with the arguments on each line of standard input.
list() {
  rm -f "$work/loaded"
  java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "$share" -XX:DumpLoadedClassList="$work/loaded" \
    -Dlsm.launcher="$home/lsm" org.lsm.Training >/dev/null 2>&1 || :
  # The numbers of the classes differ between two lists, and are needed for other class loaders only.
  [ ! -s "$work/loaded" ] || sed 's/ id: [0-9]*$//' "$work/loaded" >>"$work/$1"
}

# dump ARCHIVE FLAG LIST...: creates it. JDK 17 stores heap objects only with G1.
dump() {
  archive=$1
  flag=$2
  shift 2
  (cd "$work" && awk '!seen[$0]++' "$@" >all)
  java -Xshare:dump -XX:+IgnoreUnrecognizedVMOptions "$flag" -XX:+UseG1GC \
    -XX:SharedClassListFile="$work/all" -XX:SharedArchiveFile="$work/$archive.jsa" >/dev/null
  cksum <"$work/$archive.jsa" >"$work/$archive.jsa.cksum"
  touch -r "$work/$archive.jsa" "$work/$archive.jsa.cksum" # the launcher takes the archive for checked
  chmod 644 "$work/$archive.jsa" "$work/$archive.jsa.cksum"
  sync "$work/$archive.jsa" "$work/$archive.jsa.cksum"
}

# isolated FUNCTION: in a network namespace, where nothing reaches another host or the packet filter of this one.
isolated() {
  unshare --net sh "$home/archive.sh" --isolated "$1" "$work" "$share" >/dev/null 2>&1 || :
}

# Two runs of cron without a difference, of which the first is that of an hour, and the second knows the result; one that knows its
# differences; and two with the packet filter.
runs() {
  configure learned
  learned=$conf
  configure declared 'BASELINE="declared"' 'RUN_CMD="/bin/true"' # all sockets are new
  mkdir "$work/declared/rules.d"
  echo 'require tcp 127.0.0.1:1' >"$work/declared/rules.d/required.lsm" # and this one is gone
  list lsm-commands <<LINES
generate --config $learned
compare --config $conf
LINES
  rm -f "$work/learned/state/owner-cache" # which counts for an hour
  list lsm <<LINES
compare --quiet --config $learned
compare --quiet --config $learned
compare --quiet --config $conf
LINES
  # Whether these are loaded depends on what is new, and who opened it.
  printf '%s\n' "org/lsm/model/MovedSockets\$OwnedEndpoint" "org/lsm/proc/TableParser\$ForgerySuspicion" >>"$work/lsm"
  isolated filtering_run
}

filtering_run() {
  nft list tables # ends this where nft is missing or not permitted
  configure outbound 'OUTBOUND="learn"' 'BASELINE="declared"'
  list lsm <<LINES
compare --quiet --config $conf
compare --quiet --config $conf
LINES
}

# The other commands.
commands() {
  list lsm-commands <<LINES
compare --no-alert --format json --config $conf
list --config $conf
list --format json --config $conf
show pid=1 --config $conf
connections --seconds 0 --format json --config $conf
status --format json --config $conf
status --config $conf
history --config $conf
check --config $conf
accept tcp --config $learned
diff $work/learned/state/baseline $work/learned/state/baseline
help
LINES
  isolated filter_commands
}

filter_commands() {
  configure filter 'OUTBOUND="learn"' 'SENTRY="report"' 'BASELINE="declared"' 'MAILER="smtp"' 'SMTP_HOST="127.0.0.1"'
  list lsm-commands <<LINES
test-alert --config $conf
compare --config $conf
outbound --config $conf
sentry --config $conf
LINES
}

if [ "${1:-}" = --isolated ]; then
  work=$3 share=$4
  "$2"
  exit
fi
work=$(mktemp -d "$home/.archive.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
rm -f "$home"/lsm*.jsa "$home"/lsm*.jsa.cksum "$home"/lsm*.jsa.damaged # a damaged archive stops the virtual machine
share=-Xshare:off
runs
dump lsm -XX:-AOTClassLinking lsm
share=-XX:SharedArchiveFile=$work/lsm.jsa # which is faster, and what it holds is listed already
commands
dump lsm-commands -XX:+AOTClassLinking lsm lsm-commands
# The archives last, and atomically: cron may start lsm at any moment.
for archive in lsm lsm-commands; do
  mv "$work/$archive.jsa.cksum" "$home/$archive.jsa.cksum"
  mv "$work/$archive.jsa" "$home/$archive.jsa"
done

#!/bin/sh
# A machine that is hostile, or out of something: whatever happens, lsm never says that all is well
# or that something differs when it could not look, the baseline stays, and the next run is fine.
# All of it runs in namespaces of its own: only what the test opens is there to be seen.
PATH=$PATH:/usr/sbin:/sbin
if [ "${LSM_E2E_INSIDE:-}" != yes ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED  hostile: mounting file systems needs root"
    exit 0
  fi
  set -- --mount --net --uts --pid --fork --kill-child --mount-proc
  if ! unshare "$@" true; then
    echo "SKIPPED  hostile: no namespaces can be made here"
    exit 0
  fi
  # The outer shell is PID 1 in there, and reaps what is left behind.
  # shellcheck disable=SC2016  # it is for the outer shell
  LSM_E2E_INSIDE=yes exec unshare "$@" sh -c 'sh "$1"; exit $?' sh "$0"
fi
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

prefix=$work/local
state=$work/state
conf=$prefix/lsm/conf.lsm
lsm=$prefix/sbin/lsm
alerts=$work/alerts
chmod 755 "$work" # others run lsm as well
ip link set lo up
run "$root/target/lsm/install.sh" --prefix "$prefix" --state-dir "$state" --no-cron --no-baseline
ends "installed" 0
cp "$prefix/lsm/lsm" "$work/launcher"

configure() {
  printf '%s\n' 'MAILER="none"' 'SYSLOG="no"' "STATE_DIR=\"$state\"" "$@" >"$conf"
  chmod 644 "$conf"
}
append='RUN_CMD="cat >>'$alerts'"'
configure "$append"

# opens USER ENDPOINT...: a program of this user holds them, and is the $opener.
opens() {
  mkfifo "$work/opened.$$"
  user=$1
  shift
  setpriv --reuid "$user" --regid nogroup --clear-groups perl "$root/src/test/resources/org/lsm/sockets.pl" \
    "$@" <"$work/forever" >"$work/opened.$$" &
  opener=$!
  sed '/^ready$/q' "$work/opened.$$" >/dev/null
  rm "$work/opened.$$"
}
mkfifo "$work/forever"
exec 3<>"$work/forever"

closes() {
  kill "$opener"
  wait "$opener" 2>/dev/null
}

as_nobody() {
  setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}

# What must not change: kept, and later unchanged WHAT.
kept() {
  cp "$state/baseline" "$work/before"
}

unchanged() {
  check "$1: the baseline is untouched" cmp "$work/before" "$state/baseline"
}

# fine WHAT: the next run works, and leaves nothing half-written.
fine() {
  run "$lsm" compare --no-alert
  ends "$1: the next run is fine" 0
  check "$1: nothing half-written is left" test -z "$(find "$state" -name '*.tmp')"
}

opens daemon tcp/127.0.0.1:7001 udp/127.0.0.1:7001 unix-stream/@lsm-hostile
run "$lsm" generate
ends "a baseline" 0
says "of three sockets" "Baseline of 3 sockets"

# --- /proc that hides the processes of others
for hidepid in 1 2 4; do
  mount -o "remount,hidepid=$hidepid" /proc
  run "$lsm" list
  ends "hidepid=$hidepid: root lists" 0
  check "hidepid=$hidepid: root sees all owners" test "$(echo "$out" | grep -c '^.*daemon.*/perl')" -eq 3
  check "hidepid=$hidepid: and need not say anything" test -z "$err"
  run as_nobody "$lsm" list --format json
  ends "hidepid=$hidepid: nobody lists" 0
  says "hidepid=$hidepid: nobody is told what is missing" "3 of 3 sockets have an owner that this user may not see"
  check "hidepid=$hidepid: nobody is told no wrong owner" test "$(echo "$out" | grep -c '"user": "?"')" -eq 3
done
mount -o remount,hidepid=0 /proc

# --- out of descriptors, with a difference to tell: it is told, or kept, or there is a complaint
opens root tcp/127.0.0.1:7002
kept
new='NEW *tcp/127.0.0.1:7002$'
for limit in ${LIMITS:-1 3 8 10 11 12 13 14 15 16 17 18 19 20 22 24}; do
  for command in "-c --quiet" compare generate; do
    rm -rf "$state/scan" "$state/told" "$state/outbox" "$alerts"
    cp "$work/before" "$state/baseline"
    # shellcheck disable=SC2086,SC2016  # words; it is for the other shell
    run sh -c 'ulimit -n "$1" && shift && exec "$@"' sh "$limit" "$lsm" $command
    case $status:$command:$err in
      0:generate:) what="accepts it" good=$(echo "$out" | grep "$new") ;;
      1:compare:) what="tells it" good=$(echo "$out" | grep "$new") ;;
      1:-c*:) what="tells it" good=$(grep 7002 "$alerts") ;;
      3:*" wait in the outbox"*) what="keeps it" good=$(grep 7002 "$state"/outbox/*.json) ;;
      2:*:?* | 127:*:?*) what="says why not" good=$err ;;
      1:*VM*) what="says why Java cannot even start" good=$err ;; # which ends with 1, alas
      *) good= what="does no such thing" ;;
    esac
    check "$limit descriptors: $command $what ($status)" test -n "$good"
    [ -n "$good" ] || echo "        $out $err"
    [ "$status" -eq 0 ] || unchanged "$limit descriptors: $command"
  done
done
cp "$work/before" "$state/baseline"
closes
fine "descriptors"

# --- a heap that is too small for the job
java_with() {
  sed "s/-Xmn8m/$1/" "$work/launcher" >"$prefix/lsm/lsm"
}
ulimit -S -n 7000
# shellcheck disable=SC2046  # words
opens root $(seq -f "unix-stream/@many-%.0f" 6000)
short=0
for heap in 3 4 5 6 8 9 10 11 12 14 16 20; do
  java_with "-Xmn2m -Xmx${heap}m"
  for command in "-c --quiet" generate; do
    rm -rf "$state/scan" "$state/told" "$state/outbox" "$alerts"
    cp "$work/before" "$state/baseline"
    # shellcheck disable=SC2086  # words
    run "$lsm" $command
    case $status:$command:$err in
      0:generate:) continue ;;
      1:-c*:) check "$heap MB: it tells what it says it does" test -s "$alerts" ;;
      2:*:*emory* | 1:*VM*)
        short=$((short + 1))
        one_sentence "$heap MB: $command ends with $status and one sentence"
        ;;
      *) fail "$heap MB: $command ends with $status: $err" ;;
    esac
    unchanged "$heap MB: $command"
  done
done
cp "$work/before" "$state/baseline"
check "some heaps were too small" test "$short" -gt 0
java_with -Xmn8m
closes
fine "memory"
finish

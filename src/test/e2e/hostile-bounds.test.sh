#!/bin/sh
# Every run ends in bounded time, memory and disk, and reports what stopped it: a scan that hangs, a run that is hung or stopped,
# an outbox that is full. Each part has an installation's state of its own; the longest one waits in the background.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate setpriv

install_lsm
open_sockets unix-stream/@lsm-bounds

# part NAME: the next commands use a configuration, a baseline and alerts of their own.
part() {
  part=$1
  mkdir "$work/$part"
  state=$work/$part/state
  alerts=$work/$part/alerts
  conf=$work/$part/conf.lsm
  configure "RUN_CMD=\"cat >>'$alerts'\""
  LSM_CONF=$conf
  export LSM_CONF
  : >"$alerts"
  baseline
}

# listen ENDPOINT: the attacker, who has no privilege, opens a socket.
listen() {
  hold setpriv --reuid daemon --regid nogroup --clear-groups perl "$scripts/sockets.pl" "$1"
}

# hanging COMMAND...: runs lsm in a mount namespace with a copy of the tables in /proc/net, of which one is a pipe.
hanging() {
  tables=$work/$part/net
  mkdir "$tables"
  cp -R /proc/net/. "$tables" 2>"$work/cp"
  rm -f "$tables/udplite"
  mkfifo "$tables/udplite"
  # shellcheck disable=SC2016  # for the other shell
  exec unshare --mount sh -c 'mount --bind "$1" "/proc/$$/net" && shift && exec "$@"' sh "$tables" "$lsm" "$@"
}

# count EVENT: the alerts of this part.
count() {
  grep -c "\"event\": \"$1\"" "$alerts"
}

# peak: runs lsm, and sets $peak to the most memory that any Java used meanwhile, in MiB.
peak() {
  peak=0
  "$lsm" "$@" >"$work/run.out" 2>"$work/run.err" </dev/null &
  while kill -0 $! 2>/dev/null; do
    used=$(awk '/^Name:/ { java = $2 == "java" } java && /^VmHWM:/ && $2 > max { max = $2 } END { print int(max / 1024) }' \
      /proc/[0-9]*/status 2>/dev/null)
    [ "${used:-0}" -le "$peak" ] || peak=$used
    sleep 0.1
  done
  status=0
  wait $! || status=$?
  out=$(cat "$work/run.out")
  err=$(cat "$work/run.err")
}

# --- a scan that hangs after it has seen a new listener: the run ends after 5 minutes
part late
listen tcp/127.0.0.1:7100
late=$holder
began_late=$(date +%s)
(hanging compare >"$work/late/out" 2>"$work/late/err") &
later=$!
check "late: it reads the table" within 20 test -p "$work/late/net/udplite"
# The first scan reads it, the second waits for a writer.
# shellcheck disable=SC2016  # for the other shell
check "late: the first scan gets it" timeout 20 sh -c 'cat /proc/net/udplite >"$1"' sh "$work/late/net/udplite"

# --- a run that hangs, then is stopped
part stuck
(hanging compare >"$work/stuck/out" 2>&1) &
stuck=$!
check "stuck: it has the lock" within 10 grep -qx "$stuck" "$state/lock"
listen tcp/127.0.0.1:7200
run "$lsm" -c --quiet
exits "stuck: for a minute" 2
prints_one_error "stuck: for a minute: it is printed"
check "stuck: for a minute: it is not alerted" test "$(count scan_failed)" -eq 0
touch -d '31 minutes ago' "$state/lock"
began=$(date +%s)
run "$lsm" -c --quiet
exits "stuck: for half an hour" 2
check "stuck: the next run ends in 40 s" test $(($(date +%s) - began)) -le 40
check "stuck: it is alerted" test "$(count scan_failed)" -eq 1
check "stuck: the alert has the PID and what that waits for" \
  grep -q "lsm with PID $stuck has held .* (state S (sleeping), wchan [a-z_]*, system call [0-9]*)" "$state/history.jsonl"
kill -STOP "$stuck"
run "$lsm" -c --quiet
exits "stopped: the next run" 2
check "stopped: it is the same failure" test "$(count scan_failed)" -eq 1
prints_nothing "stopped: cron mails nothing about it"
pass_time $((24 * 60)) stuck-run
run "$lsm" -c --quiet
exits "stopped: a day later" 2
check "stopped: a day later: it is alerted again" test "$(count scan_failed)" -eq 2
check "stopped: that alert has the state" grep -q "PID $stuck has held .* (state T (stopped), wchan" "$state/history.jsonl"
run "$lsm" generate
exits "stopped: generate" 2
prints "stopped: generate names the PID" "PID $stuck"
kill -KILL "$stuck"
wait "$stuck" 2>/dev/null
run "$lsm" -c --quiet
exits "killed: the next run works" 1
check "killed: it reports the listener that was opened meanwhile" grep -q '"socket": "tcp/127.0.0.1:7200"' "$alerts"
check "killed: nothing is left" absent "$state/stuck-run"
close_sockets
pass_time 31
run "$lsm" -c --quiet
exits "killed: half an hour later" 0
check "killed: there is an all-clear" test "$(count all_clear)" -eq 1
run "$lsm" history
prints "killed: the history has its end" "scan failed: another run is stuck"

# --- an outbox that is full: a run scans first, then delivers one alert at a time
part full
set_key RUN_CMD "false"
listen tcp/127.0.0.1:7300
full=$holder
run "$lsm" -c --quiet
exits "full: an alert waits" 3
mv "$state"/outbox/*.json "$work/full/alert"
perl -MJSON::PP -0777 -pi -e '
  $entry = decode_json($_);
  push @{$entry->{alert}{text}}, ("x" x 78) x 13000;
  $_ = encode_json($entry)' "$work/full/alert"
check "full: an alert takes 1 MiB" test "$(stat -c %s "$work/full/alert")" -ge 1048576

# fill COUNT: so many alerts wait.
fill() {
  rm -f "$state"/outbox/*.json
  for i in $(seq "$1"); do
    ln "$work/full/alert" "$state/outbox/$(printf '20260101T000000.000Z_%04d-run_cmd.json' "$i")"
  done
}

no_alert_waits() {
  test -z "$(find "$state/outbox" -name '*.json')"
}

# The first delivery copies the last alert that waits by then.
cat >"$work/full/deliver" <<END
[ -e "$work/full/last" ] || cp "\$(ls "$state"/outbox/2*.json | tail -n 1)" "$work/full/last"
cat >/dev/null
echo >>"$work/full/delivered"
END
set_key RUN_CMD "sh $work/full/deliver"
fill 999
listen tcp/127.0.0.1:7301
full="$full $holder"
began=$(date +%s)
peak -c --quiet
took=$(($(date +%s) - began))
check "full: the run reports a difference ($status) in 40 s: $took s" test "$status" -eq 1 -o "$status" -eq 3 -a "$took" -le 40
check "full: the new alert is stored before the first delivery" grep -q 'NEW tcp/127.0.0.1:7301' "$work/full/last"
check "full: all alerts are delivered" within 120 no_alert_waits
check "full: each once" test "$(wc -l <"$work/full/delivered")" -eq 1000
check "full: no Java uses 256 MiB: $peak" test "$peak" -gt 20 -a "$peak" -lt 256
set_key RUN_CMD "false"
fill 1000
listen tcp/127.0.0.1:7302
full="$full $holder"
run "$lsm" -c --quiet
exits "full: one more waits" 3
# Each failure renames a file of the outbox: it is counted when all were tried.
# shellcheck disable=SC2016  # for the other shell
check "full: all were tried" within 300 sh -c '! kill -0 "$(cat "$1")"' sh "$state/outbox/run_cmd.lock"
# That run prints nothing where a thousand failures, all of a known kind, take longer than the half minute it waits.
run "$lsm" -c
prints "full: it says how many" "1001 alerts wait in the outbox"
check "full: that one is folded" grep -q 'NEW tcp/127.0.0.1:7302' "$state/outbox/overflow-run_cmd.json"
check "full: the outbox is bounded" test "$(find "$state/outbox" -name '*.json' | wc -l)" -eq 1001
java_with -Xmx10m
run "$lsm" -c
java_with
check "full: too little memory: it is an error, or the alerts wait ($status)" test "$status" -ge 2
prints "full: too little memory: it says how many wait" "1001 alerts wait in the outbox"
check "full: too little memory: the sockets are not blamed" test -z "$(grep 'opens so many' "$work/run.err")"

# shellcheck disable=SC2086  # words
close_sockets $full

# --- the scan that hangs
part=late
conf=$work/late/conf.lsm
state=$work/late/state
alerts=$work/late/alerts
LSM_CONF=$conf
status=0
wait "$later" || status=$?
took=$(($(stat -c %Y "$work/late/err") - began_late)) # the error is its last output
out=$(cat "$work/late/out")
err=$(cat "$work/late/err")
exits "late: the run is incomplete" 2
check "late: it ends after 5 minutes: $took s" test "$took" -ge 300 -a "$took" -le 330
prints "late: it says why" "the scan took more than 300 s"
prints "late: it reports the new listener" "NEW      tcp/127.0.0.1:7100"
check "late: it alerts the listener" grep -q '"socket": "tcp/127.0.0.1:7100"' "$alerts"
check "late: it alerts the time-out" test "$(count scan_failed)" -eq 1
run "$lsm" -c --quiet
exits "late: the next run works" 1
check "late: it alerts nothing again" test "$(grep -c '"event":' "$alerts")" -eq 2
close_sockets "$late"
run "$lsm" -c --quiet
exits "late: the listener is closed" 0
finish

#!/bin/sh
# Sockets that stay are never reported, however many others come and go between them: 200 compares
# of 100 TCP listeners, 100 UDP sockets and 100 unix sockets, while more than 1,000 sockets a second
# are opened and closed. LSM_E2E_COMPARES sets another number of compares.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
if [ "$(id -u)" -ne 0 ]; then
  echo "SKIPPED  churn: making a network namespace needs root"
  exit 0
fi

compares=${LSM_E2E_COMPARES:-200}
scripts=$root/src/test/resources/org/lsm
run "$root/target/lsm/install.sh" --prefix "$work/local" --state-dir "$work/state" --no-cron --no-baseline
ends "installed" 0
printf 'MAILER="none"\nSYSLOG="no"\nSTATE_DIR="%s"\n' "$work/state" >"$work/local/lsm/conf.lsm"

# In a namespace of its own, so that nobody else opens sockets between these.
netns=lsm-e2e-$$
ip netns add "$netns" || exit 1
at_end "ip netns delete '$netns'"
ip -n "$netns" link set lo up
inside() {
  ip netns exec "$netns" "$@"
}

# start NAME COMMAND...: runs it in the namespace until its standard input is closed, and waits
# until it has printed "ready" to $work/NAME.out.
start() {
  mkfifo "$work/$1.in"
  name=$1
  shift
  inside "$@" <"$work/$name.in" >"$work/$name.out" &
  at_end "kill $! 2>/dev/null || :"
}

await_ready() {
  until grep -q '^ready$' "$work/$1.out"; do
    sleep 0.1
  done
}

# --- what stays, on ports 20000 to 20099
endpoints=
port=20000
while [ "$port" -lt 20100 ]; do
  endpoints="$endpoints tcp/127.0.0.1:$port udp/127.0.0.1:$port unix-stream/@steady-$port"
  port=$((port + 1))
done
# shellcheck disable=SC2086  # one word each
start steady perl "$scripts/sockets.pl" $endpoints
exec 3>"$work/steady.in"
await_ready steady
steady='(tcp|udp)/127\.0\.0\.1:200[0-9][0-9]$|unix/@steady-'

# --- what comes and goes, on ports on both sides of it
start churn perl "$scripts/churn.pl" 1500 150 10000-19999 21000-29999
exec 4>"$work/churn.in"
await_ready churn

# How often one read alone would have been wrong: why lsm looks again.
incomplete=0
reads=0
while [ "$reads" -lt 200 ]; do
  reads=$((reads + 1))
  [ "$(inside cat /proc/net/tcp /proc/net/udp | grep -cE '0100007F:4E(2[0-9A-F]|[3-7][0-9A-F]|8[0-3]) ')" -eq 200 ] ||
    incomplete=$((incomplete + 1))
done
echo "        $incomplete of $reads single reads of the tables missed or repeated one of the sockets that stay"

run inside "$work/local/sbin/lsm" -g
ends "generate in the middle of it" 0
check "the baseline has all that stay" test "$(cut -f 1,2 "$work/state/baseline" | tr '\t' / | grep -cE "$steady")" -eq 300

wrong=0
trouble=0
i=0
began=$(date +%s)
while [ "$i" -lt "$compares" ]; do
  i=$((i + 1))
  run inside "$work/local/sbin/lsm" compare --no-alert --format json
  if [ "$status" -gt 1 ]; then
    trouble=$((trouble + 1))
    echo "        compare $i ended with $status: $err"
  fi
  # Not the text: it stops after 200 differences. Here each is a line: KIND, tab, SOCKET.
  sed -nE 's/^ *"(kind|socket)": "(.*)",$/\2/p' "$work/run.out" | paste - - >"$work/differences"
  cut -f 1 "$work/differences" >>"$work/kinds"
  if grep -E "$steady" "$work/differences" >"$work/false"; then
    wrong=$((wrong + $(wc -l <"$work/false")))
    sed 's/^/        /' "$work/false"
  fi
done
took=$(($(date +%s) - began))
exec 4>&-
until grep -q '^opened' "$work/churn.out"; do
  sleep 0.1
done
exec 3>&-

echo "        $compares compares in $took s; churn: $(grep '^opened' "$work/churn.out")"
echo "        reported of the sockets that come and go: $(sort "$work/kinds" | uniq -c | xargs)"
rate=$(sed -n 's/.* rate \([0-9]*\) .*/\1/p' "$work/churn.out")
check "at least 1,000 sockets a second were opened ($rate)" test "$rate" -ge 1000
check "no compare failed" test "$trouble" -eq 0
check "what comes and goes is reported" test -s "$work/kinds"
check "no false report of the 300 sockets that stay in $compares compares" test "$wrong" -eq 0
finish

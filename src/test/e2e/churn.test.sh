#!/bin/sh
# Sockets that stay are never reported, whatever comes and goes between them: 100 TCP listeners, 100 UDP sockets and 100 unix
# sockets, and 200 compares while more than 1,000 sockets a second are opened and closed, then 100 compares with more than
# 80,000 a second. LSM_E2E_COMPARES sets another number of compares.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate

install_lsm
# shellcheck disable=SC2119  # no further lines
configure

# start NAME COMMAND...: runs it until its standard input, $work/NAME.in, is closed; the caller has to open that.
start() {
  mkfifo "$work/$1.in"
  stream=$1
  shift
  "$@" <"$work/$stream.in" >"$work/$stream.out" &
}

await() {
  until grep -q "^$2" "$work/$1.out"; do
    sleep 0.1
  done
}

# --- the steady sockets, on ports 20000 to 20099
endpoints=
port=20000
while [ "$port" -lt 20100 ]; do
  endpoints="$endpoints tcp/127.0.0.1:$port udp/127.0.0.1:$port unix-stream/@steady-$port"
  port=$((port + 1))
done
# shellcheck disable=SC2086  # one word each
open_sockets $endpoints
steady='(tcp|udp)/127\.0\.0\.1:200[0-9][0-9]$|unix/@steady-'

# How often a single read is wrong: why lsm reads the tables again.
read_singly() {
  incomplete=0
  reads=0
  while [ "$reads" -lt 200 ]; do
    reads=$((reads + 1))
    [ "$(cat /proc/net/tcp /proc/net/udp | grep -cE '0100007F:4E(2[0-9A-F]|[3-7][0-9A-F]|8[0-3]) ')" -eq 200 ] ||
      incomplete=$((incomplete + 1))
  done
  echo "        $1: $incomplete of $reads single reads of the tables missed or repeated one of the steady sockets"
}

# compare_all NAME COMPARES: compares; counts false reports in $wrong and errors in $errors.
compare_all() {
  wrong=0
  errors=0
  i=0
  : >"$work/kinds"
  while [ "$i" -lt "$2" ]; do
    i=$((i + 1))
    run "$lsm" compare --no-alert --format json
    if [ "$status" -gt 1 ]; then
      errors=$((errors + 1))
      echo "        compare $i exited with $status: $err"
    fi
    # Not the text: it stops after 200 differences. Here each is a line: KIND, tab, SOCKET.
    sed -nE 's/^ *"(kind|socket)": "(.*)",$/\2/p' "$work/run.out" | paste - - >"$work/differences"
    cut -f 1 "$work/differences" >>"$work/kinds"
    if grep -E "$steady" "$work/differences" >"$work/false"; then
      wrong=$((wrong + $(wc -l <"$work/false")))
      sed 's/^/        /' "$work/false"
    fi
  done
}

# compare_during NAME COMPARES RATE ATLEAST: compares while two programs open and close sockets at this rate each, on ports on
# both sides of the steady ones. They have a higher priority than lsm.
compare_during() {
  start "$1-a" nice -n -3 perl "$scripts/churn.pl" "$3" 75 10000-19999 21000-29999
  exec 4>"$work/$1-a.in"
  start "$1-b" nice -n -3 perl "$scripts/churn.pl" "$3" 75 10000-19999 21000-29999
  exec 5>"$work/$1-b.in"
  await "$1-a" ready
  await "$1-b" ready
  read_singly "$1"
  run "$lsm" -g
  exits "$1: generate meanwhile" 0
  check "$1: the baseline has all steady sockets" \
    test "$(cut -f 1,2 "$work/state/baseline" | tr '\t' / | grep -cE "$steady")" -eq 300
  began=$(date +%s)
  compare_all "$1" "$2"
  took=$(($(date +%s) - began))
  exec 4>&- 5>&-
  await "$1-a" opened
  await "$1-b" opened
  rate=$(($(sed -n 's/^opened.* rate //p' "$work/$1-a.out" "$work/$1-b.out" | paste -s -d + -)))
  echo "        $1: $2 compares in $took s, while $rate sockets a second were opened"
  echo "        reported of those: $(sort "$work/kinds" | uniq -c | xargs)"
  check "$1: at least $4 sockets a second were opened ($rate)" test "$rate" -ge "$4"
  check "$1: no compare failed" test "$errors" -eq 0
  check "$1: other sockets are reported" test -s "$work/kinds"
  check "$1: no false report of the 300 steady sockets in $2 compares" test "$wrong" -eq 0
}

compare_during churn "${LSM_E2E_COMPARES:-200}" 750 1000
compare_during flood "${LSM_E2E_COMPARES:-100}" flood 80000
finish

#!/bin/sh
# SIGKILL at random moments of generate and compare, and then SIGTERM, while one socket after the other appears: the baseline
# is whole after each, no state stops the next run, every socket is alerted or accepted, and no temporary file stays.
# LSM_E2E_KILLS and LSM_E2E_TERMS set other numbers.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate

kills=${LSM_E2E_KILLS:-200}
terms=${LSM_E2E_TERMS:-40}
install_lsm
configure "RUN_CMD=\"cat >>$work/alerts\""

# Listens on each abstract unix socket that is named to it, for as long as its input lasts.
mkfifo "$work/names"
# shellcheck disable=SC2016  # Perl
perl -MSocket -e '
  $| = 1;
  while (my $name = <STDIN>) {
    chomp $name;
    my $s;
    socket($s, AF_UNIX, SOCK_STREAM, 0) && bind($s, pack("S a*", AF_UNIX, "\0$name")) &&
      listen($s, 1) or die "$name: $!";
    push @sockets, $s;
    print "$name\n";
  }' <"$work/names" >"$work/opened.names" &
exec 3>"$work/names"

# appear NAME: a socket of this name is opened.
appear() {
  echo "$1" >&3
  until grep -qsx "$1" "$work/opened.names"; do
    sleep 0.02
  done
}

# kill_one COMMAND...: starts it, and kills it within the time that it takes.
kill_one() {
  "$@" >/dev/null 2>>"$work/errors" 3>&- &
  victim=$!
  perl -e 'select undef, undef, undef, $ARGV[0] * (0.1 + 0.9 * rand)' "$took"
  kill -s "$signal" "$victim" 2>/dev/null
  wait "$victim" 2>/dev/null
  case $? in 137 | 143) killed=$((killed + 1)) ;; esac
}

# compare: keeps the seconds it $took, which limit how long the next runs live.
compare() {
  began=$(date +%s%N)
  run "$lsm" compare --quiet
  took=$(perl -e 'printf "%.3f", ($ARGV[1] - $ARGV[0]) / 1e9' "$began" "$(date +%s%N)")
}

appear before
baseline
appear first
compare # a first time is slower
compare
exits "the first difference" 1

damaged=0
errors=0
missed=0
killed=0
turn=0
turns=$((kills + terms))
while [ "$turn" -lt "$turns" ]; do
  turn=$((turn + 1))
  signal=KILL
  [ "$turn" -le "$kills" ] || signal=TERM
  appear "kill-$turn"
  if [ $((turn % 4)) -eq 0 ]; then
    kill_one "$lsm" generate
  else
    kill_one "$lsm" compare --quiet
  fi
  baseline_is_whole || damaged=$((damaged + 1))
  [ $((turn % 5)) -eq 0 ] || continue
  compare
  if [ "$status" -gt 1 ]; then
    errors=$((errors + 1))
    echo "        compare after kill $turn exited with $status: $err"
  fi
  while read -r socket; do
    if ! grep -qF "\"unix/@$socket\"" "$work/alerts" && ! grep -q "^unix	@$socket	" "$state/baseline"; then
      missed=$((missed + 1))
      echo "        after kill $turn: @$socket is neither alerted nor accepted"
    fi
  done <"$work/opened.names"
done

echo "        $killed of $turns runs were killed before their end, after 0.1 to 1 times what one takes, $took s now"
check "at least half of them were killed before their end" test "$killed" -ge $((turns / 2))
check "the baseline was whole after each kill" test "$damaged" -eq 0
check "the next compare always worked" test "$errors" -eq 0
check "each of the $((turns + 2)) sockets was alerted or accepted" test "$missed" -eq 0
check "at least half of them were alerted" test "$(grep -c '"kind": "NEW"' "$work/alerts")" -ge $((turns / 2))
# In the outbox, a temporary file may be another run's for an hour.
: >"$state/outbox/.killed-run_cmd.json.tmp" # as if a run had been killed while it stored an alert
find "$state/outbox" -name '*.tmp' -exec touch -d '2 hours ago' {} +
: >"$state/.baseline.next.tmp" # as if generate had been killed in this short moment
: >"$state/.alert-state.tmp"
run "$lsm" generate
run "$lsm" compare
exits "generate and compare work at the end" 0
check "no temporary file is left" test -z "$(find "$state" -name '*.tmp' -o -name '*.next')"
check "the outbox is empty at the end" test -z "$(waiting | grep json)"
run "$lsm" status
prints "status can read all of it" "none waits"
exec 3>&-
check "the history can be read whole" test -z "$("$lsm" history 2>&1 >/dev/null)"
finish

#!/bin/sh
# kill -9 at random moments of generate and compare, and then SIGTERM, while one socket after the other
# appears: the baseline is whole after each, no state stops the next run, every socket is told or accepted,
# and nothing half-written stays. LSM_E2E_KILLS and LSM_E2E_TERMS set other numbers.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
if [ "$(id -u)" -ne 0 ]; then
  echo "SKIPPED  kill: making a network namespace needs root"
  exit 0
fi

kills=${LSM_E2E_KILLS:-200}
terms=${LSM_E2E_TERMS:-40}
state=$work/state
lsm=$work/local/sbin/lsm
run "$root/target/lsm/install.sh" --prefix "$work/local" --state-dir "$state" --no-cron --no-baseline
ends "installed" 0
cat >"$work/local/lsm/conf.lsm" <<CONF
MAILER="none"
SYSLOG="no"
RUN_CMD="cat >>$work/alerts"
STATE_DIR="$state"
CONF

# In a namespace of its own, so that nobody else opens sockets.
netns=lsm-e2e-kill-$$
ip netns add "$netns" || exit 1
at_end "ip netns delete '$netns'"
inside() {
  ip netns exec "$netns" "$@"
}

# Listens on each abstract unix socket that is named to it, for as long as its input lasts.
mkfifo "$work/names"
# shellcheck disable=SC2016  # it is perl
inside perl -MSocket -e '
  $| = 1;
  while (my $name = <STDIN>) {
    chomp $name;
    my $s;
    socket($s, AF_UNIX, SOCK_STREAM, 0) && bind($s, pack("S a*", AF_UNIX, "\0$name")) &&
      listen($s, 1) or die "$name: $!";
    push @sockets, $s;
    print "$name\n";
  }' <"$work/names" >"$work/opened" &
at_end "kill $! 2>/dev/null || :"
exec 3>"$work/names"

appear() {
  echo "$1" >&3
  until grep -qsx "$1" "$work/opened"; do
    sleep 0.02
  done
}

# kill_one COMMAND...: starts it, and kills it within the time that it takes.
kill_one() {
  # Not by inside: a function in the background is a shell, which would be killed in lsm's stead.
  ip netns exec "$netns" "$@" >/dev/null 2>>"$work/errors" &
  victim=$!
  perl -e 'select undef, undef, undef, $ARGV[0] * (0.1 + 0.9 * rand)' "$took"
  kill -s "$signal" "$victim" 2>/dev/null
  wait "$victim" 2>/dev/null
  case $? in 137 | 143) killed=$((killed + 1)) ;; esac
}

whole() {
  [ "$(sed '$d' "$state/baseline" | sha256sum | cut -d ' ' -f 1)" = "$(tail -n 1 "$state/baseline" | cut -f 2)" ]
}

# Runs it, and keeps the seconds it $took: how long the next ones have to live depends on the machine.
compare() {
  began=$(date +%s%N)
  run inside "$lsm" compare --quiet
  took=$(perl -e 'printf "%.3f", ($ARGV[1] - $ARGV[0]) / 1e9' "$began" "$(date +%s%N)")
}

appear before # without any socket nothing could be said about the host
run inside "$lsm" generate
ends "the first baseline" 0
appear first
compare # a first time is slower
compare
ends "the first difference" 1

broken=0
stuck=0
untold=0
killed=0
round=0
rounds=$((kills + terms))
while [ "$round" -lt "$rounds" ]; do
  round=$((round + 1))
  signal=KILL
  [ "$round" -le "$kills" ] || signal=TERM
  appear "kill-$round"
  if [ $((round % 4)) -eq 0 ]; then
    kill_one "$lsm" generate
  else
    kill_one "$lsm" compare --quiet
  fi
  whole || broken=$((broken + 1))
  [ $((round % 5)) -eq 0 ] || continue
  compare
  if [ "$status" -gt 1 ]; then
    stuck=$((stuck + 1))
    echo "        compare after kill $round ended with $status: $err"
  fi
  while read -r name; do
    if ! grep -qF "\"unix/@$name\"" "$work/alerts" && ! grep -q "^unix	@$name	" "$state/baseline"; then
      untold=$((untold + 1))
      echo "        after kill $round: @$name is neither told nor accepted"
    fi
  done <"$work/opened"
done

echo "        $killed of $rounds runs were killed before their end, within 0.1 to 1 times what one takes, $took s now"
check "most of them were killed in the middle" test "$killed" -ge $((rounds / 2))
check "the baseline was whole after each kill" test "$broken" -eq 0
check "the next compare always worked" test "$stuck" -eq 0
check "each of the $((rounds + 2)) sockets was told or accepted" test "$untold" -eq 0
check "and they were told by alerts, not only accepted" test "$(grep -c '"kind": "NEW"' "$work/alerts")" -ge $((rounds / 2))
# Of the outbox, what is half-written may be another run's for an hour.
find "$state/outbox" -name '*.tmp' -exec touch -d '2 hours ago' {} +
: >"$state/.baseline.next.tmp" # the moment is short: as if generate had been killed there
: >"$state/.told.tmp"
run inside "$lsm" generate
run inside "$lsm" compare
ends "generate and compare work at the end" 0
check "they leave nothing half-written" test -z "$(find "$state" -name '*.tmp' -o -name '*.next')"
check "the outbox is empty at the end" test -z "$(find "$state/outbox" -name '*.json*')"
run inside "$lsm" status
says "status can read all of it" "none waits"
exec 3>&-
check "the history can be read whole" test -z "$("$lsm" history 2>&1 >/dev/null)"
finish

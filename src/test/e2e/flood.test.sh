#!/bin/sh
# Ten thousand sockets that appear at once are one alert, which counts them, names some of each
# program, and can be read; the history has all of them. LSM_E2E_SOCKETS sets another number.
PATH=$PATH:/usr/sbin:/sbin
if [ "${LSM_E2E_INSIDE:-}" != yes ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED  flood: making a network namespace needs root"
    exit 0
  fi
  set -- --net --pid --fork --kill-child --mount-proc
  if ! unshare "$@" true; then
    echo "SKIPPED  flood: no namespaces can be made here"
    exit 0
  fi
  # The outer shell is PID 1 in there, and reaps what is left behind.
  # shellcheck disable=SC2016  # it is for the outer shell
  LSM_E2E_INSIDE=yes exec unshare "$@" sh -c 'sh "$1"; exit $?' sh "$0"
fi
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

many=${LSM_E2E_SOCKETS:-10000}
state=$work/state
lsm=$work/local/sbin/lsm
scripts=$root/src/test/resources/org/lsm
ip link set lo up
run "$root/target/lsm/install.sh" --prefix "$work/local" --state-dir "$state" --no-cron --no-baseline
ends "installed" 0
printf '%s\n' 'MAILER="none"' 'SYSLOG="no"' "RUN_CMD=\"sh $work/record\"" "STATE_DIR=\"$state\"" >"$work/local/lsm/conf.lsm"
# Keeps what it is given, and the alert as it is stored, which has the words of a mail.
cat >"$work/record" <<END
cat >"$work/alert.json"
cp "$state"/outbox/*.json "$work/stored.json"
echo "\$LSM_EVENT \$LSM_NEW NEW \$LSM_GONE GONE \$LSM_CHANGED CHANGED" >>"$work/alerts"
END
touch "$work/alerts"

mkfifo "$work/forever"
exec 3<>"$work/forever"

# opens PROGRAM ARGUMENT...: a copy of perl holds these sockets, and is the $opener.
opens() {
  mkfifo "$work/opened"
  "$@" <"$work/forever" >"$work/opened" &
  opener=$!
  sed '/^ready$/q' "$work/opened" >"$work/endpoints"
  rm "$work/opened"
}
perl=$(readlink -f "$(command -v perl)")
mkdir "$work/flood" "$work/other"
cp "$perl" "$work/flood/flooder"
cp "$perl" "$work/other/other"

# sent WHAT LINE...: these alerts, and no others, have been sent since the last time.
sent() {
  what=$1
  shift
  printf '%s\n' "$@" >"$work/expected"
  [ $# -gt 0 ] || : >"$work/expected"
  check "$what" diff "$work/expected" "$work/alerts"
  check "$what: nothing waits" test -z "$(find "$state/outbox" -name '*.json')"
  : >"$work/alerts"
}

opens perl "$scripts/sockets.pl" tcp/127.0.0.1:80
run "$lsm" generate
ends "a baseline" 0

# --- a fifth of them TCP, and a command line that grows when it is escaped
# shellcheck disable=SC3045  # every sh has it
ulimit -n $((many + 1000))
controls=$(printf '\033%.0s' $(seq 4000))
cat >"$work/flood.pl" <<'END'
use Socket;
my ($controls, $many) = @ARGV;
for my $i (1 .. $many) {
    my $inet = $i % 5 == 0;
    socket($s[$i], $inet ? AF_INET : AF_UNIX, SOCK_STREAM, 0) or die $!;
    bind($s[$i], $inet ? pack_sockaddr_in(9, pack 'N', 0x7f010000 + $i) : pack('S a*', AF_UNIX, "\0flood-$i")) or die $!;
    listen($s[$i], 1) or die $!;
    print $inet ? 'tcp/' . join('.', unpack 'C4', pack 'N', 0x7f010000 + $i) . ":9\n" : "unix/\@flood-$i\n";
}
$| = 1;
print "ready\n";
<STDIN>;
END
opens "$work/flood/flooder" "$work/flood.pl" "$controls" "$many"
flooder=$opener
grep -v '^ready$' "$work/endpoints" >"$work/all"
amid="@flood-$((many / 2))-amid"
opens "$work/other/other" "$scripts/sockets.pl" "unix-stream/$amid"
other=$opener
echo "unix/$amid" >>"$work/all"
check "all are open" test "$(wc -l <"$work/all")" -eq $((many + 1))

began=$(date +%s)
run "$lsm" -c --quiet
ends "the first run" 1
echo "        it took $(($(date +%s) - began)) s"
check "it says nothing" test -z "$out$err"
sent "one alert counts them all" "differences $((many + 1)) NEW 0 GONE 0 CHANGED"
check "it names 200 of them" test "$(grep -c '"kind": "NEW"' "$work/alert.json")" -eq 200
check "and among those the one of another program" grep -qF "\"socket\": \"unix/$amid\"" "$work/alert.json"
check "RUN_CMD gets less than 2 MB" test "$(wc -c <"$work/alert.json")" -lt 2000000
perl -MJSON::PP -0777 -ne 'binmode STDOUT, ":utf8"; print "$_\n" for @{decode_json($_)->{alert}{text}}' \
  "$work/stored.json" >"$work/text"
check "the text of a mail has less than 1 MB" test "$(wc -c <"$work/text")" -lt 1000000
check "it names 200 as well" test "$(grep -c '^NEW  ' "$work/text")" -eq 200
check "and the one of another program" grep -qF "unix/$amid" "$work/text"
echo "        JSON $(wc -c <"$work/alert.json"), text $(wc -c <"$work/text"), stored $(wc -c <"$work/stored.json") bytes"

"$lsm" history --format json >"$work/history"
# As whole words: unix/@flood-1 is not unix/@flood-10.
grep -oE '(tcp|unix)/[^" ,]*' "$work/history" | sort -u >"$work/named"
check "the history names every one" test "$(sort -u "$work/all" | comm -12 - "$work/named" | wc -l)" -eq $((many + 1))

for again in second third; do
  run "$lsm" -c --quiet
  ends "the $again run" 1
  sent "it sends nothing more"
done
kill "$flooder" "$other"
wait "$flooder" "$other" 2>/dev/null
run "$lsm" -c --quiet
ends "all are closed" 0
sent "one all-clear" "all_clear 0 NEW 0 GONE 0 CHANGED"
run "$lsm" -c --quiet
ends "nothing differs" 0
sent "and nothing is sent"
finish

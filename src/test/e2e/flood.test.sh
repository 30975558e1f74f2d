#!/bin/sh
# Ten thousand sockets that appear at once are one alert of bounded size, which counts them all and names some of each
# program; the history names every one. LSM_E2E_SOCKETS sets another number.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate

many=${LSM_E2E_SOCKETS:-10000}
install_lsm
record_alerts
configure "RUN_CMD=\"sh $work/record\""
perl=$(readlink -f "$(command -v perl)")
mkdir "$work/flood" "$work/other"
cp "$perl" "$work/flood/flooder"
cp "$perl" "$work/other/other"

# sent WHAT LINE...: exactly these alerts have been sent since the last time, each EVENT|NEW|GONE|CHANGED.
sent() {
  what=$1
  shift
  [ $# -eq 0 ] || printf '%s\n' "$@" >"$work/expected"
  [ $# -gt 0 ] || : >"$work/expected"
  cut -d'|' -f1-4 "$work/alerts" >"$work/sent"
  check "$what" diff "$work/expected" "$work/sent"
  check "$what: the outbox is empty" test -z "$(waiting | grep json)"
  : >"$work/alerts"
}

open_sockets tcp/127.0.0.1:80
baseline

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
hold "$work/flood/flooder" "$work/flood.pl" "$controls" "$many"
flooder=$holder
grep -v '^ready$' "$work/endpoints" >"$work/all"
stranger="@flood-$((many / 2))-stranger"
hold "$work/other/other" "$scripts/sockets.pl" "unix-stream/$stranger"
echo "unix/$stranger" >>"$work/all"
check "all sockets are open" test "$(wc -l <"$work/all")" -eq $((many + 1))

began=$(date +%s)
run "$lsm" -c --quiet
exits "the first compare" 1
echo "        it took $(($(date +%s) - began)) s"
prints_nothing "it prints nothing"
sent "one alert counts all sockets" "differences|$((many + 1))|0|0"
check "the JSON names 200 sockets" test "$(grep -c '"kind": "NEW"' "$work/alert.json")" -eq 200
check "the JSON names the socket of the other program" grep -qF "\"socket\": \"unix/$stranger\"" "$work/alert.json"
check "the JSON is less than 2 MB" test "$(wc -c <"$work/alert.json")" -lt 2000000
alert_text >"$work/text"
check "the mail is less than 1 MB" test "$(wc -c <"$work/text")" -lt 1000000
sed '/^If /,$d' "$work/text" >"$work/blocks"
names=$(grep -oE '^(NEW      \[high\]|         also      |                   ) (tcp|unix)/[^ ]*' "$work/blocks" | grep -oE '(tcp|unix)/.*' | sort -u)
check "the mail names 200 sockets" test "$(echo "$names" | wc -l)" -eq 200
check "the mail has one block for each program" test "$(grep -c '^         program ' "$work/blocks")" -eq 2
check "the mail names the socket of the other program" grep -qF "unix/$stranger" "$work/text"
echo "        JSON $(wc -c <"$work/alert.json"), text $(wc -c <"$work/text"), stored $(wc -c <"$work/stored.json") bytes"

"$lsm" history --format json >"$work/history"
# As whole words: unix/@flood-1 is not unix/@flood-10.
grep -oE '(tcp|unix)/[^" ,]*' "$work/history" | sort -u >"$work/named"
check "the history names every socket" test "$(sort -u "$work/all" | comm -12 - "$work/named" | wc -l)" -eq $((many + 1))

for again in second third; do
  run "$lsm" -c --quiet
  exits "the $again compare" 1
  sent "the $again compare sends nothing"
done
close_sockets "$flooder" "$holder"
run "$lsm" -c --quiet
exits "all sockets are closed" 0
sent "there is no all-clear yet"
pass_time 31
run "$lsm" -c --quiet
exits "31 minutes later" 0
sent "there is one all-clear" "all_clear|0|0|0"
run "$lsm" -c --quiet
exits "another compare" 0
sent "it sends nothing"
finish

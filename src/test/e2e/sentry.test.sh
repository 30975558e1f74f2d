#!/bin/sh
# Who is knocking: real scanners, floods of forged packets and other people's rules, in a network of three hosts
# that is made of namespaces. The host with lsm is .1, the second one .2; the attacker has all from .10 to .99, of
# IPv4 and IPv6 alike: host 11 is 192.0.2.11 and 2001:db8::11.
PATH=$PATH:/usr/sbin:/sbin
if [ "${LSM_E2E_INSIDE:-}" != yes ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED  sentry: making network namespaces needs root"
    exit 0
  fi
  for tool in nft nmap ip perl setpriv unshare; do
    if ! command -v "$tool" >/dev/null; then
      echo "SKIPPED  sentry: $tool is missing; .ci/run installs what this needs"
      exit 0
    fi
  done
  set -- --net --mount --pid --fork --kill-child --mount-proc
  if ! unshare "$@" sh -c 'nft add table inet lsm-e2e && ip link add lsm-e2e type bridge'; then
    echo "SKIPPED  sentry: no namespaces, or no rules in them, can be made here"
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
peer=$root/src/test/resources/org/lsm/peer.pl
sockets=$root/src/test/resources/org/lsm/sockets.pl
families="192.0.2. 2001:db8::"
chmod 755 "$work" # others run lsm as well

# --- the network
mount -t tmpfs -o mode=755 lsm-e2e /run
mkdir /run/netns
ip link set lo up
ip link add br0 address 02:00:00:00:00:01 type bridge
for host in attacker second; do
  ip netns add "$host"
  ip link add "$host" type veth peer name eth0 netns "$host"
  ip link set "$host" master br0 up
  ip -n "$host" link set lo up
  ip -n "$host" link set eth0 up
done
ip link set br0 up
# addresses FIRST LAST INTERFACE: for ip -batch.
addresses() {
  for number in $(seq "$1" "$2"); do
    printf 'addr add 192.0.2.%s/24 dev %s\naddr add 2001:db8::%s/64 dev %s nodad\n' "$number" "$3" "$number" "$3"
  done
}
addresses 1 1 br0 | ip -batch -
addresses 2 2 eth0 | ip -n second -batch -
addresses 10 99 eth0 | ip -n attacker -batch -
# A scanner of UDP ports goes on at once, and forged addresses arrive.
sysctl -q -w net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.br0.rp_filter=0

# on NUMBER COMMAND...: at the host that has this address. What is to be ended with its PID is started without it.
on() {
  case $1 in
    1) shift && "$@" ;;
    2) shift && ip netns exec second "$@" ;;
    *) shift && ip netns exec attacker "$@" ;;
  esac
}

for number in 1 2 99; do
  on "$number" sysctl -q -w net.ipv4.ping_group_range="0 0"
done

mkfifo "$work/forever"
exec 3<>"$work/forever"
# opens COMMAND...: it has opened its sockets, and is the $opener.
opens() {
  mkfifo "$work/opened"
  "$@" <"$work/forever" >"$work/opened" &
  opener=$!
  sed '/^ready$/q' "$work/opened" >/dev/null
  rm "$work/opened"
}

closes() {
  kill "$@"
  wait "$@" 2>/dev/null
}

# finds WHAT NUMBER PROTOCOL ANSWERS [AT]: to this host, of either family, the ports of that one (lsm's, if none is given)
# answer so, tried in this order: 22 open 23 closed 24 silent. For icmp it is: ping open.
finds() {
  tried=$(echo "$4" | sed 's/ [a-z][a-z]*//g')
  waits=
  for net in $families; do
    # shellcheck disable=SC2086  # words
    on "$2" perl "$peer" ask "$3" "$net$2" "$net${5:-1}" $tried >"$work/found.$net" &
    waits="$waits $!"
  done
  # shellcheck disable=SC2086  # words
  wait $waits
  for net in $families; do
    check "$1: $net$2 finds $3 at $net${5:-1}: $4" test "$(cat "$work/found.$net")" = "$4"
  done
}

# nmaps NUMBER OPTION...: scans as this host, of either family, at once; $scanners are still at it.
scanners=
nmaps() {
  number=$1
  shift
  for net in $families; do
    v6=
    [ "$net" = 192.0.2. ] || v6=-6
    # shellcheck disable=SC2086  # none or one word
    ip netns exec attacker nmap -n -Pn -e eth0 --max-retries 1 --initial-rtt-timeout 100ms --max-rtt-timeout 300ms \
      -S "$net$number" $v6 -oG "$work/nmap.$net$number" "$@" "${net}1" >/dev/null 2>&1 &
    scanners="$scanners $!"
  done
}

scanned() {
  # shellcheck disable=SC2086  # words
  wait $scanners
  scanners=
}

# --- lsm
configure() {
  printf '%s\n' 'MAILER="none"' 'SYSLOG="no"' "RUN_CMD=\"sh $work/record\"" "METRICS_FILE=\"$work/lsm.prom\"" \
    "STATE_DIR=\"$state\"" "$@" >"$conf"
  chmod 644 "$conf"
}
# Keeps what it is given, and the alert as it is stored, which has the words of a mail.
cat >"$work/record" <<END
cat >"$work/alert.json"
cp "$state"/outbox/*.json "$work"
echo "\$LSM_EVENT|\$LSM_TARGET|\$LSM_PORT" >>"$work/alerts"
END

# The hosts in a report in JSON: ADDRESS PORTS KINDS [blocked].
hosts_in() {
  perl -MJSON::PP -0777 -ne '
    local $, = " ";
    for (@{decode_json($_)->{scans} // []}) {
      print $_->{address}, join(",", @{$_->{ports}}), join(",", @{$_->{kinds}}), $_->{blocked_until} ? "blocked" : ();
      print "\n";
    }' "$1" | sed 's/ $//' | sort
}

# Lines that begin with the number of a host are for either family.
either() {
  sed 's/^[0-9][0-9]* .*/192.0.2.&\n2001:db8::&/' | sort
}

# compares WHAT STATUS: a compare ends so, and tells of the hosts on standard input and no others: NUMBER PORTS KINDS [blocked].
compares() {
  either >"$work/expected"
  cut -d' ' -f1,2 "$work/expected" >"$work/expected.short"
  : >"$work/alerts"
  run "$lsm" compare --format json
  ends "$1: compare" "$2"
  check "$1: and nothing is wrong" test -z "$err"
  hosts_in "$work/run.out" >"$work/told"
  check "$1: the report tells of whom it should" same "$work/expected" "$work/told"
  perl -F'\|' -lane 'next if $F[0] ne "scan"; @to = split " ", $F[1]; @ports = split " ", $F[2]; print "$to[$_] $ports[$_]" for 0 .. $#to' \
    "$work/alerts" | sort >"$work/told"
  check "$1: so does the alert" same "$work/expected.short" "$work/told"
}

# shows WHAT: lsm sentry knows the hosts on standard input and no others.
shows() {
  either >"$work/expected"
  run "$lsm" sentry --format json
  ends "$1: lsm sentry" 0
  hosts_in "$work/run.out" >"$work/told"
  check "$1: it knows whom it should" same "$work/expected" "$work/told"
}

# in_set SET: the addresses, or so, that are in a set of the table.
in_set() {
  nft -j list set inet lsm "$1" | perl -MJSON::PP -0777 -ne '
    for my $set (grep { $_ } map { $_->{set} } @{decode_json($_)->{nftables}}) {
      print map { "$_\n" } sort map { ref ? $_->{elem}{val} : $_ } @{$set->{elem} // []};
    }'
}

# count SET: how many elements it has.
count() {
  nft list set inet lsm "$1" | grep -o expires | wc -l
}

# blocks WHEN NUMBER...: these hosts are blocked, of either family, and no others, but for 70, which is so for a minute.
blocks() {
  when=$1
  shift
  for net in $families; do
    set=blocked4
    [ "$net" = 192.0.2. ] || set=blocked6
    check "$when: in $set is who should be" test "$(in_set "$set" | grep -v '[.:]70$' | tr '\n' ' ')" = "$(printf "$net%s " "$@")"
  done
}

# same FILE FILE: says where they differ, but not all of thousands of lines.
same() {
  cmp -s "$1" "$2" || { diff "$1" "$2" | head -n 20; return 1; }
}

# forgets: as if there had been nobody so far.
forgets() {
  nft delete table inet lsm
  rm "$state/sentry-state"
}

run "$root/target/lsm/install.sh" --prefix "$prefix" --state-dir "$state" --no-cron --no-baseline
ends "installed" 0
chmod 644 "$prefix/lsm/ignore.lsm"
opens perl "$peer" echo 'tcp6/[::]:22' 'tcp6/[::]:1000' 'udp6/[::]:53'
opens perl "$sockets" tcp/0.0.0.0:25 tcp/127.0.0.1:29 'tcp6/[::1]:29' udp/127.0.0.1:56 'udp6/[::1]:56'

echo "# --- scans are told, with the right address, ports and kind"
opens perl "$sockets" 'tcp6/[::]:27' 'udp6/[::]:54'
configure 'SENTRY="report"'
run "$lsm" generate
ends "a baseline" 0
closes "$opener"
opens perl "$sockets" 'tcp6/[::]:26' 'udp6/[::]:52'
early=$opener
compares "the rules are set" 1 </dev/null
opens perl "$sockets" 'tcp6/[::]:28' 'udp6/[::]:55'
# 22, 25 and 53 are served, 26 and 52 since the baseline, 28 and 55 since the rules; 27 and 54 should be; 29 and 56 are, to this
# host alone; 113, 139, 67, 137, 138 and 520 are excluded, and nobody watches 1024.
number=11
for kind in -sS -sT -sN -sF -sX "-sS --scanflags SYNFIN"; do
  # shellcheck disable=SC2086  # words
  nmaps $number $kind -p 21-29,80,113,139,1024
  number=$((number + 1))
done
nmaps 17 -sU -p 51-56,67,69,137,138,520,1024
scanned
finds "below the trigger" 10 tcp "22 open 21 closed 23 closed 22 open"
compares "the scans" 1 <<END
11 tcp/21,tcp/23-24,tcp/29,tcp/80 syn
12 tcp/21,tcp/23-24,tcp/29,tcp/80 syn
13 tcp/21,tcp/23-24,tcp/29,tcp/80 null
14 tcp/21,tcp/23-24,tcp/29,tcp/80 fin
15 tcp/21,tcp/23-24,tcp/29,tcp/80 xmas
16 tcp/21,tcp/23-24,tcp/29,tcp/80 odd
17 udp/51,udp/56,udp/69 udp
END
cp "$work/expected" "$work/scans"
shows "whoever has knocked" <<END
$(cat "$work/scans")
10 tcp/21,tcp/23 syn
END
run "$lsm" sentry
check "it is a table as well" grep -q '^192\.0\.2\.10 *tcp 21,23 *SYN *2 ' "$work/run.out"
run "$lsm" history --format json
while read -r address rest; do
  check "the history has $address" test "$(grep -c "\"what\": \"SCAN $address: " "$work/run.out")" -eq 1
done <"$work/scans"
for metric in 'seen"} 16' 'scanning"} 14' 'blocked"} 0'; do
  check "a metric: $metric" grep -qxF "lsm_probing_hosts{state=\"$metric" "$work/lsm.prom"
done

compares "once" 1 </dev/null
sleep 3 # times are in seconds, and a second or two early
finds "one goes on" 11 tcp "21 closed 23 closed 30 closed"
compares "once a day" 1 </dev/null
configure 'SENTRY="report"' 'SENTRY_REMIND="0"'
compares "reminded of who went on" 1 <<END
11 tcp/21,tcp/23-24,tcp/29-30,tcp/80 syn
END
compares "and not of who did not" 1 </dev/null

echo "# --- a scan is cut off while it runs, and nothing else is"
closes "$early" "$opener"
run "$lsm" generate
ends "another baseline" 0
forgets
ip route add default via 192.0.2.40
ip -6 route add default via 2001:db8::40
printf 'nameserver %s\n' 192.0.2.41 2001:db8::41 >"$work/resolv.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf
configure 'SENTRY="block"' 'SENTRY_BLOCK="1m"'
compares "to block for a minute" 0 </dev/null
finds "who is blocked for a minute" 70 tcp "81 closed 82 closed 83 silent 22 silent"
ignored='SENTRY_IGNORE="192.0.2.30,2001:db8::30 192.0.2.36/30 2001:db8::36/127"'
configure 'SENTRY="block"' "$ignored"
compares "to block" 0 <<END
70 tcp/81-83 syn blocked
END
# The connections that the attacker has before: 4 and 5 lead to it, 6 and 7 away.
for net in $families; do
  mkfifo "$work/said.$net" "$work/heard.$net"
  ip netns exec attacker perl "$peer" talk "${net}50" "${net}1" 22 <"$work/said.$net" >"$work/heard.$net" &
done
exec 4>"$work/said.192.0.2." 6<"$work/heard.192.0.2." 5>"$work/said.2001:db8::" 7<"$work/heard.2001:db8::"
read -r line <&6 && read -r line <&7
opens ip netns exec attacker perl "$peer" echo 'tcp6/[::]:8080' 'udp6/[2001:db8::50]:5353' 'udp6/[::ffff:192.0.2.50]:5353'
nmaps 50 -sS -r -p 201-299,1000
scanned
for net in $families; do
  check "a scan from ${net}50 sees no more than two closed ports" \
    grep -q "Ports: 201/closed/tcp//[^,]*, 202/closed/tcp//[^,]*Ignored State: filtered (98)$" "$work/nmap.${net}50"
done
finds "it is cut off" 50 tcp "22 silent 1000 silent"
finds "it is cut off" 50 udp "53 silent"
finds "another host goes on" 2 tcp "22 open 81 closed 1000 open"
finds "another host goes on" 2 udp "53 open"
echo hello >&4
echo hello >&5
read -r line <&6
check "what it had begun goes on" test "$line" = hello
read -r line <&7
check "what it had begun goes on over IPv6" test "$line" = hello
finds "it answers this host" 1 tcp "8080 open 8081 closed" 50
finds "it answers this host" 1 udp "5353 open 5354 closed" 50
finds "it is cut off" 50 icmp "ping silent"
finds "another host goes on" 2 icmp "ping open"
finds "it answers this host" 1 icmp "ping open" 50
for number in 30 37 40 41; do
  finds "never blocked" "$number" tcp "81 closed 82 closed 83 closed 84 closed 22 open"
done
finds "UDP blocks nobody" 42 udp "81 closed 82 closed 83 closed 84 closed 53 open"
finds "UDP does not count" 43 udp "81 closed 82 closed"
finds "UDP does not count" 43 tcp "83 closed 84 closed 22 open"
compares "who was cut off, and who is spared" 0 <<END
40 tcp/81-84 syn
41 tcp/81-84 syn
42 udp/81-84 udp
43 tcp/83-84,udp/81-82 syn,udp
50 tcp/201-203 syn blocked
END
blocks "by scans" 50

echo "# --- how many ports make a scan"
while IFS='|' read -r trigger by_udp number protocol before after; do
  configure 'SENTRY="block"' "SENTRY_TRIGGER=\"$trigger\"" "SENTRY_BLOCK_UDP=\"$by_udp\""
  run "$lsm" compare --quiet
  way="trigger $trigger, UDP $by_udp"
  finds "$way: below" "$number" "$protocol" "$before"
  finds "$way: there it is" "$number" "$protocol" "$after"
done <<END
1|no|61|tcp|22 open|81 silent 22 silent
2|no|62|tcp|81 closed 81 closed 81 closed 81 closed 81 closed 22 open|82 silent 22 silent
5|no|63|tcp|81 closed 81 closed 82 closed 81 closed 83 closed 82 closed 84 closed 84 closed 22 open|85 silent 22 silent
1|yes|64|udp|53 open|81 silent 53 silent
3|yes|65|udp|81 closed 81 closed 82 closed 82 closed 81 closed 53 open|83 silent 53 silent
3|yes|66|udp|81 closed 82 closed 81 closed 53 open|83 silent 53 silent
END
blocks "at the trigger" 50 61 62 63 64 65 66

echo "# --- by hand"
configure 'SENTRY="block"' "$ignored"
run "$lsm" compare --quiet
ends "as it was" 0
run "$lsm" sentry unblock 192.0.2.50 2001:db8:0::50
ends "unblock" 0
finds "let in" 50 tcp "22 open 201 closed 91 closed 92 silent 93 silent 22 silent"
run "$lsm" sentry block 192.0.2.2 2001:db8::2
ends "block" 0
finds "blocked by hand" 2 tcp "22 silent"
compares "only what lsm has done is told" 0 </dev/null
run "$lsm" sentry unblock 192.0.2.2 2001:db8::2
finds "let in by hand" 2 tcp "22 open"
while IFS='|' read -r action address reason; do
  run "$lsm" sentry "$action" "$address"
  ends "$action $address is refused" 2
  says "$action $address" "$reason"
done <<END
block|192.0.2.1|an address of this host
block|2001:db8::1|an address of this host
block|127.0.0.1|an address of this host
block|::1|an address of this host
block|192.0.2.40|a gateway or name server
block|2001:db8::40|a gateway or name server
block|192.0.2.41|a gateway or name server
block|2001:db8::41|a gateway or name server
block|192.0.2.30|SENTRY_IGNORE
block|192.0.2.37|SENTRY_IGNORE
block|2001:db8::37|SENTRY_IGNORE
block|0.0.0.0|not the address of a host
block|224.0.0.1|not the address of a host
block|ff02::1|not the address of a host
block|192.0.2.0/24|not an IP address
block|example.org|not an IP address
block|192.0.2|not an IP address
block|192.0.2.1; flush ruleset|not an IP address
unblock|192.0.2.77|is not blocked
unblock|nobody|not an IP address
ban|192.0.2.77|ban
END
blocks "as before" 50 61 62 63 64 65 66
configure 'SENTRY="report"'
run "$lsm" sentry block 192.0.2.77
ends "report: block is refused" 2
says "report: block" 'SENTRY="report" does not block hosts'
configure
run "$lsm" sentry block 192.0.2.77
ends "off: block is refused" 2
says "off: block" 'SENTRY="off"'
is_in() {
  test "$(ip netns exec attacker perl "$peer" ask tcp "$1" "$2" 22)" = "22 open"
}
for net in $families; do
  check "${net}70 is let in after its minute" within 70 is_in "${net}70" "${net}1"
done
ip route del default
ip -6 route del default
umount /etc/resolv.conf

echo "# --- forged datagrams"
forgets
configure 'SENTRY="block"'
run "$lsm" compare --quiet
ends "rules without anybody" 0
is_full() {
  test "$(count "$1")" -eq 10000
}
floods=
for net in $families; do
  ip netns exec attacker perl "$peer" forge eth0 "${net}1" 0 10000000 udp/81 udp/82 udp/83 &
  floods="$floods $!"
done
for version in 4 6; do
  check "a flood of them fills hosts$version" within 60 is_full "hosts$version"
done
finds "a scan amid them" 51 tcp "81 closed 82 closed 83 silent 22 silent"
for flood in $floods; do
  check "the flood has gone on till now" kill -0 "$flood"
done
# shellcheck disable=SC2086  # words
closes $floods
blocks "amid forged datagrams" 51

echo "# --- 100,000 hosts that do not exist"
forgets
run "$lsm" compare --quiet
cp "$prefix/lsm/lsm" "$work/launcher"
# flooded WHAT FIRST COUNT: as so many hosts, a fifth of them IPv6.
flooded() {
  began=$(date +%s)
  ip netns exec attacker perl "$peer" forge eth0 192.0.2.1 "$2" $(($3 * 4 / 5)) tcp/81 tcp/82 tcp/83 udp/81 &
  flood=$!
  ip netns exec attacker perl "$peer" forge eth0 2001:db8::1 "$2" $(($3 / 5)) tcp/81 tcp/82 tcp/83 udp/81
  wait "$flood"
  echo "        $(($3 * 4)) packets took $(($(date +%s) - began)) s"
  for set in hosts4 tcp4 udp4 blocked4 hosts6 tcp6 udp6 blocked6; do
    size=$(count "$set")
    check "$1: $set has $size elements" test "$size" -gt 0 -a "$size" -le 10000
  done
}
# weighed HEAP COMMAND...: runs it with so many MB of heap; keeps the most memory that it had in $peak, in KB.
weighed() {
  sed "s/-Xmn8m/& -Xmx${1}m/" "$work/launcher" >"$prefix/lsm/lsm"
  shift
  began=$(date +%s)
  "$@" >"$work/run.out" 2>"$work/run.err" </dev/null &
  weighing=$!
  now=0
  while [ -n "$now" ]; do
    peak=$now
    sleep 0.05
    now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$weighing/status" 2>/dev/null)
  done
  status=0
  wait "$weighing" || status=$?
  out=$(cat "$work/run.out")
  err=$(cat "$work/run.err")
  cp "$work/launcher" "$prefix/lsm/lsm"
  echo "        it took $(($(date +%s) - began)) s, $((peak / 1024)) MB"
}
# bounded WHAT FILE SIZE
bounded() {
  size=$(wc -c <"$2")
  check "$1 has $size bytes" test "$size" -gt 0 -a "$size" -lt "$3"
}
flooded "a flood of SYNs" 0 100000
: >"$work/alerts"
rm -f "$work"/*.json
weighed 24 "$lsm" compare --quiet
ends "a flood of SYNs, and little memory: compare" 0
one_sentence "it says so in one line"
says "it says what is short" "there is not enough memory to read who has probed ports"
weighed 24 "$lsm" compare --quiet
check "it says so once" test -z "$out$err"
check "nobody is told of yet" test ! -s "$work/alerts"
weighed 64 "$lsm" compare --quiet
ends "a flood of SYNs: compare" 0
check "it says nothing" test -z "$out$err"
check "one alert" test "$(cut -d'|' -f1 "$work/alerts")" = scan
check "it names 200" test "$(hosts_in "$work/alert.json" | wc -l)" -eq 200
rm "$work/alert.json"
perl -MJSON::PP -0777 -ne 'binmode STDOUT, ":utf8"; print "$_\n" for @{decode_json($_)->{alert}{text}}' "$work"/*.json >"$work/text"
check "and says that there are more" grep -q '^… and [0-9]* more hosts' "$work/text"
check "and perhaps others" grep -q "^Note .*the sets of hosts and ports are full or nearly full" "$work/text"
bounded "the alert" "$(ls "$work"/*.json)" 1000000
bounded "the state" "$state/sentry-state" 2000000
bounded "the history" "$state/history.jsonl" 1000000
finds "a scan after it" 52 tcp "181 closed 182 closed 183 silent"
compares "after the flood" 0 <<END
52 tcp/181-183 syn blocked
END
flooded "a second flood" 1000000 25000
: >"$work/alerts"
weighed 64 "$lsm" compare --quiet
ends "a second flood: compare" 0
check "no alert for a second flood within the hour" test ! -s "$work/alerts"
bounded "the state" "$state/sentry-state" 2000000
finds "a scan after the second one" 53 tcp "181 closed 182 closed 183 silent"
compares "after the second flood" 0 <<END
53 tcp/181-183 syn blocked
END
before=$(count blocked4)
nft delete table inet lsm
weighed 64 "$lsm" compare --quiet
ends "a new table after the floods" 0
check "all are blocked in it that were" test "$(count blocked4)" -eq "$before"

echo "# --- one table among others"
# A firewall that somebody else has made.
firewall() {
  nft -f - <<'END'
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport { 22, 90 } counter accept
    udp dport 53 counter accept
    counter
  }
}
table ip nat {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    tcp dport 2222 counter redirect to :22
  }
}
END
}
tables() {
  nft list tables | sort | tr '\n' ' '
}
# lists: keeps what it is now, for later untouched WHAT.
lists() {
  { nft -a list table inet filter && nft -a list table ip nat; } >"$1" 2>&1
}
untouched() {
  lists "$work/after"
  check "$1: the firewall is untouched" same "$work/firewall" "$work/after"
}
verdicts() {
  finds "$1" 2 tcp "22 open 90 closed 91 silent"
  finds "$1" 2 udp "53 open"
  check "$1: a port leads elsewhere" test "$(on 2 perl "$peer" ask tcp 192.0.2.2 192.0.2.1 2222)" = "2222 open"
}
forgets
firewall
verdicts "a firewall"
configure 'SENTRY="report"'
lists "$work/firewall"
compares "beside a firewall" 0 </dev/null
untouched "new rules"
verdicts "a firewall beside the rules"
finds "what the firewall drops" 54 tcp "91 silent 92 silent 93 silent"
compares "what the firewall drops" 0 <<END
54 tcp/91-93 syn
END
configure 'SENTRY="block"' # another mode begins anew
lists "$work/firewall"
compares "other rules" 0 </dev/null
untouched "other rules"
finds "blocked before the firewall" 55 tcp "22 open 90 closed 91 silent 92 silent 22 silent"
compares "blocked before the firewall" 0 <<END
55 tcp/90-92 syn blocked
END

# known WHAT: all that the kernel should know by now.
known() {
  shows "$1" <<END
55 tcp/90-92 syn blocked
END
}
is_watched() {
  nft get element inet lsm tcp_ports "{ $1 }"
}
is_not_watched() {
  ! is_watched "$1"
}
nft monitor >>"$work/monitor" 2>&1 &
monitor=$!
# A transaction ends with its generation in what the monitor tells, and that of a mark comes after those of before.
marks() {
  nft add table inet "marker$1"
  nft delete table inet "marker$1"
}
is_marked() {
  sed -n "/^delete table inet marker$1\$/,\$p" "$work/monitor" | grep -q '^# new generation'
}
listens() {
  marks 0
  is_marked 0
}
check "the monitor listens" within 10 listens
mark=0
# changes WHAT COUNT: so many transactions since the last time.
changes() {
  mark=$((mark + 1))
  marks "$mark"
  check "$1: the monitor is up to date" within 10 is_marked "$mark"
  check "$1: $2 transactions of lsm" test "$(sed '/ marker[0-9]*$/,/^# new generation/d' "$work/monitor" | grep -c '^# new generation')" -eq "$2"
  : >"$work/monitor"
}
lists "$work/firewall"
changes "to begin with" 0
known "before"
compares "nothing new" 0 </dev/null
changes "nothing new" 0
check "95 is watched" is_watched 95
opens perl "$sockets" tcp/0.0.0.0:95
compares "a service" 1 </dev/null
changes "a service" 1
check "95 is not watched any more" is_not_watched 95
known "with a service"
closes "$opener"
compares "no service" 0 </dev/null
changes "no service" 1
known "without the service"
closes "$monitor"
untouched "rules that change"

# When 55 is let in again.
lets_in() {
  for version in 4 6; do
    nft -j list set inet lsm "blocked$version" | perl -MJSON::PP -0777 -ne '
      print map { time + $_->{elem}{expires}, "\n" } map { @{$_->{set}{elem} // []} } @{decode_json($_)->{nftables}}'
  done
}
sleep 5 # who is blocked anew would be so for that much longer
while IFS='|' read -r how loss; do
  lets_in >"$work/until"
  # shellcheck disable=SC2086  # words
  nft $loss
  [ "$(tables)" = "table inet filter table ip nat " ] || firewall
  finds "$how: nobody is blocked" 55 tcp "22 open"
  compares "$how" 0 </dev/null
  finds "$how: it is blocked again" 55 tcp "22 silent"
  lets_in | paste "$work/until" - >"$work/both"
  # shellcheck disable=SC2016  # it is for awk
  check "$how: until the same time" awk '$2 - $1 > 1 || $1 - $2 > 5 { bad = 1 } END { exit bad || NR != 2 }' "$work/both"
done <<END
a lost table|delete table inet lsm
a boot|flush ruleset
END
blocks "in the end" 55
lists "$work/firewall"
# removed WHAT: the table is gone, and nothing else.
removed() {
  ends "$1" 0
  check "$1: only others' tables are left" test "$(tables)" = "table inet filter table ip nat "
  untouched "$1"
  check "$1: nothing is remembered" absent "$state/sentry-state"
}
run "$lsm" delete
removed "delete"
says "it says so" "Removed the table inet lsm"
run "$lsm" generate
compares "after delete" 0 </dev/null
check "the table is back" nft list table inet lsm
configure
run "$lsm" compare
removed "off"
check "off: it says nothing of it" test -z "$err"

echo "# --- where the packet filter cannot be used"
nft=$(readlink -f "$(command -v nft)")
: >"$work/empty"
chmod 600 "$work/empty"
# Whether status has a fault of this.
fault() {
  perl -MJSON::PP -0777 -ne 'print map { $_->{fault} ? "yes" : "no" } grep { $_->{name} eq "Sentry" } @{decode_json($_)->{items}}' "$work/run.out"
}
while IFS='|' read -r way user without reason; do
  mkdir "$work/without"
  chown "$user" "$work/without"
  without_sentry() {
    printf '%s\n' 'MAILER="none"' 'SYSLOG="no"' "STATE_DIR=\"$work/without\"" "$@" >"$conf"
  }
  [ -n "$without" ] || mount --bind "$work/empty" "$nft"
  without_sentry
  # shellcheck disable=SC2086  # words
  {
    run $without "$lsm" generate
    ends "$way: a baseline" 0
    run $without "$lsm" compare
    ends "$way: off" 0
    check "$way: off needs no packet filter" test -z "$err"
    without_sentry 'SENTRY="block"'
    run $without "$lsm" compare --quiet
    ends "$way: nothing differs" 0
    one_sentence "$way: it says so in one line"
    says "$way" "$reason"
    run $without "$lsm" compare --quiet
    ends "$way: nothing differs again" 0
    check "$way: it says so once" test -z "$err"
    run $without "$lsm" compare
    ends "$way: by hand" 0
    check "$way: by hand it says so each time, in one line" test "$(wc -l <"$work/run.err")" -eq 1
    opens perl "$sockets" 'tcp6/[::]:96'
    run $without "$lsm" compare --quiet
    ends "$way: something differs" 1
    check "$way: nothing more is said" test -z "$err"
    run $without "$lsm" compare
    ends "$way: a report" 1
    says "$way: a report of the socket" "NEW      tcp6/[::]:96"
    closes "$opener"
    run $without "$lsm" status --format json
    ends "$way: status" 1
    check "$way: it is a fault" test "$(fault)" = "yes"
    run $without "$lsm" sentry
    ends "$way: lsm sentry" 2
    one_sentence "$way: lsm sentry says why"
    says "$way: lsm sentry" "$reason"
  }
  [ -n "$without" ] || umount "$nft"
  [ "$user" != root ] || {
    run "$lsm" compare
    check "$way: and then it can" test -z "$err"
    run "$lsm" status --format json
    check "$way: no fault any more" test "$(fault)" = "no"
    nft delete table inet lsm
  }
  rm -r "$work/without"
done <<END
no nft|root||install nftables
no CAP_NET_ADMIN|root|setpriv --bounding-set=-net_admin --inh-caps=-net_admin|CAP_NET_ADMIN
not root|nobody|setpriv --reuid nobody --regid nogroup --clear-groups|run lsm as root
END

echo "# --- removed"
configure 'SENTRY="block"'
compares "for the last time" 0 </dev/null
lists "$work/firewall"
run "$prefix/lsm/install.sh" --uninstall
ends "uninstalled" 0
check "only others' tables are left of it" test "$(tables)" = "table inet filter table ip nat "
untouched "uninstalled"
finish

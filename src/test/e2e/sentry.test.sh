#!/bin/sh
# Port scans: real scanners, floods of forged packets and other people's firewall rules, in a network of three hosts
# that is made of namespaces. The host with lsm is .1, the second one .2; the attacker has all from .10 to .99, of
# IPv4 and IPv6 alike: host 11 is 192.0.2.11 and 2001:db8::11. Behind it is a network without its like in IPv4, 2001:db8:0:1::/64.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate nft nmap setpriv
nft add table inet lsm-e2e 2>/dev/null || skip "nftables does not work here"
nft delete table inet lsm-e2e
ip link add lsm-e2e type bridge 2>/dev/null || skip "cannot create a bridge"
ip link delete lsm-e2e

peer=$scripts/peer.pl
families="192.0.2. 2001:db8::"

# --- the network
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
far=2001:db8:0:1:
ip route add $far:/64 via 2001:db8::10
for number in 1 2 3 4; do
  ip -n attacker address add "$far:$number/64" dev eth0 nodad
done
# No pauses in scans of UDP ports; forged addresses are let through.
sysctl -q -w net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.br0.rp_filter=0

# on NUMBER COMMAND...: on the host with this address. Programs to be killed by their PID are started without it.
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

# answers WHAT NUMBER PROTOCOL ANSWERS [TARGET]: the target (1 by default) answers this host so, over both families, when it tries
# the ports in this order: 22 open 23 closed 24 silent. For icmp: ping open.
answers() {
  ports=$(echo "$4" | sed 's/ [a-z][a-z]*//g')
  askers=
  for net in $families; do
    # shellcheck disable=SC2086  # words
    on "$2" perl "$peer" ask "$3" "$net$2" "$net${5:-1}" $ports >"$work/answers.$net" &
    askers="$askers $!"
  done
  # shellcheck disable=SC2086  # words
  wait $askers
  for net in $families; do
    check "$1: $net$2 gets $3 answers of $net${5:-1}: $4" test "$(cat "$work/answers.$net")" = "$4"
  done
}

# start_nmap NUMBER OPTION...: starts a scan from this host over each family.
scanners=
start_nmap() {
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

wait_for_scans() {
  # shellcheck disable=SC2086  # words
  wait $scanners
  scanners=
}

# --- lsm
record_alerts
# configure_sentry LINE...
configure_sentry() {
  configure "RUN_CMD=\"sh $work/record\"" "METRICS_FILE=\"$work/lsm.prom\"" "$@"
}

# scanning_hosts FILE: those in a report in JSON: ADDRESS PORTS KINDS [blocked].
scanning_hosts() {
  perl -MJSON::PP -0777 -ne '
    local $, = " ";
    for (@{decode_json($_)->{scans} // []}) {
      print $_->{address}, join(",", @{$_->{ports}}), join(",", @{$_->{kinds}}), $_->{blocked_until} ? "blocked" : ();
      print "\n";
    }' "$1" | sed 's/ $//' | sort
}

# both_families: makes two lines of each that begins with the number of a host.
both_families() {
  sed 's/^[0-9][0-9]* .*/192.0.2.&\n2001:db8::&/' | sort
}

# compare WHAT STATUS: lsm compare exits with this status; report and alert name the hosts on standard input and no others:
# NUMBER PORTS KINDS [blocked].
compare() {
  both_families >"$work/expected"
  cut -d' ' -f1,2 "$work/expected" >"$work/expected.short"
  : >"$work/alerts"
  run "$lsm" compare --format json
  exits "$1: compare" "$2"
  check "$1: no error" test -z "$err"
  scanning_hosts "$work/run.out" >"$work/named"
  check "$1: the report names these hosts" same "$work/expected" "$work/named"
  perl -F'\|' -lane 'next if $F[0] ne "port_scan"; @to = split " ", $F[4]; @ports = split " ", $F[5]; print "$to[$_] $ports[$_]" for 0 .. $#to' \
    "$work/alerts" | sort >"$work/named"
  check "$1: the alert names these hosts" same "$work/expected.short" "$work/named"
}

# sentry_lists WHAT: lsm sentry lists the hosts on standard input and no others.
sentry_lists() {
  both_families >"$work/expected"
  run "$lsm" sentry --format json
  exits "$1: lsm sentry" 0
  scanning_hosts "$work/run.out" >"$work/named"
  check "$1: it lists these hosts" same "$work/expected" "$work/named"
}

# in_set SET: the elements of a set of the table.
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

# blocks WHEN NUMBER...: these hosts are blocked, over both families, and no others, except 70, which is blocked for a minute.
blocks() {
  when=$1
  shift
  for net in $families; do
    set=blocked4
    [ "$net" = 192.0.2. ] || set=blocked6
    check "$when: $set has these hosts" test "$(in_set "$set" | grep -v '[.:]70$' | tr '\n' ' ')" = "$(printf "$net%s " "$@")"
  done
}

# forget: as if no packet had come so far.
forget() {
  nft delete table inet lsm
  rm "$state/sentry-state"
}

install_lsm
chmod 644 "$prefix/lsm/ignore.lsm"
hold perl "$peer" echo 'tcp6/[::]:22' 'tcp6/[::]:1000' 'udp6/[::]:53'
open_sockets tcp/0.0.0.0:25 tcp/127.0.0.1:29 'tcp6/[::1]:29' udp/127.0.0.1:56 'udp6/[::1]:56'

echo "# --- scans are reported with address, ports and kind"
open_sockets 'tcp6/[::]:27' 'udp6/[::]:54'
configure_sentry 'SENTRY="report"'
baseline
close_sockets "$holder"
open_sockets 'tcp6/[::]:26' 'udp6/[::]:52'
early=$holder
compare "the rules are set" 1 </dev/null
open_sockets 'tcp6/[::]:28' 'udp6/[::]:55'
# 22, 25 and 53 are served, 26 and 52 since the baseline, 28 and 55 since the rules; 27 and 54 should be; 29 and 56 are, to this
# host alone; 113, 139, 67, 137, 138 and 520 are excluded, and 1024 is not watched.
number=11
for kind in -sS -sT -sN -sF -sX "-sS --scanflags SYNFIN"; do
  # shellcheck disable=SC2086  # words
  start_nmap $number $kind -p 21-29,80,113,139,1024
  number=$((number + 1))
done
start_nmap 17 -sU -p 51-56,67,69,137,138,520,1024
wait_for_scans
answers "below the trigger" 10 tcp "22 open 21 closed 23 closed 22 open"
compare "the scans" 1 <<END
11 tcp/21,tcp/23-24,tcp/29,tcp/80 syn
12 tcp/21,tcp/23-24,tcp/29,tcp/80 syn
13 tcp/21,tcp/23-24,tcp/29,tcp/80 null
14 tcp/21,tcp/23-24,tcp/29,tcp/80 fin
15 tcp/21,tcp/23-24,tcp/29,tcp/80 xmas
16 tcp/21,tcp/23-24,tcp/29,tcp/80 odd
17 udp/51,udp/56,udp/69 udp
END
cp "$work/expected" "$work/scans"
sentry_lists "all hosts that tried an unused port" <<END
$(cat "$work/scans")
10 tcp/21,tcp/23 syn
END
run "$lsm" sentry
check "lsm sentry prints a table" grep -q '^192\.0\.2\.10 *tcp 21,23 *SYN *2 ' "$work/run.out"
run "$lsm" history --format json
while read -r address rest; do
  check "the history has $address" test "$(grep -c "\"what\": \"SCAN $address: " "$work/run.out")" -eq 1
done <"$work/scans"
for metric in 'seen"} 16' 'scanning"} 14' 'blocked"} 0'; do
  check "a metric: $metric" grep -qxF "lsm_probing_hosts{state=\"$metric" "$work/lsm.prom"
done

compare "a second compare names no host" 1 </dev/null
sleep 6 # times are in seconds, and a few seconds early or late
answers "one host goes on" 11 tcp "21 closed 23 closed 30 closed"
compare "a host is named once a day" 1 </dev/null
configure_sentry 'SENTRY="report"' 'SENTRY_REMIND="0"'
compare "SENTRY_REMIND=0 names the host that went on" 1 <<END
11 tcp/21,tcp/23-24,tcp/29-30,tcp/80 syn
END
compare "no other host goes on" 1 </dev/null
# from_far PROTOCOL NUMBER ANSWERS: what this address of the far network gets.
from_far() {
  # shellcheck disable=SC2046  # words
  check "$far:$2 gets $1 answers: $3" test "$(on 10 perl "$peer" ask "$1" "$far:$2" 2001:db8::1 $(echo "$3" | sed 's/ [a-z][a-z]*//g'))" = "$3"
}
from_far tcp 1 "81 closed"
from_far tcp 2 "82 closed 81 closed"
from_far tcp 3 "83 closed"
from_far udp 4 "81 closed"
answers "neighbours count one by one" 18 tcp "81 closed 82 closed"
answers "neighbours count one by one" 19 tcp "83 closed 84 closed"
compare "a scan from several addresses of a network is one" 1 <<END
$far:/64 tcp/81-83,udp/81 syn,udp
END

echo "# --- sockets that are open between two runs"
close_sockets "$early" "$holder"
configure_sentry 'SENTRY="report"'
baseline
forget
compare "the rules are set again" 0 </dev/null
# sockets_found WHAT STATUS: lsm compare exits with this status and reports the sockets on standard input, and no others:
# ENDPOINT open|closed CLIENT/PACKETS...
sockets_found() {
  cat >"$work/expected"
  run "$lsm" compare --format json
  exits "$1: compare" "$2"
  perl -MJSON::PP -0777 -ne '
    for (@{decode_json($_)->{differences}}) {
      my $state = (grep { $_ eq "already_closed" } @{$_->{flags}}) ? "closed" : "open";
      print join(" ", $_->{socket}, $state, sort map { "$_->{address}/$_->{packets}" } @{$_->{clients} // []}), "\n";
    }' "$work/run.out" | sort >"$work/named"
  check "$1: the report has these sockets" same "$work/expected" "$work/named"
}
# clients: those in the last report, who came to a socket when: ENDPOINT ADDRESS SECONDS, between the first packet and the last.
clients() {
  perl -MJSON::PP -MTime::Piece -0777 -ne '
    sub seconds { Time::Piece->strptime($_[0], "%Y-%m-%dT%H:%M:%SZ")->epoch }
    for my $socket (@{decode_json($_)->{differences}}) {
      for (@{$socket->{clients} // []}) {
        my ($first, $last) = map { seconds($_) } @$_{qw(first_seen last_seen)};
        die "in the future" if $last > time + 1;
        print "$socket->{socket} $_->{address} ", $last - $first, "\n";
      }
    }' "$work/run.out"
}
# age_clients SECONDS: as if the clients that are recorded had come so much earlier, and the last compare had been then.
age_clients() {
  for set in served4 served6 latest4 latest6; do
    nft -j list set inet lsm "$set" | perl -MJSON::PP -0777 -ne '
      BEGIN { $seconds = shift }
      for my $set (grep { $_ } map { $_->{set} } @{decode_json($_)->{nftables}}) {
        for (map { $_->{elem} } @{$set->{elem} // []}) {
          my $key = join " . ", @{$_->{val}{concat}};
          my $counter = $_->{counter} ? " counter packets $_->{counter}{packets} bytes $_->{counter}{bytes}" : "";
          print "delete element inet lsm $set->{name} { $key }\n";
          print "add element inet lsm $set->{name} { $key$counter timeout $_->{timeout}s expires ", $_->{expires} - $seconds, "s }\n";
        }
      }' "$1"
  done >"$work/aged"
  check "clients are recorded" test -s "$work/aged"
  check "they came earlier" nft -f "$work/aged"
  touch -d "@$(($(stat -c %Y "$state/last-compare") - $1))" "$state/last-compare"
}
hold perl "$peer" echo 'tcp6/[::]:4444' 'tcp6/[2001:db8::1]:4445' 'tcp6/[::ffff:192.0.2.1]:4446' 'tcp6/[::]:40000' 'udp6/[::]:4448'
for number in 80 81; do
  answers "a service between two runs" $number tcp "4444 open 4444 open 22 open 40000 open 4449 closed"
  answers "a service between two runs" $number udp "4448 open 53 open"
done
on 80 perl "$peer" ask tcp 2001:db8::80 2001:db8::1 4445 >"$work/answers"
on 80 perl "$peer" ask tcp 192.0.2.80 192.0.2.1 4446 >>"$work/answers"
check "two of them have one address" test "$(tr '\n' ' ' <"$work/answers")" = "4445 open 4446 open "
answers "to itself" 1 tcp "4444 open"
sleep 8 # the times of nft are in seconds
close_sockets "$holder"
sockets_found "closed between two runs" 1 <<END
tcp/0.0.0.0:4444 closed 192.0.2.80/2 192.0.2.81/2 2001:db8::80/2 2001:db8::81/2
tcp/0.0.0.0:4446 closed 192.0.2.80/1
tcp6/[::]:4445 closed 2001:db8::80/1
udp/0.0.0.0:4448 closed 192.0.2.80/1 192.0.2.81/1 2001:db8::80/1 2001:db8::81/1
END
sockets_found "they are reported once" 0 </dev/null
sleep 8
touch "$state/last-compare"
hold perl "$peer" echo 'tcp6/[::]:4451' 'udp6/[::]:4452'
for protocol in tcp udp; do
  port=$([ $protocol = tcp ] && echo 4451 || echo 4452)
  answers "a service of nine minutes" 80 $protocol "$port open"
done
age_clients 540
for protocol in tcp udp; do
  port=$([ $protocol = tcp ] && echo 4451 || echo 4452)
  answers "a service of nine minutes" 80 $protocol "$port open $port open"
done
sleep 8
close_sockets "$holder"
sockets_found "closed after nine minutes" 1 <<END
tcp/0.0.0.0:4451 closed 192.0.2.80/3 2001:db8::80/3
udp/0.0.0.0:4452 closed 192.0.2.80/3 2001:db8::80/3
END
clients >"$work/clients"
check "four clients came over nine minutes" test "$(grep -cE ' 5[4-9][0-9]$' "$work/clients")" -eq 4
hold perl "$peer" echo 'tcp6/[::]:4450'
answers "a service that stays" 80 tcp "4450 open"
sockets_found "it stays" 1 <<END
tcp6/[::]:4450 open 192.0.2.80/1 2001:db8::80/1
END
sleep 8
answers "a service that stays" 81 tcp "4450 open"
close_sockets "$holder"
sockets_found "a socket that was found is not reported again" 0 </dev/null
# This host asks a service of the attacker.
hold ip netns exec attacker perl "$peer" echo 'udp6/[2001:db8::80]:5353' 'udp6/[::ffff:192.0.2.80]:5353'
answers "a client of UDP" 1 udp "5353 open" 80
sockets_found "answers are no clients" 0 </dev/null
close_sockets "$holder"
# A server answers when its client is gone, on a port that SENTRY_UDP has.
# shellcheck disable=SC2016  # Perl
late='use IO::Socket::IP;
  my ($net, $sent) = @ARGV;
  my $server = IO::Socket::IP->new(LocalHost => $net . 80, LocalPort => 53, Proto => "udp") or die;
  print "ready\n";
  my $client = recv $server, my $data, 99, 0;
  select undef, undef, undef, 0.5;
  defined $client && send $server, "late", 0, $client or die "no answer: $!";
  open my $file, ">", $sent or die "$sent: $!";
  sleep 60'
for net in $families; do
  hold ip netns exec attacker perl -e "\$| = 1; $late" "$net" "$work/sent"
  # shellcheck disable=SC2016  # Perl
  perl -MIO::Socket::IP -e '
    IO::Socket::IP->new(LocalHost => "$ARGV[0]1", LocalPort => 32770, PeerHost => "$ARGV[0]80", PeerPort => 53, Proto => "udp")->send("ask")' "$net"
  check "the late answer of ${net}80 to port 32770 is sent" within 30 test -e "$work/sent"
  rm -f "$work/sent"
  close_sockets "$holder"
done
sockets_found "late answers are no clients" 0 </dev/null
sentry_lists "late answers are no probes" </dev/null

echo "# --- a scan is cut off while it runs, and nothing else is"
baseline
forget
ip route add default via 192.0.2.40
ip -6 route add default via 2001:db8::40
printf 'nameserver %s\n' 192.0.2.41 2001:db8::41 >"$work/resolv.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf
configure_sentry 'SENTRY="block"' 'SENTRY_BLOCK="1m"'
compare "SENTRY_BLOCK=1m" 0 </dev/null
answers "a host that is blocked for a minute" 70 tcp "81 closed 82 closed 83 silent 22 silent"
ignored='SENTRY_IGNORE="192.0.2.30,2001:db8::30 192.0.2.36/30 2001:db8::36/127"'
configure_sentry 'SENTRY="block"' "$ignored"
compare "SENTRY_BLOCK is the default" 0 <<END
70 tcp/81-83 syn blocked
END
# Connections of the attacker from before: descriptors 4 and 5 write to them, 6 and 7 read.
for net in $families; do
  mkfifo "$work/said.$net" "$work/heard.$net"
  ip netns exec attacker perl "$peer" talk "${net}50" "${net}1" 22 <"$work/said.$net" >"$work/heard.$net" &
done
exec 4>"$work/said.192.0.2." 6<"$work/heard.192.0.2." 5>"$work/said.2001:db8::" 7<"$work/heard.2001:db8::"
read -r line <&6 && read -r line <&7
hold ip netns exec attacker perl "$peer" echo 'tcp6/[::]:8080' 'udp6/[2001:db8::50]:5353' 'udp6/[::ffff:192.0.2.50]:5353'
start_nmap 50 -sS -r -p 201-299,1000
wait_for_scans
for net in $families; do
  check "a scan from ${net}50 sees no more than two closed ports" \
    grep -q "Ports: 201/closed/tcp//[^,]*, 202/closed/tcp//[^,]*Ignored State: filtered (98)$" "$work/nmap.${net}50"
done
answers "it is cut off" 50 tcp "22 silent 1000 silent"
answers "it is cut off" 50 udp "53 silent"
answers "another host goes on" 2 tcp "22 open 81 closed 1000 open"
answers "another host goes on" 2 udp "53 open"
echo hello >&4
echo hello >&5
read -r line <&6
check "its open connection goes on" test "$line" = hello
read -r line <&7
check "its open connection over IPv6 goes on" test "$line" = hello
answers "it answers this host" 1 tcp "8080 open 8081 closed" 50
answers "it answers this host" 1 udp "5353 open 5354 closed" 50
answers "it is cut off" 50 icmp "ping silent"
answers "another host goes on" 2 icmp "ping open"
answers "it answers this host" 1 icmp "ping open" 50
for number in 30 37 40 41; do
  answers "never blocked" "$number" tcp "81 closed 82 closed 83 closed 84 closed 22 open"
done
answers "UDP does not block" 42 udp "81 closed 82 closed 83 closed 84 closed 53 open"
answers "UDP does not count" 43 udp "81 closed 82 closed"
answers "UDP does not count" 43 tcp "83 closed 84 closed 22 open"
compare "one host was cut off, four were not" 0 <<END
40 tcp/81-84 syn
41 tcp/81-84 syn
42 udp/81-84 udp
43 tcp/83-84,udp/81-82 syn,udp
50 tcp/201-203 syn blocked
END
# A session, of a program that is called sshd.
cp "$(readlink -f /usr/bin/perl)" "$work/sshd"
# shellcheck disable=SC2016  # for the other shell
hold sh -c 'echo 1000 >/proc/self/loginuid; exec "$@"' sh "$work/sshd" "$peer" echo 'tcp6/[::]:2200'
sshd=$holder
for net in $families; do
  mkfifo "$work/session.$net"
  ip netns exec attacker perl "$peer" talk "${net}44" "${net}1" 2200 <"$work/session.$net" >/dev/null &
done
exec 8>"$work/session.192.0.2." 9>"$work/session.2001:db8::"
are_spared() {
  run "$lsm" compare --quiet
  nft get element inet lsm spared4 '{ 192.0.2.44 }' && nft get element inet lsm spared6 '{ 2001:db8::44 }'
}
check "hosts of sessions are spared" within 60 are_spared
answers "somebody is logged in from there" 44 tcp "81 closed 82 closed 83 closed 84 closed 22 open"
exec 8>&- 9>&-
close_sockets "$sshd"
sleep 8 # or the next compares may take its last clients for new ones
run "$lsm" compare --quiet
answers "nobody is logged in from there any more" 44 tcp "85 closed 86 closed 87 silent 22 silent"
run "$lsm" sentry unblock 192.0.2.44 2001:db8::44
exits "unblock the host of a session" 0
# All addresses of a network are one host; a neighbour is not.
from_far tcp 1 "81 closed 22 open"
from_far tcp 2 "82 closed 22 open"
from_far tcp 3 "83 silent 22 silent"
from_far tcp 4 "22 silent"
from_far udp 4 "53 silent"
answers "another host goes on" 2 tcp "22 open"
compare "a network is blocked" 0 <<END
$far:/64 tcp/81-83 syn blocked
END
check "blocked6 has the network" nft get element inet lsm blocked6 "{ $far: }"
run "$lsm" sentry unblock "$far:9"
exits "unblock a network" 0
prints "unblock a network" "$far:/64 is unblocked"
from_far tcp 4 "22 open"
run "$lsm" sentry block "$far:/64"
from_far tcp 4 "22 silent"
run "$lsm" sentry unblock "$far:/64"
blocks "by scans" 50

echo "# --- how many ports make a scan"
while IFS='|' read -r trigger by_udp number protocol before after; do
  configure_sentry 'SENTRY="block"' "SENTRY_TRIGGER=\"$trigger\"" "SENTRY_BLOCK_UDP=\"$by_udp\""
  run "$lsm" compare --quiet
  way="trigger $trigger, UDP $by_udp"
  answers "$way: below" "$number" "$protocol" "$before"
  answers "$way: at the trigger" "$number" "$protocol" "$after"
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
configure_sentry 'SENTRY="block"' "$ignored"
run "$lsm" compare --quiet
exits "block again" 0
run "$lsm" sentry unblock 192.0.2.50 2001:db8:0::50
exits "unblock" 0
run "$lsm" sentry
check "an unblocked host is not listed" test -z "$(grep -E '^(192\.0\.2\.|2001:db8::)50 ' "$work/run.out")"
answers "an unblocked host" 50 tcp "22 open 201 closed 91 closed 92 silent 93 silent 22 silent"
run "$lsm" sentry block 192.0.2.2 2001:db8::2
exits "block" 0
answers "a host that is blocked by hand" 2 tcp "22 silent"
compare "blocks by hand are not reported" 0 </dev/null
run "$lsm" sentry unblock 192.0.2.2 2001:db8::2
answers "a host that is unblocked by hand" 2 tcp "22 open"
while IFS='|' read -r action address reason; do
  run "$lsm" sentry "$action" "$address"
  exits "$action $address is refused" 2
  prints "$action $address" "$reason"
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
configure_sentry 'SENTRY="report"'
run "$lsm" sentry block 192.0.2.77
exits "report: block is refused" 2
prints "report: block" 'SENTRY="report" does not block hosts'
configure_sentry
run "$lsm" sentry block 192.0.2.77
exits "off: block is refused" 2
prints "off: block" 'SENTRY="off"'
is_unblocked() {
  test "$(ip netns exec attacker perl "$peer" ask tcp "$1" "$2" 22)" = "22 open"
}
for net in $families; do
  check "${net}70 is unblocked after its minute" within 70 is_unblocked "${net}70" "${net}1"
done
ip route del default
ip -6 route del default
umount /etc/resolv.conf

echo "# --- forged datagrams"
forget
configure_sentry 'SENTRY="block"'
run "$lsm" compare --quiet
exits "new rules" 0
is_full() {
  test "$(count "$1")" -eq 10000
}
floods=
for net in $families; do
  ip netns exec attacker perl "$peer" forge eth0 "${net}1" 0 10000000 udp/81 udp/82 udp/83 &
  floods="$floods $!"
done
for version in 4 6; do
  check "a flood of datagrams fills hosts$version" within 60 is_full "hosts$version"
done
answers "a scan during the flood" 51 tcp "81 closed 82 closed 83 silent 22 silent"
for flood in $floods; do
  check "the flood still goes on" kill -0 "$flood"
done
# shellcheck disable=SC2086  # words
close_sockets $floods
blocks "during the flood" 51

echo "# --- 100,000 hosts that do not exist"
forget
run "$lsm" compare --quiet
# flood WHAT FIRST COUNT: forges packets of so many hosts, a fifth of them IPv6.
flood() {
  began=$(date +%s)
  ip netns exec attacker perl "$peer" forge eth0 192.0.2.1 "$2" $(($3 * 4 / 5)) tcp/81 tcp/82 tcp/83 udp/81 &
  forger=$!
  ip netns exec attacker perl "$peer" forge eth0 2001:db8::1 "$2" $(($3 / 5)) tcp/81 tcp/82 tcp/83 udp/81
  wait "$forger"
  echo "        $(($3 * 4)) packets took $(($(date +%s) - began)) s"
  for set in hosts4 tcp4 udp4 blocked4 hosts6 tcp6 udp6 blocked6; do
    size=$(count "$set")
    check "$1: $set has $size elements" test "$size" -gt 0 -a "$size" -le 10000
  done
}
# run_with HEAP COMMAND...: runs it with so many MB of heap, and prints its peak memory.
run_with() {
  java_with "-Xmx${1}m"
  shift
  began=$(date +%s)
  "$@" >"$work/run.out" 2>"$work/run.err" </dev/null &
  measured=$!
  now=0
  while [ -n "$now" ]; do
    peak=$now
    sleep 0.05
    now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$measured/status" 2>/dev/null)
  done
  # shellcheck disable=SC2034  # exits reads it
  status=0
  wait "$measured" || status=$?
  out=$(cat "$work/run.out")
  err=$(cat "$work/run.err")
  java_with
  echo "        it took $(($(date +%s) - began)) s, $((peak / 1024)) MB"
}
# bounded WHAT FILE SIZE
bounded() {
  size=$(wc -c <"$2")
  check "$1 has $size bytes" test "$size" -gt 0 -a "$size" -lt "$3"
}
flood "a flood of SYNs" 0 100000
: >"$work/alerts"
rm -f "$work/alert.json" "$work/stored.json"
run_with 24 "$lsm" compare --quiet
exits "a flood of SYNs, and little memory: compare" 0
prints_one_error "it prints one line of error"
prints "the error names the reason" "there is not enough memory to read the hosts that probe ports"
run_with 24 "$lsm" compare --quiet
prints_nothing "a second compare prints nothing"
check "there is no alert yet" test ! -s "$work/alerts"
run_with 64 "$lsm" compare --quiet
exits "a flood of SYNs: compare" 0
prints_nothing "it prints nothing"
check "there is one alert" test "$(cut -d'|' -f1 "$work/alerts")" = port_scan
check "it names 200 hosts" test "$(scanning_hosts "$work/alert.json" | wc -l)" -eq 200
alert_text >"$work/text"
check "it counts the others" grep -q '^… and [0-9]* more hosts' "$work/text"
check "it notes that the sets were full" grep -q "^Note .*the sets of hosts and ports are full or nearly full" "$work/text"
bounded "the alert" "$work/stored.json" 1000000
bounded "the state" "$state/sentry-state" 2000000
bounded "the history" "$state/history.jsonl" 1000000
answers "a scan after it" 52 tcp "181 closed 182 closed 183 silent"
compare "after the flood" 0 <<END
52 tcp/181-183 syn blocked
END
flood "a second flood" 1000000 25000
: >"$work/alerts"
run_with 64 "$lsm" compare --quiet
exits "a second flood: compare" 0
check "no alert for a second flood within the hour" test ! -s "$work/alerts"
bounded "the state" "$state/sentry-state" 2000000
answers "a scan after the second one" 53 tcp "181 closed 182 closed 183 silent"
compare "after the second flood" 0 <<END
53 tcp/181-183 syn blocked
END
before=$(count blocked4)
nft delete table inet lsm
run_with 64 "$lsm" compare --quiet
exits "a new table after the floods" 0
check "it blocks as many hosts as before" test "$(count blocked4)" -eq "$before"

echo "# --- beside a firewall of the administrator"
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
# list_firewall FILE: for later untouched WHAT.
list_firewall() {
  { nft -a list table inet filter && nft -a list table ip nat; } >"$1" 2>&1
}
untouched() {
  list_firewall "$work/after"
  check "$1: the firewall is untouched" same "$work/firewall" "$work/after"
}
verdicts() {
  answers "$1" 2 tcp "22 open 90 closed 91 silent"
  answers "$1" 2 udp "53 open"
  check "$1: a port is redirected" test "$(on 2 perl "$peer" ask tcp 192.0.2.2 192.0.2.1 2222)" = "2222 open"
}
forget
firewall
verdicts "a firewall"
configure_sentry 'SENTRY="report"'
list_firewall "$work/firewall"
compare "beside a firewall" 0 </dev/null
untouched "new rules"
verdicts "a firewall beside the rules"
answers "what the firewall drops" 54 tcp "91 silent 92 silent 93 silent"
compare "what the firewall drops" 0 <<END
54 tcp/91-93 syn
END
configure_sentry 'SENTRY="block"' # another mode starts with empty sets
list_firewall "$work/firewall"
compare "other rules" 0 </dev/null
untouched "other rules"
answers "blocked before the firewall" 55 tcp "22 open 90 closed 91 silent 92 silent 22 silent"
compare "blocked before the firewall" 0 <<END
55 tcp/90-92 syn blocked
END

# lists_55 WHAT: lsm sentry lists host 55 and no other.
lists_55() {
  sentry_lists "$1" <<END
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
# mark NUMBER: changes a table that only marks a place in the output of the monitor, where each transaction ends with its
# generation.
mark() {
  nft add table inet "marker$1"
  nft delete table inet "marker$1"
}
is_marked() {
  sed -n "/^delete table inet marker$1\$/,\$p" "$work/monitor" | grep -q '^# new generation'
}
listens() {
  mark 0
  is_marked 0
}
check "the monitor listens" within 10 listens
marks=0
# changes WHAT COUNT: there were so many transactions since the last time.
changes() {
  marks=$((marks + 1))
  mark "$marks"
  check "$1: the monitor is up to date" within 10 is_marked "$marks"
  check "$1: $2 transactions of lsm" test "$(sed '/ marker[0-9]*$/,/^# new generation/d' "$work/monitor" | grep -c '^# new generation')" -eq "$2"
  : >"$work/monitor"
}
list_firewall "$work/firewall"
changes "at first" 0
lists_55 "before"
compare "nothing new" 0 </dev/null
changes "nothing new" 0
check "95 is watched" is_watched 95
open_sockets tcp/0.0.0.0:95
compare "a service" 1 </dev/null
changes "a service" 1
check "95 is no longer watched" is_not_watched 95
lists_55 "with a service"
close_sockets "$holder"
compare "no service" 0 </dev/null
changes "no service" 1
lists_55 "without the service"
close_sockets "$monitor"
untouched "rules that change"

# blocked_until: when the blocks of host 55 end.
blocked_until() {
  for version in 4 6; do
    nft -j list set inet lsm "blocked$version" | perl -MJSON::PP -0777 -ne '
      print map { time + $_->{elem}{expires}, "\n" } map { @{$_->{set}{elem} // []} } @{decode_json($_)->{nftables}}'
  done
}
sleep 5 # a new block would end later
while IFS='|' read -r how loss; do
  blocked_until >"$work/until"
  # shellcheck disable=SC2086  # words
  nft $loss
  [ "$(tables)" = "table inet filter table ip nat " ] || firewall
  answers "$how: the host is not blocked" 55 tcp "22 open"
  compare "$how" 0 </dev/null
  check "$how: it is alerted" test "$(cut -d'|' -f1 "$work/alerts")" = port_scan
  prints "$how: the report has it" "rules of lsm were removed from the packet filter: probes since"
  answers "$how: the host is blocked again" 55 tcp "22 silent"
  blocked_until | paste "$work/until" - >"$work/both"
  # shellcheck disable=SC2016  # for awk
  check "$how: until the same time" awk '$2 - $1 > 1 || $1 - $2 > 5 { bad = 1 } END { exit bad || NR != 2 }' "$work/both"
done <<END
a lost table|delete table inet lsm
a flushed ruleset|flush ruleset
END
blocks "in the end" 55
list_firewall "$work/firewall"
# removed WHAT: the table is gone, and nothing else.
removed() {
  exits "$1" 0
  check "$1: only the tables of the administrator are left" test "$(tables)" = "table inet filter table ip nat "
  untouched "$1"
  check "$1: there is no state" absent "$state/sentry-state"
}
run "$lsm" delete
removed "delete"
prints "delete reports it" "Removed the table inet lsm"
run "$lsm" generate
compare "after delete" 0 </dev/null
check "the table is back" nft list table inet lsm
configure_sentry
run "$lsm" compare
removed "off"
check "off: no error" test -z "$err"

echo "# --- where the packet filter cannot be used"
nft=$(readlink -f "$(command -v nft)")
: >"$work/empty"
chmod 600 "$work/empty"
# fault: whether status finds one of the sentry.
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
    exits "$way: generate" 0
    run $without "$lsm" compare
    exits "$way: off" 0
    check "$way: off needs no packet filter" test -z "$err"
    without_sentry 'SENTRY="block"'
    run $without "$lsm" compare --quiet
    exits "$way: nothing differs" 0
    prints_one_error "$way: one line of error"
    prints "$way" "$reason"
    run $without "$lsm" compare --quiet
    exits "$way: nothing differs again" 0
    check "$way: the error is printed once" test -z "$err"
    run $without "$lsm" compare
    exits "$way: by hand" 0
    check "$way: by hand it is printed each time" test "$(wc -l <"$work/run.err")" -eq 1
    open_sockets 'tcp6/[::]:96'
    run $without "$lsm" compare --quiet
    exits "$way: something differs" 1
    check "$way: no other error" test -z "$err"
    run $without "$lsm" compare
    exits "$way: a report" 1
    prints "$way: a report of the socket" "tcp6/[::]:96"
    close_sockets "$holder"
    run $without "$lsm" status --format json
    exits "$way: status" 1
    check "$way: status reports a fault" test "$(fault)" = "yes"
    run $without "$lsm" sentry
    exits "$way: lsm sentry" 2
    prints_one_error "$way: lsm sentry prints one line of error"
    prints "$way: lsm sentry" "$reason"
  }
  [ -n "$without" ] || umount "$nft"
  [ "$user" != root ] || {
    run "$lsm" compare
    check "$way: repaired: no error" test -z "$err"
    run "$lsm" status --format json
    check "$way: repaired: no fault" test "$(fault)" = "no"
    nft delete table inet lsm
  }
  rm -r "$work/without"
done <<END
no nft|root||install nftables
no CAP_NET_ADMIN|root|setpriv --bounding-set=-net_admin --inh-caps=-net_admin|CAP_NET_ADMIN
not root|nobody|setpriv --reuid nobody --regid nogroup --clear-groups|run lsm as root
END

echo "# --- removed"
configure_sentry 'SENTRY="block"'
compare "installed" 0 </dev/null
list_firewall "$work/firewall"
run "$prefix/lsm/install.sh" --uninstall
exits "uninstalled" 0
check "uninstalled: only the tables of the administrator are left" test "$(tables)" = "table inet filter table ip nat "
untouched "uninstalled"
finish

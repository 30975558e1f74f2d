#!/bin/sh
# The log of lsm in programs that read logs: Debian's logcheck, with the rules in conf/, reports it as security events, and
# fail2ban finds the addresses of port scans.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate rsyslogd logger logcheck fail2ban-regex nft nmap runuser

ip netns add attacker
ip link add eth0 type veth peer name eth0 netns attacker
ip address add 192.0.2.1/24 dev eth0
ip address add 2001:db8::1/64 dev eth0 nodad
ip link set eth0 up
ip -n attacker address add 192.0.2.2/24 dev eth0
ip -n attacker address add 2001:db8::2/64 dev eth0 nodad
ip -n attacker link set eth0 up

# --- Debian has had both kinds of time stamps
own_dev
mkdir "$work/logs"
cat >"$work/rsyslog.conf" <<CONF
module(load="imuxsock")
auth.* action(type="omfile" file="$work/logs/traditional" template="RSYSLOG_TraditionalFileFormat" fileCreateMode="0644")
auth.* action(type="omfile" file="$work/logs/iso" template="RSYSLOG_FileFormat" fileCreateMode="0644")
CONF
start_rsyslog

install_lsm
configure 'SENTRY="report"'
set_key SYSLOG yes
baseline
run "$lsm" compare
exits "the packet filter is set up" 0
ip netns exec attacker nmap -n -Pn -sS -p 21-25 192.0.2.1 >/dev/null
ip netns exec attacker nmap -6 -n -Pn -sF -p 70-73 2001:db8::1 >/dev/null
open_sockets tcp/0.0.0.0:4444
run "$lsm" compare
exits "a new socket" 1
check "the port scans are logged" within 10 grep -q "SCAN 2001:db8::2: " "$work/logs/iso"
check "the socket is logged" within 10 grep -q "NEW \[high\] tcp/0.0.0.0:4444 " "$work/logs/iso"
check "the port scan has its data" grep -q ': SCAN 2001:db8::2: .* address="2001:db8::2" .*ports="tcp 70-73"' "$work/logs/iso"
check "the socket has its data" grep -q ': NEW \[high\] tcp/0.0.0.0:4444 by .* kind="NEW" .*severity="high" socket="tcp/0.0.0.0:4444"' "$work/logs/iso"
sed 's/^/        /' "$work/logs/iso"

# --- logcheck, with the rules that Debian ships, without ours and with them
mkdir "$work/logcheck"
cp -R /etc/logcheck/. "$work/logcheck"
chown -R logcheck: "$work/logcheck"

# logcheck_report LOG: runs logcheck, which prints what it would mail of this log.
logcheck_report() {
  run runuser -u logcheck -- /usr/sbin/logcheck -o -t -c "$work/logcheck/logcheck.conf" -r "$work/logcheck" -l "$work/logs/$1" -S "$work/logcheck"
}
for log in traditional iso; do
  logcheck_report $log
  exits "logcheck reads the log ($log)" 0
  for words in "SCAN 192.0.2.2: 5 packets (SYN) to unused ports tcp 21-25" "SCAN 2001:db8::2: " "NEW [high] tcp/0.0.0.0:4444 by "; do
    prints "without rules it reports ($log): $words" "$words"
  done
  prints "it reports system events ($log)" "System Events"
done
cp "$prefix/lsm/logcheck.rules" "$work/logcheck/violations.d/lsm"
for log in traditional iso; do
  logcheck_report $log
  prints "with rules it reports security events ($log)" "Security Events"
  events=$(printf '%s\n' "$out" | sed -n '/^Security Events/,/^System Events/p' | grep -c ' lsm\[')
  check "it reports every line of lsm ($log)" test "$events" -eq "$(grep -c ' lsm\[' "$work/logs/$log")"
done

# --- fail2ban, with the filter in its place
cp -R /etc/fail2ban "$work/fail2ban"
cp "$prefix/lsm/fail2ban.conf" "$work/fail2ban/filter.d/lsm.conf"
mount --bind "$work/fail2ban" /etc/fail2ban
for log in traditional iso; do
  run fail2ban-regex -o "<ip>" "$work/logs/$log" lsm
  check "fail2ban finds the two scanning hosts and no other ($log)" test "$(echo "$out" | sort | tr '\n' ' ')" = "192.0.2.2 2001:db8::2 "
done
finish

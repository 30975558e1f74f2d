#!/bin/sh
# What lsm logs, as the programs that read logs take it: Debian's logcheck reports it, with the rules in
# conf/ as security events, and fail2ban finds who scans. In namespaces of its own, like alert.test.sh.
PATH=$PATH:/usr/sbin:/sbin
if [ "${LSM_E2E_INSIDE:-}" != yes ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED  log: a log daemon needs root"
    exit 0
  fi
  for tool in rsyslogd logger logcheck fail2ban-regex nft nmap ip unshare runuser; do
    if ! command -v "$tool" >/dev/null; then
      echo "SKIPPED  log: $tool is missing; .ci/run installs what this needs"
      exit 0
    fi
  done
  set -- --mount --net --pid --fork --kill-child --mount-proc
  if ! unshare "$@" true; then
    echo "SKIPPED  log: no namespaces can be made here"
    exit 0
  fi
  # shellcheck disable=SC2016  # it is for the outer shell
  LSM_E2E_INSIDE=yes exec unshare "$@" sh -c 'sh "$1"; exit $?' sh "$0"
fi
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

prefix=$work/local
state=$work/state
lsm=$prefix/sbin/lsm
mount -t tmpfs lsm-e2e /run
mkdir /run/netns /run/lock
chmod 755 "$work"
chmod 1777 /run/lock
ip link set lo up
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
rsyslogd -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" -n &
check "rsyslog starts" within 11 test -S /dev/log

run "$root/target/lsm/install.sh" --prefix "$prefix" --state-dir "$state" --no-cron --no-baseline
ends "installed" 0
printf '%s\n' 'MAILER="none"' 'SENTRY="report"' "STATE_DIR=\"$state\"" >"$prefix/lsm/conf.lsm"
run "$lsm" generate
ends "a baseline" 0
run "$lsm" compare
ends "the rules are set" 0
ip netns exec attacker nmap -n -Pn -sS -p 21-25 192.0.2.1 >/dev/null
ip netns exec attacker nmap -6 -n -Pn -sF -p 70-73 2001:db8::1 >/dev/null
perl -MIO::Socket::INET -e '
  my $s = IO::Socket::INET->new(LocalAddr => "0.0.0.0:4444", Listen => 1) or die $!;
  open(my $out, ">", $ARGV[0]) or die $!; close $out;
  sleep 600;' "$work/opened" &
check "a listener" within 11 test -e "$work/opened"
run "$lsm" compare
ends "something differs" 1
check "the scans are logged" within 11 grep -q "SCAN 2001:db8::2: " "$work/logs/iso"
check "the socket is logged" within 11 grep -q "NEW tcp/0.0.0.0:4444 " "$work/logs/iso"
sed 's/^/        /' "$work/logs/iso"

# --- logcheck, with the rules that Debian ships, without ours and with them
mkdir "$work/logcheck"
cp -R /etc/logcheck/. "$work/logcheck"
chown -R logcheck: "$work/logcheck"

# reports LOG: what logcheck would mail of it.
reports() {
  run runuser -u logcheck -- /usr/sbin/logcheck -o -t -c "$work/logcheck/logcheck.conf" -r "$work/logcheck" -l "$work/logs/$1" -S "$work/logcheck"
}
for log in traditional iso; do
  reports $log
  ends "logcheck reads the log ($log)" 0
  for words in "SCAN 192.0.2.2: 5 packets (SYN) to unused ports tcp 21-25" "SCAN 2001:db8::2: " "NEW tcp/0.0.0.0:4444 by "; do
    says "without rules it reports ($log): $words" "$words"
  done
  says "as system events ($log)" "System Events"
done
cp "$prefix/lsm/logcheck.rules" "$work/logcheck/violations.d/lsm"
for log in traditional iso; do
  reports $log
  says "with rules it reports security events ($log)" "Security Events"
  events=$(printf '%s\n' "$out" | sed -n '/^Security Events/,/^System Events/p' | grep -c ' lsm\[')
  check "all of them ($log)" test "$events" -eq "$(grep -c ' lsm\[' "$work/logs/$log")"
done

# --- fail2ban, with the filter in its place
cp -R /etc/fail2ban "$work/fail2ban"
cp "$prefix/lsm/fail2ban.conf" "$work/fail2ban/filter.d/lsm.conf"
mount --bind "$work/fail2ban" /etc/fail2ban
for log in traditional iso; do
  run fail2ban-regex -o "<ip>" "$work/logs/$log" lsm
  check "fail2ban finds who scans, and nobody else ($log)" test "$(echo "$out" | sort | tr '\n' ' ')" = "192.0.2.2 2001:db8::2 "
done
finish

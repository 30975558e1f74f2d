#!/bin/sh
# A declared policy: on the machine of life.test.sh, the rules that lsm prints are all that is accepted. It stays quiet while its services
# restart, an intruder who was there at installation is reported, and so is a required service that is stopped. By hand, like life.
export LSM_E2E_JAVA=yes
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
[ -d "$root/target/debs" ] || skip "target/debs is missing; .ci/run downloads the daemons to it"
grep -q cgroup2 /proc/filesystems || skip "this kernel has no cgroup v2"
own_machine systemctl nsenter apt-get dpkg perl javac
# shellcheck source=src/test/e2e/life-machine.sh
. "$(dirname -- "$0")/life-machine.sh"

rules=/usr/local/lsm/rules.d/host.lsm
units="ssh nginx apache2 haproxy postfix@- dovecot named unbound dnsmasq smbd nmbd mariadb postgresql@15-main redis-server avahi-daemon chrony snmpd"

# lsm ARGUMENT...: on the machine.
lsm() {
  run in_systemd /usr/local/sbin/lsm "$@"
}

# quiet LABEL: a compare finds nothing; what it finds is printed.
quiet() {
  lsm compare --no-alert
  exits "$1: quiet" 0
  [ "$status" -eq 0 ] || sed 's/^/        /' "$work/run.out"
}

# open_other SOCKET: by a program that no rule names.
open_other() {
  in_systemd systemd-run -q --unit=other sh -c "sleep 86400 | exec perl /srv/app/sockets.pl $1"
  within 10 listens "${1##*:}"
}

# listens PORT
listens() {
  ss -ltnH | grep -q ":$1 "
}

configure_machine
start_router
boot_systemd multi-user.target
# shellcheck disable=SC2086  # words
for unit in $units rpcbind rpc-statd dbus cron; do
  check "$unit runs" within 20 in_systemd systemctl -q is-active "$unit"
done
sleep 3 # until they have opened their sockets
(cd "$work" && tar xzf "$root"/target/lsm-*-linux-*.tar.gz)
run in_systemd sh -c "cd / && exec $work/lsm-*/install.sh --no-cron --no-baseline"
exits "install.sh" 0

sed -i 's/^BASELINE=.*/BASELINE="declared"/; s/^SYSLOG=.*/SYSLOG="no"/; s/^MAILER=.*/MAILER="none"/' /usr/local/lsm/conf.lsm
mkdir "${rules%/*}"
cp "$scripts/life/policy.lsm" "$rules"
check "a policy of at most 30 rules" test "$(grep -c '^[a-z]' "$rules")" -le 30
quiet "the policy"
rm "$rules"

lsm generate --rules
exits "generate --rules" 0
cp "$work/run.out" "$rules"
sed 's/^/        /' "$rules"
echo "$(wc -l <"$rules") rules for $(in_systemd /usr/local/sbin/lsm list | tail -n +2 | cut -d ' ' -f 1 | sort -u | wc -l) sockets"
check "there is no baseline" test ! -e /var/lib/lsm/baseline
lsm check
exits "the rules are valid" 0
quiet "the rules that were printed"
for policy in printed written; do
  for unit in $units; do
    in_systemd systemctl restart "$unit"
  done
  sleep 3
  quiet "all services have restarted, the rules are $policy"
  cp "$scripts/life/policy.lsm" "$rules"
done

in_systemd systemctl stop nginx
lsm compare
exits "a required service is stopped" 1
line=$(grep -n '^require *tcp *\*:80 ' "$rules" | cut -d : -f 1)
prints "it is GONE" "GONE     tcp/*:80"
prints "with its rule" "required   by rules.d/host.lsm:$line"
open_other tcp/0.0.0.0:80
lsm compare
prints "another program in its place" "CHANGED  [high] tcp/0.0.0.0:80"
prints "with the rule" "required   by rules.d/host.lsm:$line"
in_systemd systemctl stop other
in_systemd systemctl start nginx
quiet "it runs again"

open_other tcp/127.0.0.1:4444
lsm compare
exits "what no rule allows" 1
prints "is NEW" "NEW      tcp/127.0.0.1:4444"
lsm generate
exits "generate refuses" 2
lsm accept 4444
exits "accept refuses" 2
prints "and prints the rule" "allow tcp 127.0.0.1:4444 program=/usr/bin/perl program=/srv/app/sockets.pl"
cp "$work/run.out" /usr/local/lsm/rules.d/other.lsm
quiet "the rule that was printed"

echo 'allow tcp *:x' >/usr/local/lsm/rules.d/wrong.lsm
lsm compare --quiet
exits "a mistake" 2
prints "names file and line" "/usr/local/lsm/rules.d/wrong.lsm:1: 'x' is not a port"
lsm check
exits "lsm check" 2
prints "names it, too" "/usr/local/lsm/rules.d/wrong.lsm:1: 'x' is not a port"
finish

#!/bin/sh
# What runs lsm: a host with neither cron nor systemd, with one of them, with both; the minutes of cron; and lsm.timer under a
# systemd that is PID 1 of this machine.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
own_machine systemctl nsenter perl cron

schedule=/usr/local/lsm/schedule.sh
entry=/etc/cron.d/lsm

# property NAME [UNIT]: of lsm.service, or of this unit.
property() {
  in_systemd systemctl show --value -p "$1" "${2:-lsm.service}"
}

property_is() {
  test "$(property "$1" "${3:-lsm.service}")" = "$2"
}

# ran_with STATUS RESULT: lsm.service has ended with this status of lsm since the last call of forget_run.
ran_with() {
  property_is ExecMainStatus "$1" && property_is Result "$2" && test "$(property ExecMainExitTimestampMonotonic)" -gt "$forgotten"
}

forget_run() {
  forgotten=$(property ExecMainExitTimestampMonotonic)
}

minute() {
  sed -n 's/^\([0-9]\)-59\/10 \* \* \* \* root .*/\1/p' "$entry"
}

enabled() {
  systemctl -q is-enabled lsm.timer
}

# --- neither cron nor systemd
rm -rf /usr/local/lsm /usr/local/sbin/lsm /var/lib/lsm /etc/cron.d/* /etc/systemd/system/lsm* # of the host, if it has one
rm -f /usr/lib/systemd/system-generators/systemd-crontab-generator /usr/sbin/crond
mv /usr/sbin/cron /usr/bin/systemctl "$work"
open_sockets tcp/127.0.0.1:0 # a host without a socket has no baseline
cd "$work" || exit 1
tar xzf "$root"/target/lsm-*-linux-*.tar.gz
run lsm-*/install.sh
exits "neither: install.sh" 0
prints "neither: it says that nothing runs lsm" "nothing runs lsm until a cron daemon is installed"
check "neither: the entry waits for cron" test -n "$(minute)"
run lsm-*/install.sh --timer
exits "neither: --timer is refused" 1
prints_one_error "neither: in one line"

# --- the minutes of cron
first=$(minute)
$schedule none
$schedule cron >/dev/null
check "the minute of a host is always the same" test "$(minute)" = "$first"
for id in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
  printf '%s%031d\n' "$id" 7 >/etc/machine-id
  $schedule none
  $schedule cron >/dev/null
  minute
done | sort -u >"$work/minutes"
check "16 hosts run in at least six different minutes" test "$(wc -l <"$work/minutes")" -ge 6
for text in '' uninitialized; do
  echo "$text" >/etc/machine-id
  $schedule none
  $schedule cron >/dev/null
  check "a machine ID of '$text' is replaced with the host name" \
    test "$(minute)" = "$(uname -n | cksum | awk '{ print $1 % 10 }')"
done
rm /etc/machine-id
run $schedule auto
exits "without a machine ID" 0

# --- which of the two
mv "$work/systemctl" /usr/bin
$schedule none
check "none: there is no entry" absent "$entry"
run $schedule auto
exits "systemd without cron: auto" 0
check "systemd without cron: the timer is enabled" enabled
prints "systemd does not run yet: it says so" "until systemd runs"
mv "$work/cron" /usr/sbin
run $schedule auto
check "both: auto keeps the timer" enabled
check "both: and makes no entry" absent "$entry"
run $schedule cron
check "cron: the timer is disabled" test ! -e /etc/systemd/system/timers.target.wants/lsm.timer
check "cron: there is an entry" test -n "$(minute)"
sed -i 's,^[0-9]-59/10,*/7,' "$entry"
run $schedule auto
check "auto keeps an edited entry" grep -q '^\*/7 ' "$entry"
run $schedule remove
prints "remove names the edited entry" "Kept $entry"
check "remove keeps it" grep -q '^\*/7 ' "$entry"
echo '*/10 * * * * root /opt/lsm/sbin/lsm -c --quiet' >"$entry"
run $schedule auto
prints "the entry of another program is named" "$entry ran another program"
check "it is kept where cron does not read it" grep -q /opt/lsm/sbin/lsm /etc/cron.d/.lsm.replaced
check "this lsm has an entry" test -n "$(minute)"
run $schedule timer
check "timer: the timer is enabled" enabled
check "timer: there is no entry" absent "$entry"

# --- a second installation, a masked timer, and no schedule
mkdir -p /opt/second/lsm
cp -R $schedule /usr/local/lsm/systemd /opt/second/lsm
run /opt/second/lsm/schedule.sh timer
exits "the timer of a second installation is refused" 1
prints_one_error "it is refused in one line"
prints "the error names the unit of the first" "/usr/local/lib/systemd/system/lsm.service starts another program"
check "the second has no unit" absent /etc/systemd/system/lsm.service
check "the first keeps its timer" enabled
systemctl -q mask lsm.timer
run $schedule auto
exits "a masked timer is no error" 0
prints "it stays masked" "lsm.timer is masked and stays so"
check "no cron entry replaces it" absent "$entry"
systemctl -q unmask lsm.timer
$schedule none
run $schedule present
prints "no schedule is present" none
$schedule timer >/dev/null
run $schedule present
prints "the timer is present" timer

# --- systemd runs, and lsm every three seconds instead of every ten minutes
mkdir -p /etc/systemd/system/lsm.timer.d
printf '%s\n' '[Timer]' OnCalendar= 'OnCalendar=*:*:0/3' RandomizedDelaySec=0 >/etc/systemd/system/lsm.timer.d/test.conf
cat >"$work/background" <<END
setsid sh -c 'sleep 2; touch $work/delivered' >/dev/null 2>&1 </dev/null &
END
sed -i -e 's/^MAILER=.*/MAILER="none"/' -e 's/^SYSLOG=.*/SYSLOG="no"/' -e "s,^RUN_CMD=.*,RUN_CMD=\"sh $work/background\"," /usr/local/lsm/conf.lsm
close_sockets
boot_systemd basic.target --log-target=null
run in_systemd /usr/local/sbin/lsm generate
exits "generate" 0
check "the timer runs" in_systemd systemctl -q is-active lsm.timer
check "the timer fires" within 60 test -e /var/lib/lsm/last-compare
forgotten=0
check "without a difference the service succeeds" within 60 ran_with 0 success
check "systemd keeps the time of the last run" test -e /var/lib/systemd/timers/stamp-lsm.timer

in_systemd systemd-run -q --unit=listener sh -c "sleep 600 | perl $scripts/sockets.pl tcp/0.0.0.0:4444"
check "a difference is no failure of the service" within 60 ran_with 1 success
run in_systemd /usr/local/sbin/lsm history
prints "the history has the new socket" "tcp/0.0.0.0:4444"
prints "with its program: the service sees all processes" "/usr/bin/perl"
check "what RUN_CMD leaves in the background lives on" within 60 test -e "$work/delivered"
sed -i -e 's/^RUN_CMD=.*/RUN_CMD="exit 1"/' -e 's/^REMIND=.*/REMIND="0"/' /usr/local/lsm/conf.lsm
check "an alert that waits is no failure of the service" within 60 ran_with 3 success
echo 'USERS="root"' >>/usr/local/lsm/conf.lsm
forget_run
check "an error is one" within 60 ran_with 2 exit-code
sed -i '/^USERS/d' /usr/local/lsm/conf.lsm
rm -r /etc/systemd/system/lsm.timer.d
in_systemd systemctl -q disable --now lsm.timer

# --- why a socket is gone
sed -i -e 's/^RUN_CMD=.*/RUN_CMD=""/' /usr/local/lsm/conf.lsm
for port in 4445 4446; do
  cp "$(readlink -f /usr/bin/perl)" "/usr/local/bin/serve$port"
  cat >"/etc/systemd/system/serve$port.service" <<END
[Service]
ExecStart=/usr/local/bin/serve$port -MIO::Socket::INET -e '\$\$s = IO::Socket::INET->new(Listen => 1, LocalPort => $port); sleep 600'
[Install]
WantedBy=basic.target
END
  in_systemd systemctl -q enable --now "serve$port"
done
listening() { test "$(ss -tlnH | grep -cE ":444[56] ")" -eq "$1"; }
check "both services listen" within 60 listening 2
run in_systemd /usr/local/sbin/lsm generate
exits "generate with both" 0
in_systemd systemctl kill --signal=KILL serve4445
in_systemd systemctl stop serve4446
check "none of them listens" within 60 listening 0
run in_systemd /usr/local/sbin/lsm compare --no-alert
exits "both are gone" 1
prints "the one that failed: why" "cause      serve4445.service: failed (signal), killed by signal 9,"
prints "the one that was stopped: why" "cause      serve4446.service: inactive (dead), killed by signal 15,"
run in_systemd systemctl disable serve4445 serve4446

run in_systemd "$work"/lsm-*/install.sh --timer
exits "install.sh --timer" 0
prints "it prints what runs lsm" "Timer:           lsm.timer"
check "it enables and starts the timer" in_systemd systemctl -q is-active lsm.timer
next=$(date -d "$(property NextElapseUSecRealtime lsm.timer)" +%s)
check "the next run is within 60 minutes and the delay of this host" test $((next - $(date +%s))) -le 1140
run in_systemd /usr/local/lsm/install.sh --uninstall
exits "uninstall" 0
check "uninstall removes the timer" property_is LoadState not-found lsm.timer
sed -i /^STATE_DIR/d /usr/local/lsm/conf.lsm
check "an alert waits in the default state directory" test -e /var/lib/lsm/outbox/run_cmd.lock
run in_systemd /usr/local/lsm/install.sh --purge
exits "purge without STATE_DIR in conf.lsm" 0
check "purge removes configuration and state" absent /usr/local/lsm /var/lib/lsm
check "uninstall leaves no unit" test -z "$(find /etc/systemd /usr/local/lib -name 'lsm.*' 2>/dev/null)"
finish

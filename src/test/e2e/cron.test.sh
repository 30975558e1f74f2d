#!/bin/sh
# Debian's cron runs the entry that install.sh has made, every minute instead of every ten, in the
# environment that cron gives; the configuration is the shipped one. Postfix delivers the mail of
# cron and of lsm, and rsyslog takes the log.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
own_machine cron postfix rsyslogd

# has_mails TEXT NUMBER: so many mails with this text in the subject have arrived, complete: virtual(8) locks the mailbox while it
# writes.
has_mails() {
  test "$(grep -c "^Subject: .*$1" "$box")" -eq "$2" && absent "$box.lock"
}

last_compare() {
  stat -c %Y /var/lib/lsm/last-compare
}

compared_since() {
  test "$(last_compare)" -gt "$1"
}

configure_postfix "myorigin = mail.test" "virtual_mailbox_domains = mail.test, localhost"
check "Postfix starts" postfix start
printf '%s\n' 'module(load="imuxsock")' "auth.* $work/auth.log" >"$work/rsyslog.conf"
start_rsyslog

# --- only the entry of lsm, and one that shows that cron mails what a command prints
rm -rf /usr/local/lsm /var/lib/lsm /etc/cron.d/* /var/spool/cron/crontabs/*
: >/etc/crontab
cd "$work" || exit 1
tar xzf "$root"/target/lsm-*-linux-*.tar.gz
run lsm-*/install.sh
exits "install.sh" 0
prints "install.sh says where alerts go" "Alerts go to root via localhost:25: set USER in /usr/local/lsm/conf.lsm, then run lsm test-alert"
check "install.sh has made the cron entry" sed -i 's,^[0-9]-59/10 ,* ,' /etc/cron.d/lsm
check "it runs every minute now" grep -q '^\* \* \* \* \* root ' /etc/cron.d/lsm
echo '* * * * * root env' >/etc/cron.d/canary
socket=$work/größe.sock
open_sockets tcp/0.0.0.0:4444 "unix-stream/$socket"
began=$(date +%s)
cron -f &

check "the alert arrives" within 120 has_mails "LSM Port Monitor Alert" 1
echo "        after $(($(date +%s) - began)) s"
last_mail "LSM Port" | perl -MMIME::QuotedPrint -0777 -ne 'print decode_qp($_)' >"$work/alert.txt"
check "the alert names the port" grep -q '^NEW      \[high\] tcp/0\.0\.0\.0:4444' "$work/alert.txt"
check "the alert names the program" grep -qE "^         program    /usr/bin/perl( |$)" "$work/alert.txt"
check "the alert prints the path in UTF-8" grep -qF "NEW      unix/$socket" "$work/alert.txt"
check "the log names the port" within 10 grep -q 'lsm\[[0-9]*\]: NEW \[high\] tcp/0\.0\.0\.0:4444' "$work/auth.log"
check "cron mails what another entry prints" within 60 grep -q '^Subject: Cron .*env' "$box"
check "the environment is that of cron" grep -qx 'PATH=/usr/bin:/bin' "$box"
check "it names no Java" test -z "$(grep '^JAVA' "$box")"

# --- the next run reports nothing new
last=$(last_compare)
check "cron compares again" within 70 compared_since "$last"
sleep 3 # Postfix takes less to deliver
check "the alert came once" has_mails "LSM Port Monitor Alert" 1
check "lsm prints nothing for cron to mail" has_mails "Cron .*lsm" 0
cp "$box" "$work/box" # cron sends more
check "no other mail arrived" test "$(grep -c '^From ' "$work/box")" -eq "$(grep -cE '^Subject: (Cron .* env|LSM Port Monitor Alert on .*)$' "$work/box")"
run lsm status
exits "status finds no fault" 0
prints "status names the cron entry" "/etc/cron.d/lsm"

# --- by hand, in an empty environment
run env -i /usr/local/sbin/lsm --version
exits "env -i: --version" 0
check "env -i: it is one line" test "$(wc -l <"$work/run.out").$err" = 1.
run env -i /usr/local/sbin/lsm list
exits "env -i: list" 0
prints "env -i: list prints the path in UTF-8" "$socket"
finish

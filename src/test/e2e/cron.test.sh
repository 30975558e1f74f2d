#!/bin/sh
# Debian's cron runs the entry that install.sh has made, every minute instead of every ten, in the
# environment that cron gives; the configuration is the shipped one. What cron mails, and what lsm
# mails, arrives through Postfix, and rsyslog is there.
if [ "${LSM_E2E_INSIDE:-}" != yes ]; then
  exec sh "$(dirname -- "$0")/machine.sh" "$0" cron postfix rsyslogd
fi
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

box=$work/mail/box
chmod 755 "$work" # Postfix delivers as nobody
mkdir "$work/mail"
touch "$box"
chown nobody "$work/mail" "$box"
mkfifo "$work/opened"
socket=$work/größe.sock

# opens PORT PATH: a program listens on both.
opens() {
  perl -MIO::Socket::INET -MIO::Socket::UNIX -e '
    my $t = IO::Socket::INET->new(LocalAddr => "0.0.0.0:$ARGV[0]", Listen => 1) or die $!;
    my $u = IO::Socket::UNIX->new(Local => $ARGV[1], Listen => 1) or die $!;
    open(my $out, ">", $ARGV[2]) or die $!; close $out;
    sleep 600;' "$1" "$2" "$work/opened" &
  at_end "kill $!"
  cat "$work/opened"
}

# subjects TEXT NUMBER: so many mails with this in the subject have arrived.
subjects() {
  test "$(grep -c "^Subject: .*$1" "$box")" -eq "$2"
}

compared() {
  stat -c %Y /var/lib/lsm/last-compare
}

compared_since() {
  test "$(compared)" -gt "$1"
}

# --- Postfix takes whatever is for this host; rsyslog
cp /etc/postfix/master.cf.proto /etc/postfix/master.cf
rm -rf /var/spool/postfix/* /var/lib/postfix/*
{
  mailboxes
  echo "myorigin = mail.test"
  echo "virtual_mailbox_domains = mail.test, $(uname -n)"
} >/etc/postfix/main.cf
check "Postfix starts" postfix start
printf '%s\n' 'module(load="imuxsock")' "auth.* $work/auth.log" >"$work/rsyslog.conf"
rsyslogd -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" -n &
at_end "kill $!"
check "rsyslog starts" within 10 test -S /dev/log

# --- nothing but our entry, and one that shows that cron mails what is printed
rm -rf /usr/local/lsm /var/lib/lsm /etc/cron.d/* /var/spool/cron/crontabs/*
: >/etc/crontab
cd "$work" || exit 1
tar xzf "$root"/target/lsm-*-linux-*.tar.gz
run lsm-*/install.sh
ends "installed" 0
check "its entry is there" sed -i 's,^\*/10 ,* ,' /etc/cron.d/lsm
check "it is for every minute" grep -q '^\* \* \* \* \* root ' /etc/cron.d/lsm
echo '* * * * * root env' >/etc/cron.d/canary
opens 4444 "$socket"
began=$(date +%s)
cron -f &
cron=$!
at_end "kill $cron"

check "the alert arrives" within 120 subjects "LSM Port Monitor Alert" 1
echo "        after $(($(date +%s) - began)) s"
# shellcheck disable=SC2016  # it is Perl
perl -MMIME::QuotedPrint -0777 -ne '
  ($_) = grep /^Subject: .*LSM Port/m, split /^From .*\n/m; print decode_qp($_)' "$box" >"$work/alert.txt"
check "it names the port" grep -q '^NEW      tcp/0\.0\.0\.0:4444' "$work/alert.txt"
check "it names the program" grep -q "by /usr/bin/perl (root), PID " "$work/alert.txt"
check "it names the path as it is" grep -qF "NEW      unix/$socket" "$work/alert.txt"
check "the log has it" within 10 grep -q 'lsm\[[0-9]*\]: NEW tcp/0\.0\.0\.0:4444' "$work/auth.log"
check "what another entry prints cron mails" within 60 grep -q '^Subject: Cron .*env' "$box"
check "the environment was cron's" grep -qx 'PATH=/usr/bin:/bin' "$box"
check "no Java is named in it" test -z "$(grep '^JAVA' "$box")"

# --- the next run has nothing to tell
last=$(compared)
check "cron compares again" within 70 compared_since "$last"
sleep 3 # what Postfix has accepted takes less
check "the alert came once" subjects "LSM Port Monitor Alert" 1
check "cron has nothing of lsm to mail" subjects "Cron .*lsm" 0
check "all mail that came is known" test "$(grep -c '^From ' "$box")" -eq "$(grep -cE '^Subject: (Cron .* env|LSM Port Monitor Alert on .*)$' "$box")"
run lsm status
ends "status finds the entry, and no fault" 0
says "status names the entry" "/etc/cron.d/lsm"

# --- by hand, in an environment with nothing in it
run env -i /usr/local/sbin/lsm --version
ends "env -i: --version" 0
check "env -i: it is one line" test "$(wc -l <"$work/run.out").$err" = 1.
run env -i /usr/local/sbin/lsm list
ends "env -i: list" 0
says "env -i: it names the path as it is" "$socket"
finish

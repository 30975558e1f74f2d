#!/bin/sh
# Alerts through the real programs: Postfix with STARTTLS and a login, logger and rsyslog, promtool.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate postfix saslpasswd2 rsyslogd promtool logger openssl

host=$(uname -n)
metrics=$work/metrics/lsm.prom
mails=0
mkdir "$work/metrics"
touch "$work/auth.log" "$work/levels.log"
own_dev

# --- Postfix: port 25 for anybody, port 587 only for clients that encrypt and log in
certify() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 "$@" 2>/dev/null
}
certify -subj "/CN=lsm test CA" -keyout "$work/ca.key" -out "$work/ca.pem"
certify -subj "/CN=localhost" -addext subjectAltName=DNS:localhost -CA "$work/ca.pem" \
  -addext basicConstraints=critical,CA:FALSE -CAkey "$work/ca.key" \
  -keyout "$work/mx.key" -out "$work/mx.pem"
configure_postfix "virtual_mailbox_domains = mail.test" \
  "smtpd_tls_cert_file = $work/mx.pem" "smtpd_tls_key_file = $work/mx.key" "smtpd_tls_loglevel = 1" \
  "smtpd_sasl_local_domain = mail.test"
printf '%s\n' "pwcheck_method: auxprop" "auxprop_plugin: sasldb" "sasldb_path: $work/sasldb" \
  "mech_list: PLAIN LOGIN" >/etc/postfix/sasl/smtpd.conf
password=open-Sesame-9
echo "$password" | saslpasswd2 -p -c -f "$work/sasldb" -u mail.test watcher
chown postfix "$work/sasldb"
postconf -M submission/inet='submission inet n - n - - smtpd'
submission() {
  for setting in "$@"; do
    postconf -P "submission/inet/$setting"
  done
}
submission smtpd_sasl_auth_enable=yes smtpd_tls_security_level=encrypt \
  smtpd_relay_restrictions=permit_sasl_authenticated,reject
check "Postfix starts" postfix start

# --- rsyslog, with the socket as Debian's rsyslog.conf has it
cat >"$work/rsyslog.conf" <<END
module(load="imuxsock")
auth.* action(type="omfile" file="$work/auth.log" template="RSYSLOG_TraditionalFileFormat")
auth.* action(type="omfile" file="$work/levels.log" template="RSYSLOG_SyslogProtocol23Format")
END
start_rsyslog

# soon COMMAND...: it succeeds within ten seconds.
soon() {
  within 11 "$@"
}

# compare WHAT STATUS: lsm compare exits with this status.
compare() {
  run "$lsm" compare
  exits "$1" "$2"
}

# has_mails NUMBER: all complete; virtual(8) locks the mailbox while it writes.
has_mails() {
  test "$(grep -c '^From ' "$box")" -eq "$1" && absent "$box.lock"
}

# mailed WHAT SUBJECT: exactly one more mail arrives, and is now in $work/mail.txt.
mailed() {
  check "$1: one mail arrives" soon has_mails $((mails + 1))
  mails=$(grep -c '^From ' "$box")
  # shellcheck disable=SC2119  # any subject
  last_mail >"$work/mail.txt"
  check "$1: its subject" grep -qxF "Subject: $2" "$work/mail.txt"
}

no_mail() {
  sleep 1 # Postfix takes less to deliver
  check "$1" has_mails "$mails"
}

# waits WHAT [CHANNEL...]: an alert waits for each of these channels, and none for any other. A file in the outbox is called
# TIME-CHANNEL.json.
waits() {
  what=$1
  shift
  waiting | sed -n 's/.*-\([a-z_]*\)\..*json$/\1/p' | sort | paste -s -d ' ' - >"$work/channels"
  check "$what" test "$(cat "$work/channels")" = "$*"
}

# logged WHAT PRIORITY TEXT: the log has one line with this text, in the form that logcheck and fail2ban know.
logged() {
  line="lsm\[[0-9]*\]: $3\$"
  soon grep -q " $host $line" "$work/auth.log"
  check "$1" test "$(grep -c "^[A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]* $host $line" "$work/auth.log")" -eq 1
  check "$1: its priority" has_level "$2" "$3\$"
}
# has_level PRIORITY [TEXT]
has_level() {
  grep -q "^<$1>1 [^ ]* $host lsm [0-9]* - - *${2:-}" "$work/levels.log"
}
alert=33 crit=34 warning=36 notice=37 info=38 # of the facility auth
# new_on PORT: the line of a new listener there.
new_on() {
  echo "NEW \[high\] tcp/0\.0\.0\.0:$1 by /usr/bin/perl [^ ]*/sockets\.pl (root), PID [0-9]* .*socket=\"tcp/0\.0\.0\.0:$1\".*"
}

conceals() {
  case "$out $err" in
    *"$2"*) fail "$1 is printed" ;;
    *) pass "$1 is not printed" ;;
  esac
}

valid_metrics() {
  promtool check metrics <"$metrics"
}

last_success() {
  sed -n 's/^lsm_last_success_timestamp_seconds \([0-9]*\).*/\1/p' "$metrics"
}

# --- only the ports that the test opens are watched, not the daemons that it stops and starts
install_lsm
echo wrong >"$work/password"
chmod 600 "$work/password"
cat >"$conf" <<END
USER="ops@mail.test"
SUB="Sockets of \$HOSTNAME"
MAILER="smtp"
SMTP_PORT="587"
SMTP_TLS="starttls"
SMTP_USER="watcher"
SMTP_PASS_FILE="$work/password"
METRICS_FILE="$metrics"
STATE_DIR="$state"
END
printf '%s\n' "unix **" "udp *:*" "tcp *:25" "tcp *:587" >"$prefix/lsm/ignore.lsm"
baseline
compare "nothing differs" 0
check "the metrics are valid" valid_metrics
before=$(last_success)

# --- what prevents a mail, one after the other; the mail arrives when all is repaired
open_sockets tcp/0.0.0.0:4444
compare "a server with an unknown certificate authority" 3
prints "the error says so" "not trusted"
waits "an alert waits for the mail alone" mail
logged "the difference is logged already" $alert "$(new_on 4444)"
# What update-ca-certificates does with an authority that the administrator adds.
bundle=/etc/ssl/certs/ca-certificates.crt
cat "$bundle" "$work/ca.pem" >"$work/bundle"
check "the host trusts the authority" mount --bind "$work/bundle" "$bundle"
compare "a wrong password" 3
prints "the error names the key to check" "SMTP_PASS_FILE"
check "Postfix has rejected the login" soon grep -q "authentication failed: authentication failure" "$work/mail.log"
run "$lsm" status
exits "status finds a fault" 1
prints "status names the channel" "waits for mail"
check "the metrics count the waiting alert" grep -qx "lsm_alerts_waiting 1" "$metrics"
no_mail "nothing has been mailed so far"

echo "$password" >"$work/password"
compare "the right password" 1
waits "nothing waits any more"
mailed "the alert" "Sockets of $host [high]"
check "Postfix saw the login" grep -q "sasl_method=.*sasl_username=watcher" "$work/mail.log"
check "Postfix saw the encryption" grep -q "TLS connection established" "$work/mail.log"
check "the mail has the recipient" grep -qx "To: ops@mail.test" "$work/mail.txt"
check "the mail is marked as sent by a program" grep -qx "Auto-Submitted: auto-generated" "$work/mail.txt"
check "the mail has two parts" grep -q "^Content-Type: multipart/alternative" "$work/mail.txt"
check "the mail names the socket" grep -q "^NEW      \[high\] tcp/0.0.0.0:4444" "$work/mail.txt"
check "the mail names the program" grep -qE "^         program    /usr/bin/perl( |$)" "$work/mail.txt"
check "the mail names the process" grep -q "^         PID        $holder$" "$work/mail.txt"
check "the mail has the command that accepts it" grep -q "^    lsm accept tcp/0.0.0.0:4444$" "$work/mail.txt"
sed '/^Content-Type: text.html/,$d' "$work/mail.txt" >"$work/plain.txt"
# Headers, and words that cannot be broken, such as a digest, may be longer.
check "the text fits 80 columns" test -z "$(grep '^.\{81\}' "$work/plain.txt" | grep -v -e '^[A-Z]' -e ' [^ ]\{60,\}$')"
check "the text ends behind the steps" grep -q '^ 3\. See what it' "$work/plain.txt"
check "the mail has HTML" grep -qi "<html" "$work/mail.txt"
run "$lsm" test-alert --verbose
exits "a test alert" 0
mailed "the test alert" "Sockets of $host: test"
prints "--verbose prints the dialogue" "250 2.0.0 Ok: queued"
conceals "the password" "$password"
conceals "the password as LOGIN sends it" "$(printf '%s' "$password" | base64)"
conceals "the password as PLAIN sends it" "$(printf '\0watcher\0%s' "$password" | base64)"
check "the test alert is logged" soon has_level $info
run "$lsm" history
prints "the history has the failures" failed
prints "the history has the delivery" delivered

# --- once, then by REMIND, then the all-clear
compare "the same difference" 1
no_mail "it is not mailed again"
logged "it is not logged again" $alert "$(new_on 4444)"
check "the metrics of a difference are valid" valid_metrics
check "the metrics count it" grep -qx 'lsm_differences{kind="new",severity="high"} 1' "$metrics"
check "anybody may read the metrics" as_nobody cat "$metrics"
check "the time of the last success increases" test "$(last_success)" -gt "$before"
set_key REMIND 0
compare 'REMIND="0"' 1
mailed "the reminder" "Sockets of $host [high]: reminder"
set_key REMIND 24h
close_sockets
compare "nothing differs any more" 0
no_mail "there is no all-clear yet"
open_sockets tcp/0.0.0.0:4444
compare "the difference is back" 1
no_mail "it is not mailed again either"
close_sockets
compare "and gone" 0
pass_time 31
compare "31 minutes later" 0
mailed "the all-clear" "Sockets of $host: all clear"
compare "another compare" 0
no_mail "there is one all-clear"
check "the all-clear is logged" soon has_level $notice

# --- no password without TLS, unless SMTP_TLS allows it
submission smtpd_tls_security_level=none smtpd_tls_auth_only=no
postfix stop 2>/dev/null
check "Postfix starts without STARTTLS" postfix start
logins=$(grep -c sasl_username "$work/mail.log")
open_sockets tcp/0.0.0.0:4445
first=$holder
compare "a server without STARTTLS" 3
prints "the error says so" STARTTLS
set_key SMTP_TLS auto
compare 'SMTP_TLS="auto"' 3
check "no login was tried" test "$(grep -c sasl_username "$work/mail.log")" -eq "$logins"
set_key SMTP_TLS none
compare 'SMTP_TLS="none"' 1
mailed "the alert that waited" "Sockets of $host [high]"
check "it came with a login" test "$(grep -c sasl_username "$work/mail.log")" -gt "$logins"

# --- no mail server, and no daemon behind /dev/log
set_key SMTP_PORT 25
set_key SMTP_USER ""
check "Postfix stops" postfix stop
open_sockets tcp/0.0.0.0:4446
second=$holder
compare "Postfix is stopped" 3
compare "it still is" 3
waits "one alert waits for the mail" mail
check "Postfix starts again" postfix start
close_sockets "$rsyslog"
open_sockets tcp/0.0.0.0:4447
compare "rsyslog is stopped, Postfix is back" 3
waits "one alert waits for rsyslog" syslog
check "both mails arrive nevertheless" soon has_mails $((mails + 2))
mails=$((mails + 2))
start_rsyslog
compare "rsyslog is back" 1
logged "the difference is logged now" $alert "$(new_on 4447)"
waits "nothing waits any more"
no_mail "nothing is mailed twice"
close_sockets "$first" "$second" "$holder"
compare "all are closed" 0
pass_time 31
compare "31 minutes later" 0
mailed "one all-clear for all" "Sockets of $host: all clear"

# --- RUN_CMD
cat >"$work/hook" <<END
#!/bin/sh
cat >"$work/hook.json"
env >"$work/hook.env"
exit "\$(cat "$work/hook.exit")"
END
chmod 755 "$work/hook"
echo 7 >"$work/hook.exit"
set_key RUN_CMD "$work/hook"
open_sockets tcp/0.0.0.0:4448
compare "RUN_CMD fails" 3
prints "the error names it" RUN_CMD
waits "an alert waits for RUN_CMD alone" run_cmd
mailed "the mail beside it" "Sockets of $host [high]"
echo 0 >"$work/hook.exit"
compare "RUN_CMD is repaired" 1
no_mail "nothing is mailed again"
for variable in "HOST=$host" "SUBJECT=Sockets of $host [high]" SEVERITY=high NEW=1 GONE=0 CHANGED=0; do
  check "RUN_CMD has LSM_$variable" grep -qxF "LSM_$variable" "$work/hook.env"
done
for variable in EVENT TIME SUMMARY; do
  check "RUN_CMD has LSM_$variable" grep -q "^LSM_$variable=." "$work/hook.env"
done
# shellcheck disable=SC2016  # Perl
check "RUN_CMD reads the alert" perl -MJSON::PP -0777 -e '
  my $alert = decode_json(<>);
  exit !($alert->{new} == 1 && $alert->{differences}[0]{socket} eq "tcp/0.0.0.0:4448")' "$work/hook.json"
set_key RUN_CMD ""

# --- sendmail
set_key MAILER sendmail
close_sockets
compare "the socket is closed" 0
pass_time 31
compare "an all-clear through sendmail" 0
mailed "through sendmail" "Sockets of $host: all clear"
check "it came that way" grep -q "postfix/pickup" "$work/mail.log"

# --- GONE, and a deleted baseline
set_key MAILER smtp
open_sockets tcp/0.0.0.0:4449
baseline
close_sockets
compare "a socket is gone" 1
mailed "the socket that is gone" "Sockets of $host"
logged "it is logged" $warning "GONE tcp/0\.0\.0\.0:4449.*"
run "$lsm" delete
run "$lsm" compare --quiet
exits "the baseline is gone" 2
prints "the error says so" "there is no baseline"
mailed "the baseline that is gone" "Sockets of $host: no baseline"
check "it is logged" soon has_level $crit
run "$lsm" compare --quiet
exits "the baseline is still gone" 2
no_mail "it is mailed once"
check "the metrics without a baseline are valid" valid_metrics
baseline
compare "the baseline is back" 0
check "the metrics are valid again" valid_metrics

# --- Ctrl-C and a hangup end the run, but not its delivery: the server may be about to accept the alert
close_sockets
open_sockets tcp/0.0.0.0:4450 # takes connections, and never greets
set_key SMTP_PORT 4450
# delivers: a process has the lock for mail, which names it, and lives.
delivers() {
  kill -s 0 "$(cat "$state/outbox/mail.lock")"
}
# shellcheck disable=SC2016  # Perl
perl -e 'setpgrp; $SIG{INT} = $SIG{HUP} = "DEFAULT"; exec @ARGV' "$lsm" compare >/dev/null 2>&1 &
compare=$!
check "a process delivers" soon delivers
kill -s INT -- "-$compare"
kill -s HUP -- "-$compare"
wait "$compare"
check "Ctrl-C ends the run" test $? -ge 128
sleep 1
check "the delivery goes on" delivers
kill "$(cat "$state/outbox/mail.lock")"

# --- a program that reads the errors of a quiet run does not wait for the delivery
mkfifo "$work/errors"
cat "$work/errors" >/dev/null &
reader=$!
"$lsm" compare --quiet 2>"$work/errors"
check "the delivery of a quiet run goes on" delivers
check "its errors end with it" within 2 absent "/proc/$reader/fd/1"
kill "$(cat "$state/outbox/mail.lock")"

finish

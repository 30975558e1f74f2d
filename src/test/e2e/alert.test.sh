#!/bin/sh
# Alerts through the real programs: Postfix with STARTTLS and a login, logger and rsyslog, promtool.
# All of it runs in namespaces of its own: the mail and the log of the host are never touched, its
# sockets cannot disturb what is compared, and the kernel ends every daemon with the test.
PATH=$PATH:/usr/sbin:/sbin
if [ "${LSM_E2E_INSIDE:-}" != yes ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED  alert: mail and log daemons need root"
    exit 0
  fi
  for tool in postfix saslpasswd2 rsyslogd promtool logger openssl perl ip unshare; do
    if ! command -v "$tool" >/dev/null; then
      echo "SKIPPED  alert: $tool is missing; .ci/run installs what this needs"
      exit 0
    fi
  done
  set -- --mount --net --pid --fork --kill-child --mount-proc
  if ! unshare "$@" true; then
    echo "SKIPPED  alert: no namespaces can be made here"
    exit 0
  fi
  # The outer shell is PID 1 in there, and reaps what the daemons leave behind.
  # shellcheck disable=SC2016  # it is for the outer shell
  LSM_E2E_INSIDE=yes exec unshare "$@" sh -c 'sh "$1"; exit $?' sh "$0"
fi
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

prefix=$work/local
state=$work/state
conf=$prefix/lsm/conf.lsm
lsm=$prefix/sbin/lsm
host=$(uname -n)
metrics=$work/metrics/lsm.prom
box=$work/mail/box
mails=0
chmod 755 "$work" # Postfix delivers as nobody
mkdir "$work/mail" "$work/metrics"
touch "$box" "$work/mail.log" "$work/auth.log" "$work/rfc5424.log"
chown nobody "$work/mail" "$box"
mkfifo "$work/opened"
ip link set lo up
own_dev

# --- Postfix: port 25 for anybody, port 587 for who has encrypted and logged in
cp -R /etc/postfix "$work/postfix"
mount --bind "$work/postfix" /etc/postfix
mount -t tmpfs -o mode=755 lsm-e2e /var/spool/postfix
mount -t tmpfs -o "mode=700,uid=$(id -u postfix)" lsm-e2e /var/lib/postfix
certify() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 "$@" 2>/dev/null
}
certify -subj "/CN=lsm test CA" -keyout "$work/ca.key" -out "$work/ca.pem"
certify -subj "/CN=localhost" -addext subjectAltName=DNS:localhost -CA "$work/ca.pem" \
  -addext basicConstraints=critical,CA:FALSE -CAkey "$work/ca.key" \
  -keyout "$work/mx.key" -out "$work/mx.pem"
{
  mailboxes
  cat <<END
virtual_mailbox_domains = mail.test
smtpd_tls_cert_file = $work/mx.pem
smtpd_tls_key_file = $work/mx.key
smtpd_tls_loglevel = 1
smtpd_sasl_local_domain = mail.test
END
} >/etc/postfix/main.cf
printf '%s\n' "pwcheck_method: auxprop" "auxprop_plugin: sasldb" "sasldb_path: $work/sasldb" \
  "mech_list: PLAIN LOGIN" >/etc/postfix/sasl/smtpd.conf
password=open-Sesame-9
echo "$password" | saslpasswd2 -p -c -f "$work/sasldb" -u mail.test watcher
chown postfix "$work/sasldb"
cp /etc/postfix/master.cf.proto /etc/postfix/master.cf # Debian's, whatever the host's is
postconf -F '*/*/chroot=n'                             # a chroot lacks the password file
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
auth.* action(type="omfile" file="$work/rfc5424.log" template="RSYSLOG_SyslogProtocol23Format")
END
start_rsyslog() {
  rsyslogd -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" -n &
  rsyslog=$!
  check "rsyslog starts" soon test -S /dev/log
}

# soon COMMAND...: it succeeds within ten seconds.
soon() {
  within 11 "$@"
}

set_conf() {
  sed -i "/^$1=/d" "$conf"
  printf '%s="%s"\n' "$1" "$2" >>"$conf"
}

# opens PORT: a program listens there, and is the $listener.
opens() {
  perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(LocalAddr => "0.0.0.0:$ARGV[0]", Listen => 1) or die $!;
    open(my $out, ">", $ARGV[1]) or die $!; close $out;
    sleep 600;' "$1" "$work/opened" &
  listener=$!
  cat "$work/opened"
}

# ended PID...: these have been told to end, and have ended.
ended() {
  kill "$@"
  wait "$@" 2>/dev/null
}

# compares WHAT STATUS: a run of cron's command ends so.
compares() {
  run "$lsm" compare
  ends "$1" "$2"
}

has_mails() {
  test "$(grep -c '^From ' "$box")" -eq "$1"
}

# mailed WHAT SUBJECT: exactly one more mail arrives, and is now in $work/mail.txt.
mailed() {
  check "$1: one mail arrives" soon has_mails $((mails + 1))
  mails=$(grep -c '^From ' "$box")
  perl -0777 -ne 'print +(split /^From .*\n/m)[-1]' "$box" >"$work/mail.txt"
  check "$1: its subject" grep -qxF "Subject: $2" "$work/mail.txt"
}

no_mail() {
  sleep 1 # what Postfix has accepted takes less
  check "$1" has_mails "$mails"
}

# owes WHAT CHANNELS: what the alerts in the outbox wait for, an alert a line; "" if there is none.
owes() {
  owed=$(find "$state/outbox" -name '*.json' -exec perl -MJSON::PP -0777 -ne '
    print join(",", sort @{decode_json($_)->{owed}}), "\n"' {} +) || owed="not readable"
  check "$1" test "$owed" = "$2"
}

# logged WHAT PRIORITY TEXT: the log has this line once, in the form that logcheck and fail2ban know.
logged() {
  line="lsm\[[0-9]*\]: $3\$"
  soon grep -q " $host $line" "$work/auth.log"
  check "$1" test "$(grep -c "^[A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]* $host $line" "$work/auth.log")" -eq 1
  check "$1: its priority" grep -q "^<$2>1 [^ ]* $host lsm [0-9]* - - *$3\$" "$work/rfc5424.log"
}
alert=33 crit=34 warning=36 notice=37 info=38 # of the facility auth
perl_on() {
  echo "tcp/0\.0\.0\.0:$1 by /usr/bin/perl (root), PID [0-9]*"
}

conceals() {
  case "$out $err" in
    *"$2"*) fail "$1 is shown" ;;
    *) pass "$1 is not shown" ;;
  esac
}

metrics_are_fine() {
  promtool check metrics <"$metrics"
}

# --- only the ports that the test opens are watched, not the daemons that it stops and starts
start_rsyslog
run "$root/target/lsm/install.sh" --prefix "$prefix" --state-dir "$state" --no-cron --no-baseline
ends "installed" 0
echo wrong >"$work/password"
chmod 600 "$work/password"
cat >"$conf" <<END
USER="ops@mail.test"
SUB="Sockets of \$HOSTNAME"
SMTP_PORT="587"
SMTP_TLS="starttls"
SMTP_USER="watcher"
SMTP_PASS_FILE="$work/password"
METRICS_FILE="$metrics"
STATE_DIR="$state"
END
printf '%s\n' "unix **" "udp *:*" "tcp *:25" "tcp *:587" >"$prefix/lsm/ignore.lsm"
run "$lsm" generate
ends "a baseline" 0
[ "$status" -eq 0 ] || { finish; exit 1; } # nothing below would mean anything
compares "nothing differs" 0
check "the metrics of a quiet host" metrics_are_fine
quiet=$(sed -n 's/^lsm_last_success_timestamp_seconds //p' "$metrics")

# --- what keeps a mail back, one after the other, and that it comes when all is mended
opens 4444
compares "a server that nobody vouches for" 3
says "it says so" "not trusted"
owes "only the mail is owed" mail
logged "the log has it already" $alert "NEW $(perl_on 4444)"
# What update-ca-certificates does with an authority that the administrator adds.
bundle=/etc/ssl/certs/ca-certificates.crt
cat "$bundle" "$work/ca.pem" >"$work/bundle"
check "the host trusts the CA" mount --bind "$work/bundle" "$bundle"
compares "a wrong password" 3
says "it says what to check" "SMTP_PASS_FILE"
check "Postfix has refused it" soon grep -q "authentication failed: authentication failure" "$work/mail.log"
run "$lsm" status
ends "status has a complaint" 1
says "status says what waits, and for what" "waits for mail"
check "the metrics know it" grep -qx "lsm_alerts_waiting 1" "$metrics"
no_mail "nothing has been mailed so far"

echo "$password" >"$work/password"
compares "the right password" 1
owes "nothing is owed any more" ""
mailed "the alert" "Sockets of $host"
check "Postfix saw the login" grep -q "sasl_method=.*sasl_username=watcher" "$work/mail.log"
check "Postfix saw the encryption" grep -q "TLS connection established" "$work/mail.log"
check "to whom" grep -qx "To: ops@mail.test" "$work/mail.txt"
check "by a machine" grep -qx "Auto-Submitted: auto-generated" "$work/mail.txt"
check "in two forms" grep -q "^Content-Type: multipart/alternative" "$work/mail.txt"
check "the text" grep -q "^NEW      tcp/0.0.0.0:4444" "$work/mail.txt"
check "the program" grep -q "^         by /usr/bin/perl (root), PID $listener" "$work/mail.txt"
check "the HTML" grep -qi "<html" "$work/mail.txt"
run "$lsm" test-alert --verbose
ends "a test alert" 0
mailed "the test alert" "Sockets of $host: test"
says "it shows the dialogue" "250 2.0.0 Ok: queued"
conceals "the password" "$password"
conceals "the password as LOGIN sends it" "$(printf '%s' "$password" | base64)"
conceals "the password as PLAIN sends it" "$(printf '\0watcher\0%s' "$password" | base64)"
check "the log has it" soon grep -q "^<$info>1 [^ ]* $host lsm " "$work/rfc5424.log"
run "$lsm" history
says "history has the failures" failed
says "history has the delivery" delivered

# --- once, then by REMIND, then the all-clear
compares "the next run still sees it" 1
no_mail "it mails it no more"
logged "it logs it no more" $alert "NEW $(perl_on 4444)"
check "the metrics of an alert" metrics_are_fine
check "they count it" grep -qx 'lsm_differences{kind="new"} 1' "$metrics"
check "anybody may read them" setpriv --reuid nobody --regid nogroup --clear-groups cat "$metrics"
later=$(sed -n 's/^lsm_last_success_timestamp_seconds //p' "$metrics")
check "the last success moves on" test "${later%%.*}" -gt "${quiet%%.*}"
set_conf REMIND 0
compares "a run that reminds" 1
mailed "the reminder" "Sockets of $host: reminder"
set_conf REMIND 24h
ended "$listener"
compares "nothing differs any more" 0
mailed "the all-clear" "Sockets of $host: all clear"
compares "nothing differs still" 0
no_mail "one all-clear is enough"

# --- a password goes nowhere without TLS, unless told to
submission smtpd_tls_security_level=none smtpd_tls_auth_only=no
postfix stop 2>/dev/null
check "Postfix starts without STARTTLS" postfix start
logins=$(grep -c sasl_username "$work/mail.log")
opens 4445
compares "a server without STARTTLS" 3
says "it says so" STARTTLS
set_conf SMTP_TLS auto
compares "nor with SMTP_TLS=auto" 3
check "no login was tried" test "$(grep -c sasl_username "$work/mail.log")" -eq "$logins"
set_conf SMTP_TLS none
compares "but with SMTP_TLS=none" 1
mailed "what waited for it" "Sockets of $host"
check "that login was seen" test "$(grep -c sasl_username "$work/mail.log")" -gt "$logins"

# --- no mail server, and no daemon behind /dev/log
first=$listener
set_conf SMTP_PORT 25
set_conf SMTP_USER ""
check "Postfix stops" postfix stop
opens 4446
compares "Postfix is stopped" 3
compares "it still is" 3
owes "one alert waits for it" mail
check "Postfix starts again" postfix start
ended "$rsyslog"
second=$listener
opens 4447
compares "rsyslog is stopped, Postfix is back" 3
owes "one alert waits for rsyslog" syslog
check "the mails go out nevertheless" soon has_mails $((mails + 2))
mails=$((mails + 2))
start_rsyslog
compares "rsyslog is back" 1
logged "the log has it now" $alert "NEW $(perl_on 4447)"
owes "nothing waits any more" ""
no_mail "nothing is mailed twice"
ended "$first" "$second" "$listener"
compares "all are closed" 0
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
set_conf RUN_CMD "$work/hook"
opens 4448
compares "RUN_CMD fails" 3
says "it says so" RUN_CMD
owes "only RUN_CMD is owed" run_cmd
mailed "beside it" "Sockets of $host"
echo 0 >"$work/hook.exit"
compares "RUN_CMD is mended" 1
no_mail "that mails nothing again"
for variable in "HOST=$host" "SUBJECT=Sockets of $host" NEW=1 GONE=0 CHANGED=0; do
  check "RUN_CMD has LSM_$variable" grep -qxF "LSM_$variable" "$work/hook.env"
done
for variable in EVENT TIME SUMMARY; do
  check "RUN_CMD has LSM_$variable" grep -q "^LSM_$variable=." "$work/hook.env"
done
# shellcheck disable=SC2016  # it is Perl
check "RUN_CMD reads the alert" perl -MJSON::PP -0777 -e '
  my $alert = decode_json(<>);
  exit !($alert->{new} == 1 && $alert->{differences}[0]{socket} eq "tcp/0.0.0.0:4448")' "$work/hook.json"
set_conf RUN_CMD ""

# --- sendmail
set_conf MAILER sendmail
ended "$listener"
compares "through sendmail" 0
mailed "through sendmail" "Sockets of $host: all clear"
check "it came that way" grep -q "postfix/pickup" "$work/mail.log"

# --- GONE, and a baseline that somebody has deleted
set_conf MAILER smtp
opens 4449
run "$lsm" generate
ended "$listener"
compares "a socket is gone" 1
mailed "the socket that is gone" "Sockets of $host"
logged "the log knows whose it was" $warning "GONE tcp/0\.0\.0\.0:4449.*"
check "an all-clear was logged" grep -q "^<$notice>1 [^ ]* $host lsm " "$work/rfc5424.log"
run "$lsm" delete
run "$lsm" compare --quiet
ends "the baseline is gone" 2
says "it says so" "there is no baseline"
mailed "the baseline that is gone" "Sockets of $host: no baseline"
check "that was logged" soon grep -q "^<$crit>1 [^ ]* $host lsm " "$work/rfc5424.log"
run "$lsm" compare --quiet
ends "it is gone still" 2
no_mail "that is told once"
check "the metrics without a baseline" metrics_are_fine

# --- structured data, for a daemon that expects it
kill "$rsyslog" && wait "$rsyslog" 2>/dev/null
sed -i 's/module(load="imuxsock")/module(load="imuxsock" SysSock.UseSpecialParser="off")/' "$work/rsyslog.conf"
start_rsyslog
set_conf SYSLOG rfc5424
run "$lsm" generate
compares "structured data" 0
mailed "the baseline is there again" "Sockets of $host: all clear"
opens 4450
compares "structured data of a difference" 1
mailed "beside it" "Sockets of $host"
check "rsyslog has taken it apart" soon grep -q "^<$alert>1 [^ ]* $host lsm [0-9]* - .*\[lsm@32473 kind=\"NEW\" owners=\"/usr/bin/perl (root)\" pids=\"$listener\" socket=\"tcp/0.0.0.0:4450\"\] NEW $(perl_on 4450)\$" "$work/rfc5424.log"
ended "$listener"

finish

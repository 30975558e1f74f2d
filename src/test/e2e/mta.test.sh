#!/bin/sh
# Alerts for root with the default configuration on a host web1, with each mail system as Debian installs it without
# questions: Postfix, Exim, dma and msmtp. And mail servers that are strict, half dead or slow.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
own_machine hostname apt-get dpkg

packages=$root/target/debs # from .ci/run
hostname web1
rm -f /var/lib/man-db/auto-update # it takes longer than all else

# install_only PACKAGE: this mail system and none of the others, as on a new host.
install_only() {
  run apt-get install -y -qq --no-install-recommends -o Dir::Cache::archives="$packages" "$1"
  exits "apt-get install $1" 0
  dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^rc *//p' |
    xargs -r dpkg --purge >/dev/null 2>&1
  rm -f /var/mail/*
}

# named [FQDN]: the host has this fully qualified name, or none.
named() {
  printf '%s\n' "127.0.0.1 localhost" "127.0.1.1 ${1:+$1 }web1" >/etc/hosts
  rm -f /etc/mailname
}

# settings LINE...: the configuration as it is installed, without the log and with these lines.
settings() {
  cp "$work/conf.lsm" "$conf"
  set_key SYSLOG no
  for line in "$@"; do
    set_key "${line%%=*}" "${line#*=}"
  done
}

mails() {
  cat /var/mail/* 2>/dev/null | grep -c '^Subject: '
}

# mailed WHAT SUBJECT: one more mail is in the mailboxes, with this in its subject.
mailed() {
  count=$((count + 1))
  check "$1" within 20 sh -c "test \$(cat /var/mail/* | grep -c '^Subject: ') -eq $count"
  check "$1: its subject" sh -c "cat /var/mail/* | grep '^Subject: ' | tail -n 1 | grep -q '$2'"
}

port=4000
# differ: opens a port that no baseline has.
differ() {
  port=$((port + 1))
  open_sockets "tcp/0.0.0.0:$port"
}

# alerts WHAT: a test alert and a real one arrive.
alerts() {
  count=$(mails)
  run "$lsm" test-alert
  exits "$1: test-alert" 0
  prints "$1: test-alert says where to" "mail: accepted; to root"
  mailed "$1: the test alert arrives" "web1: test"
  run "$lsm" generate
  differ
  run "$lsm" compare
  exits "$1: compare" 1
  mailed "$1: the alert arrives" "on web1"
  close_sockets
}

# each_mailer WHAT
each_mailer() {
  for mailer in auto smtp sendmail; do
    settings "MAILER=$mailer"
    alerts "$1, $mailer"
  done
}

# listens ADDRESS PORT
listens() {
  perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(PeerAddr => "$ARGV[0]:$ARGV[1]")' "$1" "$2"
}

# smtp_server PORT SECONDS: answers a message after so many seconds, and stores it in $work/taken.
smtp_server() {
  : >"$work/taken"
  # shellcheck disable=SC2016  # Perl
  perl -MIO::Socket::INET -e '
    my ($port, $delay, $file) = @ARGV;
    my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 9,
      ReuseAddr => 1) or die $!;
    while (my $client = $server->accept) {
      next if fork;
      my $say = sub { print $client "$_[0]\r\n" };
      $say->("220 slow.test ESMTP");
      while (my $line = <$client>) {
        if ($line =~ /^DATA/) {
          $say->("354 go ahead");
          my $mail = "";
          while (($line = <$client>) !~ /^\.\r?$/) { $mail .= $line }
          open(my $out, ">>", $file); print $out $mail; close $out;
          sleep $delay;
          $say->("250 2.0.0 Ok: queued as 4711");
        } elsif ($line =~ /^QUIT/) { $say->("221 bye"); exit }
        else { $say->("250 ok") }
      }
      exit;
    }' "$1" "$2" "$work/taken" &
  smtp_server=$!
  check "the server listens" within 10 listens 127.0.0.1 "$1"
}

# taken NUMBER: the server has so many messages, and no two are the same.
taken() {
  ids=$(grep -i '^Message-ID:' "$work/taken" | sort -u | wc -l)
  test "$(grep -ci '^Message-ID:' "$work/taken")" -eq "$1" && test "$ids" -eq "$1"
}

# took: the seconds since $began.
took() {
  echo $(($(date +%s) - began))
}

# --- the installed program, without cron: only the test runs it
named web1.example.org
open_sockets udp/127.0.0.1:5353
tar -xzf "$root"/target/lsm-*-linux-*.tar.gz -C "$work"
run sh "$work"/lsm-*/install.sh --no-cron
exits "install.sh" 0
conf=/usr/local/lsm/conf.lsm lsm=/usr/local/sbin/lsm state=/var/lib/lsm
cp "$conf" "$work/conf.lsm"
printf '%s\n' "unix **" "udp *:*" "tcp *:25" "tcp *:2525" >/usr/local/lsm/ignore.lsm

# --- hosts without a mail server: auto takes the sendmail program
install_only dma
settings
alerts "dma"
install_only msmtp-mta
smtp_server 2525 0
printf '%s\n' "account default" "host 127.0.0.1" "port 2525" "from web1@example.org" "aliases /etc/aliases" >/etc/msmtprc
echo "root: ops@example.org" >/etc/aliases
settings
run "$lsm" test-alert
exits "msmtp: test-alert" 0
prints "msmtp: test-alert names it" "mail: accepted; to root through /usr/sbin/sendmail"
check "msmtp: the alert arrives" within 20 taken 1
close_sockets "$smtp_server"
rm /etc/aliases

# --- Postfix and Exim
for fqdn in web1.example.org ""; do
  host=${fqdn:-web1}
  install_only dma # so that what follows is new
  named "$fqdn"
  install_only postfix
  postfix start 2>/dev/null
  check "Postfix on $host starts" within 10 listens 127.0.0.1 25
  each_mailer "Postfix on $host"

  if [ -n "$fqdn" ]; then
    settings
    postfix stop 2>/dev/null
    count=$(mails)
    run "$lsm" test-alert
    exits "Postfix is stopped: test-alert" 0
    prints "Postfix is stopped: its sendmail takes the mail" "to root through /usr/sbin/sendmail"
    strict=reject_non_fqdn_helo_hostname,reject_invalid_helo_hostname,reject_non_fqdn_sender
    check "Postfix takes the settings" postconf -e "smtpd_helo_required = yes" "mynetworks =" \
      "smtpd_recipient_restrictions = $strict,reject_unknown_sender_domain,reject_unauth_destination"
    postfix start 2>/dev/null
    mailed "Postfix starts: the mail arrives" "web1: test"
    alerts "a strict Postfix"

    # 192.0.2.9 never answers, 127.0.0.2 refuses.
    ip link add dead type veth peer name end
    ip address add 192.0.2.1/24 dev dead
    ip link set dead up
    ip link set end up
    printf '%s\n' "192.0.2.9 mx.test" "127.0.0.2 mx.test" "127.0.0.1 mx.test" >>/etc/hosts
    postfix stop 2>/dev/null
    postconf -e "inet_interfaces = 127.0.0.1"
    postfix start 2>/dev/null
    check "Postfix listens on one address" within 10 listens 127.0.0.1 25
    check "and on no other" sh -c "! perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(\"127.0.0.2:25\")'"
    settings "USER=root@localhost" "SMTP_HOST=mx.test"
    alerts "a mail server with two dead addresses"
    ip link delete dead
  fi
  postfix stop 2>/dev/null

  install_only exim4-daemon-light
  /etc/init.d/exim4 start >/dev/null
  check "Exim on $host starts" within 10 listens 127.0.0.1 25
  each_mailer "Exim on $host"
  /etc/init.d/exim4 stop >/dev/null
done

# --- a server whose final reply takes 40 seconds
smtp_server 2525 40
settings "USER=ops@example.org" "SMTP_PORT=2525"
run "$lsm" generate
differ
first=$holder
began=$(date +%s)
run "$lsm" compare
exits "a slow server: compare" 3
check "compare waits 30 s and not for the server ($(took) s)" test "$(took)" -ge 29 -a "$(took)" -lt 40
prints "it says that the delivery goes on" "goes on in the background"
differ
began=$(date +%s)
run "$lsm" compare
exits "the next difference: compare" 3
check "the delivery does not delay it ($(took) s)" test "$(took)" -lt 10
prints "it says who delivers" "is delivering"
check "both alerts arrive" within 90 taken 2
check "nothing waits any more" within 60 sh -c "test -z \"\$(find $state/outbox -name '*.json')\""
run "$lsm" compare --quiet
exits "another compare" 1
prints_nothing "it has nothing to say"
sleep 1
check "each alert was sent once" taken 2
close_sockets "$first" "$holder"
run "$lsm" history
prints "the history has the queue ID" "to ops@example.org through localhost:2525; reply: 250 2.0.0 Ok: queued as 4711"
close_sockets "$smtp_server"

finish

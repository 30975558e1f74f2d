#!/bin/sh
# The ordinary life of a server: a whole Debian with systemd as PID 1 and stock daemons, users, upgrades and changing addresses, days of
# 144 compares with the shipped configuration and SENTRY="report". Nothing but what is provoked on purpose may be reported, with at most
# one mail a day more.
# LSM_E2E_DAYS (2) and LSM_E2E_SEED make a longer or another life.
export LSM_E2E_JAVA=yes
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
[ -d "$root/target/debs" ] || skip "target/debs is missing; .ci/run downloads the daemons to it"
grep -q cgroup2 /proc/filesystems || skip "this kernel has no cgroup v2"
own_machine systemctl nsenter apt-get dpkg perl javac
# shellcheck source=src/test/e2e/life-machine.sh
. "$(dirname -- "$0")/life-machine.sh"

days=${LSM_E2E_DAYS:-2}
seed=${LSM_E2E_SEED:-1}
slots=144 # compares a day
state=/var/lib/lsm
box=/var/mail/root

# make_bridge: an interface as container engines have, with a link-local address of its own each time.
make_bridge() {
  ip link add d0 type veth peer name d1
  ip address add 172.18.0.1/16 dev d0
  ip link set d0 up
  ip link set d1 up
}

# --- users come over ssh, and leave when their time is over

# until_slot SLOT COMMAND: this shell command is run at the beginning of that slot.
until_slot() {
  echo "{ $2; } >>'$work/events.log' 2>&1" >>"$work/due.$1"
}

# ssh_to USER COMMAND...: with a forwarded agent.
ssh_to() {
  user=$1
  shift
  in_router env SSH_AUTH_SOCK="$agent" ssh -A -tt -q -i "$work/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o ConnectTimeout=10 "$user@10.77.0.2" "$@" </dev/null
}

# stays SLOTS COMMAND...: runs it until so many slots are over.
stays() {
  end=$((slot + $1))
  shift
  "$@" <>"$work/forever" >>"$work/events.log" 2>&1 &
  until_slot "$end" "pkill -P $!; kill $! 2>/dev/null"
}

# run_unit NAME USER COMMAND...: in the background of the machine, until this unit is stopped.
run_unit() {
  unit=$1
  user=$2
  shift 2
  in_systemd systemd-run -q --unit="$unit" --uid="$user" "$@"
}

user() {
  case $1 in 0) echo alice ;; *) echo bob ;; esac
}

# --- what happens; each takes a random number, and may leave something behind for later slots

event_login() {
  stays $(($1 % 5 + 1)) ssh_to "$(user $(($1 % 2)))" 'ssh-add -l; sleep 86400'
  sleep 0.3
}

event_tmux() {
  ssh_to "$(user $(($1 % 2)))" "tmux new-session -d -s main sleep 86400"
  until_slot $((slot + 4)) "ssh_to $(user $(($1 % 2))) tmux kill-server"
}

event_screen() {
  ssh_to "$(user $(($1 % 2)))" "screen -dmS work sleep 86400"
  until_slot $((slot + 3)) "ssh_to $(user $(($1 % 2))) screen -S work -X quit"
}

event_logrotate() {
  in_systemd logrotate --force /etc/logrotate.conf
}

event_upgrade() {
  # shellcheck disable=SC2046  # words
  set -- $(pick "$1" openssh-server nginx apache2 haproxy postfix dovecot-core bind9 unbound dnsmasq samba mariadb-server redis-server \
    avahi-daemon chrony snmpd rpcbind nfs-common dbus cron)
  echo "upgrade $1"
  in_systemd apt-get install -y -qq --reinstall "$1"
  # It stops rpc-statd, which needs rpcbind.socket, and does not start it again. That is no false alarm.
  [ "$1" != rpcbind ] || in_systemd systemctl start rpc-statd
  sleep 2 # as below
}

event_restart() {
  unit=$(pick "$1" ssh nginx apache2 haproxy postfix@- dovecot named unbound dnsmasq smbd nmbd mariadb postgresql@15-main redis-server avahi-daemon \
    chrony snmpd rpcbind rpc-statd jmx rsyslog)
  echo "restart $unit"
  in_systemd systemctl restart "$unit"
  # nmbd and rpc.statd open their sockets later. A compare comes minutes later; to hit these seconds is possible, but rare.
  sleep 2
}

event_reload() {
  unit=$(pick "$1" ssh nginx apache2 haproxy named smbd)
  echo "reload $unit"
  in_systemd systemctl reload "$unit"
}

event_dhcp() {
  in_systemd systemctl restart dhclient
  within 10 address_is_there
}
address_is_there() {
  ip address show dev v0 | grep -q ' 10\.77\.0\.2/'
}

# A new temporary address (RFC 8981); the one before ends.
event_privacy() {
  ip -6 address del "${stable:-2001:db8:77::ffff}/64" dev v0 2>/dev/null
  stable=2001:db8:77::$(printf '%x' $(($1 % 60000 + 256)))
  ip -6 address add "$stable/64" dev v0 mngtmpaddr
  sleep 0.5
}

event_link() {
  ip link set v0 down
  ip link set v0 up
  sleep 0.5
}

event_bridge() {
  ip link del d0
  make_bridge
  sleep 0.5
}

event_smb() {
  stays $(($1 % 4 + 1)) in_router smbclient //10.77.0.2/share -U bob%bob
  sleep 0.2
}

# Two busy processes, and lookups by three resolvers beside them.
event_resolve() {
  # shellcheck disable=SC2016  # for the other shell
  run_unit "resolve-$1" bob sh -c '
    for resolver in 127.0.0.1 127.0.0.2 127.0.0.3; do
      i=0
      while :; do
        i=$((i + 1))
        dig +tries=1 +time=1 "@$resolver" "h$i.example.test" >/dev/null
        sleep 0.1
      done &
    done
    (while :; do :; done) &
    while :; do :; done'
  until_slot $((slot + 4)) "in_systemd systemctl stop resolve-$1"
}

event_mail() {
  case $(($1 % 3)) in
    0) echo hello | in_systemd sendmail alice ;;
    1) echo hello | in_systemd sendmail bob ;; # through Dovecot's LMTP
    2) in_router smtp-source -m 5 -s 2 -f root@peer.test -t alice@web1 10.77.0.2:25 ;;
  esac
}

event_imap() {
  # shellcheck disable=SC2016  # Perl
  stays $(($1 % 4 + 1)) in_router perl -MIO::Socket::INET -e '
    my $server = IO::Socket::INET->new("10.77.0.2:143") or die;
    print $server "a login bob bob\r\nb select inbox\r\nc idle\r\n";
    sleep 86400'
}

event_web() {
  # shellcheck disable=SC2016  # Perl
  for port in 80 8080 8088 8100; do
    in_router perl -MIO::Socket::INET -e '
      alarm 5;
      my $server = IO::Socket::INET->new("10.77.0.2:$ARGV[0]") or die;
      print $server "GET /cgi-bin/hello HTTP/1.0\r\n\r\n";
      1 while <$server>' "$port"
  done
}

event_database() {
  in_systemd mariadb -e 'show databases'
  in_systemd runuser -u postgres -- psql -c 'select 1'
  in_systemd redis-cli ping
}

event_cron() {
  case $(($1 % 3)) in
    0) in_systemd run-parts --regex '^(dpkg|logrotate|apache2)$' /etc/cron.daily ;;
    1) in_systemd systemctl start dpkg-db-backup.service ;;
    2) in_systemd systemd-run -q --wait --uid=alice dig @127.0.0.2 job.example.test ;;
  esac
}

# pick NUMBER WORD...: one of the words.
pick() {
  number=$1
  shift
  shift $((number % $#))
  echo "$1"
}

# plan DAY: "SLOT EVENT NUMBER" of a day, and "SLOT provoke NAME".
plan() {
  awk -v seed="$seed" -v day="$1" -v days="$days" -v slots="$slots" '
    function number(limit) { return int(rand() * limit) }
    BEGIN {
      srand(seed)
      first = number(100000) # then in turn, for something of all
      srand(seed * 1000 + day)
      events = split("login 12 tmux 2 screen 2 logrotate 1 upgrade 5 restart 10 reload 3 dhcp 3 privacy 4 link 1 bridge 2 smb 6 resolve 4 mail 9 imap 4 web 8 database 2 cron 6", word)
      for (i = 1; i < events; i += 2)
        for (j = 0; j < word[i + 1]; j++)
          print number(slots), word[i], first + (day - 1) * word[i + 1] + j
      kinds = split("port program script sniffer stranger shell hopper public", kind)
      for (i = day; i <= kinds; i += days) mine[++count] = kind[i]
      for (i = 1; i <= count; i++) print int((i - 1) * (slots - 10) / count) + number(8) + 1, "provoke", mine[i]
    }' | sort -n -s -k 1,1
}

# --- what is provoked, and must be reported

# expected NAME: "SEVERITY KIND ENDPOINT OWNER"; the last two are regular expressions.
expected() {
  case $1 in
    port) echo 'normal NEW tcp/0\.0\.0\.0:2222 /usr/sbin/sshd \(root\)' ;;
    program) echo 'high CHANGED tcp/0\.0\.0\.0:80 /usr/sbin/nginx \(root\)' ;;
    script) echo 'high CHANGED tcp/0\.0\.0\.0:8091 /srv/app/sockets\.pl \(app\)' ;;
    sniffer) echo 'high NEW packet/\S+ /srv/app/sockets\.pl \(root\)' ;;
    stranger) echo 'high CHANGED tcp/0\.0\.0\.0:22 /srv/app/stranger\.pl \(root\)' ;;
    shell) echo 'high CHANGED tcp/0\.0\.0\.0:8092 /usr/bin/dash \(script unknown\) \(app\)' ;;
    hopper) echo 'any NEW udp/\S+ mallory' ;; # its program may have moved on before it is found
    public) echo 'normal NEW tcp/0\.0\.0\.0:6379 /usr/bin/redis-check-rdb \(redis\)' ;;
  esac
}

provoke_port() { run_unit provoked root /usr/sbin/sshd -D -p 2222 -o PidFile=none; }
provoke_program() {
  cp -p /usr/sbin/nginx /usr/sbin/nginx.new
  echo >>/usr/sbin/nginx.new
  mv /usr/sbin/nginx.new /usr/sbin/nginx
  in_systemd systemctl restart nginx
}
provoke_script() {
  sed -i 's,^ExecStart=.*,ExecStart=/bin/sh -c "sleep 86400 | exec perl /srv/app/sockets.pl tcp/0.0.0.0:8091",' /etc/systemd/system/app-1.service
  in_systemd systemctl daemon-reload
  in_systemd systemctl restart app-1
}
provoke_sniffer() { run_unit provoked root sh -c 'sleep 86400 | exec perl /srv/app/sockets.pl packet/\*:0x0003'; }
provoke_stranger() {
  pid=$(in_systemd systemctl show --value -p MainPID ssh)
  run_unit provoked root perl /srv/app/stranger.pl "$pid" 3 # its first listener
}
provoke_shell() { in_systemd systemctl kill --kill-who=main -s USR1 app-2; }
provoke_hopper() { run_unit provoked mallory perl /srv/app/hopper.pl; }
provoke_public() {
  sed -i.private 's/^bind .*/bind 0.0.0.0 -::1/; s/^protected-mode yes/protected-mode no/' /etc/redis/redis.conf
  in_systemd systemctl restart redis-server
}

# provoke_end NAME: what was provoked ends.
provoke_end() {
  case $1 in
    program) in_systemd apt-get install -y -qq --reinstall nginx ;;
    script) mv "$work/app-1.service" /etc/systemd/system; in_systemd systemctl daemon-reload; in_systemd systemctl restart app-1 ;;
    shell) in_systemd systemctl restart app-2 ;;
    public) mv /etc/redis/redis.conf.private /etc/redis/redis.conf; in_systemd systemctl restart redis-server ;;
    *) in_systemd systemctl stop provoked ;;
  esac
}

# --- a day

mails() {
  grep -c '^Subject: LSM Port Monitor' "$box"
}

# compare: as cron runs it; ten minutes pass.
compare() {
  before=$(date +%s%N)
  status=0
  in_systemd env -i HOME=/root LOGNAME=root SHELL=/bin/sh PATH=/usr/bin:/bin /usr/local/sbin/lsm -c --quiet >"$work/cron" 2>&1 || status=$?
  duration=$((($(date +%s%N) - before) / 1000000))
  echo "$day $slot $status $duration" >>"$work/compares"
  [ ! -s "$work/cron" ] || { echo "day $day, slot $slot:"; cat "$work/cron"; } >>"$work/cron.mails"
  [ "$status" -eq 0 ] || read_log
  [ ! -e "$state/alert-state" ] || pass_time 10
  [ $((slot % 6)) -ne 0 ] || pass_time 60 owner-cache
}

happen() {
  echo "== $day $slot $1 $2" >>"$work/events.log"
  "event_$1" "$2" >>"$work/events.log" 2>&1
}

# provoke NAME: within the hour it is reported, since lsm looks once an hour for further owners of a known socket.
provoke() {
  echo "== $day $slot provoke $1" >>"$work/events.log"
  "provoke_$1" >>"$work/events.log" 2>&1
  sleep 1
  echo "reported $1 $(wc -l <"$work/differences.$day") $(mails)" >>"$work/due.$((slot + 7))"
  until_slot $((slot + 7)) "provoke_end $1"
}

# reported NAME LINES MAILS: since the log had so many lines and the mailbox so many mails, it was logged and mailed, once, with owner and severity.
reported() {
  label="day $day: $1"
  provoked=$1
  lines=$2
  mails=$3
  # shellcheck disable=SC2046  # words
  set -- $(expected "$1")
  severity=$1
  difference="^[0-9]+ $2 +(\[[a-z]*\] )?$3 "
  shift 3
  tail -n "+$((lines + 1))" "$work/differences.$day" | grep -E "$difference.*$*" >"$work/found"
  sed -n "s/.* socket=\"\([^\"]*\)\".*/$provoked \1/p" "$work/found" | tee -a "$work/provoked" >"$work/endpoints"
  runs=$(cut -d ' ' -f 1 "$work/found" | sort -u | wc -l)
  # The hopper is reported once more when its program is found.
  most=1
  [ "$provoked" != hopper ] || most=2
  check "$label is reported once ($runs)" test "$runs" -ge 1 -a "$runs" -le "$most"
  endpoint=$(sed -n '1s/^[^ ]* //p' "$work/endpoints")
  check "$label is mailed" mail_names "$mails" "$endpoint"
  found=$(sed -n 's/.* severity="\([a-z]*\)".*/\1/p' "$work/found" | sort -u)
  [ -n "$found" ] && [ "$severity" != any ] || return 0 # this lsm has no severities
  check "$label is of severity $severity" test "$found" = "$severity"
  [ "$severity" != high ] || check "$label is marked in the mail" mail_names "$mails" "[high] $endpoint"
}

# mail_names MAILS ENDPOINT: a mail behind so many mails has this endpoint.
mail_names() {
  test -n "${2#\[high\] }" || return 1
  awk -v mails="$1" '/^Subject: LSM Port Monitor/ { count++ } count > mails' "$box" | grep -qwF -- "$2"
}

# read_log: the differences that lsm has logged since the last call, each behind the slot.
read_log() {
  in_systemd journalctl -t lsm -o cat --cursor-file=/run/life.cursor 2>/dev/null | sed -n "s/^\(NEW\|GONE\|CHANGED\) /$slot &/p" >>"$work/differences.$day"
}

live() {
  day=$1
  plan "$day" >"$work/plan"
  : >"$work/differences.$day"
  slot=0
  while [ "$slot" -lt "$slots" ]; do
    if [ -e "$work/due.$slot" ]; then
      # shellcheck source=/dev/null
      . "$work/due.$slot"
      rm "$work/due.$slot"
    fi
    provocation=
    while read -r at event number; do
      [ "$at" -eq "$slot" ] || continue
      case $event in
        provoke) provocation=$number ;;
        *) happen "$event" "$number" ;;
      esac
    done <"$work/plan"
    [ -z "$provocation" ] || provoke "$provocation"
    compare
    slot=$((slot + 1))
  done
  for due in "$work"/due.*; do # what would end on the next day
    # shellcheck source=/dev/null
    [ ! -e "$due" ] || . "$due"
  done
  rm -f "$work"/due.*
}

# accept: the sockets in $work/names, one by one if one of them is unknown.
accept() {
  in_systemd xargs -r -d '\n' /usr/local/sbin/lsm accept <"$work/names" >>"$work/events.log" 2>&1 ||
    in_systemd xargs -r -d '\n' -n 1 /usr/local/sbin/lsm accept <"$work/names" >>"$work/events.log" 2>&1
}

# evening: lists the mails of the day and what was reported, by kind; what was not provoked is accepted.
evening() {
  # shellcheck disable=SC2016  # for the other shell
  within 30 sh -c 'test -z "$(find /var/spool/postfix/active /var/spool/postfix/incoming -type f)"'
  perl "$scripts/life/mails.pl" "$work/provoked" <"$box" >"$work/mails"
  : >"$box"
  echo "day $day: mails"
  sed 's/^/        /' "$work/mails"
  echo "day $day: differences, with numbers as N"
  sed 's/^[0-9]* //; s/,* PID .*//; s/ kind=.*//; s/[0-9a-f]*[0-9][0-9a-f]*/N/g' "$work/differences.$day" | sort | uniq -c | sort -k 1,1nr
  check "day $day: at most one mail that was not provoked" test "$(grep -c '^noise' "$work/mails")" -le 1
  sed -n 's/.* socket="\([^"]*\)".*/\1/p' "$work/differences.$day" | sort -u >"$work/sockets"
  cut -d ' ' -f 2- "$work/provoked" | grep -vxFf - "$work/sockets" >"$work/names"
  accept
}

# --- the machine
began=$(date +%s)
touch "$work/provoked" "$work/cron.mails" "$work/compares"
configure_machine
start_router
make_bridge
agent=$work/agent
in_router ssh-agent -D -a "$agent" >/dev/null &
check "the agent runs" within 10 test -S "$agent"
SSH_AUTH_SOCK=$agent ssh-add -q "$work/key"
boot_systemd multi-user.target
cp /etc/systemd/system/app-1.service "$work"
for daemon in apache2 avahi-daemon chrony cron dbus dhclient dnsmasq dovecot haproxy jmx mariadb named nginx nmbd postfix@- postgresql@15-main redis-server \
  rpc-statd rpcbind smbd snmpd ssh unbound; do
  check "$daemon runs" within 20 in_systemd systemctl -q is-active "$daemon"
done
sleep 3 # until they have opened their sockets
(cd "$work" && tar xzf "$root"/target/lsm-*-linux-*.tar.gz)
run in_systemd sh -c "cd / && exec $work/lsm-*/install.sh --no-cron"
exits "install.sh" 0
sed -i 's/^SENTRY="off"/SENTRY="report"/' /usr/local/lsm/conf.lsm
check "SENTRY is on" grep -q '^SENTRY="report"' /usr/local/lsm/conf.lsm
touch "$box"
echo "the machine is ready after $(($(date +%s) - began)) s; seed $seed"
day=1
while [ "$day" -le "$days" ]; do
  live "$day"
  evening
  day=$((day + 1))
done
check "the packet filter has the rules of lsm" in_systemd nft list chain inet lsm probe
echo "hosts that probed ports:"
in_systemd /usr/local/sbin/lsm sentry
check "cron had nothing to mail" test ! -s "$work/cron.mails"
cat "$work/cron.mails"
awk '{ total += $4; if ($4 > longest) longest = $4 } END { if (NR) printf "%d compares of %.2f s, %.2f s at most\n", NR, total / NR / 1000, longest / 1000 }' "$work/compares"
echo "took $(($(date +%s) - began)) s"
finish

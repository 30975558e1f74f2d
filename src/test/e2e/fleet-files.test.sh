#!/bin/sh
# lsm diff of several hosts, and the files in conf/ for fleets, in the programs that read them: the rules of Prometheus, the routes and the inhibition of
# Alertmanager, the log of lsm over RELP while the receiver is down and rsyslogd is killed, and the decoders of Wazuh.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate promtool amtool prometheus-alertmanager rsyslogd logger xmllint
ls /usr/lib/*/rsyslog/omrelp.so >/dev/null || skip "rsyslog-relp is missing; .ci/run installs it"

# lacks TEXT FILE
lacks() {
  ! grep -qF -e "$1" "$2"
}

own_dev
install_lsm
for file in prometheus/lsm.rules.yml prometheus/alertmanager.yml rsyslog/lsm.conf wazuh/lsm_decoders.xml wazuh/lsm_rules.xml; do
  check "install.sh installs $file" same "$root/conf/$file" "$prefix/lsm/$file"
done
files=$prefix/lsm

# --- Prometheus
check "promtool takes the rules" promtool check rules "$files/prometheus/lsm.rules.yml"
check "each rule fires when it should" promtool test rules "$scripts/prometheus/lsm.rules.test.yml"
sed 's/> 3 \* 600/> 4 * 600/' "$files/prometheus/lsm.rules.yml" >"$work/lsm.rules.yml"
sed "s,^  - .*/lsm.rules.yml,  - $work/lsm.rules.yml," "$scripts/prometheus/lsm.rules.test.yml" >"$work/lsm.rules.test.yml"
run promtool test rules "$work/lsm.rules.test.yml"
exits "the test of the rules finds a wrong one" 1
for name in LsmSocketNew LsmSocketGone LsmSocketChanged LsmPortScan LsmNoBaseline LsmScanFailed; do
  check "no rule has the name of an alert that lsm posts: $name" lacks "alert: $name" "$files/prometheus/lsm.rules.yml"
done

# --- Alertmanager
example=$files/prometheus/alertmanager.yml
check "amtool takes the example" amtool check-config "$example"
# routes RECEIVER LABEL=VALUE...
routes() {
  receiver=$1
  shift
  check "to $receiver: $*" amtool config routes test --config.file="$example" --verify.receivers="$receiver" "$@"
}
routes mail alertname=LsmSocketNew severity=normal role=web socket=tcp/0.0.0.0:80
routes mail alertname=LsmSocketGone severity=normal
routes mail alertname=LsmAlertsWaiting severity=normal
routes mail alertname=DiskFull severity=high
routes page alertname=LsmSocketChanged severity=high
routes page alertname=LsmNoBaseline severity=high
routes page alertname=LsmNotComparing severity=high
routes page alertname=LsmMetricsMissing severity=high
routes digest alertname=LsmSocketNew severity=low

am=http://127.0.0.1:9093
prometheus-alertmanager --config.file="$example" --storage.path="$work/am" --web.listen-address=127.0.0.1:9093 \
  --cluster.listen-address= >"$work/am.log" 2>&1 &
alertmanager=$!
check "Alertmanager starts with the example" within 20 amtool --alertmanager.url=$am alert query
post() {
  check "posted: $*" amtool --alertmanager.url=$am alert add "$@"
}
post alertname=HostDown instance=web1.example.org severity=high
post alertname=LsmSocketGone instance=web1.example.org severity=normal socket=tcp/0.0.0.0:80
post alertname=LsmSocketNew instance=web1.example.org severity=normal role=web socket=tcp/0.0.0.0:8443
post alertname=LsmSocketNew instance=web1.example.org severity=normal role=web socket=tcp/0.0.0.0:84430
post alertname=LsmSocketGone instance=web2.example.org severity=normal socket=tcp/0.0.0.0:80
inhibited() {
  amtool --alertmanager.url=$am alert query --inhibited -o extended >"$work/inhibited"
  test "$(grep -c LsmSocket "$work/inhibited")" -eq 1 && grep -q 'LsmSocketGone.*web1\.example\.org' "$work/inhibited"
}
check "only what is gone from the host that is down is inhibited" within 20 inhibited
sed -n '/^amtool silence add/,/^\.\.\.\./p' "$root/src/main/man/lsm-fleet.adoc" | sed '$d' >"$work/silence"
check "the manual has a silence for a deployment" grep -q 'role=web' "$work/silence"
check "Alertmanager takes it" sh -c "$(sed "s,^amtool,& --alertmanager.url=$am," "$work/silence")"
silenced() {
  amtool --alertmanager.url=$am alert query --silenced -o extended >"$work/silenced"
  test "$(grep -c 'LsmSocket' "$work/silenced")" -eq 1 && grep -q 'LsmSocketNew.*tcp/0\.0\.0\.0:8443"' "$work/silenced"
}
check "it silences this socket alone" within 20 silenced
kill "$alertmanager"
wait "$alertmanager" 2>/dev/null

# --- hosts against each other, which here are one host with three names
configure
baseline
open_sockets tcp/0.0.0.0:80
for name in web1 web2 web3; do
  [ $name != web3 ] || close_sockets
  # shellcheck disable=SC2016  # for the other shell
  run unshare --uts sh -c 'hostname "$1" && "$2" list --format snapshot' sh $name "$lsm"
  exits "a snapshot of $name" 0
  printf '%s\n' "$out" >"$work/$name.snapshot"
done
run "$lsm" compare --baseline "$work/web3.snapshot"
exits "it can stand for a baseline" 0
run "$lsm" diff "$work"/web*.snapshot
exits "the hosts differ" 1
prints "web3 lacks what the others have" "on 2 of 3, not on web3"
run "$lsm" diff "$work/web1.snapshot" "$work/web2.snapshot" "$work/web1.snapshot"
exits "the same hosts do not" 0
run as_nobody "$lsm" list --format snapshot
exits "a snapshot without root privileges" 0
prints "it is one" "lsm-snapshot"

# --- rsyslog: the snippet as it is, but for the target
mkdir "$work/spool"
snippet=$work/forward.conf
sed 's/target="log\.example\.org"/target="127.0.0.1"/' "$files/rsyslog/lsm.conf" >"$snippet"
cat >"$work/rsyslog.conf" <<CONF
global(workDirectory="$work/spool" maxMessageSize="16k")
module(load="imuxsock")
auth.* action(type="omfile" file="$work/sent.log" template="RSYSLOG_SyslogProtocol23Format")
include(file="$snippet")
CONF
cat >"$work/receiver.conf" <<CONF
global(workDirectory="$work/spool" maxMessageSize="16k")
module(load="imrelp")
input(type="imrelp" port="2514" address="127.0.0.1")
template(name="received" type="string" string="%msg%\n")
action(type="omfile" file="$work/received.log" template="received")
CONF
start_receiver() {
  rsyslogd -f "$work/receiver.conf" -i "$work/receiver.pid" -n 2>"$work/receiver.err" &
  receiver=$!
}
check "rsyslogd takes the snippet" rsyslogd -N 1 -f "$work/rsyslog.conf"
start_rsyslog

configure 'EPHEMERAL="none"'
set_key SYSLOG yes
: >"$files/ignore.lsm" # all sockets of the test are watched
baseline
# differ PORT: one more socket, which is logged.
differ() {
  open_sockets "tcp/0.0.0.0:$1"
  run "$lsm" compare
  exits "a new socket on port $1" 1
  check "it is logged here" within 10 grep -q "NEW .*tcp/0\.0\.0\.0:$1 " "$work/sent.log"
}
# received PORT...: these sockets; one that waited during the crash may come twice.
received() {
  for port in "$@"; do
    grep -q "NEW .* socket=\"tcp/0\.0\.0\.0:$port\"" "$work/received.log" || return 1
  done
}
differ 4441
logger --tag=other --priority=auth.alert "of another program"
kill -KILL "$rsyslog" # as in a crash, while the line waits
wait "$rsyslog" 2>/dev/null
rm /dev/log "$work/rsyslog.pid"
start_rsyslog
differ 4442
check "the lines wait on the disk" within 10 sh -c "ls '$work'/spool/lsm-relp.0*"
start_receiver
check "the receiver is up: both lines arrive" within 60 received 4441 4442
kill "$receiver"
wait "$receiver" 2>/dev/null
differ 4443
# The longest line that logger writes.
logger --tag=lsm --priority=auth.alert --size=8192 "$(printf '%08100d' 0) the end"
start_receiver
check "it was down again: the third line arrives" within 60 received 4441 4442 4443
check "a line of 8 KiB arrives whole" within 20 grep -q '^ *0\{8100\} the end$' "$work/received.log"
check "lines of other programs are not forwarded" lacks "of another program" "$work/received.log"
sed 's/^/        /' "$work/received.log" | cut -c 1-200

# --- Wazuh: the decoders, by Perl in place of PCRE2, on what has arrived and on a name with quotation marks
check "the rules are well-formed" xmllint --noout "$files/wazuh/lsm_rules.xml"
{ echo '<decoders>'; cat "$files/wazuh/lsm_decoders.xml"; echo '</decoders>'; } >"$work/decoders.xml"
check "the decoders are well-formed" xmllint --noout "$work/decoders.xml"
open_sockets 'unix-stream/@a" kind="SCAN" socket="forged'
run "$lsm" compare
exits "a name that forges pairs" 1
check "it arrives" within 60 grep -q '@a' "$work/received.log"
count=$(xmllint --xpath 'count(//decoder[regex])' "$work/decoders.xml")
: >"$work/patterns"
for i in $(seq "$count"); do
  xmllint --xpath "concat((//decoder[regex])[$i]/order, '	', (//decoder[regex])[$i]/regex)" "$work/decoders.xml" >>"$work/patterns"
done
check "there are decoders for all pairs" test "$(wc -l <"$work/patterns")" -eq 8
check "all of them are PCRE2" test "$(xmllint --xpath 'count(//regex[@type="pcre2"])' "$work/decoders.xml")" -eq 8
# decoded TEXT PAIR...: what the decoders find in the line with this text.
decoded() {
  text=$1
  shift
  # shellcheck disable=SC2016  # Perl
  grep -hF -e "$text" "$work/received.log" "$work/lines" | head -n 1 | perl -e '
    open my $patterns, "<", shift;
    my $line = <STDIN>;
    while (<$patterns>) { chomp; my ($name, $regex) = split /\t/; print "$name=$1\n" if $line =~ /$regex/ }' \
    "$work/patterns" >"$work/fields"
  for pair in "$@"; do
    check "Wazuh: $pair" grep -qxF -e "$pair" "$work/fields"
  done
}
# From the manual: a port scan, and what a line about lsm itself looks like.
printf '%s\n' 'SCAN 203.0.113.9: 3 packets (SYN) to unused ports tcp 21,23,25, blocked address="203.0.113.9" blocked="yes" kind="SCAN" kinds="syn" ports="tcp 21,23,25"' >"$work/lines"
check "the manual has this line" sh -c "grep -qF -f '$work/lines' '$root/src/main/man/lsm-alerts.adoc'"
decoded 'tcp/0.0.0.0:4441' lsm.kind=NEW lsm.severity=high lsm.socket=tcp/0.0.0.0:4441 "lsm.owners=$(readlink -f "$(command -v perl)") $scripts/sockets.pl (root)"
decoded '@a' lsm.kind=NEW 'lsm.socket=unix/@a\" kind=\"SCAN\" socket=\"forged'
decoded 'SCAN 203' lsm.kind=SCAN srcip=203.0.113.9 lsm.blocked=yes 'lsm.ports=tcp 21,23,25'
rules=$files/wazuh/lsm_rules.xml
for field in $(xmllint --xpath '//field/@name' "$rules" | sed 's/.*="//; s/"$//' | sort -u); do
  check "the decoders know the field of the rules: $field" grep -q "^$field	" "$work/patterns"
done
check "the numbers of the rules are unique" test -z "$(xmllint --xpath '//rule/@id' "$rules" | sort | uniq -d)"
check "and from 100000 to 120000" test "$(xmllint --xpath 'count(//rule[@id >= 100000 and @id <= 120000])' "$rules")" -eq 8
rm "$state/baseline"
run "$lsm" compare
exits "no baseline" 2
check "the line about it arrives" within 60 grep -q 'the baseline cannot be read' "$work/received.log"
pattern=$(xmllint --xpath 'string(//rule/match)' "$rules")
check "Wazuh: the rule for it matches" grep -qP -e "$pattern" "$work/received.log"
finish

#!/bin/sh
# Many hosts and one Alertmanager: 21 hosts, each a network and UTS namespace with lsm, a node-exporter, and a state and
# configuration of its own; two Alertmanagers as a cluster; Prometheus; and a receiver of notifications. All that has been notified
# is compared each time, so that a notification too many is a failure as well.
# Time is shortened in three places: Alertmanager's waits are seconds; pass_time takes the place of the 30 minutes after which a
# difference is resolved; and the time stamp in a metrics file is set back in place of the intervals without a compare.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate prometheus prometheus-alertmanager prometheus-node-exporter amtool nsenter
ip link add lsm-e2e type bridge 2>/dev/null || skip "cannot create a bridge"
ip link delete lsm-e2e

rollout=$(seq -f 'web%02g' 1 20 | paste -s -d ' ' -)
fleet="$rollout web21"
domain=fleet.test
notified=$work/notified
mkdir "$notified" "$work/hosts"

# --- the network: this namespace is 192.0.2.1, the servers .2 to .5, web01 to web21 .101 to .121
ip link add br0 type bridge
ip address add 192.0.2.1/24 dev br0
ip link set br0 up
echo "127.0.0.1 localhost" >"$work/etc-hosts"
mount --bind "$work/etc-hosts" /etc/hosts

# connect NAME NAMESPACE NUMBER: connects this namespace, a name or a PID, and gives it a name.
connect() {
  ip link add "$1" type veth peer name eth0 netns "$2"
  ip link set "$1" master br0 up
  echo "192.0.2.$3 $1.$domain $1" >>/etc/hosts
}

number=1
for server in am1 am2 monitor receiver; do
  number=$((number + 1))
  ip netns add "$server"
  connect "$server" "$server" "$number"
  ip -n "$server" address add "192.0.2.$number/24" dev eth0
  ip -n "$server" link set eth0 up
  ip -n "$server" link set lo up
done

# on HOST COMMAND...: on this host, which ends with the command if that is killed.
cat >"$work/on" <<END
host=\$1
shift
export LSM_CONF="$work/hosts/\$host/conf.lsm"
exec nsenter -t "\$(cat "$work/hosts/\$host/pid")" --net --uts "\$@"
END
on() {
  sh "$work/on" "$@"
}

# start_host NAME NUMBER: its first process is the node-exporter.
start_host() {
  dir=$work/hosts/$1
  mkdir "$dir" "$dir/metrics"
  mkdir -m 700 "$dir/state"
  # shellcheck disable=SC2016  # for the other shell
  unshare --net --uts sh -c 'hostname "$1" && ip link set lo up && echo $$ >"$2/pid.new" && mv "$2/pid.new" "$2/pid" &&
    exec prometheus-node-exporter --collector.disable-defaults --collector.textfile --collector.textfile.directory="$2/metrics"' \
    sh "$1" "$dir" >"$dir/log" 2>&1 &
  within 10 test -e "$dir/pid"
  connect "$1" "$(cat "$dir/pid")" "$2"
  on "$1" ip address add "192.0.2.$2/24" dev eth0
  on "$1" ip link set eth0 up
  conf=$dir/conf.lsm
  state=$dir/state
  configure "ALERTMANAGER_URL=\"http://am1.$domain:9093 http://am2.$domain:9093\"" 'ALERTMANAGER_LABELS="role=web"' \
    "METRICS_FILE=\"$dir/metrics/lsm.prom\""
}

# everywhere HOSTS STATUS COMMAND...: lsm exits with this status on each of these hosts; four at a time.
cat >"$work/lsm" <<END
cd "$work/hosts/\$1"
shift
status=0
sh "$work/on" "\${PWD##*/}" "$lsm" "\$@" >out 2>&1 </dev/null || status=\$?
echo "\$status" >status
END
everywhere() {
  these=$1
  wanted=$2
  shift 2
  echo "$these" | tr ' ' '\n' | xargs -P 4 -I NAME sh "$work/lsm" NAME "$@"
  wrong=
  for host in $these; do
    [ "$(cat "$work/hosts/$host/status")" -eq "$wanted" ] ||
      wrong="$wrong; $host: $(cat "$work/hosts/$host/status"): $(head -n 5 "$work/hosts/$host/out")"
  done
  if [ -z "$wrong" ]; then pass "lsm $*"; else fail "lsm $*: not $wanted$wrong"; fi
}

# pass_time_on HOSTS MINUTES
pass_time_on() {
  for host in $1; do
    state=$work/hosts/$host/state
    pass_time "$2"
    pass_time "$2" alertmanager-state
  done
}

# --- what the servers say

get() {
  perl -MHTTP::Tiny -e '$r = HTTP::Tiny->new(timeout => 10)->get(shift); print $r->{content}; exit !$r->{success}' "$1"
}

# cluster_has NODE COUNT: it has found so many nodes.
cluster_has() {
  # shellcheck disable=SC2016  # Perl
  get "http://$1:9093/api/v2/status" | perl -MJSON::PP -0777 -ne '
    BEGIN { $count = shift }
    my $cluster = decode_json($_)->{cluster};
    exit !($cluster->{status} eq "ready" && @{$cluster->{peers}} == $count)' "$2"
}

# alerts NODE MATCHER: those that it has, one a line: STATE INSTANCE ALERTNAME, the hours until they end, PROGRAM.
alerts() {
  # shellcheck disable=SC2016  # Perl
  get "http://$1:9093/api/v2/alerts?filter=$2" | perl -MJSON::PP -MTime::Piece -0777 -ne '
    for my $alert (@{decode_json($_)}) {
      my $labels = $alert->{labels};
      my $ends = Time::Piece->strptime($alert->{endsAt} =~ s/[.Z].*//r, "%Y-%m-%dT%H:%M:%S")->epoch;
      printf "%s %s %s %.0f %s\n", $alert->{status}{state}, $labels->{instance}, $labels->{alertname}, ($ends - time) / 3600,
        $labels->{program} // "-";
    }' | sort
}

# has_alerts COUNT NODE MATCHER
has_alerts() {
  test "$(alerts "$2" "$3" | wc -l)" -eq "$1"
}

# notifications: those that have come, one a line: ALERTNAME SOCKET, and the number of instances that fire and that are resolved.
notifications() {
  # shellcheck disable=SC2016  # Perl
  find "$notified" -name '*.json' | sort | xargs -r perl -MJSON::PP -0777 -ne '
    my $group = decode_json($_);
    my %instances;
    $instances{$_->{status}}{$_->{labels}{instance}} = 1 for @{$group->{alerts}};
    printf "%s %s %s\n", $group->{groupLabels}{alertname}, $group->{groupLabels}{socket} // "-",
      join "+", map { scalar keys %{$instances{$_}} } qw(firing resolved)'
}

# firing: INSTANCE ALERTNAME SOCKET PROGRAM of what has been notified as firing, and not as resolved since then.
firing() {
  # shellcheck disable=SC2016  # Perl
  find "$notified" -name '*.json' | sort | xargs -r perl -MJSON::PP -0777 -ne '
    for my $alert (@{decode_json($_)->{alerts}}) {
      $status{join " ", map { $_ // "-" } @{$alert->{labels}}{qw(instance alertname socket program)}} = $alert->{status};
    }
    END { print map { "$_\n" } grep { $status{$_} eq "firing" } sort keys %status }'
}

has_notifications() {
  test "$(find "$notified" -name '*.json' | wc -l)" -ge "$1"
}

# mark SOCKET; both_decided: since then, each node has decided about this group of alerts. It does so again and again, and says
# so when it begins.
begun() {
  grep -c "$marked.*msg=flushing" "$work/$1.log"
}
mark() {
  marked=$1
  before1=$(begun am1)
  before2=$(begun am2)
}
both_decided() {
  test "$(begun am1)" -ge $((before1 + 2)) && test "$(begun am2)" -ge $((before2 + 2))
}

# notified WHAT [LINE...]: this is notified, in any order, and nothing else.
: >"$work/expected"
notified() {
  what=$1
  shift
  [ $# -eq 0 ] || printf '%s\n' "$@" >>"$work/expected"
  within $((group_wait + 200)) has_notifications "$(wc -l <"$work/expected")"
  sort "$work/expected" >"$work/sorted"
  notifications | sort >"$work/got"
  check "$what" same "$work/sorted" "$work/got"
}

# --- the hosts, of which each has a service that another will replace
install_lsm
number=100
for host in $fleet; do
  number=$((number + 1))
  start_host "$host" "$number"
done
for program in first second third; do
  cp "$scripts/sockets.pl" "$work/$program.pl"
done
# A program whose severity is normal: neither an interpreter nor in /tmp.
mount -t tmpfs -o mode=755 lsm-e2e /srv
cp "$(command -v perl)" /srv/web
# serve PROGRAM: on web21, this script at port 8080.
serve() {
  hold sh "$work/on" web21 perl "$work/$1.pl" tcp/0.0.0.0:8080
  server=$holder
}
serve first
began=$(date +%s)
everywhere "$fleet" 0 generate
# Alertmanager has to wait longer than all hosts need to compare, also where other work begins meanwhile.
group_wait=$((3 * ($(date +%s) - began) + 45))

# --- the servers, which do not wait with severity high
sed -e '/^receivers:/,$d' -e "s/group_wait: \(30s\|1m\)\$/group_wait: 1s/" -e "s/group_wait: 11m/group_wait: ${group_wait}s/" \
  -e "s/group_interval: 11m/group_interval: 6s/" \
  "$root/conf/prometheus/alertmanager.yml" >"$work/alertmanager.yml"
echo "receivers:" >>"$work/alertmanager.yml"
for receiver in mail page digest; do
  printf '  - name: %s\n    webhook_configs:\n      - url: http://receiver.%s:8000/%s\n' $receiver $domain $receiver >>"$work/alertmanager.yml"
done
start_alertmanager() {
  ip netns exec "am$1" prometheus-alertmanager --config.file="$work/alertmanager.yml" --storage.path="$work/am$1" \
    --cluster.listen-address="192.0.2.$((1 + $1)):9094" --cluster.peer=192.0.2.2:9094 --cluster.peer=192.0.2.3:9094 \
    --cluster.peer-timeout=5s --log.level=debug --cluster.reconnect-interval=1s >>"$work/am$1.log" 2>&1 &
}
hold ip netns exec receiver perl "$scripts/receiver.pl" "$notified" 192.0.2.5:8000
start_alertmanager 1
am1=$!
start_alertmanager 2
cat >"$work/prometheus.yml" <<END
global:
  scrape_interval: 2s
  evaluation_interval: 2s
rule_files:
  - $root/conf/prometheus/lsm.rules.yml
alerting:
  # As lsm.rules.yml says, for hosts that post themselves.
  alert_relabel_configs:
    - source_labels: [alertname]
      regex: LsmDifferences|LsmScanningHosts
      action: drop
  alertmanagers:
    - static_configs:
        - targets: ["am1.$domain:9093", "am2.$domain:9093"]
scrape_configs:
  - job_name: node
    relabel_configs:
      - source_labels: [__address__]
        regex: '(.+):\d+'
        target_label: instance
    static_configs:
      - labels:
          role: web
        targets:
$(for host in $fleet; do echo "          - $host.$domain:9100"; done)
END
ip netns exec monitor prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" >"$work/prometheus.log" 2>&1 &
check "the cluster has two nodes" within 60 cluster_has am1 2
check "both know it" within 60 cluster_has am2 2
everywhere "web01 web21" 0 compare --quiet
check "with nothing new, nothing is posted" has_alerts 0 am1 'instance!=""'

# --- a rollout
port='socket="tcp/0.0.0.0:8443"'
for host in $rollout; do
  hold sh "$work/on" "$host" /srv/web "$scripts/sockets.pl" tcp/0.0.0.0:8443
  holders="${holders:-} $holder"
done
everywhere "$rollout" 1 compare --quiet
mark 8443
notified "a new port on 20 hosts is one notification with 20 instances" "LsmSocketNew tcp/0.0.0.0:8443 20+0"
check "both nodes have decided about it" within 120 both_decided
for node in am1 am2; do
  check "$node has it for 24 hours from 20 hosts" test "$(alerts $node "$port" | grep -c '^active .* LsmSocketNew 24')" -eq 20
done
everywhere "web01 web02" 1 compare --quiet
mark 8443
check "both nodes have decided again" within 120 both_decided
notified "the next compare is not notified"

# --- a silence
run amtool --alertmanager.url=http://am1:9093 silence add -a test -c rollout -d 1h alertname=LsmSocketNew socket=tcp/0.0.0.0:8443
exits "a silence" 0
silence=$out
hold sh "$work/on" web21 /srv/web "$scripts/sockets.pl" tcp/0.0.0.0:8443
holders="$holders $holder"
close_sockets "$server"
serve second
everywhere web21 1 compare --quiet
mark 8443
check "both nodes have decided about a further host" within 120 both_decided
notified "it is silenced, and no other alert of this host" "LsmSocketChanged tcp/0.0.0.0:8080 1+0"
for node in am1 am2; do
  check "all is silenced at $node" test "$(alerts $node "$port" | grep -c ^suppressed)" -eq 21
done
run amtool --alertmanager.url=http://am2:9093 silence expire "$silence"
exits "the silence ends" 0
notified "the further host is notified then" "LsmSocketNew tcp/0.0.0.0:8443 21+0"
mark 8443
check "both nodes have decided about it" within 120 both_decided

# --- a node is killed, which has passed on what it has notified; another script takes the port once more
kill -KILL "$am1"
wait "$am1" 2>/dev/null
hold sh "$work/on" web05 perl "$scripts/sockets.pl" tcp/0.0.0.0:9000
holders="$holders $holder"
close_sockets "$server"
serve third
everywhere "web05 web21" 1 compare --quiet
run on web05 "$lsm" status
exits "status finds a fault" 1
prints "it names the node that is killed" "last failure: Alertmanager http://am1.$domain:9093: "
check "it names no other" test "$(grep -c 'last failure' "$work/run.out")" -eq 1
notified "one node killed loses nothing; a replaced owner resolves the old label set" \
  "LsmSocketNew tcp/0.0.0.0:9000 1+0" "LsmSocketChanged tcp/0.0.0.0:8080 1+1"
check "the new owner alone is active" test "$(alerts am2 'socket="tcp/0.0.0.0:8080"' | sed 's/ .*[ /]/ /')" = "active third.pl"
start_alertmanager 1
check "the node is back" within 60 cluster_has am1 2
everywhere "web05 web21" 1 compare --quiet
mark 9000
check "it has all alerts of a host that compares" within 10 has_alerts 4 am1 'alertname=~"LsmSocket.*"'
check "both nodes have decided" within 120 both_decided
notified "nothing is notified again"
run on web05 "$lsm" status
check "status finds no failure any more" test "$(grep -c 'last failure' "$work/run.out")" -eq 0

# --- cron is killed: web07 does not compare any more
sed -i "s/^\(lsm_last_success_timestamp_seconds\) .*/\1 $(($(date +%s) - 31 * 60))/" "$work/hosts/web07/metrics/lsm.prom"
notified "three intervals without a compare fire the dead-man's switch" "LsmNotComparing - 1+0"
check "they resolve nothing" test "$(alerts am2 "$port" | grep -c '^active web07.* LsmSocketNew 24')" -eq 1
everywhere web07 1 compare --quiet
notified "a compare resolves it" "LsmNotComparing - 0+1"

# --- each host compares again, so that the node that was killed has all alerts, too; else it would take a group for resolved
# as soon as the first of its hosts is
everywhere "$fleet" 1 compare --quiet
for node in am1 am2; do
  check "$node has the alerts of all hosts" within 10 has_alerts 23 $node 'alertname=~"LsmSocket.*"'
done
mark 8443
check "both nodes have decided about them" within 120 both_decided
notified "they are not notified again"

# --- all is closed; each host is notified within some group_interval
close_sockets "$server"
# shellcheck disable=SC2086  # words
close_sockets $holders
serve first
everywhere "web01 web02" 0 compare --quiet
check "nothing is resolved at once" test "$(alerts am2 "$port" | grep -c ^active)" -eq 21
check "everything fires at the receiver" test "$(firing | wc -l)" -eq 23
firing >"$work/fired"
before=$(find "$notified" -name '*.json' | wc -l)
pass_time_on "$fleet" 31
everywhere "$fleet" 0 compare --quiet
for node in am1 am2; do
  check "all is resolved at $node" within 10 has_alerts 0 $node 'alertname=~"Lsm.*"'
done
# resolved_after NUMBER: the alerts that notifications behind so many resolved.
resolved_after() {
  # shellcheck disable=SC2016  # Perl
  find "$notified" -name '*.json' | sort | tail -n +$(($1 + 1)) | xargs -r perl -MJSON::PP -0777 -ne '
    for my $alert (grep { $_->{status} eq "resolved" } @{decode_json($_)->{alerts}}) {
      $resolved{join " ", map { $_ // "-" } @{$alert->{labels}}{qw(instance alertname socket program)}} = 1;
    }
    END { print map { "$_\n" } sort keys %resolved }'
}
# Where both nodes notify at the same time, what the slower one says of the others may arrive last.
all_are_resolved() {
  resolved_after "$before" >"$work/resolved"
  test -s "$work/fired" -a -z "$(LC_ALL=C comm -13 "$work/resolved" "$work/fired")"
}
check "all is resolved at the receiver" within 120 all_are_resolved
finish

#!/bin/sh
# Two nodes of Debian's Alertmanager: one with TLS and a password, one with a path prefix.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate prometheus-alertmanager amtool openssl
cd "$work" || exit

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=am1 \
  -addext subjectAltName=IP:127.0.0.1 2>/dev/null
cat >web.yml <<CONF
tls_server_config: { cert_file: cert.pem, key_file: key.pem }
basic_auth_users: { lsm: '$(perl -e 'print crypt("s3cret word", q($2b$05$abcdefghijklmnopqrstuu))')' }
CONF
cat >client.yml <<CONF
tls_config: { ca_file: cert.pem }
basic_auth: { username: lsm, password: s3cret word }
CONF
printf 'route: { receiver: none }\nreceivers: [ { name: none } ]\n' >alertmanager.yml

# start_node NUMBER OPTION...: $node is its PID.
start_node() {
  number=$1
  shift
  prometheus-alertmanager --config.file=alertmanager.yml --storage.path="am$number" --web.listen-address="127.0.0.1:909$number" \
    --cluster.listen-address="127.0.0.1:919$number" --cluster.peer=127.0.0.1:9191 "$@" >"am$number.log" 2>&1 &
  node=$!
}

# alerts NUMBER: the names, sockets and programs of the alerts that fire there.
alerts() {
  case $1 in
    1) amtool --alertmanager.url https://127.0.0.1:9091 --http.config.file client.yml alert query -o json ;;
    2) amtool --alertmanager.url http://127.0.0.1:9092/am alert query -o json ;;
  esac >alerts.json && perl -MJSON::PP -0777 -ne '
    print join " ", map { $_ // "-" } @{$_->{labels}}{qw(alertname role socket user)}, "\n" for @{decode_json($_)}' alerts.json | sort
}

# fires NUMBER LINE...: exactly these alerts fire.
fires() {
  number=$1
  shift
  alerts "$number" >fires || return
  printf '%s \n' "$@" | sed '/^ $/d' | cmp -s - fires || { sed 's/^/        /' fires; return 1; }
}

start_node 1 --web.config.file=web.yml
first=$node
start_node 2 --web.route-prefix=/am
second=$node

install_lsm
printf 'Authorization: Basic %s\n' "$(printf 'lsm:s3cret word' | base64)" >headers
chmod 600 headers
configure 'ALERTMANAGER_URL="https://127.0.0.1:9091 http://127.0.0.1:9092/am/"' 'ALERTMANAGER_LABELS="role=web"' \
  "ALERTMANAGER_HEADERS_FILE=\"$work/headers\"" "ALERTMANAGER_CA=\"$work/cert.pem\""
echo '* * program=/usr/bin/prometheus-alertmanager' >>"$prefix/lsm/ignore.lsm"
baseline
check "both nodes accept a test alert" within 20 "$lsm" test-alert
run "$lsm" status
prints "status names the first" "alertmanager https://127.0.0.1:9091"

# --- a difference
test='LsmTest web - -'
open_sockets tcp/127.0.0.1:4444
run "$lsm" compare --quiet
exits "a new socket" 1
prints_nothing "a new socket"
new='LsmSocketNew web tcp/127.0.0.1:4444 root'
check "the first node has it" fires 1 "$new" "$test"
check "the second node has it" fires 2 "$new" "$test"
close_sockets

# --- another owner
cp "$scripts/sockets.pl" sockets.pl
hold setpriv --reuid nobody --regid nogroup --clear-groups perl sockets.pl tcp/127.0.0.1:4444
run "$lsm" compare --quiet
exits "another owner" 1
other='LsmSocketNew web tcp/127.0.0.1:4444 nobody'
check "the first node has only the new owner" fires 1 "$other" "$test"
check "the second node has only the new owner" fires 2 "$other" "$test"

# --- nodes that fail
kill "$first"
wait "$first" 2>/dev/null
run "$lsm" compare --quiet
exits "one node is down: the other one has it" 1
prints_one_error "one node is down: it is said"
prints "one node is down: its URL is named" "Alertmanager https://127.0.0.1:9091: connection refused"
run "$lsm" compare --quiet
prints_nothing "one node is down: it is said once"
run "$lsm" status
exits "one node is down: status" 1
prints "one node is down: status names it" "! alertmanager https://127.0.0.1:9091"
kill "$second"
wait "$second" 2>/dev/null
run "$lsm" compare --quiet
exits "both are down" 3
prints "both are down: the second is named" "Alertmanager http://127.0.0.1:9092/am: connection refused"
start_node 1 --web.config.file=web.yml
start_node 2 --web.route-prefix=/am
check "both are up again" within 20 fires 1
check "the second node lost all" within 20 fires 2
echo 'Authorization: Basic bHNtOndyb25n' >headers
run "$lsm" compare --quiet
exits "a wrong password: the other node has it" 1
prints "a wrong password" "answered with status 401"
check "a wrong password is not printed" test "${err#*bHNt}" = "$err"
check "the second node has it again" fires 2 "$other"
printf 'Authorization: Basic %s\n' "$(printf 'lsm:s3cret word' | base64)" >headers
run "$lsm" compare --quiet
prints_nothing "the right password"
check "the first node has it again" fires 1 "$other"
set_key ALERTMANAGER_URL "https://127.0.0.1:9092/am"
run "$lsm" test-alert
exits "https where the server has http" 3
set_key ALERTMANAGER_URL "https://127.0.0.1:9091 http://127.0.0.1:9092"
run "$lsm" test-alert
exits "without the prefix" 3
prints "without the prefix" "answered with status 404"
set_key ALERTMANAGER_URL "https://127.0.0.1:9091 http://127.0.0.1:9092/am/"

# --- the end
close_sockets
for file in alert-state alertmanager-state; do
  pass_time 31 "$file"
done
run "$lsm" compare --quiet
exits "half an hour after its end" 0
check "the first node resolves it" fires 1 "$test"
check "the second node resolves it" fires 2
check "it is posted for a while" test -s "$state/alertmanager-state"
pass_time 16 alertmanager-state
run "$lsm" compare --quiet
exits "later" 0
check "nothing is left to be posted" absent "$state/alertmanager-state"

finish

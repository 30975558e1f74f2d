#!/bin/sh
# The playbook in src/doc/ansible, run by Ansible on two hosts, which are namespaces with their own name, network, /usr/local,
# /var/lib and cron.d: one with a declared baseline, one that learns it.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
own_machine ansible-playbook nsenter setpriv

# start_host NAME: in the background; then on_host NAME COMMAND... runs a command there.
start_host() {
  # shellcheck disable=SC2016  # for the other shell
  unshare --mount --uts --net sh -c '
    hostname "$1" && ip link set lo up && mkdir -p /etc/cron.d &&
      for dir in /usr/local /var/lib /etc/cron.d; do mount -t tmpfs -o mode=755 host "$dir" || exit 1; done &&
      mkdir /usr/local/sbin /usr/local/src /usr/local/share && echo ready >"$2" && exec sleep 1000' sh "$1" "$work/$1.ready" &
  echo $! >"$work/$1.pid"
  check "the host $1 is there" within 10 test -s "$work/$1.ready"
}
on_host() {
  host=$1
  shift
  nsenter --target "$(cat "$work/$host.pid")" --mount --uts --net "$@"
}
# serve HOST SOCKET: opens it there; $server is the PID.
serve() {
  rm -f "$work/opened"
  nsenter --target "$(cat "$work/$1.pid")" --mount --uts --net perl "$scripts/sockets.pl" "$2" <>"$work/forever" >"$work/opened" &
  server=$!
  check "$1 serves $2" within 10 grep -qx ready "$work/opened"
}

mkdir -p /dev/shm # Ansible starts processes of Python with it
cp -R "$root/src/doc/ansible" "$work/play"
tarball=$(ls "$root"/target/lsm-*-linux-*.tar.gz)
version=${tarball##*/lsm-}
version=${version%-linux-*}
cat >"$work/play/inventory.yml" <<END
all:
  vars:
    ansible_connection: local
  children:
    web: {hosts: {web1: {ansible_python_interpreter: $work/web1.python}}, vars: {lsm_role: web, lsm_baseline: declared}}
    db: {hosts: {db1: {ansible_python_interpreter: $work/db1.python}}, vars: {lsm_role: db}}
END
for host in web1 db1; do
  start_host $host
  # Ansible starts its modules with this, and all that they do is on that host.
  printf '#!/bin/sh\nexec nsenter --target %s --mount --uts --net /usr/bin/python3 "$@"\n' "$(cat "$work/$host.pid")" >"$work/$host.python"
  chmod 755 "$work/$host.python"
done
perl=$(readlink -f "$(command -v perl)")
echo "require tcp *:80 program=$perl user=root" >"$work/play/rules/web.lsm"
echo "# nothing is declared" >"$work/play/rules/db.lsm"
serve db1 tcp/0.0.0.0:5432
serve web1 tcp/0.0.0.0:80
web=$server

# play: runs the playbook.
play() {
  run env ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=false ansible-playbook -i "$work/play/inventory.yml" \
    -e "lsm_version=$version lsm_tarball=$tarball" "$work/play/lsm.yml"
  printf '%s\n' "$out" | sed -n '/^PLAY RECAP/,$p' | sed 's/^/        /'
}
# compares HOST STATUS: lsm compare exits there with this status.
compares() {
  run on_host "$1" /usr/local/sbin/lsm compare --no-alert
  exits "$1: lsm compare exits with $2" "$2"
}

play
exits "the playbook installs lsm" 0
[ "$status" -eq 0 ] || { finish; exit 1; } # the rest is pointless
for host in web1 db1; do
  check "$host: the version" test "$(on_host $host /usr/local/sbin/lsm --version)" = "lsm $version"
  check "$host: its configuration is for root only" test "$(on_host $host stat -c %a%U /usr/local/lsm/conf.lsm)" = 600root
  check "$host: cron runs it" on_host $host grep -q /usr/local/sbin/lsm /etc/cron.d/lsm
  compares $host 0
  prints "$host: it knows its name" "$host: no difference"
done
check "db1 has learned its baseline" on_host db1 grep -q 5432 /var/lib/lsm/baseline
check "web1 has learned nothing" on_host web1 test ! -e /var/lib/lsm/baseline
play
exits "the playbook runs again" 0
check "it changes nothing" test "$(printf '%s\n' "$out" | grep -c 'changed=0 .*failed=0')" -eq 2

# --- the policy of the role
serve web1 tcp/0.0.0.0:4444
compares web1 1
prints "web1: no rule allows it" "[high] NEW tcp/0.0.0.0:4444 "
echo "allow tcp *:4444 program=$perl user=root" >>"$work/play/rules/web.lsm"
play
exits "the playbook brings a rule" 0
compares web1 0
close_sockets "$server" "$web"
compares web1 1
prints "web1: what a rule requires is gone" "GONE tcp/*:80 "
prints "web1: it names the rule" "rules.d/role.lsm:1"

# --- a mistake reaches no host
echo "allow tpc *:81" >>"$work/play/rules/web.lsm"
play
exits "a rule with a mistake" 2
prints "the error names the line" ":3: "
check "web1 keeps the rules that it had" on_host web1 sh -c '! grep -q tpc /usr/local/lsm/rules.d/role.lsm'
finish

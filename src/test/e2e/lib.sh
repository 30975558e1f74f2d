# shellcheck shell=sh
# Shared by the whole-machine tests: isolation, checks and their count, an installed lsm, programs that hold sockets, a
# mail server and a log daemon.
set -u
# shellcheck disable=SC1007
root=$(CDPATH= cd -- "$(dirname -- "$0")/../../.." && pwd)
name=$(basename -- "$0" .test.sh)
work=$(mktemp -d)
passed=0
failed=0
PATH=$PATH:/usr/sbin:/sbin
scripts=$root/src/test/resources/org/lsm

# Where install_lsm installs. A test may change $state; configure writes it into conf.lsm.
prefix=$work/local
state=$work/state
conf=$prefix/lsm/conf.lsm
lsm=$prefix/sbin/lsm

# Shell commands to run at the end, the latest first.
# shellcheck disable=SC2089,SC2090  # it is for eval
cleanup="rm -rf '$work' '/run/lsm$(printf %s "$work" | tr / -)-'*"
# shellcheck disable=SC2090
trap 'eval "$cleanup"' EXIT
trap 'exit 129' HUP INT TERM

at_end() {
  cleanup="$1; $cleanup"
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

# --- where a test runs

skip() {
  echo "SKIPPED  $name: $1"
  exit 0
}

# require TOOL...: skips the test unless it runs as root and has these programs.
require() {
  [ "$(id -u)" -eq 0 ] || skip "needs root"
  for tool in "$@"; do
    command -v "$tool" >/dev/null || skip "$tool is missing; .ci/run installs it"
  done
}

# isolate TOOL...: runs the test in mount, network, host name and PID namespaces of its own, with a /run of its own, where ip(8) names
# network namespaces. Nothing of the host is changed; only the sockets of the test are seen, and the kernel ends every process with the test.
isolate() {
  if [ "${LSM_E2E_ISOLATED:-}" = yes ]; then
    ip link set lo up
    mount -t tmpfs -o mode=755 lsm-e2e /run
    mkdir /run/netns
    mkdir -m 1777 /run/lock
    return
  fi
  require unshare ip perl "$@"
  set -- --mount --net --uts --pid --fork --kill-child --mount-proc
  unshare "$@" true || skip "cannot create namespaces"
  # The outer shell is PID 1 in there, and reaps what daemons leave behind.
  # shellcheck disable=SC2016  # for the outer shell
  LSM_E2E_ISOLATED=yes unshare "$@" sh -c 'sh "$1"; exit $?' sh "$0" &
  at_end "kill -KILL $! 2>/dev/null || :"
  wait $!
  exit
}

# own_machine TOOL...: runs the test with a root file system of its own as well, without Java; see machine.sh.
own_machine() {
  [ "${LSM_E2E_ISOLATED:-}" != yes ] || return 0
  sh "$(dirname -- "$0")/machine.sh" "$0" "$@" &
  at_end "kill $! 2>/dev/null || :"
  wait $!
  exit
}

# boot_systemd UNIT [OPTION...]: boots systemd to this unit, on a machine that own_machine has made. It is PID 1 of namespaces of its
# own, but for the network's; $systemd is its PID outside.
boot_systemd() {
  : >/etc/tmpfiles.d/tmp.conf # systemd would empty /tmp
  mount -t cgroup2 cgroup2 /mnt
  group=/mnt/lsm-e2e.$(date +%s%N)
  mkdir "$group"
  mount -t tmpfs -o mode=755 lsm-e2e /run
  cat >"$work/init" <<'END'
echo 0 >"$1/cgroup.procs"
shift
exec unshare --mount --pid --uts --ipc --cgroup --fork --kill-child sh -c '
  mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
    mkdir -p /dev/pts && mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts /dev/pts &&
    ln -sf pts/ptmx /dev/ptmx && exec env -i container=lxc /lib/systemd/systemd "$@"' sh "$@"
END
  unit=$1
  shift
  sh "$work/init" "$group" --unit="$unit" "$@" >"$work/systemd.log" 2>&1 &
  unshare=$!
  at_end "kill -KILL $unshare; wait $unshare 2>/dev/null; within 10 find '$group' -depth -type d -exec rmdir {} +"
  check "systemd starts" within 60 systemd_runs
  systemd_runs
  check "systemd boots" within 60 in_systemd systemctl -q is-active "$unit"
}

systemd_runs() {
  systemd=$(cat "/proc/$unshare/task/$unshare/children")
  systemd=${systemd% }
  test -n "$systemd"
}

# in_systemd COMMAND...: in the namespaces of that systemd.
in_systemd() {
  nsenter -t "$systemd" --all "$@"
}

# own_dev: a /dev of its own, because /dev/log of the host may lead to its journal.
own_dev() {
  tar -C /dev -cf "$work/dev.tar" null zero full random urandom tty
  mount -t tmpfs -o mode=755 lsm-e2e /dev
  tar -C /dev -xf "$work/dev.tar"
  ln -s /proc/self/fd /dev/fd
}

# as_nobody COMMAND...
as_nobody() {
  setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}

# --- checks

pass() {
  passed=$((passed + 1))
  echo "ok      $1"
}

fail() {
  failed=$((failed + 1))
  echo "FAILED  $1"
}

# check WHAT COMMAND...: the command succeeds.
check() {
  what=$1
  shift
  if "$@" >"$work/check.out" 2>&1; then
    pass "$what"
  else
    fail "$what: '$*' exited with $?:"
    sed 's/^/        /' "$work/check.out"
  fi
}

# run COMMAND...: keeps its output in $out and $err, and its exit status in $status.
run() {
  status=0
  "$@" >"$work/run.out" 2>"$work/run.err" </dev/null || status=$?
  out=$(cat "$work/run.out")
  err=$(cat "$work/run.err")
}

# exits WHAT STATUS: the last run exited with this status.
exits() {
  if [ "$status" -eq "$2" ]; then
    pass "$1"
  else
    fail "$1: exited with $status, not $2; it printed: $out $err"
  fi
}

# prints WHAT TEXT: the last run printed this text on either stream.
prints() {
  case "$out $err" in
    *"$2"*) pass "$1" ;;
    *) fail "$1: '$2' is not in: $out $err" ;;
  esac
}

prints_nothing() {
  check "$1" test -z "$out$err"
}

# prints_one_error WHAT: the last run printed a single line on standard error, and nothing else.
prints_one_error() {
  if [ "$(wc -l <"$work/run.err")" -eq 1 ] && [ -z "$out" ]; then
    pass "$1"
  else
    fail "$1: not a single line of error: $out $err"
  fi
}

# absent FILE...: none of these exists.
absent() {
  for file in "$@"; do
    [ ! -e "$file" ] || return 1
  done
}

# same FILE FILE: shows the first 20 lines that differ.
same() {
  cmp -s "$1" "$2" || { diff "$1" "$2" | head -n 20; return 1; }
}

# within SECONDS COMMAND...: waits until it succeeds.
within() {
  until=$(($(date +%s) + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$until" ] || return 1
    sleep 0.1
  done
}

# readme_block WORD: runs, in the working directory, the first block of commands in the README that contains this word,
# and answers its questions with yes.
readme_block() {
  awk -v word="$1" '
    /^```/ && inside && found { exit }
    /^```/ { inside = !inside; text = ""; found = 0; next }
    inside { text = text $0 "\n"; found = found || index($0, word) }
    END { if (found) printf "%s", text }' "$root/README.md" >"$work/block.sh"
  check "the README has commands with '$1'" test -s "$work/block.sh"
  sed 's/^/        # /' "$work/block.sh"
  # shellcheck disable=SC2016  # for the other shell
  run sh -c 'yes | sh -e "$1"' sh "$work/block.sh"
}

# --- lsm

# install_lsm: installs target/lsm without cron entry and baseline; others may run it. $work/launcher is a copy of the
# launcher, for java_with.
install_lsm() {
  chmod 755 "$work"
  run "$root/target/lsm/install.sh" --prefix "$prefix" --state-dir "$state" --no-cron --no-baseline
  exits "install.sh" 0
  cp "$prefix/lsm/lsm" "$work/launcher"
}

# configure LINE...: conf.lsm without mail and log, and with these lines.
configure() {
  printf '%s\n' 'MAILER="none"' 'SYSLOG="no"' "STATE_DIR=\"$state\"" "$@" >"$conf"
  chmod 644 "$conf"
}

# set_key KEY VALUE: in conf.lsm.
set_key() {
  sed -i "/^$1=/d" "$conf"
  printf '%s="%s"\n' "$1" "$2" >>"$conf"
}

# java_with OPTION...: the launcher starts Java with these.
java_with() {
  sed "s/-Xmn8m/& $*/" "$work/launcher" >"$prefix/lsm/lsm"
}

# baseline: stores one; a test is pointless without.
baseline() {
  run "$lsm" generate
  exits "generate" 0
  [ "$status" -eq 0 ] || { finish; exit 1; }
}

baseline_is_whole() {
  sed '$d' "$state/baseline" | perl -0777 -ne "$crc32c"' print crc32c($_)' >"$work/crc32c"
  test "$(cat "$work/crc32c")" = "$(tail -n 1 "$state/baseline" | cut -f 2)"
}

# The checksum of the files in $state, in Perl.
# shellcheck disable=SC2016  # Perl
crc32c='
  sub crc32c {
    my $crc = 0xFFFFFFFF;
    for my $byte (unpack "C*", $_[0]) {
      $crc ^= $byte;
      $crc = $crc & 1 ? $crc >> 1 ^ 0x82F63B78 : $crc >> 1 for 1 .. 8;
    }
    return sprintf "%08x", $crc ^ 0xFFFFFFFF;
  }'

# record_alerts: makes $work/record, for RUN_CMD. It stores the alert that it reads in $work/alert.json, the alert in the
# outbox, which has the text of a mail, in $work/stored.json, and adds a line to $work/alerts.
record_alerts() {
  cat >"$work/record" <<END
cat >"$work/alert.json"
find "$state/outbox" -name '*.json' -exec cp {} "$work/stored.json" ';'
echo "\$LSM_EVENT|\$LSM_NEW|\$LSM_GONE|\$LSM_CHANGED|\$LSM_TARGET|\$LSM_PORT" >>"$work/alerts"
END
  : >"$work/alerts"
}

# alert_text: the text of the mail in $work/stored.json.
alert_text() {
  perl -MJSON::PP -0777 -ne 'binmode STDOUT, ":utf8"; print "$_\n" for @{decode_json($_)->{alert}{text}}' "$work/stored.json"
}

# pass_time MINUTES [FILE]: sets the times in alert-state, or in another file in $state, back, as if so much time had passed.
pass_time() {
  # shellcheck disable=SC2016  # Perl
  perl -MTime::Piece -0777 -pi -e "$crc32c"'
    BEGIN { $seconds = 60 * shift; $format = "%Y-%m-%dT%H:%M:%S" }
    s/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/(Time::Piece->strptime($&, $format) - $seconds)->strftime($format)/ge;
    s/^crc32c\t.*\n\z//m;
    $_ .= "crc32c\t" . crc32c($_) . "\n"' "$1" "$state/${2:-alert-state}"
}

# waiting: the names of the files in the outbox.
waiting() {
  [ ! -d "$state/outbox" ] || find "$state/outbox" -type f
}

# --- programs that hold sockets

mkfifo "$work/forever"

# hold COMMAND...: starts a program that prints its endpoints and "ready", and holds its sockets until it is killed. $holder is
# its PID; $work/endpoints has what it printed.
hold() {
  mkfifo "$work/opened"
  "$@" <>"$work/forever" >"$work/opened" &
  holder=$!
  sed '/^ready$/q' "$work/opened" >"$work/endpoints"
  rm "$work/opened"
  grep -qx ready "$work/endpoints" || fail "these sockets cannot be opened: $*"
}

# open_sockets ENDPOINT...: as sockets.pl takes them.
open_sockets() {
  hold perl "$scripts/sockets.pl" "$@"
}

# close_sockets [PID...]: of these programs, or of the last one.
close_sockets() {
  [ $# -gt 0 ] || set -- "$holder"
  kill "$@"
  wait "$@" 2>/dev/null
}

# --- mail and log

# configure_postfix SETTING...: Postfix with a configuration and a spool of its own, these settings, and no chroot. It
# stores all mail in $box; its log is $work/mail.log.
configure_postfix() {
  box=$work/mail/box
  chmod 755 "$work" # Postfix delivers as nobody
  mkdir "$work/mail"
  touch "$box" "$work/mail.log"
  chown nobody "$work/mail" "$box"
  cp -R /etc/postfix "$work/postfix"
  mount --bind "$work/postfix" /etc/postfix
  mount -t tmpfs -o mode=755 lsm-e2e /var/spool/postfix
  mount -t tmpfs -o "mode=700,uid=$(id -u postfix)" lsm-e2e /var/lib/postfix
  cp /etc/postfix/master.cf.proto /etc/postfix/master.cf # Debian's, whatever the host has
  cat >/etc/postfix/main.cf <<END
compatibility_level = 3.6
myhostname = mx.mail.test
mydestination =
inet_interfaces = loopback-only
virtual_mailbox_base = $work/mail
virtual_mailbox_maps = static:box
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
maillog_file_prefixes = $work
maillog_file = $work/mail.log
END
  printf '%s\n' "$@" >>/etc/postfix/main.cf
  postconf -F '*/*/chroot=n'
}

# last_mail [WORD]: the last mail in $box, or the last with this word in its subject.
last_mail() {
  perl -0777 -ne 'BEGIN { $word = shift } print +(grep { /^Subject:.*\Q$word/m } split /^From .*\n/m)[-1]' "${1:-}" "$box"
}

# start_rsyslog: with $work/rsyslog.conf; $rsyslog is its PID.
start_rsyslog() {
  rsyslogd -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" -n &
  # shellcheck disable=SC2034  # for the test
  rsyslog=$!
  check "rsyslog starts" within 10 test -S /dev/log
}

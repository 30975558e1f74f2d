#!/bin/sh
# A machine that is hostile, or out of something: whatever happens, lsm never says that all is well
# or that something differs when it could not look, the baseline stays, and the next run is fine.
# All of it runs in namespaces of its own: only what the test opens is there to be seen.
PATH=$PATH:/usr/sbin:/sbin
if [ "${LSM_E2E_INSIDE:-}" != yes ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED  hostile: mounting file systems needs root"
    exit 0
  fi
  set -- --mount --net --uts --pid --fork --kill-child --mount-proc
  if ! unshare "$@" true; then
    echo "SKIPPED  hostile: no namespaces can be made here"
    exit 0
  fi
  # The outer shell is PID 1 in there, and reaps what is left behind.
  # shellcheck disable=SC2016  # it is for the outer shell
  LSM_E2E_INSIDE=yes exec unshare "$@" sh -c 'sh "$1"; exit $?' sh "$0"
fi
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

prefix=$work/local
state=$work/state
conf=$prefix/lsm/conf.lsm
lsm=$prefix/sbin/lsm
alerts=$work/alerts
chmod 755 "$work" # others run lsm as well
ip link set lo up
run "$root/target/lsm/install.sh" --prefix "$prefix" --state-dir "$state" --no-cron --no-baseline
ends "installed" 0
cp "$prefix/lsm/lsm" "$work/launcher"

configure() {
  printf '%s\n' 'MAILER="none"' 'SYSLOG="no"' "STATE_DIR=\"$state\"" "$@" >"$conf"
  chmod 644 "$conf"
}
append='RUN_CMD="cat >>'$alerts'"'
configure "$append"

# opens USER ENDPOINT...: a program of this user holds them, and is the $opener.
opens() {
  mkfifo "$work/opened.$$"
  user=$1
  shift
  setpriv --reuid "$user" --regid nogroup --clear-groups perl "$root/src/test/resources/org/lsm/sockets.pl" \
    "$@" <"$work/forever" >"$work/opened.$$" &
  opener=$!
  sed '/^ready$/q' "$work/opened.$$" >/dev/null
  rm "$work/opened.$$"
}
mkfifo "$work/forever"
exec 3<>"$work/forever"

closes() {
  kill "$opener"
  wait "$opener" 2>/dev/null
}

as_nobody() {
  setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}

# What must not change: kept, and later unchanged WHAT.
kept() {
  cp "$state/baseline" "$work/before"
}

unchanged() {
  check "$1: the baseline is untouched" cmp "$work/before" "$state/baseline"
}

# fine WHAT: the next run works, and leaves nothing half-written.
fine() {
  run "$lsm" compare --no-alert
  ends "$1: the next run is fine" 0
  check "$1: nothing half-written is left" test -z "$(find "$state" -name '*.tmp')"
}

opens daemon tcp/127.0.0.1:7001 udp/127.0.0.1:7001 unix-stream/@lsm-hostile
run "$lsm" generate
ends "a baseline" 0
says "of three sockets" "Baseline of 3 sockets"

# --- /proc that hides the processes of others
for hidepid in 1 2 4; do
  mount -o "remount,hidepid=$hidepid" /proc
  run "$lsm" list
  ends "hidepid=$hidepid: root lists" 0
  check "hidepid=$hidepid: root sees all owners" test "$(echo "$out" | grep -c '^.*daemon.*/perl')" -eq 3
  check "hidepid=$hidepid: and need not say anything" test -z "$err"
  run as_nobody "$lsm" list --format json
  ends "hidepid=$hidepid: nobody lists" 0
  says "hidepid=$hidepid: nobody is told what is missing" "3 of 3 sockets have an owner that this user may not see"
  check "hidepid=$hidepid: nobody is told no wrong owner" test "$(echo "$out" | grep -c '"user": "?"')" -eq 3
done
mount -o remount,hidepid=0 /proc

# --- out of descriptors, with a difference to tell: it is told, or kept, or there is a complaint
opens root tcp/127.0.0.1:7002
kept
new='NEW *tcp/127.0.0.1:7002$'
for limit in 1 3 8 10 11 12 13 14 15 16 17 18 19 20 22 24; do
  for command in "-c --quiet" compare generate; do
    rm -rf "$state/owner-cache" "$state/alert-state" "$state/outbox" "$alerts"
    cp "$work/before" "$state/baseline"
    # shellcheck disable=SC2086,SC2016  # words; it is for the other shell
    run sh -c 'ulimit -n "$1" && shift && exec "$@"' sh "$limit" "$lsm" $command
    case $status:$command:$err in
      0:generate:) what="accepts it" good=$(echo "$out" | grep "$new") ;;
      1:compare:) what="tells it" good=$(echo "$out" | grep "$new") ;;
      1:-c*:) what="tells it" good=$(grep 7002 "$alerts") ;;
      3:*" wait in the outbox"*) what="keeps it" good=$(grep 7002 "$state"/outbox/*.json) ;;
      2:*:?* | 127:*:?*) what="says why not" good=$err ;;
      1:*VM*) what="says why Java cannot even start" good=$err ;; # which ends with 1, alas
      *) good="" what="does no such thing" ;;
    esac
    check "$limit descriptors: $command $what ($status)" test -n "$good"
    [ -n "$good" ] || echo "        $out $err"
    [ "$status" -eq 0 ] || unchanged "$limit descriptors: $command"
  done
done
cp "$work/before" "$state/baseline"
closes
fine "descriptors"

# --- a heap that is too small for the job
java_with() {
  sed "s/-Xmn8m/$1/" "$work/launcher" >"$prefix/lsm/lsm"
}
# shellcheck disable=SC3045  # every sh has it
ulimit -n 7000
# shellcheck disable=SC2046  # words
opens root $(seq -f "unix-stream/@many-%.0f" 6000)
short=0
for heap in 3 4 5 6 8 9 10 11 12 14 16 20; do
  java_with "-Xmn2m -Xmx${heap}m"
  for command in "-c --quiet" generate; do
    rm -rf "$state/owner-cache" "$state/alert-state" "$state/outbox" "$alerts"
    cp "$work/before" "$state/baseline"
    # shellcheck disable=SC2086  # words
    run "$lsm" $command
    case $status:$command:$err in
      0:generate:) continue ;;
      0:generate:*emory*) # only to tell of it
        short=$((short + 1))
        sum=$(sed '$d' "$state/baseline" | sha256sum)
        check "$heap MB: generate stores a whole baseline" grep -q "^sha256	${sum%% *}$" "$state/baseline"
        continue
        ;;
      1:-c*:) check "$heap MB: it tells what it says it does" test -s "$alerts" ;;
      2:*:*emory* | 1:*VM*)
        short=$((short + 1))
        one_sentence "$heap MB: $command ends with $status and one sentence"
        ;;
      *) fail "$heap MB: $command ends with $status: $err" ;;
    esac
    unchanged "$heap MB: $command"
  done
done
cp "$work/before" "$state/baseline"
check "some heaps were too small" test "$short" -gt 0
java_with -Xmn8m
closes
fine "memory"

# --- many runs at once: each ends well, or says that another one is at work
kept
pids=
for command in generate compare generate -c generate compare generate -g; do
  "$lsm" $command >"$work/$command.$$.out" 2>>"$work/together.err" &
  pids="$pids $!"
done
ended=
for pid in $pids; do
  status=0
  wait "$pid" || status=$?
  ended="$ended $status"
done
check "eight at once end well ($ended), or say who is at work" \
  test "$(echo "$ended" | tr ' ' '\n' | grep -c 2)" -eq "$(grep -c 'another lsm (PID' "$work/together.err")"
check "eight at once say nothing else" test -z "$(grep -v 'another lsm (PID' "$work/together.err")"
check "eight at once: the baseline has the three sockets" \
  test "$(grep -cE '127.0.0.1:7001|@lsm-hostile' "$state/baseline")" -eq 3
check "the baseline is whole" \
  test "$(sed '$d' "$state/baseline" | sha256sum | cut -d ' ' -f 1)" = "$(tail -n 1 "$state/baseline" | cut -f 2)"
fine "eight at once"

# --- another name
hostname lsm-renamed
run "$lsm" compare
ends "a new name of the host is no difference" 0
says "the report has it" "lsm-renamed: no difference"
opens root tcp/127.0.0.1:7002
run "$lsm" compare
ends "nor does it hide one" 1
says "that is told under the new name" "lsm-renamed: 1 NEW, 0 GONE, 0 CHANGED"
closes
run "$lsm" compare
ends "and its end" 0

# --- an environment that would have other programs run, and other code
marks=$work/marks
mkdir -m 1777 "$work/evil" "$marks"
for name in readlink java sh bash dash logger sendmail mail curl ps sed id cat env dirname ip ss; do
  printf '#!/bin/sh\n: >"%s/%s"\n' "$marks" "$name" >"$work/evil/$name"
done
echo ": >$marks/startup" >"$work/evil/startup"
chmod 755 "$work/evil"/*
# A preloaded library that is none costs a complaint of each program that heeds it.
in_evil() {
  # shellcheck disable=SC2086  # words
  (cd "$work/evil" && env PATH="$work/evil:$PATH" LD_PRELOAD="$work/evil/preload.so" LD_LIBRARY_PATH="$work/evil" \
    LD_AUDIT="$work/evil/audit.so" JAVA_HOME="$work/evil" JAVA_TOOL_OPTIONS="-javaagent:$work/evil/tool.jar" \
    JDK_JAVA_OPTIONS="-javaagent:$work/evil/jdk.jar" _JAVA_OPTIONS="-javaagent:$work/evil/old.jar" \
    CLASSPATH="$work/evil" BASH_ENV="$work/evil/startup" ENV="$work/evil/startup" IFS=/ CDPATH="$work/evil" "$@")
}
mount -t tmpfs lsm-e2e /usr/sbin
# shellcheck disable=SC2016  # it is for the script
printf '#!/bin/sh\ncat >/dev/null\nenv >"%s"\n' "$work/sendmail.env" >/usr/sbin/sendmail
chmod 755 /usr/sbin/sendmail
env_cmd="RUN_CMD=\"env >$work/hook.env; readlink / >/dev/null\""
configure "$env_cmd"
sed -i -e 's/^MAILER=.*/MAILER="sendmail"/' -e 's/^SYSLOG=.*/SYSLOG="yes"/' "$conf"
run in_evil "$lsm" generate
ends "generate in a hostile environment" 0
check "a hostile library is heeded by nobody but the shell, which no script can help" \
  test "$(grep -c "^ERROR: ld.so: object '$work/evil/preload.so'" "$work/run.err")" -le 1
check "nothing else is said of all that" test -z "$(grep -v "^ERROR: ld.so: object" "$work/run.err")"
opens root tcp/127.0.0.1:7002
run in_evil "$lsm" compare
check "compare tells it in a hostile environment ($status)" test "$status" -eq 1 -o "$status" -eq 3
says "it says so" "NEW      tcp/127.0.0.1:7002"
for file in sendmail.env hook.env; do
  check "$file: it was run" test -s "$work/$file"
  check "$file: with the path of lsm" grep -qx "PATH=/usr/sbin:/usr/bin:/sbin:/bin" "$work/$file"
  check "$file: without anything else that was meant to harm" test -z "$(grep -n "$work/evil" "$work/$file" | grep -v '^[0-9]*:\(OLD\)\?PWD=')"
done
run in_evil "$lsm" status
run in_evil "$lsm" test-alert
run in_evil "$lsm" history
check "no hostile program was run" test -z "$(ls "$marks")"
# Where sh is bash, it takes functions from the environment, even one that is called [.
if [ -x /bin/bash ]; then
  cp /bin/bash "$work/sh"
  for name in readlink '[' echo exec unset export; do
    env "BASH_FUNC_$name%%=() { : >$marks/function; }" "$work/sh" "$prefix/lsm/lsm" --version >/dev/null 2>&1
    check "no function $name from the environment is run" absent "$marks/function"
    rm -f "$marks/function"
  done
fi
closes
umount /usr/sbin
configure "$append"
rm -rf "$state/outbox"
run "$lsm" compare
ends "the next run is fine" 0

# --- whatever the umask
modes() {
  find "$state" -type d ! -perm 700 -o -type f ! -perm 600
}
opens root tcp/127.0.0.1:7002
for umask in 000 022 077 277 777; do
  rm -rf "$state"
  configure 'RUN_CMD="false"' # so that an alert waits
  # shellcheck disable=SC2016  # it is for the other shell
  run sh -c 'umask "$1"; shift; exec "$@"' sh "$umask" "$lsm" generate
  ends "umask $umask: generate" 0
  check "umask $umask: the state is root's alone" test -z "$(modes)"
  check "umask $umask: there is a state" test -s "$state/baseline"
  closes
  # shellcheck disable=SC2016  # it is for the other shell
  run sh -c 'umask "$1"; shift; exec "$@"' sh "$umask" "$lsm" compare
  ends "umask $umask: an alert that waits" 3
  check "umask $umask: it is root's alone as well" test -z "$(modes)"
  check "umask $umask: there is one" test -n "$(find "$state/outbox" -name '*.json')"
  opens root tcp/127.0.0.1:7002
done
configure "$append"
rm -rf "$state/outbox"

# --- a password, while a mail server lets lsm wait in the middle of the login
closes
run "$lsm" generate
password=open-Sesame-9
echo "$password" >"$work/password"
chmod 600 "$work/password"
mkfifo "$work/login"
perl -MIO::Socket::INET -e '
  my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:2525", Listen => 1, ReuseAddr => 1) or die $!;
  my $c = $s->accept;
  print $c "220 mx\r\n";
  while (<$c>) {
    if (/^EHLO/) { print $c "250-mx\r\n250 AUTH PLAIN LOGIN\r\n"; }
    elsif (/^AUTH/) { open(my $out, ">", $ARGV[0]) or die $!; print $out "login\n"; close $out; sleep 600; }
    else { print $c "250 ok\r\n"; }
  }' "$work/login" &
server=$!
configure 'USER="ops@mail.test"' 'SMTP_PORT="2525"' 'SMTP_TLS="none"' 'SMTP_USER="watcher"' "SMTP_PASS_FILE=\"$work/password\""
sed -i 's/^MAILER=.*/MAILER="smtp"/' "$conf"
"$lsm" test-alert --verbose >"$work/waiting.out" 2>&1 &
waiting=$!
cat "$work/login" >/dev/null
encoded=$(printf '\0watcher\0%s' "$password" | base64)
printf '%s\n' "$password" "$encoded" >"$work/secrets" # not for the command line of grep either
seen=$(grep -lsaF -f "$work/secrets" /proc/[0-9]*/cmdline /proc/[0-9]*/environ)
check "its process is there to be looked at" test -r "/proc/$waiting/environ"
check "no command line and no environment has the password" test -z "$seen"
kill "$server"
wait "$waiting"
check "nor has what it prints" test -z "$(grep -F -f "$work/secrets" "$work/waiting.out")"
check "nor what it keeps" test -z "$(grep -rF -f "$work/secrets" "$state")"
check "it was in the middle of the login" grep -q AUTH "$work/waiting.out"
configure "$append"

# --- a state directory that cannot be written: no reason not to look, nor not to tell
tmpfs=$work/readonly
mkdir -m 700 "$tmpfs"
mount -t tmpfs -o mode=700 lsm-e2e "$tmpfs"
at_end "umount '$tmpfs'"
state=$tmpfs
configure "$append"
run "$lsm" generate
ends "a baseline on a file system of its own" 0
kept
for told in untold told; do
  rm -f "$alerts"
  mount -o remount,ro "$state"
  run "$lsm" compare
  ends "read-only, $told: nothing differs" 0
  opens root tcp/127.0.0.1:7002
  run "$lsm" compare
  ends "read-only, $told: compare finds a difference" 1
  check "read-only, $told: it prints it" grep -q "^NEW *tcp/127.0.0.1:7002" "$work/run.out"
  check "read-only, $told: it sends it, from memory" grep -q '"socket": "tcp/127.0.0.1:7002"' "$alerts"
  check "read-only, $told: a warning names the directory" grep -q "$state" "$work/run.err"
  run "$lsm" -c --quiet
  ends "read-only, $told: so does the run of cron" 1
  check "read-only, $told: and it warns" grep -q "$state" "$work/run.err"
  run "$lsm" generate
  ends "read-only, $told: generate" 2
  one_sentence "read-only, $told: generate says why in one line"
  unchanged "read-only, $told"
  mount -o remount,rw "$state"
  closes
  run "$lsm" compare # now there are files of a run
  ends "$told: writable again" 0
done
fine "read-only"
finish

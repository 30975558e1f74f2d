#!/bin/sh
# A hostile machine, or one that is short of something: lsm never reports that all is well, or a difference, when it could
# not scan; the baseline stays, and the next run works.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate setpriv

alerts=$work/alerts
append='RUN_CMD="cat >>'$alerts'"'
install_lsm
configure "$append"

# keep_baseline: for later baseline_unchanged WHAT.
keep_baseline() {
  cp "$state/baseline" "$work/before"
}

baseline_unchanged() {
  check "$1: the baseline is untouched" cmp "$work/before" "$state/baseline"
}

# forget: as if lsm had just stored the baseline.
forget() {
  rm -rf "$state/owner-cache" "$state/alert-state" "$state/outbox" "$alerts"
  cp "$work/before" "$state/baseline"
}

# next_run_works WHAT: a compare finds no difference, and no temporary file is left.
next_run_works() {
  run "$lsm" compare --no-alert
  exits "$1: the next run works" 0
  check "$1: no temporary file is left" test -z "$(find "$state" -name '*.tmp')"
}

hold setpriv --reuid daemon --regid nogroup --clear-groups \
  perl "$scripts/sockets.pl" tcp/127.0.0.1:7001 udp/127.0.0.1:7001 unix-stream/@lsm-hostile
baseline
prints "it has three sockets" "Baseline of 3 sockets"

# --- /proc that hides the processes of others
for hidepid in 1 2 4; do
  mount -o "remount,hidepid=$hidepid" /proc
  run "$lsm" list
  exits "hidepid=$hidepid: root lists" 0
  check "hidepid=$hidepid: root sees all owners" test "$(echo "$out" | grep -c '^.*daemon.*/perl')" -eq 3
  check "hidepid=$hidepid: root gets no warning" test -z "$err"
  run as_nobody "$lsm" list --format json
  exits "hidepid=$hidepid: nobody lists" 0
  prints "hidepid=$hidepid: nobody gets a warning" "the owners of 3 of 3 sockets are hidden from this user"
  check "hidepid=$hidepid: nobody gets no wrong owner" test "$(echo "$out" | grep -c '"user": "?"')" -eq 3
done
mount -o remount,hidepid=0 /proc

# --- out of descriptors, with a difference: it is reported, or waits, or there is an error
open_sockets tcp/127.0.0.1:7002
keep_baseline
new='NEW *tcp/127.0.0.1:7002$'
for limit in 1 3 8 10 11 12 13 14 15 16 17 18 19 20 22 24; do
  for command in "-c --quiet" compare generate; do
    forget
    # shellcheck disable=SC2086,SC2016  # words; for the other shell
    run sh -c 'ulimit -n "$1" && shift && exec "$@"' sh "$limit" "$lsm" $command
    case $status:$command:$err in
      0:generate:*) what="accepts it" good=$(echo "$out" | grep "$new") ;;
      1:compare:) what="reports it" good=$(echo "$out" | grep "$new") ;;
      1:-c*:) what="alerts it" good=$(grep 7002 "$alerts") ;;
      3:*" in the outbox"*) what="stores it" good=$(grep -r 7002 "$state/outbox") ;;
      3:*"the next run repeats it"*) what="alerts it in the next run" good=$("$lsm" -c --quiet >/dev/null 2>&1; grep 7002 "$alerts") ;;
      2:*:?* | 127:*:?*) what="prints an error" good=$err ;;
      1:*VM*) what="cannot start Java, which exits with 1" good=$err ;;
      *) good="" what="does none of these" ;;
    esac
    check "$limit descriptors: $command $what ($status)" test -n "$good"
    [ -n "$good" ] || echo "        $out $err"
    [ "$status" -eq 0 ] || baseline_unchanged "$limit descriptors: $command"
  done
done
cp "$work/before" "$state/baseline"
close_sockets
next_run_works "descriptors"

# --- a heap that is too small
# shellcheck disable=SC3045  # every sh has it
ulimit -S -n 7000
# shellcheck disable=SC2046  # words
open_sockets $(seq -f "unix-stream/@many-%.0f" 6000)
short=0
for heap in 3 4 5 6 8 9 10 11 12 14 16 20; do
  java_with "-Xmn2m -Xmx${heap}m"
  for command in "-c --quiet" generate; do
    forget
    # shellcheck disable=SC2086  # words
    run "$lsm" $command
    case $status:$command:$err in
      0:generate:) continue ;;
      0:generate:*emory*) # only its report is missing
        short=$((short + 1))
        check "$heap MB: generate stores a whole baseline" baseline_is_whole
        continue
        ;;
      1:-c*:) check "$heap MB: there is the alert that it exits with" test -s "$alerts" ;;
      2:*:*emory* | 1:*VM*)
        short=$((short + 1))
        prints_one_error "$heap MB: $command exits with $status and one line of error"
        ;;
      *) fail "$heap MB: $command exits with $status: $err" ;;
    esac
    baseline_unchanged "$heap MB: $command"
  done
done
cp "$work/before" "$state/baseline"
check "some heaps were too small" test "$short" -gt 0
java_with
close_sockets
next_run_works "memory"

# --- eight runs at once: each works, or reports that another one is running
keep_baseline
pids=
for command in generate compare generate -c generate compare generate -g; do
  "$lsm" $command >"$work/$command.out" 2>>"$work/together.err" &
  pids="$pids $!"
done
statuses=
for pid in $pids; do
  status=0
  wait "$pid" || status=$?
  statuses="$statuses $status"
done
check "eight at once: each exits well ($statuses) or names the PID of another" \
  test "$(echo "$statuses" | tr ' ' '\n' | grep -c 2)" -eq "$(grep -c 'another lsm (PID' "$work/together.err")"
check "eight at once: no other error" test -z "$(grep -v 'another lsm (PID' "$work/together.err")"
check "eight at once: the baseline has the three sockets" \
  test "$(grep -cE '127.0.0.1:7001|@lsm-hostile' "$state/baseline")" -eq 3
check "eight at once: the baseline is whole" baseline_is_whole
next_run_works "eight at once"

# --- another host name
hostname lsm-renamed
run "$lsm" compare
exits "another host name is no difference" 0
prints "the report has it" "lsm-renamed: no difference"
open_sockets tcp/127.0.0.1:7002
run "$lsm" compare
exits "another host name hides no difference" 1
prints "the report of that has it as well" "lsm-renamed: NEW tcp/127.0.0.1:7002 "
close_sockets
run "$lsm" compare
exits "the difference is gone" 0

# --- an environment that leads to other programs and other code
marks=$work/marks
mkdir -m 1777 "$work/evil" "$marks"
for program in readlink java sh bash dash logger sendmail mail curl ps sed id cat env dirname ip ss; do
  printf '#!/bin/sh\n: >"%s/%s"\n' "$marks" "$program" >"$work/evil/$program"
done
echo ": >$marks/startup" >"$work/evil/startup"
chmod 755 "$work/evil"/*
# preload.so is not a library: each program that reads LD_PRELOAD prints an error.
in_evil() {
  # shellcheck disable=SC2086  # words
  (cd "$work/evil" && env PATH="$work/evil:$PATH" LD_PRELOAD="$work/evil/preload.so" LD_LIBRARY_PATH="$work/evil" \
    LD_AUDIT="$work/evil/audit.so" JAVA_HOME="$work/evil" JAVA_TOOL_OPTIONS="-javaagent:$work/evil/tool.jar" \
    JDK_JAVA_OPTIONS="-javaagent:$work/evil/jdk.jar" _JAVA_OPTIONS="-javaagent:$work/evil/old.jar" \
    CLASSPATH="$work/evil" BASH_ENV="$work/evil/startup" ENV="$work/evil/startup" IFS=/ CDPATH="$work/evil" "$@")
}
mount -t tmpfs lsm-e2e /usr/sbin
# shellcheck disable=SC2016  # for the script
printf '#!/bin/sh\ncat >/dev/null\nenv >"%s"\n' "$work/sendmail.env" >/usr/sbin/sendmail
chmod 755 /usr/sbin/sendmail
configure "RUN_CMD=\"env >$work/hook.env; readlink / >/dev/null\""
set_key MAILER sendmail
set_key SYSLOG yes
run in_evil "$lsm" generate
exits "hostile environment: generate" 0
check "hostile environment: only the shell reads LD_PRELOAD, which no script can prevent" \
  test "$(grep -c "^ERROR: ld.so: object '$work/evil/preload.so'" "$work/run.err")" -le 1
check "hostile environment: no other error" test -z "$(grep -v "^ERROR: ld.so: object" "$work/run.err")"
open_sockets tcp/127.0.0.1:7003
run in_evil "$lsm" compare
check "hostile environment: compare finds the difference ($status)" test "$status" -eq 1 -o "$status" -eq 3
prints "hostile environment: compare reports it" "NEW      tcp/127.0.0.1:7003"
for file in sendmail.env hook.env; do
  check "$file: the program was run" test -s "$work/$file"
  check "$file: it has the PATH of lsm" grep -qx "PATH=/usr/sbin:/usr/bin:/sbin:/bin" "$work/$file"
  check "$file: it has no other hostile variable" test -z "$(grep -n "$work/evil" "$work/$file" | grep -v '^[0-9]*:\(OLD\)\?PWD=')"
done
run in_evil "$lsm" status
run in_evil "$lsm" test-alert
run in_evil "$lsm" history
check "hostile environment: no hostile program was run" test -z "$(ls "$marks")"
# Where sh is bash, it takes functions from the environment, even one with the name [.
if [ -x /bin/bash ]; then
  cp /bin/bash "$work/sh"
  for function in readlink '[' echo exec unset export; do
    env "BASH_FUNC_$function%%=() { : >$marks/function; }" "$work/sh" "$prefix/lsm/lsm" --version >/dev/null 2>&1
    check "the function $function from the environment is not run" absent "$marks/function"
    rm -f "$marks/function"
  done
fi
close_sockets
umount /usr/sbin
configure "$append"
rm -rf "$state/outbox"
run "$lsm" compare
exits "the next run works" 0

# --- any umask
too_open() {
  find "$state" -type d ! -perm 700 -o -type f ! -perm 600
}
open_sockets tcp/127.0.0.1:7002
for umask in 000 022 077 277 777; do
  rm -rf "$state"
  configure 'RUN_CMD="false"' # so that an alert waits
  # shellcheck disable=SC2016  # for the other shell
  run sh -c 'umask "$1"; shift; exec "$@"' sh "$umask" "$lsm" generate
  exits "umask $umask: generate" 0
  check "umask $umask: only root can read the state" test -z "$(too_open)"
  check "umask $umask: there is a baseline" test -s "$state/baseline"
  close_sockets
  # shellcheck disable=SC2016  # for the other shell
  run sh -c 'umask "$1"; shift; exec "$@"' sh "$umask" "$lsm" compare
  exits "umask $umask: an alert waits" 3
  check "umask $umask: only root can read it" test -z "$(too_open)"
  check "umask $umask: it is in the outbox" test -n "$(waiting | grep json)"
  open_sockets tcp/127.0.0.1:7002
done
configure "$append"
rm -rf "$state/outbox"

# --- the password, while a mail server stalls in the middle of the login
close_sockets
baseline
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
set_key MAILER smtp
"$lsm" test-alert --verbose >"$work/login.out" 2>&1 &
client=$!
cat "$work/login" >/dev/null
encoded=$(printf '\0watcher\0%s' "$password" | base64)
printf '%s\n' "$password" "$encoded" >"$work/secrets" # not in the command line of grep either
seen=$(grep -lsaF -f "$work/secrets" /proc/[0-9]*/cmdline /proc/[0-9]*/environ)
check "lsm waits for the server" test -r "/proc/$client/environ"
check "no command line and no environment has the password" test -z "$seen"
kill "$server"
wait "$client"
check "no output has the password" test -z "$(grep -F -f "$work/secrets" "$work/login.out")"
check "no state file has the password" test -z "$(grep -rF -f "$work/secrets" "$state")"
check "it was in the middle of the login" grep -q AUTH "$work/login.out"
configure "$append"

# --- a state directory that cannot be written does not prevent a scan or an alert
state=$work/readonly
mkdir -m 700 "$state"
mount -t tmpfs -o mode=700 lsm-e2e "$state"
at_end "umount '$state'"
configure "$append"
baseline
keep_baseline
for turn in first second; do
  case_="read-only, $turn turn"
  rm -f "$alerts"
  mount -o remount,ro "$state"
  run "$lsm" compare
  exits "$case_: no difference" 0
  open_sockets tcp/127.0.0.1:7002
  run "$lsm" compare
  exits "$case_: a difference" 1
  check "$case_: compare reports it" grep -q "^NEW *tcp/127.0.0.1:7002" "$work/run.out"
  check "$case_: compare alerts it, from memory" grep -q '"socket": "tcp/127.0.0.1:7002"' "$alerts"
  check "$case_: a warning names the directory" grep -q "$state" "$work/run.err"
  run "$lsm" -c --quiet
  exits "$case_: cron's run" 1
  check "$case_: it prints the warning" grep -q "$state" "$work/run.err"
  run "$lsm" generate
  exits "$case_: generate" 2
  prints_one_error "$case_: generate prints one line of error"
  baseline_unchanged "$case_"
  mount -o remount,rw "$state"
  close_sockets
  run "$lsm" compare # in the second turn there are files of a run
  exits "$turn turn: writable again" 0
done
next_run_works "read-only"

# --- a search for owners that takes minutes: a million descriptors in 1,000 threads, and a socket without a process
# shellcheck disable=SC3045  # every sh has it
ulimit -S -n 16000
hold setpriv --reuid nobody --regid nogroup --clear-groups perl "$scripts/descriptors.pl" 7003 20 50 15000
attacker=$holder
open_sockets tcp/127.0.0.1:7002
began=$(date +%s)
rm -f "$alerts"
run "$lsm" compare
exits "descriptors of threads: the compare is incomplete" 2
prints "descriptors of threads: it says why" "the search for the owners of sockets took more than 10 seconds"
check "descriptors of threads: that is alerted" grep -q '"event": "scan_failed"' "$alerts"
check "descriptors of threads: the difference is alerted" grep -q '"socket": "tcp/127.0.0.1:7002"' "$alerts"
check "descriptors of threads: the run ends within 30 s" test $(($(date +%s) - began)) -le 30
sed -n '/^NEW *tcp.127.0.0.1:7002/,/^$/p' "$work/run.out" >"$work/ours"
check "descriptors of threads: another user's socket has its owner" grep -q "PID *$holder$" "$work/ours"
sed -n '/^NEW *tcp.127.0.0.1:7003/,/^$/p' "$work/run.out" >"$work/theirs"
check "descriptors of threads: that of no process is reported" test -s "$work/theirs"
# shellcheck disable=SC2016  # for the other shell
check "descriptors of threads: it is not said to have none" sh -c '! grep -q "outside this PID namespace" "$1"' sh "$work/theirs"
close_sockets "$attacker"
check "descriptors of threads: the socket is closed" within 30 sh -c '! grep -q ":1B5B " /proc/net/tcp'
close_sockets
next_run_works "descriptors of threads"
finish

#!/bin/sh
# The files of programs: a file that neither the baseline nor a package knows is a difference, and files are read only when
# they differ. The daemon runs as a user; its program is a copy of Perl, with some bytes behind it where its content differs.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
isolate setpriv strace dpkg-deb rpmbuild bindfs

mount -t tmpfs -o mode=755 lsm-e2e /usr/local/sbin
app=/usr/local/sbin/app
perl=$(command -v perl)
install_lsm
record_alerts
configure "RUN_CMD=\"sh $work/record\""

# program WORD FILE: a program whose content depends on the word.
program() {
  { cat "$perl"; echo "$1"; } >"$2.new"
  chmod 755 "$2.new"
  mv "$2.new" "$2"
}

start() {
  # shellcheck disable=SC2086  # words
  hold ${start:-} setpriv --reuid daemon --regid nogroup --clear-groups "$app" "$scripts/sockets.pl" tcp/127.0.0.1:7001 unix-stream/@lsm-app
}

restart() {
  close_sockets
  start
}

# compare WHAT STATUS [READS]: a compare exits with this status, and runs sha256sum so many times to compare programs; none by
# default. The facts in an alert have the digest of the open file. Each process has a trace of its own: in one for all, strace
# splits a call when another process ends meanwhile.
compare() {
  rm -rf "$work/traces"
  mkdir "$work/traces"
  run strace -ff -q -o "$work/traces/process" -e trace=execve "$lsm" compare --quiet
  exits "$1" "$2"
  reads=$(cat "$work/traces"/* | grep 'execve("[^"]*/sha256sum".* = 0' | grep -vc '"/proc/self/fd/0"')
  check "$1: files read: ${3:-0}" test "$reads" -eq "${3:-0}"
}

# alerted WHAT COUNT: so many alerts since the last call.
alerted() {
  check "$1: alerts: $2" test "$(wc -l <"$work/alerts")" -eq "$2"
  : >"$work/alerts"
}

# upgraded WHAT PACKAGE: the history has one upgrade by this package since the last call.
upgraded() {
  check "$1: the history has it once" test "$(grep -c '"event":"upgraded"' "$state/history.jsonl")" -eq 1
  check "$1: with its package" grep -q "$app is a new file of package $2" "$state/history.jsonl"
  rm "$state/history.jsonl"
}

# --- the same content
program one "$app"
start
baseline
check "the baseline has the program" grep -q "^program.$app.*$(sha256sum "$app" | cut -d ' ' -f 1)\$" "$state/baseline"
check "the baseline has it once" test "$(grep -c "^program" "$state/baseline")" -eq 1
compare "nothing changed" 0
restart
compare "a restart" 0
chmod 711 "$app"
chmod 755 "$app"
touch "$app"
restart
compare "another time of change" 0 1
compare "another time of change, again" 0
program one "$app"
restart
compare "a copy of the same content" 0 1
compare "a copy of the same content, again" 0
alerted "the same content" 0

# --- renamed, then replaced
mv "$app" "$app.old"
program two "$app"
compare "renamed while it runs" 0 1
compare "renamed while it runs, again" 0
restart
compare "replaced" 1 1
alerted "replaced" 1
text=$(alert_text)
check "replaced: both sockets are CHANGED" test "$(echo "$text" | grep -c '^CHANGED')" -ge 2
check "replaced: it is flagged" grep -q '"program_replaced"' "$work/alert.json"
check "replaced: it is said" test -n "$(echo "$text" | grep '! program file replaced')"
check "replaced: the history says so" grep -q "by $app (daemon): program file replaced" "$state/history.jsonl"
compare "replaced, again" 1
alerted "replaced, again" 0
mv "$app.old" "$app"
restart
compare "put back" 0 1
program three "$app"
restart
compare "replaced once more" 1 1
alerted "replaced once more" 1
run "$lsm" accept port=7001
exits "accept" 0
prints "accept takes the program on all its sockets" "unix/@lsm-app"
prints "accept leaves nothing" "0 differences remain"
compare "accepted" 0
rm -f "$state/history.jsonl"

# --- a difference that is over says nothing about the file
first=$holder
hold setpriv --reuid daemon --regid nogroup --clear-groups "$app" "$scripts/sockets.pl" tcp/127.0.0.1:7002
compare "another socket of it" 1
close_sockets "$holder"
holder=$first
program four "$app"
restart
compare "it is over, and the program was replaced" 1 1
run "$lsm" accept tcp/127.0.0.1:7002
exits "accept what is over" 0
compare "the program is a difference still" 1
run "$lsm" accept port=7001
compare "accepted as well" 0
: >"$work/alerts"
rm -f "$state/history.jsonl"

# --- a package of dpkg, in a database of its own
cp -R /var/lib/dpkg "$work/dpkg"
mount --bind "$work/dpkg" /var/lib/dpkg
# deb VERSION: builds and installs it; the program has its version as content.
deb() {
  mkdir -p "$work/deb/DEBIAN" "$work/deb/usr/local/sbin"
  program "deb $1" "$work/deb$app"
  (cd "$work/deb" && md5sum usr/local/sbin/app >DEBIAN/md5sums)
  printf '%s\n' "Package: lsm-e2e-app" "Version: $1" "Architecture: all" "Maintainer: lsm <root@localhost>" \
    "Description: test of lsm" >"$work/deb/DEBIAN/control"
  check "the package $1 is built" dpkg-deb --build "$work/deb" "$work/app.deb"
  check "the package $1 is installed" dpkg --log=/dev/null --install "$work/app.deb"
}
deb 1
restart
compare "installed by dpkg" 0 1
upgraded "installed by dpkg" lsm-e2e-app
baseline
deb 2
compare "upgraded by dpkg" 0
restart
compare "upgraded by dpkg and restarted" 0 1
upgraded "upgraded by dpkg" lsm-e2e-app
compare "upgraded by dpkg, again" 0
alerted "upgraded by dpkg" 0
start="unshare --mount" # as with PrivateTmp= of systemd
restart
compare "in a mount namespace" 0
deb 3
rm "$state/owner-cache"
compare "the older one runs on, deleted" 0 1
compare "the older one runs on, again" 0
start=
program evil "$app"
restart
compare "overwritten by hand" 1 1
alerted "overwritten by hand" 1
check "reinstalled" dpkg --log=/dev/null --install "$work/app.deb"
restart
compare "reinstalled by dpkg" 0 1
check "the package is removed" dpkg --log=/dev/null --purge lsm-e2e-app
rm -f "$state/history.jsonl"

# --- a package of rpm, in a database of its own
mkdir "$work/rpm"
# rpm_app VERSION: builds and installs it.
rpm_app() {
  program "rpm $1" "$work/rpm/app"
  printf '%s\n' "Name: lsm-e2e-app" "Version: $1" "Release: 1" "Summary: test of lsm" "License: none" \
    "BuildArch: noarch" "%define __os_install_post %{nil}" "%define _binaries_in_noarch_packages_terminate_build 0" \
    "%description" "%install" "install -D $work/rpm/app %{buildroot}$app" "%files" "$app" >"$work/rpm/app.spec"
  check "the rpm $1 is built" rpmbuild -bb -D "_topdir $work/rpm" -D "_buildhost localhost" "$work/rpm/app.spec"
  check "the rpm $1 is installed" rpm --upgrade --nodeps "$work/rpm/RPMS/noarch/lsm-e2e-app-$1-1.noarch.rpm"
}
mkdir -p "$(rpm --eval %_dbpath)"
mount -t tmpfs lsm-e2e "$(rpm --eval %_dbpath)"
rpm --initdb
rpm_app 1
restart
baseline
rpm_app 2
restart
compare "upgraded by rpm" 0 1
upgraded "upgraded by rpm" lsm-e2e-app-2-1.noarch
program evil "$app"
restart
compare "overwritten by hand, after rpm" 1 1
alerted "rpm" 1
close_sockets

# --- a file system that hangs: bindfs, stopped
own_dev
mknod -m 666 /dev/fuse c 10 229
mkdir "$work/real" "$work/hung"
chmod 755 "$work/real"
program one "$work/real/app"
bindfs -f -o allow_other "$work/real" "$work/hung" &
bindfs=$!
at_end "kill -KILL $bindfs; umount -l '$work/hung'"
app=$work/hung/app
check "bindfs starts" within 10 test -x "$app"
start
kill -STOP "$bindfs"
began=$(date +%s)
run timeout -s KILL 120 "$lsm" generate
exits "generate on a file system that hangs" 0
check "it ends within 30 s" test $(($(date +%s) - began)) -le 30
kill -CONT "$bindfs"
close_sockets
finish

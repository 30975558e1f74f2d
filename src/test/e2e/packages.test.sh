#!/bin/sh
# The tarball and the .deb on a host without Java, by the commands of the README as they are written
# there: install, upgrade, remove, purge, and what is left of it.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
own_machine apt-get dpkg-deb cron man

downloads=$work/downloads
mkdir "$downloads"
cp "$root"/target/lsm[-_]* "$downloads"
cd "$downloads" || exit 1

no_java() {
  ! command -v java && test -z "$(find / -xdev \( -name libjvm.so -o -path '*/bin/java' -type f \))"
}

# changed_files [FILE]: all files that were created, changed or deleted since the start, and new directories, but for those in
# FILE and the data of package tools and man.
changed_files() {
  (cd /tmp/upper && find .) | sed 's,^\.,,' | sort | comm -23 - "$work/directories" |
    comm -23 - "${1:-/dev/null}" |
    grep -vE '^/var/(lib/(dpkg|apt)|log/(dpkg|apt|alternatives)|cache/(apt|man|debconf|ldconfig))|^/etc/ld\.so\.cache$' || :
}

# works WHAT CONF PROGRAM: lsm does its job, with its files in these directories.
works() {
  run lsm --version
  exits "$1: lsm --version" 0
  prints "$1: it prints its version" "lsm $version"
  changed_files "$work/before" >"$work/left"
  check "$1: changed_files sees its files" grep -qx "$3/runtime/bin/java" "$work/left"
  check "$1: its archive is made" test -s "$3/lsm.jsa"
  sed -i -e 's/^MAILER=.*/MAILER="none"/' -e 's/^SYSLOG=.*/SYSLOG="no"/' "$2/conf.lsm"
  run lsm list
  exits "$1: lsm list" 0
  prints "$1: list names the owner" "/usr/bin/perl"
  run lsm -c
  exits "$1: nothing differs" 0
  open_sockets tcp/0.0.0.0:4444
  run lsm -c
  exits "$1: a new listener" 1
  prints "$1: compare names the socket" "NEW      tcp/0.0.0.0:4444"
  prints "$1: compare names the process" "program    /usr/bin/perl
         PID        $holder
         user       root"
  close_sockets
  run lsm -c
  exits "$1: the listener is closed" 0
  run lsm status
  exits "$1: lsm status" 0
  quiet_cron "$1"
  for page in lsm conf.lsm; do
    run man "$page"
    exits "$1: man $page" 0
    prints "$1: man $page shows the page" NAME
  done
}

# quiet_cron WHAT: what cron would run, in its environment, prints nothing.
quiet_cron() {
  sed -n 's/^[0-9*]\S* \S* \S* \S* \S* root //p' /etc/cron.d/lsm >"$work/cron.command"
  check "$1: there is a cron entry" test "$(wc -l <"$work/cron.command")" -eq 1
  run env -i PATH=/usr/bin:/bin HOME=/root SHELL=/bin/sh LOGNAME=root /bin/sh -c "$(cat "$work/cron.command")"
  prints_nothing "$1: what cron runs prints nothing"
}

# edit_files CONF: what an upgrade must not touch, for later keeps WHAT.
edit_files() {
  sed -i 's/^USER=.*/USER="admin@example.org"/' "$1/conf.lsm"
  echo 'tcp *:1' >>"$1/ignore.lsm"
  sed -i 's,^\*/10,*/7,' /etc/cron.d/lsm
  sha256sum "$1/conf.lsm" "$1/ignore.lsm" /var/lib/lsm/baseline >"$work/kept"
}

keeps() {
  check "$1 keeps configuration, rules and baseline" sha256sum --quiet -c "$work/kept"
}

# leaves WHAT PATTERN: only paths that match the pattern are left.
leaves() {
  changed_files "$work/before" >"$work/left"
  check "$1" test -z "$(grep -vxE "$2" "$work/left")"
  grep -vxE "$2" "$work/left" | sed 's/^/        /'
  check "$1: it leaves nothing in /tmp" test -z "$(find /tmp -mindepth 1 -maxdepth 1 | grep -vxF "$(cat "$work/tmp")")"
}

# readme_command COMMAND...: it is in the README; runs it.
readme_command() {
  check "the README has $*" grep -qF "\`$*\`" "$root/README.md"
  run sh -c "yes | $*"
  exits "$*" 0
}

# --- the machine
rm -rf /usr/local/lsm /usr/local/sbin/lsm /var/lib/lsm /etc/cron.d/lsm # of the host, if it has one
find / -xdev -type d | sort >"$work/directories"
changed_files >"$work/before"
find /tmp -mindepth 1 -maxdepth 1 >"$work/tmp"
check "there is no Java" no_java
open_sockets unix-stream/@lsm-e2e # a host has a socket
version=$(dpkg-deb -f lsm_*.deb Version | tr '~' '-')

# --- the tarball
readme_block "tar -xzf"
exits "tarball: installed" 0
works tarball /usr/local/lsm /usr/local/lsm
edit_files /usr/local/lsm
readme_block "tar -xzf"
exits "tarball: the upgrade" 0
keeps "tarball: the upgrade"
check "tarball: the upgrade keeps the cron entry" grep -q '^\*/7 ' /etc/cron.d/lsm
run lsm -c
exits "tarball: it still runs" 0
readme_command /usr/local/lsm/install.sh --uninstall
keeps "tarball: the removal"
leaves "tarball: the removal leaves nothing else" '/usr/local/lsm(/(conf|ignore)\.lsm(\.new)?)?|/var/lib/lsm(/.*)?'
readme_block "tar -xzf"
exits "tarball: installed again" 0
keeps "tarball: another installation"
readme_command /usr/local/lsm/install.sh --purge
leaves "tarball: the purge leaves nothing" ''

# --- the .deb
readme_block "apt install"
exits "deb: installed" 0
works deb /etc/lsm /usr/lib/lsm
edit_files /etc/lsm
dpkg-deb -R lsm_*.deb "$work/repacked"
sed -i 's/^Version: .*/&+1/' "$work/repacked/DEBIAN/control"
rm -f lsm_*.deb*
check "deb: a newer package" dpkg-deb --root-owner-group -Znone -b "$work/repacked" ./lsm_newer.deb
sha256sum lsm_newer.deb >lsm_newer.deb.sha256
readme_block "apt install"
exits "deb: the upgrade" 0
# shellcheck disable=SC2016  # dpkg's
check "deb: the newer version is installed" grep -q '+1$' <<X
$(dpkg-query -W -f '${Version}\n' lsm)
X
keeps "deb: the upgrade"
check "deb: the upgrade keeps the cron entry" grep -q '^\*/7 ' /etc/cron.d/lsm
check "deb: the archive is new" test /usr/lib/lsm/lsm.jsa -nt "$work/repacked/DEBIAN/control"
run lsm -c
exits "deb: it still runs" 0
readme_command apt remove lsm
keeps "deb: the removal"
leaves "deb: the removal leaves nothing else" '/etc/lsm(/(conf|ignore)\.lsm)?|/etc/cron\.d/lsm|/var/lib/lsm(/.*)?'
quiet_cron "deb: removed"
readme_command apt purge lsm
leaves "deb: the purge leaves nothing" ''
finish

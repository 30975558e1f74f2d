#!/bin/sh
# The tarball, the .deb and the RPM on a host without Java, by the commands of the README as they are written
# there: install, upgrade, remove, purge, and what is left of it; and the .deb in place of the tarball.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"
own_machine apt-get dpkg-deb rpm cron systemctl man
package=linux-socket-monitor

downloads=$work/downloads
mkdir "$downloads"
cp "$root"/target/* "$downloads"
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
  prints "$1: compare names the socket" "NEW      [high] tcp/0.0.0.0:4444"
  prints "$1: compare names the program" "         program    /usr/bin/perl"
  prints "$1: compare names the process" "
         PID        $holder
         user       root"
  close_sockets
  run lsm -c
  exits "$1: the listener is closed" 0
  run lsm status
  exits "$1: lsm status" 1
  prints "$1: status finds no channel" "Channels ! none is set"
  prints "$1: status finds no cron" "but no cron daemon runs"
  check "$1: status finds no other fault" test "$(grep -c '^.\{9\}!' "$work/run.out")" -eq 2
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
  sed -i 's,^[0-9]-59/10 ,*/7 ,' /etc/cron.d/lsm
  check "the cron entry is edited" grep -q '^\*/7 ' /etc/cron.d/lsm
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

# make_daemon: makes $work/daemon.deb, which is configured after lsm and then listens, as the mail server does that comes with lsm.
make_daemon() {
  mkdir -p "$work/daemon/DEBIAN"
  printf '%s\n' 'Package: lsm-e2e-daemon' 'Version: 1' 'Architecture: all' 'Maintainer: lsm <lsm@localhost>' \
    "Depends: $package" 'Description: listens when it is configured' >"$work/daemon/DEBIAN/control"
  cat >"$work/daemon/DEBIAN/postinst" <<'END'
#!/bin/sh
perl -MIO::Socket::INET -e '$socket = IO::Socket::INET->new(LocalAddr => "0.0.0.0:4446", Listen => 1) or die; sleep' \
  </dev/null >/dev/null 2>&1 &
until grep -q ' 00000000:115E ' /proc/net/tcp; do sleep 0.1; done
END
  chmod 755 "$work/daemon/DEBIAN/postinst"
  dpkg-deb --root-owner-group -Znone -b "$work/daemon" "$work/daemon.deb" >/dev/null
}

# rpm_ ARGUMENT...: Debian's rpm, with a database of its own. It does not know the packages of dpkg, so it needs --nodeps.
rpm_() {
  rpm --dbpath "$work/rpmdb" "$@"
}

# --- the machine
rm -rf /usr/local/lsm /usr/local/sbin/lsm /var/lib/lsm /etc/cron.d/lsm # of the host, if it has one
find / -xdev -type d | sort >"$work/directories"
changed_files >"$work/before"
find /tmp -mindepth 1 -maxdepth 1 >"$work/tmp"
check "there is no Java" no_java
open_sockets unix-stream/@lsm-e2e # a host has a socket
version=$(dpkg-deb -f ${package}_*.deb Version | tr '~' '-')

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
leaves "tarball: the removal leaves nothing else" '/usr/local/lsm(/(install\.sh|defaults(/.*)?|(conf|ignore)\.lsm(\.new)?))?|/var/lib/lsm(/.*)?'
readme_block "tar -xzf"
exits "tarball: installed again" 0
keeps "tarball: another installation"

# --- the .deb in place of the tarball
edit_files /usr/local/lsm
mv /var/lib/lsm /srv/lsm
sed -i 's,^STATE_DIR=.*,STATE_DIR="/srv/lsm",' /usr/local/lsm/conf.lsm
(cd /usr/local/lsm && sha256sum conf.lsm ignore.lsm /srv/lsm/baseline) >"$work/kept"
readme_block "apt install"
exits "tarball to deb: installed" 0
prints "tarball to deb: it says what becomes of the configuration" "Copied the configuration in /usr/local/lsm to /etc/lsm; the baseline stays in /srv/lsm"
prints "tarball to deb: and of the program" "Removed the program in /usr/local/lsm; the files of its configuration are still there"
check "tarball to deb: the old configuration stays" sh -c "cd /usr/local/lsm && sha256sum --quiet -c $work/kept"
check "tarball to deb: it is taken over" sh -c "cd /etc/lsm && sha256sum --quiet -c $work/kept"
check "tarball to deb: for root only" test "$(stat -c %a%U /etc/lsm/conf.lsm)" = 600root
check "tarball to deb: the old program is gone" absent /usr/local/sbin/lsm /usr/local/lsm/lsm /usr/local/lsm/runtime /usr/local/lsm/install.sh
check "tarball to deb: the cron entry stays as it was edited" grep -q '^\*/7 .* root .*/usr/sbin/lsm -c' /etc/cron.d/lsm
check "tarball to deb: the only one" absent /etc/cron.d/.lsm.replaced
run lsm -c
exits "tarball to deb: nothing differs" 0
check "tarball to deb: with the state in the same directory" absent /var/lib/lsm
readme_command apt purge $package
check "tarball to deb: the purge leaves the old configuration" test -s /usr/local/lsm/conf.lsm
check "tarball to deb: the purge removes the state" absent /srv/lsm
chmod 666 /usr/local/lsm/conf.lsm
readme_block "apt install"
exits "a configuration that others can change: installed" 0
prints "a configuration that others can change: it is not copied" "did not copy the configuration in /usr/local/lsm to /etc/lsm"
check "a configuration that others can change: the default one is used" grep -q '^USER="root"' /etc/lsm/conf.lsm
readme_command apt purge $package
chmod 600 /usr/local/lsm/conf.lsm
run "$(echo lsm-*/install.sh)" --timer
exits "tarball: with the timer" 0
readme_block "apt install"
exits "tarball with the timer to deb: installed" 0
check "tarball with the timer to deb: the timer is that of the package" \
  grep -q '^ExecStart=/usr/sbin/lsm ' "$(readlink -f /etc/systemd/system/timers.target.wants/lsm.timer | sed 's/timer$/service/')"
check "tarball with the timer to deb: there is no cron entry" absent /etc/cron.d/lsm
readme_command apt remove $package
check "deb: the removal disables the timer" test ! -L /etc/systemd/system/timers.target.wants/lsm.timer
readme_command apt purge $package
run "$(echo lsm-*/install.sh)" --no-cron
exits "tarball: without a schedule" 0
readme_block "apt install"
exits "tarball without a schedule to deb: installed" 0
check "tarball without a schedule to deb: there is none" absent /etc/cron.d/lsm /etc/systemd/system/timers.target.wants/lsm.timer
readme_command apt purge $package
rm -r /usr/local/lsm

# --- the .deb
make_daemon
cp "$work/daemon.deb" .
sed -i.orig 's, ./linux, ./daemon.deb&,' "$root/README.md"
readme_block "apt install"
exits "deb: installed" 0
mv "$root/README.md.orig" "$root/README.md"
rm daemon.deb
check "deb: its baseline has the daemon that was installed with it" grep -q 0.0.0.0:4446 /var/lib/lsm/baseline
run dpkg --audit
prints_nothing "deb: no package is half installed"
works deb /etc/lsm /usr/lib/lsm
run dpkg -P lsm-e2e-daemon
run apt-get -s upgrade
exits "deb: apt-get -s upgrade" 0
check "deb: an upgrade of the host does not touch it" test -z "$(printf '%s' "$out" | grep -E '^(Inst|Remv|Conf) (lsm|linux-socket-monitor)')"
run apt-get -s install lsm
prints "deb: Debian has another package lsm" "Inst lsm "
prints "deb: both cannot be installed" "Remv $package "
edit_files /etc/lsm
dpkg-deb -R ${package}_*.deb "$work/repacked"
sed -i 's/^Version: .*/&+1/' "$work/repacked/DEBIAN/control"
rm -f ${package}_*.deb*
check "deb: a newer package" dpkg-deb --root-owner-group -Znone -b "$work/repacked" ./${package}_newer.deb
sha256sum ${package}_newer.deb >${package}_newer.deb.sha256
readme_block "apt install"
exits "deb: the upgrade" 0
# shellcheck disable=SC2016  # dpkg's
check "deb: the newer version is installed" grep -q '+1$' <<X
$(dpkg-query -W -f '${Version}\n' $package)
X
keeps "deb: the upgrade"
check "deb: the upgrade keeps the cron entry" grep -q '^\*/7 ' /etc/cron.d/lsm
check "deb: the archive is new" test /usr/lib/lsm/lsm.jsa -nt "$work/repacked/DEBIAN/control"
run lsm -c
exits "deb: it still runs" 0
readme_command apt remove $package
keeps "deb: the removal"
leaves "deb: the removal leaves nothing else" '/etc/lsm(/(conf|ignore)\.lsm)?|/etc/cron\.d/lsm|/var/lib/lsm(/.*)?'
quiet_cron "deb: removed"
readme_command apt purge $package
leaves "deb: the purge leaves nothing" ''

# --- the RPM, by rpm instead of dnf, which needs a distribution of its own
rpm=$(ls $package-*.rpm)
check "rpm: its checksum is right" sha256sum --quiet -c "$rpm.sha256"
run rpm_ -i --nodeps "$rpm"
exits "rpm: installed" 0
run rpm_ -qp --requires --provides "$rpm"
prints "rpm: it requires a version of glibc" "libc.so.6(GLIBC_2."
check "rpm: it offers and requires no library of its runtime" test -z "$(printf '%s' "$out" | grep -E '^lib(java|jvm|jli|net|nio|zip)')"
works rpm /etc/lsm /usr/lib/lsm
run rpm_ -V --nodeps $package
check "rpm: all files are as in the package, but for the configuration" test "$(printf '%s' "$out" | sed 's/.* //')" = /etc/lsm/conf.lsm
edit_files /etc/lsm
run rpm_ -U --nodeps --replacepkgs "$rpm"
exits "rpm: the upgrade" 0
keeps "rpm: the upgrade"
check "rpm: the upgrade keeps the cron entry" grep -q '^\*/7 ' /etc/cron.d/lsm
check "rpm: there is an archive" test -s /usr/lib/lsm/lsm.jsa
run lsm -c
exits "rpm: it still runs" 0
sed -i 's, /etc/lsm/[a-z.]*,&.rpmsave,' "$work/kept"
run rpm_ -e $package
exits "rpm: removed" 0
keeps "rpm: the removal"
leaves "rpm: the removal leaves nothing else" '/etc/lsm(/(conf|ignore)\.lsm\.rpmsave)?|/etc/cron\.d/lsm|/var/lib/lsm(/.*)?'
quiet_cron "rpm: removed"
finish

# shellcheck shell=sh
# Shared by the scripts of the .deb and of the RPM. packages.sh inserts them there, with value_of, remove_rules and
# purge_state of install.sh.
unset LSM_CONF

# It exists from an installation until the first baseline. An upgrade takes none, so that a missing baseline is alerted.
installed=/usr/lib/lsm/.installed
tarball=/usr/local/lsm

# before_installation: a configuration in /etc/lsm has priority over that of a tarball.
before_installation() {
  mkdir -p /usr/lib/lsm
  : >"$installed"
  if [ -f "$tarball/conf.lsm" ] && [ ! -e /etc/lsm/conf.lsm ]; then
    echo tarball >"$installed"
  fi
}

# after_unpacking
after_unpacking() {
  # Without the class-data archive lsm only starts more slowly.
  /usr/lib/lsm/archive.sh || echo "Note: could not create the class-data archives of /usr/lib/lsm; lsm takes longer to start"
  if [ -e "$installed" ]; then
    [ "$(cat "$installed")" != tarball ] || replace_tarball
    [ ! -x "$tarball/lsm" ] || cat <<NOTE
Note: another lsm is installed in $tarball, and the shell finds it before this one. To remove
it and keep its configuration and baseline, run: $tarball/install.sh --uninstall
NOTE
  elif [ -e /etc/cron.d/lsm ] || [ -L /etc/systemd/system/timers.target.wants/lsm.timer ]; then
    start_schedule auto
  fi
}

# start_schedule SCHEDULE: without one the package is still installed.
start_schedule() {
  /usr/lib/lsm/schedule.sh "$1" || echo "Note: nothing runs lsm yet; see the error above" >&2
}

# replace_tarball: takes over what install.sh has installed in /usr/local, with its configuration, baseline and schedule.
# dpkg and rpm then treat the configuration as one that the administrator has changed.
replace_tarball() {
  : >"$installed"
  # lsm refuses a file that other users can write to, and one that it cannot read.
  if ! /usr/lib/lsm/lsm --config "$tarball/conf.lsm" list >/dev/null; then
    echo "Note: did not copy the configuration in $tarball to /etc/lsm; correct the error above, then copy it"
    return
  fi
  for file in conf.lsm ignore.lsm; do
    [ ! -f "$tarball/$file" ] || cat "$tarball/$file" >"/etc/lsm/$file"
  done
  [ ! -d "$tarball/rules.d" ] || cp -R "$tarball/rules.d" /etc/lsm
  echo "Copied the configuration in $tarball to /etc/lsm; the baseline stays in $(state_directory)"
  [ -x "$tarball/lsm" ] || return 0
  [ ! -x "$tarball/schedule.sh" ] || "$tarball/schedule.sh" present >"$installed"
  # An entry that is edited stays so.
  [ ! -e /etc/cron.d/lsm ] || sed -i -e 's,/usr/local/sbin/lsm,/usr/sbin/lsm,g' -e "s,$tarball/,/etc/lsm/,g" /etc/cron.d/lsm
  if "$tarball/install.sh" --uninstall >/dev/null; then
    rm -rf "$tarball/install.sh" "$tarball/defaults" # it would purge the state that is in use
    echo "Removed the program in $tarball; the files of its configuration are still there"
  else
    echo "Note: could not remove the program in $tarball"
  fi
}

# after_installation: when all packages of the transaction are installed, and their daemons have started.
after_installation() {
  [ -e "$installed" ] || return 0
  schedule=$(cat "$installed")
  rm "$installed"
  if [ ! -e "$(state_directory)/baseline" ] && [ "$(value_of BASELINE /etc/lsm/conf.lsm)" != declared ]; then
    /usr/lib/lsm/lsm generate ||
      echo "lsm is installed but has no baseline; correct the error above, then run: lsm generate" >&2
  fi
  start_schedule "${schedule:-auto}"
}

# before_removal: /usr/lib/lsm has files that neither dpkg nor rpm knows.
before_removal() {
  /usr/lib/lsm/schedule.sh remove
  remove_rules "$(state_directory)"
  rm -rf /usr/lib/lsm/lsm*.jsa* /usr/lib/lsm/.archive.* /run/lsm-usr-lib-lsm-lsm*.jsa "$installed"
}

state_directory() {
  directory=$(value_of STATE_DIR /etc/lsm/conf.lsm 2>/dev/null)
  echo "${directory:-/var/lib/lsm}"
}

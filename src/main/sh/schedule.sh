#!/bin/sh
# Decides what runs 'lsm compare --quiet' every ten minutes: a cron entry or lsm.timer. install.sh and
# the packages call it.
set -eu
umask 022
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C.UTF-8
export PATH LC_ALL
unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT

usage() {
  cat <<'END'
Usage: schedule.sh auto|cron|timer|none|remove|present|which [CRON_DIR]
  auto    keep the present schedule; if there is none, choose cron, else the timer of systemd
  cron    write CRON_DIR/lsm (default /etc/cron.d/lsm) unless it is there, and disable the timer
  timer   enable lsm.timer, and remove the cron entry
  none    disable the timer and remove the cron entry
  remove  the same, but keep a cron entry that was edited
  present print the present schedule: cron, timer or none
  which   print what auto would choose: cron, timer, or nothing if neither cron nor systemd is there
END
}

die() {
  echo "schedule.sh: $1" >&2
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# The crond of busybox does not read cron.d. systemd-cron makes timers of its entries.
has_cron() {
  if have cron || have bcron-start || [ -e /usr/lib/systemd/system-generators/systemd-crontab-generator ]; then
    return 0
  fi
  have crond && case $(readlink -f -- "$(command -v crond)") in *busybox) false ;; esac
}

# --- cron

# 0 to 9, the same at each call: hosts must not run lsm, and send their mail, all at once. A host that
# is installed from an image has no machine ID yet.
first_minute() {
  id=$(cat /etc/machine-id 2>/dev/null) || :
  case $id in
    '' | uninitialized) id=$(uname -n) ;;
  esac
  echo "$id" | cksum | awk '{ print $1 % 10 }'
}

# The test keeps the entry quiet where only the program was removed.
cron_entry() {
  cat <<END
# Compares the sockets of this host with the baseline of lsm. Alerts go to USER in $conf.
$(first_minute)-59/10 * * * * root [ -x $command ] && $command -c --quiet
END
}

has_entry() {
  grep -qs "[[:space:]]${command}[[:space:]]" "$cron"
}

# Whatever the minute: the machine ID may have changed since.
is_edited() {
  [ "$(sed 's/^[0-9]-//' "$cron")" != "$(cron_entry | sed 's/^[0-9]-//')" ]
}

write_entry() {
  if [ -e "$cron" ]; then
    mv "$cron" "$cron_dir/.lsm.replaced"
    echo "Note: $cron ran another program; it is now $cron_dir/.lsm.replaced, which cron ignores"
  fi
  mkdir -p "$cron_dir"
  # cron ignores names with a dot in front, so it never reads an incomplete entry.
  cron_entry >"$cron_dir/.lsm.new"
  chmod 644 "$cron_dir/.lsm.new"
  mv "$cron_dir/.lsm.new" "$cron"
}

use_cron() {
  disable_timer
  has_entry || write_entry
  echo "Cron entry:      $cron"
  has_cron || echo "Note: nothing runs lsm until a cron daemon is installed"
}

# --- systemd

# The package brings the units; install.sh has only their templates.
install_units() {
  if [ -d "$home/systemd" ]; then
    mkdir -p "$units"
    for unit in lsm.service lsm.timer; do
      sed "s|@SBIN@|${command%/lsm}|" "$home/systemd/$unit" >"$units/$unit"
    done
  fi
}

# Another installation may have units of the same names.
has_units() {
  grep -qsF "ExecStart=$command " "$units/lsm.service"
}

# systemd knows one lsm.timer, so that of a second installation would replace the first one.
refuse_other_units() {
  for dir in /etc /run /usr/local/lib /usr/lib /lib; do
    other=$dir/systemd/system/lsm.service
    [ ! -s "$other" ] || grep '^ExecStart=' "$other" | grep -qF "$command " ||
      die "$other starts another program; remove it if it is no longer used, or run: $home/schedule.sh cron"
  done
}

systemd_runs() {
  [ -d /run/systemd/system ]
}

timer_enabled() {
  has_units && have systemctl && systemctl -q is-enabled lsm.timer 2>/dev/null
}

# By the administrator. 'systemctl enable' fails then.
timer_masked() {
  have systemctl && case $(systemctl is-enabled lsm.timer 2>/dev/null) in masked*) ;; *) false ;; esac
}

use_timer() {
  have systemctl || die "there is no systemd on this host; use cron"
  if timer_masked; then
    echo "Note: lsm.timer is masked and stays so; to use it, run: systemctl unmask lsm.timer && $home/schedule.sh timer"
    return 0
  fi
  refuse_other_units
  install_units
  if systemd_runs; then
    systemctl daemon-reload
  fi
  systemctl -q enable lsm.timer
  remove_entry
  echo "Timer:           lsm.timer"
  if systemd_runs; then
    systemctl restart lsm.timer
  else
    echo "Note: nothing runs lsm until systemd runs on this host"
  fi
}

disable_timer() {
  has_units || return 0
  ! timer_enabled || systemctl -q disable lsm.timer
  ! systemd_runs || timer_masked || systemctl stop lsm.timer
  if [ -d "$home/systemd" ]; then
    rm -f "$units/lsm.service" "$units/lsm.timer"
    rmdir /usr/local/lib/systemd/system /usr/local/lib/systemd 2>/dev/null || :
    ! systemd_runs || systemctl daemon-reload
  fi
}

remove_entry() {
  ! has_entry || rm -f "$cron"
}

# --- the choice

present_schedule() {
  if timer_enabled; then
    echo timer
  elif has_entry; then
    echo cron
  elif timer_masked; then
    echo timer
  else
    echo none
  fi
}

which_schedule() {
  present=$(present_schedule)
  if [ "$present" != none ]; then
    echo "$present"
  elif has_cron; then
    echo cron
  elif have systemctl; then
    echo timer
  fi
}

home=$(dirname -- "$(readlink -f -- "$0")")
prefix=${home%/*}
units=/etc/systemd/system
command=$prefix/sbin/lsm
conf=$home/conf.lsm
if [ "$home" = /usr/lib/lsm ]; then # of a package
  units=/usr/lib/systemd/system command=/usr/sbin/lsm conf=/etc/lsm/conf.lsm
elif [ "$prefix" = /usr/local ]; then
  units=/usr/local/lib/systemd/system
fi
cron_dir=${2:-/etc/cron.d}
cron=$cron_dir/lsm
case ${1-} in
  auto)
    # Without both, the entry waits for a cron daemon.
    case $(which_schedule) in timer) use_timer ;; *) use_cron ;; esac
    ;;
  cron) use_cron ;;
  timer) use_timer ;;
  none)
    disable_timer
    remove_entry
    ;;
  remove)
    disable_timer
    if has_entry && is_edited; then
      echo "Kept $cron, which was edited"
    else
      remove_entry
    fi
    ;;
  present) present_schedule ;;
  which) which_schedule ;;
  --help | -h) usage ;;
  *) usage >&2 && exit 1 ;;
esac

# shellcheck shell=sh
# What the whole-machine tests share: a scratch directory, checks, and their count.
set -u
# shellcheck disable=SC1007,SC2034
root=$(CDPATH= cd -- "$(dirname -- "$0")/../../.." && pwd)
work=$(mktemp -d)
passed=0
failed=0

# What has to be undone at the end, as shell commands, the latest first.
# shellcheck disable=SC2089,SC2090  # it is for eval
undo="rm -rf '$work'"
# shellcheck disable=SC2090
trap 'eval "$undo"' EXIT
trap 'exit 129' HUP INT TERM

at_end() {
  undo="$1; $undo"
}

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
    fail "$what: '$*' ended with $?:"
    sed 's/^/        /' "$work/check.out"
  fi
}

# run COMMAND...: keeps what it prints in $out and $err, and how it ends in $status.
run() {
  status=0
  "$@" >"$work/run.out" 2>"$work/run.err" </dev/null || status=$?
  out=$(cat "$work/run.out")
  err=$(cat "$work/run.err")
}

# ends WHAT STATUS: the last run ended with this exit status.
ends() {
  if [ "$status" -eq "$2" ]; then
    pass "$1"
  else
    fail "$1: ended with $status, not $2; it said: $out $err"
  fi
}

# says WHAT TEXT: the last run printed this, on either stream.
says() {
  case "$out $err" in
    *"$2"*) pass "$1" ;;
    *) fail "$1: nothing about '$2' in: $out $err" ;;
  esac
}

# One line of error, and no stack trace.
one_sentence() {
  if [ "$(wc -l <"$work/run.err")" -eq 1 ] && [ -z "$out" ]; then
    pass "$1"
  else
    fail "$1: more than one line: $out $err"
  fi
}

# absent FILE...: none of these exists.
absent() {
  for file in "$@"; do
    [ ! -e "$file" ] || return 1
  done
}

# typed WORD: runs, in the working directory, the first block of commands in the README that has this
# word in it, as it is written there, and says yes to what it asks.
typed() {
  awk -v word="$1" '
    /^```/ && inside && found { exit }
    /^```/ { inside = !inside; text = ""; found = 0; next }
    inside { text = text $0 "\n"; found = found || index($0, word) }
    END { if (found) printf "%s", text }' "$root/README.md" >"$work/typed.sh"
  check "the README has the commands with '$1'" test -s "$work/typed.sh"
  sed 's/^/        # /' "$work/typed.sh"
  # shellcheck disable=SC2016  # it is for the other shell
  run sh -c 'yes | sh -e "$1"' sh "$work/typed.sh"
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

# own_dev: on many hosts /dev/log leads to the journal, so the test gets a /dev of its own.
own_dev() {
  tar -C /dev -cf "$work/dev.tar" null zero full random urandom tty
  mount -t tmpfs -o mode=755 lsm-e2e /dev
  tar -C /dev -xf "$work/dev.tar"
  ln -s /proc/self/fd /dev/fd
}

# mailboxes: settings of a Postfix that puts all mail into $work/mail, and its log beside that.
mailboxes() {
  cat <<END
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
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

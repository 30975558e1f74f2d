#!/bin/sh
# What install.sh puts into share: the manual pages as man(1) shows them, and completion in bash.
# shellcheck source=src/test/e2e/lib.sh
. "$(dirname -- "$0")/lib.sh"

isolate man bash
share=$prefix/share
lsm=$prefix/lsm/lsm
LC_ALL=C.UTF-8 MANWIDTH=100
export LC_ALL MANWIDTH

# A page of another program, and one of an older lsm.
mkdir -p "$share/man/man8"
echo '.TH LSM-OTHER 8' >"$share/man/man8/lsm-other.8"
echo '.TH "LSM-GONE" "8" "" "lsm 0.9" "LSM Manual"' >"$share/man/man8/lsm-gone.8"
install_lsm
check "the page of another program stays" test -e "$share/man/man8/lsm-other.8"
check "the page of an older version is removed" test ! -e "$share/man/man8/lsm-gone.8"

# --- the pages
# shows WHAT TEXT: the last page has these words.
shows() {
  check "$1: $2" grep -qE -e "(^|[^[:alnum:]-])$2([^[:alnum:]-]|\$)" "$work/page"
}

# page SECTION NAME HEADING...: man renders the page without a warning, with these headings.
page() {
  section=$1
  name=$2
  shift 2
  man --warnings -l "$share/man/man$section/$name.$section" >"$work/page" 2>"$work/warnings"
  check "$name($section): man prints no warning" test ! -s "$work/warnings"
  check "$name($section): its title" \
    grep -qE "^$(echo "$name" | tr '[:lower:]' '[:upper:]')\($section\) +LSM Manual" "$work/page"
  check "$name($section): the name in one line, as apropos needs it" \
    grep -qE "^       $name - [a-z].*[^.]\$" "$work/page"
  for heading in NAME DESCRIPTION FILES 'SEE ALSO' "$@"; do
    check "$name($section): $heading" grep -qx "$heading" "$work/page"
  done
}

# command_page PAGE [COMMAND]: the page has all options of --help.
command_page() {
  name=$1
  shift
  page 8 "$name" SYNOPSIS OPTIONS 'EXIT STATUS' ENVIRONMENT
  "$lsm" "$@" --help >"$work/help"
  options=$(grep -oE -e '(^|[ ,[])--?[A-Za-z][a-z-]*' "$work/help" | tr -d ' ,[' | sort -u)
  for option in $options; do
    [ "$option" = -hV ] || shows "$name" "$option"
  done
  check "$name: it has options" test "$(echo "$options" | wc -l)" -ge 7
  shows "$name" LSM_CONF
  for code in 0 1 2 3; do
    check "$name: exit status $code" grep -qx "       $code" "$work/page"
  done
}

commands=$("$lsm" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\).*/\1/p')
check "there are fifteen commands" test "$(echo "$commands" | wc -w)" -eq 15
command_page lsm
check "lsm: COMMANDS" grep -qx COMMANDS "$work/page"
for command in $commands; do
  check "lsm: $command" grep -qE "^       $command(, -[gcd])?\$" "$work/page"
done
for command in $commands; do
  command_page "lsm-$command" "$command"
done
check "there are no other pages" test "$(find "$share/man" -name '*.8' | wc -l)" -eq 17
check "there are no other pages in sections 1 to 7" \
  test "$(cd "$share/man" && echo man[1-7]/*)" = "man5/conf.lsm.5 man5/ignore.lsm.5 man5/lsm-json.5 man5/lsm-rules.5 man7/lsm-alerts.7 man7/lsm-fleet.7 man7/lsm-identity.7"

page 5 conf.lsm SYNOPSIS EXAMPLES
grep -o '^[A-Z_]*="[^"]*"' "$root/conf/conf.lsm" >"$work/keys"
check "conf.lsm has keys" test "$(wc -l <"$work/keys")" -ge 16
tr -s '[:space:]' ' ' <"$work/page" >"$work/words" # a list of ports may be broken into lines
while read -r line; do
  check "conf.lsm(5): $line" grep -qF " $line " "$work/words"
done <"$work/keys"

page 5 ignore.lsm SYNOPSIS EXAMPLES
for word in program= user= netns=; do
  check "ignore.lsm(5): $word" grep -qF "$word" "$work/page"
done

page 5 lsm-rules SYNOPSIS EXAMPLES
for word in ignore allow require; do
  shows lsm-rules "$word"
done

page 7 lsm-alerts 'EXIT STATUS'
for name in EVENT SUMMARY SUBJECT SEVERITY HOST TIME NEW GONE CHANGED TARGET PORT; do
  shows lsm-alerts "LSM_$name"
done

page 7 lsm-fleet
sed -n 's/^ *- alert: //p' "$root/conf/prometheus/lsm.rules.yml" >"$work/alerts"
check "there are alerts" test "$(wc -l <"$work/alerts")" -ge 7
while read -r name; do
  shows lsm-fleet "$name"
done <"$work/alerts"
for file in prometheus rsyslog wazuh; do
  for path in "$root/conf/$file"/*; do
    shows lsm-fleet "$file/${path##*/}"
  done
done

page 7 lsm-identity
# shellcheck disable=SC2016  # part of a name in a baseline
for name in ephemeral '\[link-local\]' '\[temporary\]' '\[temporary-private\]' '\$PID' '\$HEX'; do
  check "lsm-identity(7): $name" grep -qe "$name" "$work/page"
done

# Every field of a schema is in the manual.
page 5 lsm-json SYNOPSIS EXAMPLES
schemas=$share/lsm/schema
check "there are schemas" test "$(find "$schemas" -name '*.schema.json' | wc -l)" -ge 7
perl -MJSON::PP -0777 -ne '
  sub fields {
    my $node = shift;
    if (ref $node eq "ARRAY") { fields($_) for @$node }
    return if ref $node ne "HASH";
    my $properties = $node->{properties};
    print "$_\n" for ref $properties eq "HASH" ? keys %$properties : ();
    fields($_) for values %$node;
  }
  fields(decode_json($_))' "$schemas"/*.schema.json | sort -u >"$work/fields"
check "the schemas have fields" test "$(wc -l <"$work/fields")" -ge 40
while read -r field; do
  shows lsm-json "$field"
done <"$work/fields"

found() {
  test "$(env -u MANPATH PATH="$prefix/sbin:$PATH" man -w "$1")" = "$2"
}
check "man finds lsm by the PATH" found lsm "$share/man/man8/lsm.8"
check "man finds lsm compare" found lsm-compare "$share/man/man8/lsm-compare.8"
check "man finds conf.lsm" found conf.lsm "$share/man/man5/conf.lsm.5"
check "man finds lsm-alerts" found lsm-alerts "$share/man/man7/lsm-alerts.7"

# --- completion
# offers LINE WORD...: bash offers exactly these words to complete the last word of the line.
offers() {
  line=$1
  shift
  offered=$(bash --norc -c '
    complete_lsm=$(complete -p lsm | sed "s/.*-F \([^ ]*\).*/\1/")
    COMP_LINE=$1 COMP_POINT=${#1}
    read -ra COMP_WORDS <<<"$1"
    [[ $1 != *" " ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    compopt() { :; } # only works in readline
    "$complete_lsm"
    printf "%s\n" "${COMPREPLY[@]}"' bash "$line" 2>&1 | sort | tr '\n' ' ')
  expected=$(printf '%s\n' "$@" | sort | tr '\n' ' ')
  if [ "$offered" = "$expected" ]; then
    pass "completion of '$line'"
  else
    fail "completion of '$line': $offered, not $expected"
  fi
}

# As a login shell loads it when lsm is completed for the first time.
BASH_ENV=$work/loaded
XDG_DATA_DIRS=$share
export BASH_ENV XDG_DATA_DIRS
cat >"$BASH_ENV" <<'EOF'
unset BASH_ENV
shopt -s extglob progcomp
. /usr/share/bash-completion/bash_completion
_completion_loader lsm || :
EOF
# shellcheck disable=SC2086  # words
offers "lsm " $commands -g -c -d
offers "lsm comp" compare
offers "lsm -" -g -c -d -h -V --help --version --config --verbose --no-color
offers "lsm --co" --config
offers "lsm compare --" --quiet --no-alert --baseline --format --help --version --config --verbose --no-color
offers "lsm -c --q" --quiet
offers "lsm history --s" --since
offers "lsm list --format " text json snapshot
offers "lsm list --format j" json
offers "lsm connections --" --seconds --outbound --listen --port --details --format --help --version --config --verbose --no-color
offers "lsm status --format " text json nagios
# shellcheck disable=SC2086  # words
offers "lsm help " $commands -g -c -d
offers "lsm help st" status
offers "lsm compare --baseline $prefix/lsm/conf" "$prefix/lsm/conf.lsm"
offers "lsm diff $prefix/lsm/ig" "$prefix/lsm/ignore.lsm"

# The differences, whose names other users choose: nothing in them is run or expanded.
configure 'NETNS="host"'
open_sockets tcp/127.0.0.1:25
baseline
listener=$holder
# shellcheck disable=SC2016  # part of a name
open_sockets tcp/0.0.0.0:4444 "unix-stream/$work"'/$(touch owned) *' 'unix-stream/@**'
PATH=$prefix/sbin:$PATH
cd "$work" || exit 1
offers "lsm accept " 'tcp/0.0.0.0:4444' "unix/$work"'/\$\(touch\ owned\)\ \\x2a' 'unix/@\\x2a\\x2a'
offers "lsm accept tcp/0.0.0.0:4" 4444
offers "lsm accept unix/$work/\\\$" "unix/$work"'/\$\(touch\ owned\)\ \\x2a'
offers "lsm accept udp/" ''
offers "lsm accept --no" --no-color
check "completion runs no part of a name" test ! -e "$work/owned"
close_sockets "$holder" "$listener"

# --- removal
run "$prefix/lsm/install.sh" --purge --no-cron
exits "install.sh --purge" 0
check "only the page of the other program is left" \
  test "$(find "$share" ! -type d)" = "$share/man/man8/lsm-other.8"
rm "$share/man/man8/lsm-other.8"
install_lsm
run "$prefix/lsm/install.sh" --uninstall --no-cron
check "uninstall: nothing is left in share" test -z "$(find "$share" ! -type d)"
finish

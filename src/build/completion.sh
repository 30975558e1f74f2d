# shellcheck shell=bash

# Offers what a command prints with --names. Other users choose the names of sockets, so none is expanded.
function _lsm_names() {
  local typed replaced name
  local last_word='([^[:space:]\]|\\.)*$' # a backslash within brackets stands for itself
  local last_part="([^\\$COMP_WORDBREAKS]|\\\\.)*\$" # which is all that readline replaces
  [[ ${COMP_LINE:0:COMP_POINT} =~ $last_word ]]
  typed=${BASH_REMATCH[0]}
  [[ $typed =~ $last_part ]]
  replaced=${BASH_REMATCH[0]}
  COMPREPLY=()
  while IFS= read -r name; do
    printf -v name %q "$name"
    [[ $name != "$typed"* ]] || COMPREPLY+=("$replaced${name#"$typed"}")
  done < <(timeout 5 "${COMP_WORDS[0]}" "$1" --names 2>/dev/null)
}

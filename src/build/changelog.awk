# Prints CHANGELOG.md as the changelog of a package: awk -v format=deb|rpm -v version=VERSION -v day=YYYY-MM-DD
# -v maintainer="NAME <ADDRESS>" -f changelog.awk CHANGELOG.md
# Version and day are those of the heading "Unreleased".

function date(options, text) {
  ("LC_ALL=C date -u -d " day " " options) | getline text
  return text
}

function begin_release() {
  if (format == "deb") {
    printf "linux-socket-monitor (%s) unstable; urgency=medium\n\n", version
  } else {
    printf "* %s %s - %s-1\n", date("'+%a %b %d %Y'"), maintainer, version
  }
  inside = 1
}

function end_release() {
  end_entry()
  if (inside && format == "deb") {
    printf "\n -- %s  %s\n", maintainer, date("-R")
  }
  if (inside) {
    print ""
  }
  inside = 0
}

# Prints an entry in lines of up to 78 characters.
function end_entry(   words, count, i, line) {
  count = split(entry, words, " ")
  line = (format == "deb") ? "  *" : "-"
  for (i = 1; i <= count; i++) {
    if (length(line) + length(words[i]) > 77) {
      print line
      line = (format == "deb") ? "   " : " "
    }
    line = line " " words[i]
  }
  if (count) {
    print line
  }
  entry = ""
}

/^## / {
  end_release()
  if ($2 != "[Unreleased]") {
    version = substr($2, 2, length($2) - 2)
    day = $NF
  }
  begin_release()
  next
}
/^- / { end_entry(); entry = substr($0, 3); next }
/^  / && entry { entry = entry $0; next }
{ end_entry() }
END { end_release() }

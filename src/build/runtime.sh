#!/bin/sh
# Builds a Java runtime with only the modules that lsm uses: runtime.sh DIRECTORY
# It takes the JDK in JAVA_HOME, or the newest installed one.
set -eu

# java.security.sasl and java.naming are for Jakarta Mail, jdk.crypto.ec for TLS with elliptic curves
# before JDK 22, jdk.unsupported for Gson, java.xml for Jakarta Activation.
modules=java.base,java.logging,java.naming,java.security.sasl,java.xml,jdk.crypto.ec,jdk.unsupported

# The feature release of a JDK: 17 for 17.0.15.
release() {
  sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2>/dev/null
}

# Whether a JDK can build a runtime: it needs its modules as files, or JDK 24 or later.
links() {
  [ -x "$1/bin/jlink" ] && [ "$(release "$1")" -ge 17 ] &&
    { [ -d "$1/jmods" ] || [ "$(release "$1")" -ge 24 ]; }
}

newest() {
  for jlink in "$(readlink -f -- "$(command -v jlink || echo /nonexistent)")" \
    /usr/lib/jvm/*/bin/jlink /usr/java/*/bin/jlink /opt/*/bin/jlink; do
    jdk=${jlink%/bin/jlink}
    ! links "$jdk" || echo "$(release "$jdk") $jdk"
  done | sort -rn | sed -n '1s/^[0-9]* //p'
}

jdk=${JAVA_HOME:-$(newest)}
if ! links "$jdk"; then
  echo "runtime.sh: '$jdk' is not a JDK 17 or later with jlink and jmods; install one, or set JAVA_HOME" >&2
  exit 1
fi
compress=zip-6
[ "$(release "$jdk")" -ge 21 ] || compress=2
rm -rf "$1"
"$jdk/bin/jlink" --add-modules "$modules" --output "$1" \
  --strip-java-debug-attributes --no-header-files --no-man-pages --compress="$compress"

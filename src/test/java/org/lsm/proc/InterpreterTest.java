package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InterpreterTest {
  private static String script(String program, String commandLine, String workingDirectory) {
    String cmdline = commandLine.replace(' ', '\0').replace('_', ' ') + "\0";
    return Interpreter.script(program, cmdline, workingDirectory);
  }

  /** Spaces separate arguments, and _ stands for a space; the working directory is /srv. */
  @ParameterizedTest
  @CsvSource({
    "python3.11, python3 /opt/app/main.py --port 80,                  /opt/app/main.py",
    "python3.11, python3 main.py,                                     /srv/main.py",
    "python3.11, python3 ./a//../b/./main.py,                         /srv/b/main.py",
    "python3.11, python3 ../../../main.py,                            /main.py",
    "python3.11, /usr/bin/python3 -u /usr/bin/gunicorn app:app,       /usr/bin/gunicorn",
    "python3.11, python3 -_-sE /opt/x,                                /opt/x",
    "python3.11, python3 -uW ignore /opt/x,                           /opt/x",
    "python3.11, python3 -W_ignore /opt/x,                            /opt/x",
    "python3.11, python3 -Wignore -X utf8 /opt/x,                     /opt/x",
    "python3.11, python3 --check-hash-based-pycs never /opt/x,        /opt/x",
    "python3.11, python3 -- /opt/x,                                   /opt/x",
    "python3.11, python3 /opt/x -m http.server,                       /opt/x",
    "python3.11, python3 -m http.server 8000,                         -m http.server",
    "python3.11, python3 -mhttp.server 8000,                          -m http.server",
    "python3.11, python3 -Im http.server 8000,                        -m http.server",
    "python3.11, python3 -m,                                          ?",
    "python3.11, python3 -c import_socket /opt/x,                     ?",
    "python3.11, python3 -Ic import_socket /opt/x,                    ?",
    "python3.11, python3 -,                                           ?",
    "python3.11, python3,                                             ?",
    "python3.11, python3 /dev/fd/63,                                  ?",
    "python3.11, python3 /proc/self/fd/3,                             ?",
    "python3.11, python3 /dev/stdin,                                  ?",
    "python3.11, python3 /dev/shm/x,                                  /dev/shm/x",
    "python2.7,  python -Qnew -Q old x,                               /srv/x",
    "pypy3,      pypy3 x,                                             /srv/x",
    "perl,       perl -w -T /usr/sbin/spamd -c,                       /usr/sbin/spamd",
    "perl,       perl - /opt/x,                                       ?",
    "perl,       perl -I lib -Ilib2 -Mstrict -MIO::Socket -d:E x.pl,  /srv/x.pl",
    "perl,       perl -i.bake -CSDe -F: -xe /opt/x,                   /opt/x",
    "perl,       perl -MIO::Socket -e code x,                         ?",
    "perl,       perl -lne code x,                                    ?",
    "perl,       perl -E code,                                        ?",
    "perl,       perl -S ack,                                         ?",
    "perl5.36.0, perl x,                                              /srv/x",
    "ruby3.1,    ruby -W0 -I lib -r json -Ku --enable yjit bin/puma,  /srv/bin/puma",
    "ruby3.1,    ruby --enable=yjit bin/puma,                         /srv/bin/puma",
    "ruby3.1,    ruby -ne code,                                       ?",
    "ruby3.1,    ruby -S puma,                                        ?",
    "node,       node --inspect -r dotenv --require=x server.js,      /srv/server.js",
    "node,       node --max-old-space-size=4096 --title t server.js,  /srv/server.js",
    "node,       node --import ./a.mjs .,                             /srv",
    "nodejs,     node -e code,                                        ?",
    "nodejs,     node --eval=code x,                                  ?",
    "node,       node -pe code,                                       ?",
    "node18,     node,                                                ?",
    "php8.2,     php -d a=b -dc=d -c /etc/php.ini /srv/w.php,         /srv/w.php",
    "php8.2,     php -f w.php,                                        /srv/w.php",
    "php8.2,     php --file=w=1.php,                                  /srv/w=1.php",
    "php8.2,     php -S 0.0.0.0:80 -t public router.php,              /srv/router.php",
    "php8.2,     php -S 0.0.0.0:80 -t public,                         ?",
    "php8.2,     php -r code,                                         ?",
    "php8.2,     php --run code,                                      ?",
    "php-cgi8.2, php-cgi -b 9000,                                     ?",
    "bash,       /bin/bash /opt/run.sh a b,                           /opt/run.sh",
    "bash,       /bin/bash -euo pipefail /opt/run.sh,                 /opt/run.sh",
    "bash,       /bin/bash -o pipefail -O extglob +x /opt/run.sh,     /opt/run.sh",
    "bash,       /bin/bash --rcfile /opt/rc /opt/run.sh,              /opt/run.sh",
    "bash,       /bin/bash --norc /opt/run.sh,                        /opt/run.sh",
    "bash,       -bash,                                               ?",
    "bash,       bash -i,                                             ?",
    "bash,       bash -c code name,                                   ?",
    "bash,       bash -lc code,                                       ?",
    "bash,       bash -s /opt/run.sh,                                 ?",
    "dash,       /bin/sh - /opt/run.sh,                               /opt/run.sh",
    "dash,       /bin/sh -e /opt/run.sh,                              /opt/run.sh",
    "zsh5,       zsh -f -o extendedglob x,                            /srv/x",
    "ksh93,      ksh x,                                               /srv/x",
    "tcsh,       tcsh -f x,                                           /srv/x",
    "fish,       fish -C code x,                                      ?",
    "fish,       fish x,                                              /srv/x",
    "lua5.4,     lua -i -l socket -lx x.lua,                          /srv/x.lua",
    "lua5.4,     lua -e code x.lua,                                   ?",
    "luajit,     luajit -O3 -joff x.lua,                              /srv/x.lua",
    "tclsh8.6,   tclsh -encoding utf-8 x.tcl,                         /srv/x.tcl",
    "expect,     expect -d -D 1 -f x.exp a,                           /srv/x.exp",
    "expect,     expect -c code x.exp,                                ?",
    "gawk,       gawk -F : -v a=b -f x.awk file,                      /srv/x.awk",
    "gawk,       gawk -F: --file=x.awk file,                          /srv/x.awk",
    "mawk,       awk code file,                                       ?",
    "gawk,       awk -- code file,                                    ?",
    "ld-linux-x86-64.so.2, ld.so --preload /x.so /opt/app 80,         /opt/app",
    "java,       java -Xmx1g -Dm=x -cp a:b com.example.Main 80,       com.example.Main",
    "java,       java --class-path=a com.example.Main,                com.example.Main",
    "java,       java --add-opens a/b=ALL-UNNAMED -jar x.jar -m y,    /srv/x.jar",
    "java,       java -XX:+UseSerialGC -jar /opt/x.jar,               /opt/x.jar",
    "java,       java -p mods -m app/com.example.Main,                -m app/com.example.Main",
    "java,       java --module=app,                                   -m app",
    "java,       java Server.java,                                    /srv/Server.java",
    "java,       java -Xmx1g @/opt/args,                              ?",
    "java,       java -jar,                                           ?",
    "busybox,    busybox httpd -f,                                    httpd",
    "busybox,    /bin/httpd -f,                                       httpd",
    "busybox,    busybox sh -e /opt/run.sh,                           /opt/run.sh",
    "busybox,    /bin/sh /opt/run.sh,                                 /opt/run.sh",
    "busybox,    -sh,                                                 ?",
    "busybox,    busybox,                                             ?",
    "toybox,     toybox nc -l,                                        nc",
    "sshd,       sshd -D,                                             ''",
    "php-fpm8.2, php-fpm:_master,                                     ''",
    "node2mqtt,  node2mqtt x,                                         ''",
  })
  void findsTheScript(String program, String commandLine, String script) {
    assertEquals(script, script("/usr/bin/" + program, commandLine, "/srv"));
  }

  /** In Java syntax: \0 is NUL. */
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "empty,                               \"\"",
        "without a NUL,                       python3 /opt/x",
        "cut in an argument,                  python3\\0/opt",
        "a title,                             python3 worker process\\0",
        "a title and NUL up to the end,       worker\\0\\0\\0\\0\\0",
        "a title like a command line,         python3\\0/opt/x\\0\\0",
      })
  void doesNotTrustAnOverwrittenCommandLine(String name, String cmdline) {
    String bytes = cmdline.replace("\\0", "\0");
    assertEquals("?", Interpreter.script("/usr/bin/python3", bytes, "/srv"), name);
  }

  /** The reader may give the first 4096 bytes only. */
  @Test
  void findsTheScriptBeforeACut() {
    String rest = "\0" + "x".repeat(4096);
    assertEquals("/x", Interpreter.script("/bin/sh", ("sh\0/x" + rest).substring(0, 4096), "/"));
    assertEquals("?", Interpreter.script("/bin/sh", ("sh\0-e" + rest).substring(0, 4096), "/"));
    assertEquals("?", Interpreter.script("/bin/sh", "x".repeat(4096), "/"));
  }

  @Test
  void findsTheScriptOfAnInterpreterOfAnotherRoot() {
    assertEquals("/x", script("(elsewhere)/usr/bin/python3", "python3 /x", "/"));
  }

  @Test
  void resolvesAgainstAKnownDirectoryOnly() {
    assertEquals("?", script("/bin/sh", "sh x", ""));
    assertEquals("/x", script("/bin/sh", "sh /x", ""));
    assertEquals("?", script("/bin/sh", "sh x", "(unreachable)/srv"));
    assertEquals("/x", script("/bin/sh", "sh x", "/"));
    assertEquals("/releases/1/x", script("/bin/sh", "sh x", "/releases/1 (deleted)"));
  }

  @Test
  void keepsBytesThatAreNotUtf8AndNoNameLongerThanAPath() {
    String utf8 = new String("ä".getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    assertEquals("/ä\udcff", script("/bin/sh", "sh /" + utf8 + "\u00ff", "/"));
    assertEquals("?", script("/bin/sh", "sh /" + "x".repeat(4096), "/"));
    assertEquals("/x", script("/usr/bin/java", "java -cp " + "x:".repeat(50_000) + " -jar /x", ""));
  }

  @ParameterizedTest
  @CsvSource({
    "python3.11, true",
    "python3.11-dbg, true",
    "perl5.36-x86_64-linux-gnu, true",
    "platform-python3.6, true",
    "bash-static, true",
    "node_exporter, false",
    "python, true",
    "busybox, true",
    "java, true",
    "(elsewhere)/bin/sh, true",
    "sshd, false",
    "3, false",
    "node_exporter, false",
    "'', false",
    "?, false",
  })
  void knowsInterpreters(String program, boolean isInterpreter) {
    assertEquals(isInterpreter, Interpreter.isInterpreter(program));
  }
}

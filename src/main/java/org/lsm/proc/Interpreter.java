package org.lsm.proc;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.lsm.model.Owner;

/**
 * Finds the script that an interpreter runs in its command line, which the process may overwrite.
 */
final class Interpreter {
  private static final int MAX_SCRIPT = 4096; // PATH_MAX

  /**
   * The interpreters with the options that take an argument, as in their manual pages. The last
   * character of a word says what the argument is: {@code <} the script, {@code @} the main class,
   * {@code =} a module, {@code !} code (or standard input), {@code :} something else, {@code ~}
   * something else that is in the same word always. {@code *} is the first argument that is not an
   * option, a script if it is not listed. {@code -.} ends the options, {@code +.} begins them as
   * well, and {@code words.} stands for options of several letters behind one dash.
   */
  private static final String[][] SYNTAX = {
    {"python pypy", "-c! -m= -W: -X: -Q: --check-hash-based-pycs:"},
    {"perl", "-e! -E! -S! -I: -C~ -D~ -F~ -M~ -V~ -d~ -i~ -m~ -x~"},
    {
      "ruby",
      "-e! -S! -C: -E: -I: -X: -r: -F~ -K~ -T~ -W~ -i~ -x~ --encoding: --external-encoding:"
          + " --internal-encoding: --enable: --disable: --backtrace-limit:"
    },
    {
      "node nodejs",
      "-e! -p! -C: -r: --eval! --print! --run! --conditions: --cpu-prof-dir: --cpu-prof-name:"
          + " --diagnostic-dir: --disable-warning: --dns-result-order: --env-file:"
          + " --experimental-loader: --icu-data-dir: --import: --input-type: --inspect-port:"
          + " --loader: --max-http-header-size: --openssl-config: --redirect-warnings: --require:"
          + " --title: --tls-cipher-list: --unhandled-rejections:"
    },
    {
      "php php-cgi",
      "-B! -E! -R! -r! -F< -f< -S: -T: -b: -c: -d: -t: -z: --process-begin! --process-code!"
          + " --process-end! --run! --file< --process-file< --bindpath: --define: --docroot:"
          + " --php-ini: --server: --zend-extension:"
    },
    {
      "sh ash bash csh dash ksh mksh tcsh yash zsh",
      "-. +. -c! -s! -o: -O: --rcfile: --init-file: --emulate:"
    },
    {"fish", "-c! -C! -d: -f: -o: --command! --init-command! --debug: --debug-output: --features:"},
    {"lua luajit", "-e! -j: -l: -O~"},
    {"tclsh", "words. -encoding:"},
    {"expect", "-c! -b< -f< -D:"},
    {
      "awk gawk mawk nawk",
      "*! -E< -f< -e! -F: -W: -i: -l: -v: --exec< --file< --source! --assign: --field-separator:"
          + " --include: --load:"
    },
    {
      "java",
      "words. *@ -jar< -m= --module= -cp: -classpath: --class-path: -p: --module-path:"
          + " --upgrade-module-path: --add-exports: --add-modules: --add-opens: --add-reads:"
          + " --enable-native-access: --limit-modules: --patch-module: --source:"
    },
    {"busybox toybox", ""}, // the command line names one of the programs that it contains
  };

  private static final Map<String, String> SYNTAX_BY_NAME = new HashMap<>();

  static {
    for (String[] syntax : SYNTAX) {
      for (String name : syntax[0].split(" ", -1)) {
        SYNTAX_BY_NAME.put(name, syntax[1]);
      }
    }
  }

  private final Map<String, Character> options = new HashMap<>();
  private final Iterator<String> arguments;
  private final String workingDirectory;

  private Interpreter(String syntax, Iterator<String> arguments, String workingDirectory) {
    for (String word : syntax.split(" ", -1)) {
      options.put(word.substring(0, word.length() - 1), word.charAt(word.length() - 1));
    }
    this.arguments = arguments;
    this.workingDirectory = workingDirectory;
  }

  /** Whether a program is an interpreter or a shell, of any version. */
  static boolean isInterpreter(String program) {
    return SYNTAX_BY_NAME.containsKey(name(program));
  }

  private static String name(String program) {
    String name = program.substring(program.lastIndexOf('/') + 1);
    int end = name.length();
    while (end > 0 && (Character.isDigit(name.charAt(end - 1)) || name.charAt(end - 1) == '.')) {
      end--;
    }
    return name.substring(0, end);
  }

  /**
   * Returns what an interpreter runs: the absolute path of a script or an archive ({@code
   * /opt/app/main.py}), a module ({@code -m http.server}), a main class, or one of the programs of
   * busybox; {@link Owner#UNKNOWN_SCRIPT} if the command line does not show it, as with code in it
   * or if the process has overwritten it. Empty if the program is not an interpreter.
   *
   * @param cmdline the bytes of {@code /proc/PID/cmdline} (proc(5)), as {@link ProcFile#read} reads
   * @param workingDirectory what a relative path begins with; empty if it is unknown
   */
  static String script(String program, String cmdline, String workingDirectory) {
    String name = name(program);
    String syntax = SYNTAX_BY_NAME.get(name);
    if (syntax == null) {
      return "";
    }
    // Programs that set a title overwrite all, with one string, and NUL up to the end.
    if (!cmdline.endsWith("\0") || cmdline.endsWith("\0\0")) {
      return Owner.UNKNOWN_SCRIPT;
    }
    Iterator<String> arguments = List.of(ProcFile.decode(cmdline).split("\0", -1)).iterator();
    String called = name(arguments.next().replaceFirst("^-", ""));
    if (syntax.isEmpty()) {
      String applet = called.equals(name) ? arguments.next() : called;
      syntax = SYNTAX_BY_NAME.getOrDefault(applet, "");
      if (syntax.isEmpty()) {
        return knownOrUnknown(applet);
      }
    }
    return knownOrUnknown(new Interpreter(syntax, arguments, workingDirectory).script());
  }

  private static String knownOrUnknown(String script) {
    return script.isEmpty() || script.length() > MAX_SCRIPT ? Owner.UNKNOWN_SCRIPT : script;
  }

  /** Reads the arguments up to the one that says what is run; the last one is empty. */
  private String script() {
    char operand = options.getOrDefault("*", '<');
    while (arguments.hasNext()) {
      String argument = arguments.next();
      if (argument.equals("--") || (argument.equals("-") && options.containsKey("-"))) {
        return script(operand, arguments.hasNext() ? arguments.next() : "");
      }
      boolean isOption = argument.startsWith("-") && !argument.equals("-");
      if (!isOption && !(argument.startsWith("+") && options.containsKey("+"))) {
        return script(operand, argument);
      }
      String[] option = split(argument);
      char kind = options.getOrDefault(option[0], '~');
      if (kind != '~') {
        String value = option.length > 1 ? option[1] : arguments.hasNext() ? arguments.next() : "";
        if (kind != ':') {
          return script(kind, value);
        }
      }
    }
    return Owner.UNKNOWN_SCRIPT;
  }

  /** Splits a word into an option and what follows it in the same word. */
  private String[] split(String word) {
    if (word.startsWith("--") || options.containsKey("words")) {
      return word.split("=", 2);
    }
    for (int i = 1; i < word.length(); i++) {
      String option = "-" + word.charAt(i);
      if (options.containsKey(option)) {
        String rest = word.substring(i + 1);
        return rest.isEmpty() ? new String[] {option} : new String[] {option, rest};
      }
    }
    return new String[] {word};
  }

  private String script(char kind, String value) {
    return switch (kind) {
      case '<' -> file(value);
      case '@' ->
          value.endsWith(".java")
              ? file(value)
              : value.startsWith("@") ? Owner.UNKNOWN_SCRIPT : value;
      case '=' -> value.isEmpty() ? Owner.UNKNOWN_SCRIPT : "-m " + value;
      default -> Owner.UNKNOWN_SCRIPT;
    };
  }

  /** Returns an absolute path without {@code .} and {@code ..}; unknown if it is standard input. */
  private String file(String name) {
    boolean isKnown = name.startsWith("/") || workingDirectory.startsWith("/");
    if (!isKnown || name.isEmpty() || name.equals("-")) {
      return Owner.UNKNOWN_SCRIPT;
    }
    String directory = workingDirectory.replaceFirst(" \\(deleted\\)$", ""); // as in program()
    String path = name.startsWith("/") ? name : directory + "/" + name;
    Deque<String> parts = new ArrayDeque<>();
    for (String part : path.split("/", -1)) {
      if (part.equals("..")) {
        parts.pollLast();
      } else if (!part.isEmpty() && !part.equals(".")) {
        parts.add(part);
      }
    }
    String normal = "/" + String.join("/", parts);
    boolean isDescriptor = normal.matches("(?s)/dev/(stdin|fd/|tty|pts/).*|/proc/.*");
    return isDescriptor ? Owner.UNKNOWN_SCRIPT : normal;
  }
}

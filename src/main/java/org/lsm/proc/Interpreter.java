package org.lsm.proc;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.lsm.model.Owner;

/** Finds the script of an interpreter in its command line, which the process may overwrite. */
final class Interpreter {
  private static final int MAX_SCRIPT = 4096; // PATH_MAX
  private static final int MAX_COMMAND_LINE = 4096; // a longer one may be cut

  /**
   * Interpreters, and their options with an argument, as in their manual pages. The last character
   * of a word says what the argument is: {@code <} the script, {@code =} a module, {@code @} a
   * class, {@code !} code, as is standard input, {@code :} nothing of interest, {@code ~} the same,
   * but in the same word always. {@code *} is the first argument behind the options, a script if it
   * is not listed. {@code -.} ends the options, {@code +.} begins them, too, and {@code words.}
   * says that a dash is followed by a word instead of letters. Busybox is called by the name of an
   * applet.
   */
  private static final String SYNTAX =
      """
      python pypy -c! -m= -W: -X: -Q: --check-hash-based-pycs:
      perl -e! -E! -S! -I: -C~ -D~ -F~ -M~ -V~ -d~ -i~ -m~ -x~
      ruby -e! -S! -C: -E: -I: -X: -r: -F~ -K~ -T~ -W~ -i~ -x~ --enable: --disable: --encoding:
      node nodejs -e! -p! --eval! --print! --run! -C: -r: --conditions: --env-file: --import: \
        --title: --require: --loader: --experimental-loader: --disable-warning: --input-type:
      php php-cgi -B! -E! -R! -r! --run! -F< -f< --file< -S: -T: -b: -c: -d: -t: -z: --server: \
        --docroot: --define: --php-ini:
      sh ash bash csh dash ksh mksh tcsh yash zsh -c! -s! -o: -O: --rcfile: --init-file: \
        --emulate: -. +.
      fish -c! -C! -d: -f: -o: --command! --init-command!
      lua luajit -e! -j: -l: -O~
      tclsh words. -encoding:
      expect -c! -b< -f< -D:
      awk gawk mawk nawk *! -E< -f< -e! -F: -W: -i: -l: -v: --file< --exec< --source! --assign: \
        --field-separator:
      java words. *@ -jar< -m= --module= -cp: -classpath: --class-path: -p: --module-path: \
        --upgrade-module-path: --add-exports: --add-modules: --add-opens: --add-reads: \
        --enable-native-access: --limit-modules: --patch-module: --source:
      ld ld-linux ld-linux-x ld-linux-aarch --library-path: --preload: --argv0: --audit: \
        --inhibit-rpath:
      busybox toybox
      """;

  private static final Map<String, Map<String, Character>> OPTIONS_BY_NAME = new HashMap<>();

  static {
    for (String line : SYNTAX.split("\n", -1)) {
      Map<String, Character> options = new HashMap<>();
      for (String word : line.split(" ", -1)) {
        char last = word.isEmpty() ? ' ' : word.charAt(word.length() - 1);
        if (Character.isLetter(last)) {
          OPTIONS_BY_NAME.put(word, options);
        } else if (last != ' ') {
          options.put(word.substring(0, word.length() - 1), last);
        }
      }
    }
  }

  private final Map<String, Character> options;
  private final Iterator<String> arguments;
  private final String workingDirectory;

  private Interpreter(
      Map<String, Character> options, Iterator<String> arguments, String directory) {
    this.options = options;
    this.arguments = arguments;
    this.workingDirectory = directory;
  }

  /** Whether a program is an interpreter or a shell, of any version. */
  static boolean isInterpreter(String program) {
    return OPTIONS_BY_NAME.containsKey(name(program));
  }

  private static String name(String program) {
    // python3.11, perl5.36-x86_64-linux-gnu, platform-python3.6, bash-static, ld-linux-x86-64.so.2
    String base = program.substring(program.lastIndexOf('/') + 1);
    return base.replaceFirst("^platform-", "")
        .replaceFirst("\\.so(\\.\\d+)*$", "")
        .replaceFirst("(-static|-dbg|[-.]?\\d[\\d.]*(-.*)?)$", "");
  }

  /**
   * Returns what an interpreter runs: the absolute path of a script or an archive, a module ({@code
   * -m http.server}), a main class, or an applet of busybox; {@link Owner#UNKNOWN_SCRIPT} if the
   * command line does not show it, as with code in it or if the process has overwritten it. Empty
   * if the program is not an interpreter.
   *
   * @param cmdline the first bytes of {@code /proc/PID/cmdline} (proc(5)), 4096 at least, as {@link
   *     ProcFile#read} reads them
   * @param workingDirectory what a relative path begins with; empty if it is unknown
   */
  static String script(String program, String cmdline, String workingDirectory) {
    String name = name(program);
    if (!isInterpreter(program)) {
      return "";
    }
    boolean isCut = cmdline.length() >= MAX_COMMAND_LINE;
    String whole = isCut ? cmdline.substring(0, cmdline.lastIndexOf('\0') + 1) : cmdline;
    // Programs that set a title overwrite all, with one string, and NUL up to the end.
    if (!whole.endsWith("\0") || whole.endsWith("\0\0")) {
      return Owner.UNKNOWN_SCRIPT;
    }
    Iterator<String> arguments = List.of(ProcFile.decode(whole).split("\0", -1)).iterator();
    String called = name(arguments.next().replaceFirst("^-", ""));
    String script = "";
    if (OPTIONS_BY_NAME.get(name).isEmpty()) {
      name = called.equals(name) ? arguments.next() : called;
      script = name;
    }
    var options = OPTIONS_BY_NAME.getOrDefault(name, Map.of());
    if (!options.isEmpty()) {
      script = new Interpreter(options, arguments, workingDirectory).script();
    }
    return script.isEmpty() || script.length() > MAX_SCRIPT ? Owner.UNKNOWN_SCRIPT : script;
  }

  /** Reads the arguments up to the one that says what is run; empty if none does. */
  private String script() {
    char operand = options.getOrDefault("*", '<');
    while (arguments.hasNext()) {
      String argument = arguments.next(); // the last one is empty
      if (argument.equals("--") || (argument.equals("-") && options.containsKey("-"))) {
        return script(operand, arguments.next());
      }
      boolean isOption = argument.startsWith("-") && !argument.equals("-");
      if (!isOption && !(argument.startsWith("+") && options.containsKey("+"))) {
        return script(operand, argument);
      }
      String[] option = split(argument);
      char kind = options.getOrDefault(option[0], '~');
      if (kind != '~') {
        String value = option[1].isEmpty() ? arguments.next() : option[1];
        if (kind != ':') {
          return script(kind, value);
        }
      }
    }
    return "";
  }

  /** Splits a word into an option and what follows it in the same word. */
  private String[] split(String word) {
    if (word.startsWith("--") || options.containsKey("words")) {
      return (word + (word.contains("=") ? "" : "=")).split("=", 2);
    }
    int end = 1;
    while (end < word.length() && !options.containsKey("-" + word.charAt(end))) {
      end++;
    }
    return end == word.length()
        ? new String[] {word, ""}
        : new String[] {"-" + word.charAt(end), word.substring(end + 1)};
  }

  private String script(char kind, String value) {
    return switch (kind) {
      case '<' -> file(value);
      case '=' -> value.isEmpty() ? "" : "-m " + value;
      case '@' -> value.endsWith(".java") ? file(value) : value.startsWith("@") ? "" : value;
      default -> "";
    };
  }

  /** Returns an absolute path without {@code .} and {@code ..}; empty for standard input. */
  private String file(String name) {
    String directory = workingDirectory.replaceFirst(" \\(deleted\\)$", ""); // proc(5)
    String path = name.startsWith("/") ? name : directory + "/" + name;
    Deque<String> parts = new ArrayDeque<>();
    for (String part : path.split("/+", -1)) {
      if (part.equals("..")) {
        parts.pollLast();
      } else if (!part.isEmpty() && !part.equals(".")) {
        parts.add(part);
      }
    }
    String normal = "/" + String.join("/", parts);
    boolean isAbsolute = name.startsWith("/") || directory.startsWith("/");
    boolean isInput =
        name.matches("-?") || normal.matches("(?s)/dev/(stdin|fd/|tty|pts/).*|/proc/.*");
    return isAbsolute && !isInput ? normal : "";
  }
}

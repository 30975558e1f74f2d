import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.Lsm;
import org.lsm.monitor.SystemEnvironment;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.codegen.docgen.manpage.ManPageGenerator;

/**
 * Writes the manual as AsciiDoc, one directory a section, and the completion for bash: {@code
 * Manual SOURCES DIRECTORY COMPLETION FUNCTIONS}. A page of a command is made of what picocli knows
 * about it, and its text in SOURCES. Whatever else in SOURCES has a title like {@code =
 * conf.lsm(5)} is a page and is copied.
 */
final class Manual {

  private static final String OPTIONS = "// tag::picocli-generated-man-section-options[]";
  private static final Pattern NAME = Pattern.compile("(?m)^(lsm\\S* - )(.)(.*)\\.$");
  private static final Pattern TITLE = Pattern.compile("= \\S+\\(([1-8])\\)");

  /** How picocli offers the words that are not options. */
  private static final String WORDS =
      "COMPREPLY=( $(compgen -W \"${commands// /$'\\n'}${IFS}${positionals}\" -- \"${curr_word}\") )";

  public static void main(String[] args) throws Exception {
    copyPages(Path.of(args[0]), Path.of(args[1]));
    PrintWriter discard = new PrintWriter(Writer.nullWriter());
    Constructor<Lsm> constructor =
        Lsm.class.getDeclaredConstructor(
            SystemEnvironment.class, PrintWriter.class, PrintWriter.class);
    constructor.setAccessible(true);
    Method commandLine = Lsm.class.getDeclaredMethod("commandLine", String[].class);
    commandLine.setAccessible(true);
    Lsm command = constructor.newInstance(SystemEnvironment.real(), discard, discard);
    CommandLine lsm = (CommandLine) commandLine.invoke(command, (Object) new String[] {"help"});
    Path commands = Files.createDirectories(Path.of(args[1], "man8"));
    writePage(lsm, commands);
    for (CommandLine subcommand : lsm.getSubcommands().values()) {
      writePage(subcommand, commands);
    }
    Path completion = Path.of(args[2]);
    Files.createDirectories(completion.getParent());
    // -g, -c and -d are commands; picocli expects only options to begin with a hyphen.
    String options = "\"${flag_opts} ${arg_opts}\"";
    String script =
        AutoComplete.bash("lsm", lsm)
            .replaceFirst("^#!.*\n", "") // bash reads it, nobody runs it
            .replace(options, options.replaceFirst("\"", "\"\\${commands} "));
    String names = String.join(" ", lsm.getSubcommands().keySet());
    script = inFunction(script, "help", "commands=\"\"", "commands=\"" + names + "\"");
    script = inFunction(script, "accept", WORDS, "_lsm_names compare");
    script = inFunction(script, "show", WORDS, "_lsm_names list");
    Files.writeString(completion, script + Files.readString(Path.of(args[3])));
  }

  /** Replaces the first such text in the function that completes a command. */
  private static String inFunction(String script, String command, String from, String to) {
    int function = script.indexOf("function _picocli_lsm_" + command + "() {");
    int start = script.indexOf(from, function);
    if (function < 0 || start < 0) {
      throw new IllegalStateException("picocli completes " + command + " in another way");
    }
    return script.substring(0, start) + to + script.substring(start + from.length());
  }

  private static void copyPages(Path sources, Path directory) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(sources, "*.adoc")) {
      for (Path file : files) {
        Matcher title = TITLE.matcher(Files.readAllLines(file).get(0));
        if (title.matches()) {
          Path section = Files.createDirectories(directory.resolve("man" + title.group(1)));
          Path page = section.resolve(file.getFileName());
          Files.copy(file, page, StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
  }

  private static void writePage(CommandLine command, Path directory) throws IOException {
    String name = command.getCommandSpec().qualifiedName("-");
    StringWriter generated = new StringWriter();
    ManPageGenerator.writeSingleManPage(new PrintWriter(generated), command.getCommandSpec());
    String page =
        generated
            .toString()
            // picocli writes section 1 only; these are commands for administrators
            .replace("= " + name + "(1)", "= " + name + "(8)")
            .replaceAll("(?m)^== +(.*?):?$", "== $1")
            // the description goes on with what is too long for --help
            .replace(OPTIONS, "include::{text}/" + name + ".adoc[]\n\n" + OPTIONS);
    // man-pages(7): the description in NAME is not a sentence
    page =
        NAME.matcher(page).replaceAll(it -> it.group(1) + it.group(2).toLowerCase() + it.group(3));
    Files.writeString(
        directory.resolve(name + ".adoc"), page + "\ninclude::{text}/common.adoc[]\n");
  }
}

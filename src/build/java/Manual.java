import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.regex.Pattern;
import org.lsm.Lsm;
import org.lsm.cli.CommandContext;
import org.lsm.monitor.SystemEnvironment;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.codegen.docgen.manpage.ManPageGenerator;

/**
 * Writes what picocli knows of the commands: {@code Manual CONF_PAGE DIRECTORY COMPLETION}.
 * DIRECTORY gets an AsciiDoc page for each command and the one of conf.lsm, COMPLETION is the file
 * for bash.
 */
final class Manual {

  private static final String OPTIONS = "// tag::picocli-generated-man-section-options[]";
  private static final Pattern NAME = Pattern.compile("(?m)^(lsm\\S* - )(.)(.*)\\.$");

  public static void main(String[] args) throws Exception {
    Path conf = Path.of(args[0]);
    Path files = Files.createDirectories(Path.of(args[1], "man5"));
    Files.copy(conf, files.resolve(conf.getFileName()), StandardCopyOption.REPLACE_EXISTING);
    PrintWriter nobody = new PrintWriter(Writer.nullWriter());
    Method commandLine = Lsm.class.getDeclaredMethod("commandLine", CommandContext.class);
    commandLine.setAccessible(true);
    CommandLine lsm =
        (CommandLine)
            commandLine.invoke(null, new CommandContext(SystemEnvironment.real(), nobody, nobody));
    Path commands = Files.createDirectories(Path.of(args[1], "man8"));
    writePage(lsm, commands);
    for (CommandLine command : lsm.getSubcommands().values()) {
      writePage(command, commands);
    }
    Path completion = Path.of(args[2]);
    Files.createDirectories(completion.getParent());
    // -g, -c and -d are commands, which picocli does not expect behind a hyphen.
    String options = "\"${flag_opts} ${arg_opts}\"";
    Files.writeString(
        completion,
        AutoComplete.bash("lsm", lsm)
            .replace(options, options.replaceFirst("\"", "\"\\${commands} ")));
  }

  private static void writePage(CommandLine command, Path directory) throws IOException {
    String name = command.getCommandSpec().qualifiedName("-");
    StringWriter generated = new StringWriter();
    ManPageGenerator.writeSingleManPage(new PrintWriter(generated), command.getCommandSpec());
    String page =
        generated
            .toString()
            // picocli knows no other section; this is a program of administrators
            .replace("= " + name + "(1)", "= " + name + "(8)")
            .replaceAll("(?m)^== +(.*?):?$", "== $1")
            // what --help has no room for goes on with the description
            .replace(OPTIONS, "include::{text}/" + name + ".adoc[]\n\n" + OPTIONS);
    // man-pages(7) wants no sentence there
    page =
        NAME.matcher(page).replaceAll(it -> it.group(1) + it.group(2).toLowerCase() + it.group(3));
    Files.writeString(
        directory.resolve(name + ".adoc"), page + "\ninclude::{text}/common.adoc[]\n");
  }
}

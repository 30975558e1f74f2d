package org.lsm.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.lsm.model.HostInfo;

/** A report, the headline first. It reads the same as text and as HTML. */
public record ReportDocument(List<Line> lines) {
  private static final int MAX_COLUMNS = 80;

  /** The role of a line: indent and width of its label in text; HTML from label, text, class. */
  enum Style {
    HEADLINE(0, 0, "<h1>%2$s</h1>%n"),
    /**
     * Titles that follow each other share one section. They are not wrapped: a name stays whole.
     */
    TITLE(0, 8, "<h2><b>%1$s</b> <code>%2$s</code></h2>%n"),
    HIGH_TITLE(0, 15, "<h2 class=\"high\"><b>%1$s</b> <code>%2$s</code></h2>%n"),
    /** What is suspicious about the titles above it. */
    FLAG(9, 1, "<p class=\"flag\">%2$s</p>%n"),
    DETAIL(9, 10, "<p class=\"fact\"><span>%1$s </span>%2$s</p>%n"),
    /** A detail that is code: a path, a command, the name of a socket. */
    CODE(9, 10, "<p class=\"fact\"><span>%1$s </span><code>%2$s</code></p>%n"),
    /** The title of what to do next. */
    HEADING(0, 0, "<h3>%2$s</h3>%n"),
    STEP(1, 2, "<p class=\"step\"><span>%1$s </span>%2$s</p>%n"),
    /** A shell command; not wrapped, to be pasted. */
    COMMAND(4, 0, "<p class=\"command\"><code>%2$s</code></p>%n"),
    FACT(0, 9, "<p class=\"fact foot\"><span>%1$s </span>%2$s</p>%n"),
    ADVICE(0, 0, "<p class=\"advice\">%2$s</p>%n"),
    BLANK(0, 0, "");

    private final int indent;
    private final int labelWidth;
    private final String html;

    Style(int indent, int labelWidth, String html) {
      this.indent = indent;
      this.labelWidth = labelWidth;
      this.html = html;
    }

    private boolean isWrapped() {
      return this != HEADLINE && !isTitle() && this != COMMAND;
    }

    private boolean isTitle() {
      return this == TITLE || this == HIGH_TITLE;
    }
  }

  /** One line with its label, which may be empty. */
  record Line(Style style, String label, EscapedText text) {
    static final Line BLANK = of(Style.BLANK, "");

    static Line of(Style style, String label, Object... parts) {
      return new Line(style, label, EscapedText.of(parts));
    }

    static Line fact(String label, Object... parts) {
      return of(Style.FACT, label, parts);
    }

    /** The line, wrapped at spaces; a longer word stays whole, so that people can copy it. */
    private String plain() {
      int width = style.labelWidth;
      String first = " ".repeat(style.indent) + (width == 0 ? "" : pad(label, width) + " ");
      StringBuilder plain = new StringBuilder(first);
      String rest = text.text();
      int room = MAX_COLUMNS - first.length();
      while (style.isWrapped() && rest.length() > room) {
        int end = rest.lastIndexOf(' ', room);
        end = end > 0 ? end : rest.indexOf(' ');
        if (end <= 0) {
          break;
        }
        plain.append(rest, 0, end).append('\n').append(" ".repeat(first.length()));
        rest = rest.substring(end + 1);
      }
      return plain.append(rest).toString();
    }

    /** Bytes of the line as text and as HTML. */
    int size() {
      return (plain() + html()).getBytes(StandardCharsets.UTF_8).length;
    }

    static String pad(String label, int width) {
      return label + " ".repeat(Math.max(0, width - label.length()));
    }

    private String html() {
      return String.format(style.html, escape(label), escape(text.text()));
    }
  }

  /** A document of a headline and facts with their labels; all of these are escaped already. */
  public static ReportDocument of(String headline, List<Map.Entry<String, String>> facts) {
    Line first = Line.of(Style.HEADLINE, "", new EscapedText(headline));
    List<Line> lines = new ArrayList<>(List.of(first, Line.BLANK));
    facts.forEach(it -> lines.add(Line.fact(it.getKey(), new EscapedText(it.getValue()))));
    return new ReportDocument(lines);
  }

  /** The parts of every report: a headline, a body, the host and the time, and more facts. */
  static ReportDocument of(
      EscapedText outcome, List<Line> body, HostInfo host, ZoneId zone, List<Line> more) {
    EscapedText headline = EscapedText.of(host.host(), ": ", outcome);
    List<Line> lines = new ArrayList<>(List.of(Line.of(Style.HEADLINE, "", headline), Line.BLANK));
    lines.addAll(body);
    lines.add(Line.fact("Host", host.host(), ", Linux ", host.kernel()));
    lines.add(Line.fact("Scanned", Times.format(host.time(), zone)));
    lines.addAll(more);
    return new ReportDocument(lines);
  }

  /** The first line, which sums up the report. */
  public String headline() {
    return lines.get(0).plain();
  }

  public String text() {
    return lines.stream().map(line -> line.plain() + "\n").collect(Collectors.joining());
  }

  /** The document as HTML that loads nothing from anywhere. */
  public String html() {
    StringBuilder html = new StringBuilder(head());
    html.append("<title>").append(escape(headline())).append("</title>\n</head>\n<body>\n");
    boolean open = false;
    for (Line line : lines) {
      boolean starts = !open && (line.style().isTitle() || line.style() == Style.HEADING);
      boolean ends = open && line.style() == Style.BLANK;
      if (starts) {
        String word = line.label().split(" ", 2)[0].toLowerCase(Locale.ROOT);
        String type = word.isEmpty() ? "next" : word;
        html.append("<section class=\"").append(escape(type)).append("\">\n");
      }
      html.append(ends ? "</section>\n" : line.html());
      open = (open || starts) && !ends;
    }
    return html.append(open ? "</section>\n" : "").append("</body>\n</html>\n").toString();
  }

  /** The style sheet is plain on purpose: old mail programs and phones understand it. */
  private static String head() {
    try (InputStream in = ReportDocument.class.getResourceAsStream("head.html")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The one place where text enters HTML. */
  private static String escape(String text) {
    String content = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    return content.replace("\"", "&quot;").replace("'", "&#39;");
  }
}

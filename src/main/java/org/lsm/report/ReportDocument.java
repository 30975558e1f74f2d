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
  /** The role of a line: its indent in text, and its HTML from label, text and class. */
  enum Style {
    HEADLINE(0, "<h1>%2$s</h1>%n"),
    TITLE(0, "<section class=\"%3$s\">%n<h2><b>%1$s</b> %2$s</h2>%n"),
    DETAIL(9, "<p class=\"fact\"><span>%1$s</span> %2$s</p>%n"),
    DEEP_DETAIL(11, "<p class=\"fact more\"><span>%1$s</span> %2$s</p>%n"),
    FLAGS(9, "<p class=\"flag\">%1$s %2$s</p>%n"),
    DEEP_FLAGS(11, "<p class=\"flag more\">%1$s %2$s</p>%n"),
    FACT(0, "<p class=\"fact\"><span>%1$s</span> %2$s</p>%n"),
    ADVICE(0, "<p class=\"advice\">%2$s</p>%n"),
    BLANK(0, "");

    private final int indent;
    private final String html;

    Style(int indent, String html) {
      this.indent = indent;
      this.html = html;
    }
  }

  /** One line. Its label, which may be empty, ends with the spaces that align the text. */
  record Line(Style style, String label, EscapedText text) {
    static final Line BLANK = of(Style.BLANK, "");

    static Line of(Style style, String label, Object... parts) {
      return new Line(style, label, EscapedText.of(parts));
    }

    static Line fact(String label, Object... parts) {
      return of(Style.FACT, String.format("%-9s", label), parts);
    }

    private String plain() {
      return " ".repeat(style.indent) + label + (label.isEmpty() ? "" : " ") + text;
    }

    private String html() {
      String word = label.strip();
      String type = word.toLowerCase(Locale.ROOT);
      return String.format(style.html, escape(word), escape(text.text()), type);
    }
  }

  /** A document of a headline and facts with their labels; all of these are escaped already. */
  public static ReportDocument of(String headline, List<Map.Entry<String, String>> facts) {
    Line first = Line.of(Style.HEADLINE, "", new EscapedText(headline));
    List<Line> lines = new ArrayList<>(List.of(first, Line.BLANK));
    facts.forEach(it -> lines.add(Line.fact(it.getKey(), new EscapedText(it.getValue()))));
    return new ReportDocument(lines);
  }

  /** The parts of every report, from the headline to a tip what to do next, which may be empty. */
  static ReportDocument of(
      EscapedText title, List<Line> body, HostInfo host, ZoneId zone, List<Line> more, String tip) {
    List<Line> lines = new ArrayList<>(List.of(Line.of(Style.HEADLINE, "", title), Line.BLANK));
    lines.addAll(body);
    lines.add(Line.fact("Host", host.host(), ", Linux ", host.kernel()));
    lines.add(Line.fact("Scanned", Times.format(host.time(), zone)));
    lines.addAll(more);
    if (!tip.isEmpty()) {
      lines.add(Line.BLANK);
      lines.add(Line.of(Style.ADVICE, "", tip));
    }
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
      boolean ends = line.style() == Style.BLANK && open;
      open = (open || line.style() == Style.TITLE) && !ends;
      html.append(ends ? "</section>\n" : line.html());
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

package org.lsm.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What is told to people, line by line, so that it reads the same as text and as HTML.
 *
 * @param lines escaped already, as far as terminals go
 */
public record ReportDocument(List<Line> lines) {

  /** What a line is. */
  enum Style {
    HEADLINE,
    NEW,
    GONE,
    CHANGED,
    SCAN,
    DETAIL,
    FLAG,
    FACT,
    ADVICE,
    BLANK
  }

  /**
   * One line.
   *
   * @param style what it is
   * @param indent the spaces before it in a text
   * @param label its first word or words, with the spaces that align what follows; may be empty
   * @param text the rest of it
   */
  record Line(Style style, int indent, String label, String text) {

    static Line of(Style style, String text) {
      return new Line(style, 0, "", text);
    }

    static Line fact(String label, String text) {
      return new Line(Style.FACT, 0, String.format("%-9s", label), text);
    }

    static Line blank() {
      return of(Style.BLANK, "");
    }

    private String plain() {
      return " ".repeat(indent) + label + (label.isEmpty() ? "" : " ") + text;
    }
  }

  /** Plain on purpose: what mail programs of phones and of twenty years ago all understand. */
  private static final String HEAD =
      """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <style>
      :root { color-scheme: light dark; }
      body { margin: 0 auto; padding: 16px; max-width: 720px; background: #f4f5f7; color: #1d2129;
        font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
      h1 { font-size: 20px; margin: 4px 0 16px; }
      h2 { font-size: 16px; margin: 0 0 8px; }
      p { margin: 2px 0; }
      h1, h2, p { overflow-wrap: anywhere; }
      section { background: #fff; border-left: 5px solid #8a94a6; border-radius: 6px;
        padding: 12px 14px; margin: 0 0 12px; }
      section.new { border-color: #c62828; }
      section.gone { border-color: #6b7280; }
      section.changed { border-color: #b45309; }
      section.scan { border-color: #6d28d9; }
      h2 b { color: #fff; background: #6b7280; border-radius: 4px; padding: 1px 7px;
        font-size: 13px; }
      .new h2 b { background: #c62828; }
      .changed h2 b { background: #b45309; }
      .scan h2 b { background: #6d28d9; }
      span { color: #5b6472; }
      .more { padding-left: 14px; }
      .flag { color: #b3261e; font-weight: 600; }
      .advice { margin-top: 12px; }
      @media (prefers-color-scheme: dark) {
        body { background: #14171c; color: #e4e7ec; }
        section { background: #1f242c; }
        span { color: #9aa4b2; }
        .flag { color: #ff8a80; }
      }
      </style>
      """;

  /** As many spaces before a line mean that it belongs to the one above. */
  private static final int DEEP = 10;

  public ReportDocument {
    lines = List.copyOf(lines);
  }

  /** The first line, which says it all. */
  public String headline() {
    return lines.get(0).text();
  }

  /** The page as text. */
  public String text() {
    return lines.stream().map(line -> line.plain() + "\n").collect(Collectors.joining());
  }

  /** The page as an HTML document that needs nothing from anywhere. */
  public String html() {
    List<String> html = new ArrayList<>();
    html.add(HEAD + "<title>" + escape(headline()) + "</title>\n</head>\n<body>\n");
    boolean open = false;
    for (Line line : lines) {
      boolean ends = line.style() == Style.BLANK && open;
      open = (open || opens(line)) && !ends;
      html.add(ends ? "</section>\n" : html(line));
    }
    html.add((open ? "</section>\n" : "") + "</body>\n</html>\n");
    return String.join("", html);
  }

  private static boolean opens(Line line) {
    return switch (line.style()) {
      case NEW, GONE, CHANGED, SCAN -> true;
      default -> false;
    };
  }

  private static String html(Line line) {
    String label = escape(line.label().strip());
    String text = escape(line.text());
    String more = line.indent() > DEEP ? " more" : "";
    return switch (line.style()) {
      case HEADLINE -> "<h1>" + text + "</h1>\n";
      case NEW, GONE, CHANGED, SCAN ->
          String.format(
              "<section class=\"%s\">%n<h2><b>%s</b> %s</h2>%n",
              label.toLowerCase(Locale.ROOT), label, text);
      case DETAIL, FACT ->
          String.format("<p class=\"fact%s\"><span>%s</span> %s</p>%n", more, label, text);
      case FLAG -> String.format("<p class=\"flag%s\">%s %s</p>%n", more, label, text);
      case ADVICE -> "<p class=\"advice\">" + text + "</p>\n";
      case BLANK -> "";
    };
  }

  /** The one place where text enters HTML. */
  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}

package org.lsm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.lsm.report.Golden.assertGolden;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/** Documents as text and as HTML, which has no active content. */
class ReportDocumentTest {

  private static final ReportDocument DOCUMENT =
      new ReportDocument(
          List.of(
              Line.of(Style.HEADLINE, "", "web1: 2 NEW, 1 CHANGED, 1 GONE"),
              Line.BLANK,
              Line.of(Style.TITLE, "NEW", EscapedText.withRemark("tcp/0.0.0.0:80", "http")),
              Line.of(Style.TITLE, "NEW", EscapedText.of("tcp6/[::]:80")),
              Line.of(Style.FLAG, "!", "program file deleted"),
              Line.of(Style.CODE, "program", "/bin/nc"),
              Line.of(Style.DETAIL, "user", "root"),
              Line.BLANK,
              Line.of(Style.TITLE, "CHANGED", EscapedText.of("tcp/0.0.0.0:22")),
              Line.BLANK,
              Line.of(Style.TITLE, "GONE", EscapedText.of("udp/127.0.0.1:53")),
              Line.BLANK,
              Line.of(Style.ADVICE, "", "… and 3 more NEW"),
              Line.BLANK,
              Line.of(Style.HEADING, "", "If this is not yours:"),
              Line.of(Style.STEP, "1.", "Stop it."),
              Line.of(Style.COMMAND, "", "kill -STOP 7"),
              Line.BLANK,
              Line.fact("Host", "web1"),
              Line.fact("Baseline", "2 sockets")));

  @Test
  void asText() {
    assertGolden("document.txt", DOCUMENT.text());
  }

  @Test
  void asHtml() {
    String html = DOCUMENT.html();

    assertGolden("document.html", html.substring(html.indexOf("<title>")));
    assertTrue(
        html.startsWith("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"));
  }

  @Test
  void closesLastSection() {
    ReportDocument document =
        new ReportDocument(
            List.of(
                Line.of(Style.HEADLINE, "", "h"),
                Line.of(Style.TITLE, "NEW", EscapedText.of("x"))));

    assertTrue(
        document
            .html()
            .endsWith("<h2><b>NEW</b> <code>x</code></h2>\n</section>\n</body>\n</html>\n"),
        document.html());
  }

  /** Each part is escaped and cut, and those that are escaped already only once. */
  @Test
  void escapesEachPart() {
    String part = "\033".repeat(200);
    String cut = "\\x1b".repeat(125) + "…";
    Line line = Line.fact("Host", part, "  ", part, EscapedText.of("a\\", "\n"), 7);
    ReportDocument document = new ReportDocument(List.of(line));

    assertEquals("Host      " + cut + "\\x20\\x20" + cut + "a\\\\\\x0a7\n", document.text());
  }

  /** An alert that counts others consists of texts that are escaped already. */
  @Test
  void ofEscapedFacts() {
    ReportDocument document =
        ReportDocument.of(
            "web\\x1b: 2 more", List.of(Map.entry("Alert", "a\\x0a"), Map.entry("Last", "b")));

    assertEquals("web\\x1b: 2 more\n\nAlert     a\\x0a\nLast      b\n", document.text());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "<script>alert(1)</script> | &lt;script&gt;alert(1)&lt;/script&gt;",
        "\" onload=\"x            | &quot; onload=&quot;x",
        "' onload='x              | &#39; onload=&#39;x",
        "&lt; & &amp;             | &amp;lt; &amp; &amp;amp;",
        "</p></section></style>   | &lt;/p&gt;&lt;/section&gt;&lt;/style&gt;",
        "<!-- x -->               | &lt;!-- x --&gt;",
      })
  void escapesHtmlInEveryStyle(String hostile, String escaped) {
    for (Style style : Style.values()) {
      String html = document(style, hostile).html();
      String body = html.substring(html.indexOf("<title>"));

      assertFalse(body.contains(hostile), style + ": " + body);
      assertEquals(
          style == Style.BLANK ? 2 : 3,
          body.split(Pattern.quote(escaped), -1).length - 1,
          style + ": " + body);
    }
  }

  /** A document that has a text in its headline and in a line of this style. */
  private static ReportDocument document(Style style, String text) {
    return new ReportDocument(
        List.of(
            Line.of(Style.HEADLINE, "", text),
            Line.of(style, style.name().toLowerCase(Locale.ROOT), text)));
  }

  /** A mail program must not contact anybody. */
  @Test
  void htmlLoadsNothing() {
    String html = DOCUMENT.html().toLowerCase(Locale.ROOT);

    for (String reference :
        List.of(
            "http:", "https:", "src=", "href", "url(", "@import", "<link", "<img", "<script",
            "<iframe", "<object", "<form", "onload", "refresh")) {
      assertFalse(html.contains(reference), reference);
    }
  }

  @Test
  void namesAreOnlyText() {
    String hostile = "<img src=\"https://198.51.100.1/x\" onerror='y'>&";
    String html =
        SampleAlerts.report("/run/" + hostile, hostile, "/bin/" + hostile).document().html();
    String escaped = "&lt;img src=&quot;https://198.51.100.1/x&quot; onerror=&#39;y&#39;&gt;&amp;";

    assertFalse(html.contains("<img"), html);
    assertTrue(html.contains("<h2><b>NEW</b> <code>unix//run/" + escaped + "</code></h2>\n"), html);
    assertTrue(
        html.contains(
            "<p class=\"fact\"><span>program </span><code>/bin/"
                + escaped
                + "</code></p>\n<p class=\"fact\"><span>PID </span>800</p>\n"
                + "<p class=\"fact\"><span>user </span>"
                + escaped
                + "</p>\n"),
        html);
  }
}

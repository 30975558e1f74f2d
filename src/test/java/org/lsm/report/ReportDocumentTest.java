package org.lsm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/** A page reads the same as text and as HTML, and its HTML holds nothing that is active. */
class ReportDocumentTest {

  private static final ReportDocument PAGE =
      new ReportDocument(
          List.of(
              Line.of(Style.HEADLINE, "web1: 1 NEW, 1 GONE, 1 CHANGED"),
              Line.blank(),
              new Line(Style.NEW, 0, "NEW     ", "tcp/0.0.0.0:80  (http)"),
              new Line(Style.DETAIL, 9, "by", "/bin/nc (root), PID 7"),
              new Line(Style.DETAIL, 11, "command ", "nc -l"),
              new Line(Style.FLAG, 11, "!", "shell or interpreter"),
              new Line(Style.FLAG, 9, "!", "reachable beyond loopback"),
              Line.blank(),
              new Line(Style.GONE, 0, "GONE    ", "udp/127.0.0.1:53"),
              Line.blank(),
              new Line(Style.CHANGED, 0, "CHANGED ", "tcp/0.0.0.0:22"),
              Line.blank(),
              Line.of(Style.ADVICE, "… and 3 more NEW"),
              Line.blank(),
              Line.fact("Host", "web1"),
              Line.fact("Baseline", "2 sockets")));

  @Test
  void asText() {
    String expected =
        """
        web1: 1 NEW, 1 GONE, 1 CHANGED

        NEW      tcp/0.0.0.0:80  (http)
                 by /bin/nc (root), PID 7
                   command  nc -l
                   ! shell or interpreter
                 ! reachable beyond loopback

        GONE     udp/127.0.0.1:53

        CHANGED  tcp/0.0.0.0:22

        … and 3 more NEW

        Host      web1
        Baseline  2 sockets
        """;

    assertEquals(expected, PAGE.text());
  }

  @Test
  void asHtml() {
    String expected =
        """
        <title>web1: 1 NEW, 1 GONE, 1 CHANGED</title>
        </head>
        <body>
        <h1>web1: 1 NEW, 1 GONE, 1 CHANGED</h1>
        <section class="new">
        <h2><b>NEW</b> tcp/0.0.0.0:80  (http)</h2>
        <p class="fact"><span>by</span> /bin/nc (root), PID 7</p>
        <p class="fact more"><span>command</span> nc -l</p>
        <p class="flag more">! shell or interpreter</p>
        <p class="flag">! reachable beyond loopback</p>
        </section>
        <section class="gone">
        <h2><b>GONE</b> udp/127.0.0.1:53</h2>
        </section>
        <section class="changed">
        <h2><b>CHANGED</b> tcp/0.0.0.0:22</h2>
        </section>
        <p class="advice">… and 3 more NEW</p>
        <p class="fact"><span>Host</span> web1</p>
        <p class="fact"><span>Baseline</span> 2 sockets</p>
        </body>
        </html>
        """;
    String html = PAGE.html();

    assertEquals(expected, html.substring(html.indexOf("<title>")));
    assertTrue(
        html.startsWith("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"));
  }

  @Test
  void aSectionThatNothingEndsIsEndedByThePage() {
    ReportDocument page =
        new ReportDocument(
            List.of(Line.of(Style.HEADLINE, "h"), new Line(Style.NEW, 0, "NEW", "x")));

    assertTrue(
        page.html().endsWith("<h2><b>NEW</b> x</h2>\n</section>\n</body>\n</html>\n"), page.html());
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
  void hostileTextIsEscapedInEveryStyle(String hostile, String escaped) {
    for (Style style : Style.values()) {
      String html = page(style, hostile).html();
      String body = html.substring(html.indexOf("<title>"));

      assertFalse(body.contains(hostile), style + ": " + body);
      assertEquals(
          style == Style.BLANK ? 2 : 3,
          body.split(Pattern.quote(escaped), -1).length - 1,
          style + ": " + body);
    }
  }

  /** A page that has a text in its headline and in a line of this style. */
  private static ReportDocument page(Style style, String text) {
    return new ReportDocument(
        List.of(
            Line.of(Style.HEADLINE, text),
            new Line(style, 9, style.name().toLowerCase(Locale.ROOT), text)));
  }

  /** A mail program must have no reason to ask anybody for anything. */
  @Test
  void needsNothingFromAnywhere() {
    String html = PAGE.html().toLowerCase(Locale.ROOT);

    for (String reference :
        List.of(
            "http:", "https:", "src=", "href", "url(", "@import", "<link", "<img", "<script",
            "<iframe", "<object", "<form", "onload", "refresh")) {
      assertFalse(html.contains(reference), reference);
    }
  }

  /** The same for a whole report, whose names somebody else has chosen. */
  @Test
  void namesInAReportAreTextAndNothingElse() {
    String hostile = "<img src=\"https://198.51.100.1/x\" onerror='y'>&";
    String html = SampleAlerts.report("/run/" + hostile, hostile, "/bin/" + hostile).page().html();
    String escaped = "&lt;img src=&quot;https://198.51.100.1/x&quot; onerror=&#39;y&#39;&gt;&amp;";

    assertFalse(html.contains("<img"), html);
    assertTrue(html.contains("<h2><b>NEW</b> unix//run/" + escaped + "</h2>\n"), html);
    assertTrue(
        html.contains(
            "<p class=\"fact\"><span>by</span> /bin/"
                + escaped
                + " ("
                + escaped
                + "), PID 800, started 2026-01-02 03:00:00 +00:00 (4 m 5 s ago)</p>\n"),
        html);
  }
}

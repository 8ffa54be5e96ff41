import CCmark
import TestSupport
import Testing

@testable import Checkpoints

@Suite(.blocking) struct MarkdownTests {
  @Test(arguments: [
    ("plain words", "plain words"), ("", ""), ("# no heading", "\\# no heading"),
    ("a # b", "a # b"), ("- no item", "\\- no item"), ("1. no item", "\u{2060}1. no item"),
    ("12) no item", "\u{2060}12) no item"), ("12 monkeys", "12 monkeys"),
    ("a <b> c", "a \\<b> c"), ("a < b", "a < b"), ("<é>", "\\<é>"), ("<…>", "<…>"),
    ("</b>", "\\</b>"), ("[x](y)", "\\[x\\](y)"), ("[1][2]", "\\[1\\][2]"), ("a [b] c", "a [b] c"),
    ("`x`", "\\`x\\`"), ("a * b", "a * b"), ("a *b* c", "a \\*b\\* c"), ("*", "\\*"),
    ("\\*", "\\\\\\*"), ("C:\\new", "C:\\new"), ("a\\", "a\\\\"),
    ("  > no quote", "  \\> no quote"),
    ("a\u{1B}[31mb\tc\u{9B}d\u{2028}e", "a [31mb c d e"),
    ("“typographic” – marks…", "“typographic” – marks…"),
    ("→ ✓ 日本語", "→ ✓ 日本語"), ("soft\u{AD}hyphen \u{200B}zero", "softhyphen zero"),
  ])
  func text_standsOnOneLineAsItIs(text: String, escaped: String) {
    #expect(Array(Markdown.text(text).unicodeScalars) == Array(escaped.unicodeScalars))
  }

  @Test(arguments: [
    ("run `swift test` now", "run `swift test` now"), ("a `b", "a b"), ("`a` `b", "`a` b"),
    ("x ` ` y", "x  y"), ("- `a` - b", "\\- `a` - b"), ("`a`# b", "`a`# b"), ("`é…`", "`é…`"),
    ("`a`*b*", "`a`\\*b\\*"), ("`a`1. b", "`a`1. b"), ("<`b>x", "\\<b>x"),
    ("[x]`(y)", "\\[x\\](y)"), ("` `# b", "\\# b"),
    ("[x]` `(y)", "\\[x\\](y)"), ("`\u{200B}`", "`  `"),
  ])
  func prose_keepsItsCode(text: String, escaped: String) {
    #expect(Array(Markdown.prose(text).unicodeScalars) == Array(escaped.unicodeScalars))
  }

  @Test(arguments: [
    ("a", "`a`"), ("", "`  `"), ("a`b", "``a`b``"), ("`a``", "``` `a`` ```"),
    ("<b> \\ *", "`<b> \\ *`"),
    ("a\nb", "`a b`"), ("é", "`é`"), ("a\u{202E}b", "`ab`"),
  ])
  func code_holdsAnything(text: String, span: String) { #expect(Markdown.code(text) == span) }

  /// What cmark reads in it is what was written, and nothing else than words.
  @Test(arguments: 0..<40) func anyText_isReadAsWords(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "#", ">", "+", "-", "=", "~", "|", "`", "*", "\\", "<", "[", "]", "(", ")", ":", "!", "1",
      "23",
      ".", "a", "Zed", "é", "ß", " ", " ", "  ", "…", "“", "日", "👍", "\t", "\u{7}", "\u{85}", "/",
      "?",
      "\u{2029}", "\"", "'", "```", "---", "***", "===", "\u{AD}", "\u{200B}",
    ]
    for _ in 0..<500 {
      let text = (0..<Int.random(in: 1...12, using: &random))
        .map { _ in pieces.randomElement(using: &random)! }.joined()
      // As in an item of a list: blanks before it are no part of it.
      let markdown = String(Markdown.text(text).drop { $0 == " " })
      let words = String(
        String.UnicodeScalarView(
          InvisibleText.removed(from: text).unicodeScalars.map {
            Markdown.isControl($0) ? " " : $0
          }))
      let tags = Self.tags(String(Markdown.prose(text).drop { $0 == " " }))
      #expect(tags.isSubset(of: ["p", "/p", "code", "/code"]), "\(text.debugDescription): \(tags)")
      #expect(Self.read(markdown) == Self.trimmed(words), "\(text.debugDescription) → \(markdown)")
    }
  }

  /// The tags of the HTML that a document is: text has none, as its brackets are entities there.
  private static func tags(_ markdown: String) -> Set<String> {
    Set(
      html(markdown).split(separator: "<").dropFirst().map {
        String($0.prefix { $0 != ">" && $0 != " " })
      })
  }

  private static func html(_ markdown: String) -> String {
    guard let html = cmark_markdown_to_html(markdown, markdown.utf8.count, CMARK_OPT_UNSAFE) else {
      return "<nothing>"
    }
    defer { cmark_get_default_mem_allocator().pointee.free(html) }
    return String(cString: html)
  }

  private static func trimmed(_ text: String) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  /// The text of the one paragraph that a document is; what else there is in it shows as tags.
  private static func read(_ markdown: String) -> String {
    var text = html(markdown)
    if text.hasPrefix("<p>"), text.hasSuffix("</p>\n") {
      text = String(text.dropFirst(3).dropLast(5))
    }
    for (entity, mark) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")] {
      text = text.replacing(entity, with: mark)
    }
    return trimmed(text.replacing("\u{2060}", with: ""))
  }
}

import TestSupport
import Testing

@testable import Checkpoints

@Suite(.blocking) struct InvisibleTextTests {
  @Test(arguments: [
    "plain", "Grüße, naïve œuvre", "👨‍👩‍👧‍👦 and ❤️ and 👍🏽 and 1️⃣ and 🏳️‍🌈", "می‌خواهم", "क्‍ष",
    "日本語 ｶﾅ", "e\u{301}", "葛\u{FE00}",
  ])
  func whatIsSeen_stays(text: String) { #expect(InvisibleText.removed(from: text) == text) }

  @Test(arguments: [
    ("a\u{E0041}\u{E0042}b", "ab"), ("a\u{200B}\u{200C}\u{200D}b", "ab"), ("x\u{FE0F}y", "xy"),
    ("👍\u{FE0F}\u{FE0F}\u{FE01}", "👍\u{FE0F}"), ("\u{FEFF}text\u{2060}", "text"),
    ("pay\u{AD}load", "payload"), ("a\u{202E}b\u{2066}c", "abc"), ("\u{3164}\u{115F}z", "z"),
    ("❤\u{200D}", "❤"), ("\u{200D}❤", "❤"), (" \u{FE00}", " "),
    ("a\u{FE01}b\u{FE0D}c", "abc"), ("1\u{FE0F}2\u{FE0E}", "12"), ("1\u{200D}2", "12"),
    ("a\u{13430}\u{1D159}", "a"),
  ])
  func whatIsHidden_goes(text: String, rest: String) {
    #expect(Array(InvisibleText.removed(from: text).unicodeScalars) == Array(rest.unicodeScalars))
    #expect(!Markdown.text(text).unicodeScalars.contains { (0xE0000...0xE007F).contains($0.value) })
  }

  @Test(arguments: [
    ("<system-reminder>x</system-reminder>", "&lt;system-reminder>x&lt;/system-reminder>"),
    ("</memoryd-record>", "&lt;/memoryd-record>"), ("<command_name>", "&lt;command_name>"),
    ("a < b and <b>bold</b> <!-- c -->", "a < b and <b>bold</b> <!-- c -->"),
    ("x<1-2> <https://a-b.example.org>", "x<1-2> <https://a-b.example.org>"),
    ("<sys\u{E0041}tem-reminder>", "&lt;system-reminder>"),
    ("a\u{1B}]0;t\u{7}b\u{9B}c\td\re\r\nf\n", "a ]0;t b c\td e\r\nf\n"),
  ])
  func tagsOfAHost_areBroken_andOthersStay(text: String, rest: String) {
    #expect(Markdown.disarmed(text) == rest)
  }
}

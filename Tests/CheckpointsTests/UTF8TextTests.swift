import Syntax
import TestSupport
import Testing

@Suite(.blocking) struct UTF8TextTests {
  @Test(arguments: [
    "", "plain", "naïve “quotes” …", "日本語", "👍🏽 and 👨‍👩‍👧", "e\u{301}\r\n",
    String(repeating: "é", count: 300),
  ])
  func utf16Length_isWhatHostsCount(text: String) { #expect(text.utf16Length == text.utf16.count) }

  @Test(arguments: [
    ("a.b.c", ".", "_", "a_b_c"), ("aaa", "aa", "b", "ba"), ("", "a", "b", ""),
    ("abc", "", "x", "abc"),
    ("abc", "abcd", "x", "abc"), ("ends ab", "ab", "", "ends "), ("a\r\nb", "\n", "", "a\rb"),
    ("’quoted’", "’", "'", "'quoted'"), ("xx", "x", "xx", "xxxx"),
  ])
  func replacing_goesByBytes(text: String, old: String, new: String, result: String) {
    #expect(Array(text.replacing(bytesOf: old, with: new).utf8) == Array(result.utf8))
  }

  @Test(arguments: [[], ["a"], ["a", "", "c"], ["é", "日"]]) func joined_isAsTheLibraryJoins(
    parts: [String]
  ) {
    #expect(parts.joined(by: ", ") == parts.joined(separator: ", "))
    #expect(parts.map { $0[...] }.joined(by: "") == parts.joined())
  }
}

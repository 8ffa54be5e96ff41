import Core
import TestSupport
import Testing

@testable import CommandLineInterface

@Suite(.blocking) struct JSONTextTests {
  private func edited(
    _ text: String, _ edit: (inout JSONText) throws -> Void
  ) throws -> String {
    var json = try JSONText(Array(text.utf8))
    try edit(&json)
    // What was changed is still a document, and the nodes are those of the new text.
    #expect(try JSONText(json.bytes).root.range == json.root.range)
    return String(decoding: json.bytes, as: UTF8.self)
  }

  // MARK: Reading

  /// Every oddity that JSON allows, and that a library would write in another way.
  static let odd = """
    {"escaped\\u0061\\/": "\\u00e4\\ud83d\\ude80\\/ä",
    \t"numbers" :[1.0,1E5 , -0, 12345678901234567890],  "empty": {  }, "list": [ ],

      "same": 1, "same": 2,
        "hooks" : { "Stop":[ {"command":"true"} ] } ,"last":null }

    """

  @Test(arguments: [
    odd, odd.replacing("\n", with: "\r\n"), "\u{FEFF}" + odd, "\n\n7\n", "[]", "\"x\"",
  ])
  func document_whenItIsOnlyRead_staysAsItIs(text: String) throws {
    #expect(try JSONText(Array(text.utf8)).bytes == Array(text.utf8))
  }

  @Test func values_whenTheyAreRead_areFoundWhereTheyStand() throws {
    let json = try JSONText(Array(Self.odd.utf8))
    let text = try #require(json.root["escapeda/"])
    #expect(text.string == "ä🚀/ä" && json.source(of: text) == #""\u00e4\ud83d\ude80\/ä""#)
    let numbers = try #require(json.root["numbers"]?.elements)
    #expect(numbers.map(json.source) == ["1.0", "1E5", "-0", "12345678901234567890"])
    #expect(json.root["empty"]?.members?.isEmpty == true)
    #expect(json.root["list"]?.elements?.isEmpty == true)
    #expect(json.root["last"].map(json.source) == "null" && json.root["nothing"] == nil)
    #expect(text["a"] == nil && text.elements == nil && text.members == nil)
  }

  @Test func key_whenItStandsTwice_isTheLastOne() throws {
    let json = try JSONText(Array(Self.odd.utf8))
    #expect(json.root["same"].map(json.source) == "2")
    #expect(json.root.members?.filter { $0.key == "same" }.count == 2)
  }

  @Test(arguments: [
    ("true", true), ("false", false), ("\"true\"", false), ("1", false), ("null", false),
  ])
  func flag_isTrueForTrueAlone(value: String, isTrue: Bool) throws {
    let json = try JSONText(Array("{\"a\": \(value)}".utf8))
    #expect(json.isTrue(json.root["a"]) == isTrue && !json.isTrue(json.root["b"]))
  }

  // MARK: What is broken

  @Test(arguments: [
    ("", 1), ("\n\n", 3), ("{", 1), ("{\n\"a\":\n", 3), ("{\n  \"a\": 1,\n}", 3), ("[1,\n2,]", 2),
    ("{ // comment\n}", 1), ("{\n/* comment */ \"a\": 1}", 2), ("{\n\"a\" 1}", 2),
    ("{\n\"a\": 1\n\"b\": 2}", 3), ("{}\n{}", 2), ("{}\n,", 2), ("{\n'a': 1}", 2), ("{\na: 1}", 2),
    ("{\n\"a\": tru}", 2), ("[\n01]", 2), ("[+1]", 1), ("[1.]", 1), ("[NaN]", 1), ("[\nTrue]", 2),
    ("[1 2]", 1), ("{\n\"a\": \"x\ny\"}", 2), ("\"\\x\"", 1), ("[\"a\\", 1), ("[\"\\u12\"]", 1),
    ("{\r\n\"a\": 1,\r\n\r\n\"b\"}", 4), ("]", 1), ("{\"a\": 1]", 1), ("{1: 2}", 1),
  ])
  func document_whenItIsBroken_saysInWhichLine(text: String, line: Int) throws {
    let error = try #require(throws: JSONText.Broken.self) { try JSONText(Array(text.utf8)) }
    #expect(error.line == line)
  }

  @Test func document_whenItIsNoUTF8_isBroken() throws {
    let error = try #require(throws: JSONText.Broken.self) {
      try JSONText(Array("{\n\"a\": \"".utf8) + [0xFF] + Array("\"}".utf8))
    }
    #expect(error.line == 2)
  }

  @Test(arguments: [(199, true), (201, false), (100_000, false)])
  func nesting_whenItIsTooDeep_isBroken(depth: Int, isRead: Bool) {
    let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(((try? JSONText(Array(text.utf8))) != nil) == isRead)
  }

  // MARK: Adding

  @Test(arguments: [
    (#"{"a":1}"#, #"{"a":1, "b": 2}"#), (#"{ "a" : 1 }"#, #"{ "a" : 1, "b": 2 }"#),
    ("{}", "{\n  \"b\": 2\n}"), ("{ \n }\n", "{\n \"b\": 2\n}\n"),
    ("{\n    \"a\": 1\n}\n", "{\n    \"a\": 1,\n    \"b\": 2\n}\n"),
    ("{\n\t\"a\": 1\n}", "{\n\t\"a\": 1,\n\t\"b\": 2\n}"),
    ("{\n\n   \"a\": 1  \n\n}", "{\n\n   \"a\": 1,\n   \"b\": 2  \n\n}"),
    ("{\"a\": 1\n}", "{\"a\": 1, \"b\": 2\n}"),
    ("\u{FEFF}{\"a\":1}\n", "\u{FEFF}{\"a\":1, \"b\": 2}\n"),
    (#"{"a": "\u0041\/", "a": 1E5}"#, #"{"a": "\u0041\/", "a": 1E5, "b": 2}"#),
  ])
  func member_whenItIsAdded_leavesTheOthersAsTheyWere(before: String, after: String) throws {
    #expect(try edited(before) { $0.add("b", "2", to: $0.root) } == after)
  }

  @Test(arguments: [
    ("[1,2]", "[1,2, 3]"), ("[ 1 , 2 ]", "[ 1 , 2, 3 ]"), ("[]", "[\n  3\n]"),
    ("[\n\t1\n]", "[\n\t1,\n\t3\n]"), ("[\n 1,\n 2]", "[\n 1,\n 2,\n 3]"),
  ])
  func element_whenItIsAdded_leavesTheOthersAsTheyWere(before: String, after: String) throws {
    #expect(try edited(before) { $0.append("3", to: $0.root) } == after)
  }

  @Test func value_whenItHasLines_isIndentedAsTheDocumentIs() throws {
    let value = "{\n  \"list\": [\n    1\n  ]\n}"
    let tabs = try edited("{\n\t\"a\": {\n\t\t\"x\": 1\n\t}\n}") {
      $0.add("b", value, to: try #require($0.root["a"]))
    }
    #expect(
      tabs == "{\n\t\"a\": {\n\t\t\"x\": 1,\n\t\t\"b\": {\n\t\t\t\"list\": [\n\t\t\t\t1\n\t\t\t]\n"
        + "\t\t}\n\t}\n}")
    let wide = try edited("{\n    \"a\": []\n}") {
      $0.append(value, to: try #require($0.root["a"]))
    }
    #expect(
      wide == "{\n    \"a\": [\n        {\n            \"list\": [\n                1\n"
        + "            ]\n        }\n    ]\n}")
  }

  @Test func lineEnds_whenTheyAreCRLF_stayAroundAChange() throws {
    var json = try JSONText(Array("{\r\n  \"a\": 1\r\n}\r\n".utf8))
    json.add("b", "2", to: json.root)
    #expect(json.bytes.starts(with: "{\r\n  \"a\": 1,".utf8))
    #expect(json.bytes.reversed().starts(with: "  \"b\": 2\r\n}\r\n".utf8.reversed()))
    json.remove("b", from: json.root)
    #expect(json.bytes == Array("{\r\n  \"a\": 1\r\n}\r\n".utf8))
  }

  // MARK: Replacing

  @Test func value_whenItIsReplaced_takesOnlyItsOwnPlace() throws {
    let before = "{\n    \"a\" :  [1, 2] ,\n    \"b\": \"\\/\"\n}\n"
    let scalar = try edited(before) { $0.replace(try #require($0.root["a"]), with: "true") }
    #expect(scalar == "{\n    \"a\" :  true ,\n    \"b\": \"\\/\"\n}\n")
    let object = try edited(before) {
      $0.replace(try #require($0.root["a"]), with: "{\n  \"x\": 1\n}")
    }
    #expect(
      object == "{\n    \"a\" :  {\n        \"x\": 1\n    } ,\n    \"b\": \"\\/\"\n}\n")
  }

  @Test func value_whenItIsReplacedExactly_isNotIndented() throws {
    let after = try edited("{\n    \"a\": 1\n}") {
      $0.replaceExactly(try #require($0.root["a"]), with: "[\n\n 2]")
    }
    #expect(after == "{\n    \"a\": [\n\n 2]\n}")
  }

  // MARK: Removing

  @Test(arguments: [
    (#"{"a": 1, "b": 2, "c": 3}"#, #"{"a": 1, "c": 3}"#), (#"{"b": 2,  "c": 3}"#, #"{"c": 3}"#),
    (#"{"a": 1 , "b": 2 }"#, #"{"a": 1 }"#), (#"{ "b": 2 }"#, "{}"), (#"{"a": 1}"#, #"{"a": 1}"#),
    ("{}", "{}"), (#"{"a": {"b": 1}}"#, #"{"a": {"b": 1}}"#),
    (
      "{\n  \"a\": 1 ,\n  \"b\" : {\"x\": [1, \"}\"]} ,\n  \"c\": 3\n}\n",
      "{\n  \"a\": 1 ,\n  \"c\": 3\n}\n"
    ),
    ("{\n\t\"b\": [],\n\n\t\"c\": 3\n}", "{\n\t\"c\": 3\n}"),
    (#"{"a": 1, "\u0062": 2}"#, #"{"a": 1}"#),
    // The one that counts.
    (#"{"b": 1, "a": 0, "b": 2}"#, #"{"b": 1, "a": 0}"#),
  ])
  func member_whenItIsRemoved_leavesTheOthersAsTheyWere(before: String, after: String) throws {
    #expect(try edited(before) { $0.remove("b", from: $0.root) } == after)
  }

  @Test(arguments: [(0, "[ 2 ,\n3]"), (1, "[ 1 ,\n3]"), (2, "[ 1, 2]")])
  func element_whenItIsRemoved_leavesTheOthersAsTheyWere(index: Int, after: String) throws {
    #expect(try edited("[ 1, 2 ,\n3]") { $0.remove(index, from: $0.root) } == after)
  }

  @Test(arguments: [odd, odd.replacing("\n", with: "\r\n"), "{\n\t\"a\": {\"x\": 1}\n}\n", "{}"])
  func member_whenItIsAddedAndRemovedAgain_leavesNoTrace(text: String) throws {
    let after = try edited(text) {
      $0.add("memoryd", "{\n  \"command\": [\n    \"x\"\n  ]\n}", to: $0.root)
      #expect($0.root["memoryd"]?["command"]?.elements?.first?.string == "x")
      $0.remove("memoryd", from: $0.root)
    }
    #expect(Array(after.utf8) == Array(text.utf8))
  }

  @Test func element_whenItIsAddedAndRemovedAgain_leavesNoTrace() throws {
    let after = try edited(Self.odd) {
      $0.append("{\"command\": \"memoryd\"}", to: try #require($0.root["hooks"]?["Stop"]))
      let list = try #require($0.root["hooks"]?["Stop"])
      #expect(list.elements?.last?["command"]?.string == "memoryd")
      $0.remove(1, from: list)
    }
    #expect(Array(after.utf8) == Array(Self.odd.utf8))
  }

  @Test func edits_whenTheirNodeIsOfAnotherKind_changeNothing() throws {
    let text = #"{"list": [1], "object": {"a": 1}}"#
    let after = try edited(text) {
      let (list, object) = (try #require($0.root["list"]), try #require($0.root["object"]))
      $0.add("b", "2", to: list)
      $0.remove("a", from: list)
      $0.append("2", to: object)
      $0.remove(0, from: object)
    }
    #expect(after == text)
  }
}

@Suite(.blocking) struct LineDifferenceTests {
  private func difference(_ old: String, _ new: String) -> [String] {
    LineDifference.text(old, new).map { "\($0.mark)\($0.line)" }
  }

  private func lines(_ range: ClosedRange<Int>, _ changed: [Int: String] = [:]) -> String {
    range.map { changed[$0] ?? "\($0)" }.joined(separator: "\n")
  }

  @Test(arguments: ["", "a", "a\nb\n"])
  func texts_whenTheyAreTheSame_haveNoDifference(text: String) {
    #expect(difference(text, text).isEmpty)
  }

  @Test func line_whenItChanges_isShownWithThreeLinesAround() {
    #expect(
      difference(lines(1...9), lines(1...9, [5: "x"]))
        == [" 2", " 3", " 4", "-5", "+x", " 6", " 7", " 8"])
  }

  @Test func changes_whenTheyAreFarApart_haveAMarkBetweenThem() {
    #expect(
      difference(lines(1...12), lines(1...12, [1: "a", 12: "z"]))
        == ["-1", "+a", " 2", " 3", " 4", "@", " 9", " 10", " 11", "-12", "+z"])
  }

  @Test func changes_whenTheyAreNear_shareTheLinesBetweenThem() {
    #expect(
      difference(lines(1...8), lines(1...8, [1: "a", 8: "z"]))
        == ["-1", "+a", " 2", " 3", " 4", " 5", " 6", " 7", "-8", "+z"])
  }

  @Test(arguments: [
    ("a\nb", "a\nb\nc", [" a", " b", "+c"]), ("a\nb\nc", "a\nc", [" a", "-b", " c"]),
    ("a\nb", "x\na\nb", ["+x", " a", " b"]), ("a", "a\n", [" a", "+"]), ("", "a", ["-", "+a"]),
    ("a\r", "a", ["-a\r", "+a"]),
  ])
  func lines_whenTheyComeAndGo_areMarked(old: String, new: String, expected: [String]) {
    #expect(difference(old, new) == expected)
  }
}

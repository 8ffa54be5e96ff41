import Foundation
import TestSupport
import Testing

@testable import Core

@Suite(.blocking) struct JSONTests {
  private func parse(_ text: String) -> JSON? { JSON(parsing: text.utf8) }

  @Test(arguments: [
    (#""a\ud83d""#, "a\u{FFFD}"), (#""\ude80b""#, "\u{FFFD}b"),
    (#""\ud83d\ud83d\ude80""#, "\u{FFFD}🚀"),
    (#""\ude80\ud83d""#, "\u{FFFD}\u{FFFD}"), (#""\uD83Dx\uDE80""#, "\u{FFFD}x\u{FFFD}"),
    (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\uD83D\uDE80""#, "🚀"),
    (#""\/\b\f\n\r\t\"\\""#, "/\u{8}\u{C}\n\r\t\"\\"),
  ]) func halfAPair_isTheReplacementCharacter(json: String, expected: String) {
    #expect(parse(json) == .string(expected))
  }

  @Test func halfAPair_inKeysAndNestedValues_costsNothingElse() {
    let text = #"{"id":"\udc00","params":{"a\ud800":[{"b":"c\udfff"},1]}}"#
    #expect(
      parse(text)
        == .object([
          "id": .string("\u{FFFD}"),
          "params": .object([
            "a\u{FFFD}": .array([.object(["b": .string("c\u{FFFD}")]), .integer(1)])
          ]),
        ]))
  }

  @Test func bytesThatAreNoUTF8_areNoJSON_butForHalfAPair() {
    #expect(JSON(parsing: [0x22, 0xFF, 0x22] as [UInt8]) == nil)
    // As UTF-8 would write it.
    let half = JSON(parsing: [0x22, 0x61, 0xED, 0xA0, 0xBD, 0x22] as [UInt8])
    #expect(half == .string("a\u{FFFD}"))
  }

  @Test(arguments: [
    "", " ", "{", "[1", "nul", "{\"a\":}", "{\"a\" 1}", "{,}", "[1,]", "01", "1.", "-", "+1", "1e",
    "\"\\x\"", "\"\\u12\"", "\"a", "\"a\nb\"", "1 2", "{\"a\":1}}", "NaN", "'a'",
    String(repeating: "[", count: 100_000),
  ]) func broken_isNil(text: String) {
    #expect(parse(text) == nil)
  }

  @Test func numbers_areWholeWhereTheyCanBe() {
    #expect(
      parse("[0,-7,12.0,1e3,1.5,9223372036854775807]")
        == .array([
          .integer(0), .integer(-7), .integer(12), .integer(1000), .number(1.5), .integer(.max),
        ]))
    #expect(parse("123456789012345678901234567890") == .number(1.2345678901234568e29))
    #expect(parse("1e999").map { String(decoding: $0.bytes, as: UTF8.self) } != "null")
  }

  @Test(
    arguments: [
      ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(0x1p63)),
      ("1e18", .integer(1_000_000_000_000_000_000)), ("1e19", .number(1e19)),
      ("5e-400", .integer(0)),
      ("-0.0", .integer(0)), ("-1e999", .number(-.greatestFiniteMagnitude)),
    ] as [(String, JSON)]) func numbers_atTheEdges_areTheNearest(text: String, expected: JSON)
  {
    #expect(parse(text) == expected)
  }

  @Test(arguments: [
    "1-2", "1.5.5", "1ee5", "--1", ".5", "0x1", "truex", "\"\\U0041\"", "\"\\u123g\"",
    "\"\\ud800\\u12\"", "\"a\\\nb\"", "[1]\u{A0}", " \u{FEFF}{}", "\"\\", "[1 2]", "{\"a\":1,}",
  ]) func nearlyJSON_isNil(text: String) {
    #expect(parse(text) == nil)
  }

  @Test func nesting_endsAtTheSameDepthForAll() {
    func nested(_ depth: Int, _ inner: String) -> String {
      String(repeating: "[", count: depth) + inner + String(repeating: "]", count: depth)
    }
    #expect(parse(nested(512, "")) != nil && parse(nested(513, "")) == nil)
    #expect(parse(nested(511, "1")) != nil && parse(nested(512, "1")) == nil)
  }

  @Test func names_thatStandTwice_areTheirLast() {
    #expect(parse(#"{"a":1,"b":2,"\u0061":3}"#) == ["a": 3, "b": 2])
  }

  /// A document, and what Foundation's parser takes it for.
  private func tree(_ value: Any) -> JSON {
    switch value {
    case let text as String: return .string(text)
    case let object as [String: Any]: return .object(object.mapValues { tree($0) })
    case let array as [Any]: return .array(array.map { tree($0) })
    case let number as NSNumber:
      // The one way to tell `true` from 1 on both platforms.
      switch String(cString: number.objCType) {
      case "c": return .bool(number.boolValue)
      case "d", "f", "Q": return number.doubleValue.json
      default: return .integer(number.intValue)
      }
    default: return .null
    }
  }

  /// Nested values of all kinds, as `JSONSerialization` takes them.
  private func document(_ depth: Int = 0) -> Any {
    switch Int.random(in: 0..<(depth > 3 ? 6 : 8)) {
    case 0: return Int.random(in: -1_000_000_000...1_000_000_000)
    case 1: return Bool.random()
    case 2: return NSNull()
    case 3: return Double(Int.random(in: -99_999...99_999)) / 8
    case 4, 5: return word(20)
    case 6: return (0..<Int.random(in: 0...5)).map { _ in document(depth + 1) }
    default:
      return Dictionary(
        (0..<Int.random(in: 0...5)).map { ("k\($0)" + word(2), document(depth + 1)) },
        uniquingKeysWith: { $1 })
    }
  }

  private func word(_ length: Int) -> String {
    String(
      String.UnicodeScalarView(
        (0..<Int.random(in: 0...length)).map { _ in
          Unicode.Scalar(UInt32.random(in: 0...(Bool.random() ? 0x7F : 0x10_FFFF))) ?? "x"
        }))
  }

  @Test func agreesWithFoundation_onRandomDocuments() throws {
    for _ in 0..<300 {
      let data = try JSONSerialization.data(withJSONObject: [document()])
      #expect(JSON(parsing: data) == tree(try JSONSerialization.jsonObject(with: data)))
    }
  }

  // MARK: Broken messages

  @Test(arguments: [
    (
      #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"arguments":{"x":}}}"#,
      "7"
    ),
    (#"{"id":"a-\ud83d","params":[1,}"#, #""a-\ud83d""#),
    (#"{"params":{"id":3,"title":"it\'s"},"id":41}"#, "41"),
    (#"{"params":{"id":3},"id" : "b" , "x":nope}"#, #""b""#),
    (#"{"params":{"title":"half"#, nil), (#"{"params":{"id":3}, broken"#, nil),
    (#"{"params":{"title":"no end},"id":9}"#, "9"),
    (#"{"id":12,"params":{"a":"cut"#, "12"),
    (#"{"id":[1],"params":}"#, nil), ("[{\"id\":1}", nil), ("\"id\": 1}", nil), ("{}", nil),
    ("", nil),
    (#"{"note":"\"id\":5}","x":}"#, nil), (#"{"id":-2.5,"x":}"#, "-2.5"),
  ]) func identifier_ofABrokenMessage_isItsOwn(text: String, expected: String?) {
    #expect(WireIdentifier(ofBroken: Array(text.utf8)).map(Self.written) == expected)
  }

  @Test func identifier_ofAMessageNestedTooDeep_isFound() {
    let deep = String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000)
    let text = "{\"params\":\(deep),\"id\":\"d\"}"
    #expect(parse(text) == nil)
    #expect(WireIdentifier(ofBroken: Array(text.utf8)).map(Self.written) == "\"d\"")
  }

  private static func written(_ id: WireIdentifier) -> String {
    String(decoding: id.json, as: UTF8.self)
  }

  // MARK: Messages

  @Test(arguments: [
    "7", "-0", "12345678901234567890", "1E400", "6.00", #""\ud83d""#, #""caf\u00e9""#, #""é\/""#,
    "null",
    "true", "[ 1 ]",
  ]) func identifier_isWhatWasWritten(id: String) throws {
    let text = "\u{FEFF} {\"params\":{\"id\":3,\"x\":[{\"id\":4}]},\"id\" : \(id) ,\"m\":\"id\"} "
    guard case .one(let message)? = WireMessage.parse(Array(text.utf8)) else {
      Issue.record("no message")
      return
    }
    #expect(message.id.map(Self.written) == id && message.body["m"] == .string("id"))
    #expect(
      String(decoding: WireAnswer(message.id, ["a": .integer(1)]).bytes, as: UTF8.self)
        == "{\"id\":\(id),\"a\":1}")
  }

  @Test func identifiers_ofABatch_areEachItsOwn() {
    let text = #"[{"id":1E2,"a":{"id":9}},{"a":1},{"id":"\udead"},{"id":1,"id":2},5,[{"id":6}]]"#
    guard case .batch(let batch)? = WireMessage.parse(Array(text.utf8)) else {
      Issue.record("no batch")
      return
    }
    #expect(
      batch.map { $0.id.map(Self.written) } == ["1E2", nil, #""\udead""#, "2", nil, nil])
    #expect(WireMessage.parse(Array("[1,]".utf8)) == nil)
  }

  // MARK: Writing

  @Test func values_surviveTheWire() throws {
    let text = #"{"a":[true,false,null,1,-2.5,"\u2028é"],"b":{}}"#
    let value = try #require(JSON(parsing: text.utf8))
    #expect(value["a"]?.array?[0] == .bool(true))
    #expect(value["a"]?.array?[3] == .integer(1))
    #expect(value["a"]?.array?[5] == .string("\u{2028}é"))
    #expect(JSON(parsing: value.bytes) == value)
  }

  @Test func values_ofSwift_areJSON() {
    let none: String? = nil
    let document: JSON = [
      "z": none, "b": Int64(9_007_199_254_740_993), "c": ["x", "/"], "d": true, "e": 2, "f": 1.5,
      "g": [["h": UInt32(7)] as JSON], "i": 3.0,
    ]
    #expect(
      document.text
        == #"{"b":9007199254740993,"c":["x","/"],"d":true,"e":2,"f":1.5,"g":[{"h":7}],"i":3,"z":null}"#
    )
  }

  @Test func fields_areSetAndTakenOut() {
    var object: JSON = ["a": 1, "b": 2]
    object["a"] = nil
    object["c"] = .null
    object.merge(["b": "x", "d": true])
    #expect(object == .object(["b": .string("x"), "c": .null, "d": .bool(true)]))
    var list = JSON.array([])
    list["a"] = .null
    #expect(list == .array([]))
  }

  /// A tree as Foundation's encoder walks through it.
  private struct Encoded: Encodable {
    var value: JSON

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch value {
      case .null: try container.encodeNil()
      case .bool(let flag): try container.encode(flag)
      case .integer(let number): try container.encode(number)
      case .number(let number): try container.encode(number)
      case .string(let text): try container.encode(text)
      case .array(let values): try container.encode(values.map { Encoded(value: $0) })
      case .object(let fields): try container.encode(fields.mapValues { Encoded(value: $0) })
      }
    }
  }

  private func encoded(_ value: JSON) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(Encoded(value: value)), as: UTF8.self)
  }

  @Test func bytes_areThoseOfFoundationsEncoder() throws {
    let controls = String(String.UnicodeScalarView((0...0xA0).map { Unicode.Scalar($0)! }))
    let numbers = [
      1e21, 1e16, 1e15 + 0.5, 0.1, -0.0, 1e-7, .leastNonzeroMagnitude, 100,
      .greatestFiniteMagnitude, -1.5e300,
    ]
    let names = [
      "a10", "a2", "B", "b", "é", "e\u{301}x", "_", "", "a b", "a-b", "\u{10000}", "\u{FFFF}",
      "\u{E000}", "\n", "\"",
    ]
    let values: [JSON] =
      numbers.map { .number($0) } + [
        .integer(.min), .integer(.max), .string(controls), .string("/\\\"\u{2028}\u{2029}🚀"), .null,
        .array([]), .object([:]),
        .object(Dictionary(uniqueKeysWithValues: names.map { ($0, .bool(false)) })),
      ]
    for value in values { #expect(value.text == (try encoded(value))) }
    for _ in 0..<300 {
      let value = tree(document())
      #expect(value.text == (try encoded(value)))
    }
  }
}

import Foundation
import Testing

@testable import Canary
@testable import Core

@Suite struct WireJSONTests {
  private func parse(_ text: String) -> WireJSON? { WireJSON(parsing: text.utf8) }

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
    #expect(WireJSON(parsing: [0x22, 0xFF, 0x22] as [UInt8]) == nil)
    // As UTF-8 would write it.
    let half = WireJSON(parsing: [0x22, 0x61, 0xED, 0xA0, 0xBD, 0x22] as [UInt8])
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

  @Test func agreesWithFoundation_onRandomDocuments() throws {
    func value(_ depth: Int) -> Any {
      switch Int.random(in: 0..<(depth > 3 ? 5 : 7)) {
      case 0: return Int.random(in: -1_000_000_000...1_000_000_000)
      case 1: return Bool.random()
      case 2: return NSNull()
      case 3: return Double(Int.random(in: -99_999...99_999)) / 8
      case 4:
        return String(
          String.UnicodeScalarView(
            (0..<Int.random(in: 0...20)).map { _ in
              Unicode.Scalar(UInt32.random(in: 0...0xD7FF)) ?? "x"
            }
          ))
      case 5: return (0..<Int.random(in: 0...5)).map { _ in value(depth + 1) }
      default:
        return Dictionary(
          uniqueKeysWithValues: (0..<Int.random(in: 0...5)).map { ("k\($0)", value(depth + 1)) })
      }
    }
    for _ in 0..<300 {
      let data = try JSONSerialization.data(withJSONObject: [value(0)])
      let theirs = try JSONSerialization.jsonObject(with: data)
      #expect(WireJSON(parsing: data) == WireJSON(theirs))
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
    let value = try #require(WireJSON(parsing: text.utf8))
    #expect(value["a"]?.array?[0] == .bool(true))
    #expect(value["a"]?.array?[3] == .integer(1))
    #expect(value["a"]?.array?[5] == .string("\u{2028}é"))
    #expect(WireJSON(parsing: value.bytes) == value)
  }

  @Test func swiftValues_areJSON() {
    let fields: [String: Any?] = [
      "z": nil, "b": Int64(9_007_199_254_740_993), "c": ["x", "/"], "d": true, "e": 2, "f": 1.5,
      "g": [["h": UInt32(7)]] as [[String: Any?]],
    ]
    #expect(
      String(decoding: WireJSON(fields).bytes, as: UTF8.self)
        == #"{"b":9007199254740993,"c":["x","/"],"d":true,"e":2,"f":1.5,"g":[{"h":7}],"z":null}"#)
  }
}

import Foundation
import Testing

@testable import Canary

@Suite struct ServerSentEventsTests {
  private func events(_ text: String, chunk size: Int = .max) -> [String] {
    var stream = ServerSentEvents()
    var found: [[UInt8]] = []
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      found += stream.append(bytes.prefix(size))
      bytes = bytes.dropFirst(size)
    }
    return found.map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(arguments: ["\n", "\r", "\r\n"]) func lines_endAtCRAndLF(end: String) {
    let text = ["event: message", "data: {\"a\":1}", "", "data: 2", "", ""].joined(separator: end)
    #expect(events(text) == ["{\"a\":1}", "2"])
    for size in 1...5 { #expect(events(text, chunk: size) == ["{\"a\":1}", "2"]) }
  }

  @Test func lineSeparatorsOfUnicode_areText() {
    #expect(events("data: \"a\u{2028}b\u{85}c\u{2029}\"\n\n") == ["\"a\u{2028}b\u{85}c\u{2029}\""])
  }

  @Test func dataOverSeveralLines_isJoined() {
    #expect(events("data: [1,\ndata:2]\n\n") == ["[1,\n2]"])
  }

  @Test func commentsAndEmptyPings_giveNothing() {
    #expect(events(": ping\n\ndata:\n\ndata: \n\nid: 7\nretry: 5\n\ndataset: x\n\n").isEmpty)
  }

  @Test func eventWithoutItsEnd_isNoEvent() {
    #expect(events("data: {\"cut\"").isEmpty)
  }
}

@Suite struct WireJSONTests {
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

  @Test(arguments: ["", "{", "{\"a\":", "nul", "[1"]) func broken_isNil(text: String) {
    #expect(WireJSON(parsing: text.utf8) == nil)
  }

  @Test func invalidUTF8_isNil() {
    #expect(WireJSON(parsing: [0x22, 0xFF, 0x22] as [UInt8]) == nil)
  }
}

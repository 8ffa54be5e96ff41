import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Core
@testable import Syntax
@testable import Transcripts

@Suite(.blocking) struct JSONTapeTests {
  private func parse<T>(_ text: String, _ body: (JSONValue) -> T) throws -> T {
    let tape = JSONTape()
    return try Array(text.utf8).withUnsafeBufferPointer { bytes in
      _ = try tape.parse(bytes)
      return body(tape.root(bytes))
    }
  }

  @Test func values_areReadAsTheyStand() throws {
    let text =
      #" {"a":[1,-2,{"b":null}],"s":"é\u00e9\ud83d\ude05\n\"","t":true,"f":false,"e":{},"l":[]} "#
    try parse(text) { root in
      #expect(root["a"]?.elements.count == 3)
      #expect(root["a"]?.elements[1].int == -2)
      #expect(root["s"]?.string == "éé😅\n\"")
      #expect(root["t"]?.bool == true && root["f"]?.bool == false)
      #expect(root["e"]?.isObject == true && root["l"]?.isArray == true)
      #expect(root["missing"] == nil)
      #expect(root["a"]?["b"] == nil)
      #expect(root["s"]?.int == nil)
    }
  }

  @Test func agreesWithFoundation_onRandomDocuments() throws {
    var generator = SystemRandomNumberGenerator()
    func value(_ depth: Int) -> Any {
      switch Int.random(in: 0..<(depth > 3 ? 4 : 6), using: &generator) {
      case 0: return Int.random(in: -1_000_000...1_000_000)
      case 1: return Bool.random()
      case 2: return NSNull()
      case 3:
        return String(
          String.UnicodeScalarView(
            (0..<Int.random(in: 0...20)).map { _ in
              Unicode.Scalar(UInt32.random(in: 0...0xD7FF)) ?? "x"
            }))
      case 4: return (0..<Int.random(in: 0...5)).map { _ in value(depth + 1) }
      default:
        return Dictionary(
          uniqueKeysWithValues: (0..<Int.random(in: 0...5)).map { ("k\($0)", value(depth + 1)) })
      }
    }
    func compare(_ ours: JSONValue, _ theirs: Any) -> Bool {
      switch theirs {
      case let object as [String: Any]:
        var count = 0
        var isSame = ours.isObject
        ours.forEachMember { name, member in
          count += 1
          guard let other = object[name.string ?? ""] else { return isSame = false }
          isSame = isSame && compare(member, other)
        }
        return isSame && count == object.count
      case let array as [Any]:
        let elements = ours.elements
        return ours.isArray && elements.count == array.count
          && zip(elements, array).allSatisfy { compare($0, $1) }
      case let text as String: return ours.string == text
      case let number as Bool where ours.bool != nil: return ours.bool == number
      case let number as Int: return ours.int == number
      default: return ours.string == nil && ours.int == nil && ours.bool == nil
      }
    }
    for _ in 0..<300 {
      let document: [String: Any] = ["v": value(0)]
      let text = String(
        decoding: try JSONSerialization.data(withJSONObject: document), as: UTF8.self)
      #expect(try parse(text) { compare($0, document) }, "\(text)")
    }
  }

  @Test(arguments: [
    "", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "[1,", "\"abc", "\"a\\", "tru", "{\"a\":\"b",
  ])
  func text_whenCutOff_isTruncated(text: String) {
    let error = #expect(throws: JSONTape.Failure.self) { try parse(text) { _ in } }
    guard case .truncated? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(arguments: ["}", "{,}", "{\"a\" 1}", "[1 2]", "[1,]", "{\"a\":1,}", "nul1", "'a'", "{1:2}"])
  func text_whenNoJSON_isMalformed(text: String) {
    let error = #expect(throws: JSONTape.Failure.self) { try parse(text) { _ in } }
    guard case .malformed? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func nesting_whenTooDeep_isRefused() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSONTape.Failure.self) { try parse(deep) { _ in } }
    let fine = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
    #expect(throws: Never.self) { try parse(fine) { _ in } }
  }

  @Test func strings_whenInvalid_areRepaired() throws {
    let tape = JSONTape()
    let bytes = Array("{\"a\":\"x".utf8) + [0xFF, 0xFE] + Array("\\ud800y\"}".utf8)
    try bytes.withUnsafeBufferPointer {
      _ = try tape.parse($0)
      #expect(tape.root($0)["a"]?.string?.hasPrefix("x") == true)
      #expect(tape.root($0)["a"]?.string?.hasSuffix("\u{FFFD}y") == true)
    }
  }

  @Test func record_roundTrips() throws {
    var digest = SessionDigest()
    digest.requests = [.init(text: "a \"b\" \u{1}\n\\ é😅", at: -5, call: 3)]
    digest.files = ["x/y.go": .init(edits: 2, lastCall: 9, symbols: ["A", "B"])]
    digest.names = ["fooBar": .init(weight: 1.5, call: 2)]
    digest.tasks = [.init(id: "7", text: "t", state: .inProgress)]
    digest.lastFailure = .init(tool: "Bash", text: "no", call: 1, at: 2)
    digest.signals.repositories = ["/a"]
    digest.summary = "s"
    let copy = try #require(SessionDigest(json: digest.json))
    #expect(copy == digest)
    #expect(copy.json == digest.json)
    #expect(SessionDigest(json: "[]") == nil)
    #expect(SessionDigest(json: "{\"requests\":5,\"unknown\":{}}") == SessionDigest())
  }
}

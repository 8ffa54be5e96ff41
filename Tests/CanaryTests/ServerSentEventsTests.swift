import Foundation
import TestSupport
import Testing

@testable import Canary
@testable import Core
@testable import Vault

@Suite(.blocking) struct ServerSentEventsTests {
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

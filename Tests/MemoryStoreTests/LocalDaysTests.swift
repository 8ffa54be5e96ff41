import Foundation
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore

@Suite(.blocking) struct LocalDaysTests {
  private static func instant(_ text: String) -> Int64 { Timestamp.milliseconds(text) ?? -1 }

  private func range(_ text: String, _ zone: String, now: String) throws -> [String] {
    let days = try #require(LocalDays(zone))
    let range = try #require(SearchTime.range(text, now: Self.instant(now), days: days))
    return [range.lowerBound, range.upperBound].map(Timestamp.string)
  }

  @Test(arguments: [
    // Zone, now, word, first, last.
    [
      "Asia/Kolkata", "2026-11-28T20:00:00Z", "today", "2026-11-28T18:30:00.000Z",
      "2026-11-29T18:29:59.999Z",
    ],
    [
      "America/Los_Angeles", "2026-11-28T05:00:00Z", "today", "2026-11-27T08:00:00.000Z",
      "2026-11-28T07:59:59.999Z",
    ],
    [
      "UTC-14", "2026-11-28T09:59:00Z", "yesterday", "2026-11-26T10:00:00.000Z",
      "2026-11-27T09:59:59.999Z",
    ],
    [
      "UTC-14", "2026-11-28T10:00:00Z", "yesterday", "2026-11-27T10:00:00.000Z",
      "2026-11-28T09:59:59.999Z",
    ],
    [
      "Pacific/Auckland", "2026-06-30T13:00:00Z", "this month", "2026-06-30T12:00:00.000Z",
      "2026-07-31T11:59:59.999Z",
    ],
    [
      "<+0545>-5:45", "2026-01-01T00:00:00Z", "2026-01-01", "2025-12-31T18:15:00.000Z",
      "2026-01-01T18:14:59.999Z",
    ],
    // Monday there, Sunday here.
    [
      "Asia/Tokyo", "2026-11-29T16:00:00Z", "monday", "2026-11-29T15:00:00.000Z",
      "2026-11-30T14:59:59.999Z",
    ],
    [
      "Asia/Tokyo", "2026-11-29T16:00:00Z", "this week", "2026-11-29T15:00:00.000Z",
      "2026-12-06T14:59:59.999Z",
    ],
    // Days of 23 and 25 hours.
    [
      "Europe/Berlin", "2026-03-29T12:00:00Z", "today", "2026-03-28T23:00:00.000Z",
      "2026-03-29T21:59:59.999Z",
    ],
    [
      "CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T12:00:00Z", "today", "2026-03-28T23:00:00.000Z",
      "2026-03-29T21:59:59.999Z",
    ],
    [
      "Europe/Berlin", "2026-10-25T12:00:00Z", "today", "2026-10-24T22:00:00.000Z",
      "2026-10-25T22:59:59.999Z",
    ],
    [
      "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T12:00:00Z", "today", "2026-10-24T22:00:00.000Z",
      "2026-10-25T22:59:59.999Z",
    ],
    // Clocks leapt over midnight.
    [
      "America/Sao_Paulo", "2018-11-04T12:00:00Z", "today", "2018-11-04T03:00:00.000Z",
      "2018-11-05T01:59:59.999Z",
    ],
    // South of the equator a summer goes over the new year.
    [
      "NZST-12NZDT,M9.5.0,M4.1.0/3", "2026-01-10T00:00:00Z", "today", "2026-01-09T11:00:00.000Z",
      "2026-01-10T10:59:59.999Z",
    ],
  ]) func days_areThePersons(row: [String]) throws {
    #expect(try range(row[2], row[0], now: row[1]) == Array(row[3...]))
  }

  @Test func timesWithoutAZone_areThePersons() throws {
    let now = "2026-11-28T12:00:00Z"
    #expect(try range("2026-11-28T09:00", "Asia/Tokyo", now: now)[0] == "2026-11-28T00:00:00.000Z")
    #expect(try range("2026-11-28T09:00Z", "Asia/Tokyo", now: now)[0] == "2026-11-28T09:00:00.000Z")
    #expect(
      try range("2026-11-28T09:00+01:00", "Asia/Tokyo", now: now)[0] == "2026-11-28T08:00:00.000Z")
  }

  @Test(arguments: [
    "", "Nowhere/Land", "12", "UTC-", "CET-1CEST,M13.1.0,M10.5.0", "../etc/passwd", "EST5EDT,1",
  ])
  func otherNames_areNone(name: String) {
    #expect(LocalDays(name) == nil)
  }

  @Test func environment_saysTheZone() {
    #expect(LocalDays(environment: ["TZ": "UTC-3"]).offset(at: 0) == 3 * 3_600_000)
    #expect(LocalDays(environment: ["TZ": ":Asia/Tokyo"]).offset(at: 0) == 9 * 3_600_000)
    #expect(
      LocalDays(environment: ["TZ": "/usr/share/zoneinfo/Asia/Tokyo"]).offset(at: 0) == 9
        * 3_600_000)
    #expect(LocalDays(environment: ["TZ": ""]) == .utc)
    #expect(
      LocalDays("EST5EDT").map { $0.offset(at: Self.instant("2026-07-01T00:00:00Z")) } == -4
        * 3_600_000)
  }

  @Test func dates_areThoseOfTheClockOnTheWall() {
    #expect(LocalDays("UTC-14")?.date(of: Self.instant("2026-11-28T10:00:00Z")) == "2026-11-29")
    #expect(LocalDays("UTC12")?.date(of: Self.instant("2026-11-28T10:00:00Z")) == "2026-11-27")
  }
}

@Suite(.blocking) struct FileTextTests {
  private static let text = "# Größe 🚀\r\n\n- ящик\n"

  private static func utf16(_ text: String, little: Bool, mark: Bool) -> [UInt8] {
    let units = (mark ? [0xFEFF] : []) + Array(text.utf16)
    return units.flatMap { unit in
      let bytes = [UInt8(unit >> 8), UInt8(unit & 0xFF)]
      return little ? bytes.reversed() : bytes
    }
  }

  @Test(arguments: [true, false], [true, false]) func utf16_isRead(little: Bool, mark: Bool) {
    #expect(FileText.string(Self.utf16(Self.text, little: little, mark: mark)) == Self.text)
  }

  @Test func pieces_mayEndAnywhere() {
    let bytes = Self.utf16(Self.text, little: true, mark: true)
    for size in 1...7 {
      var decoder = FileText.Decoder()
      var text: [UInt8] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        text += decoder.take(Array(bytes[start..<min(bytes.count, start + size)]))
      }
      #expect(String(decoding: text + decoder.end(), as: UTF8.self) == Self.text)
    }
  }

  @Test(
    arguments: [[], [0x61], [0xEF, 0xBB, 0xBF, 0x61], [0xFF], [0x61, 0x00, 0x62], [0xC3, 0xBC]]
      as [[UInt8]])
  func everythingElse_staysByteForByte(bytes: [UInt8]) {
    #expect(FileText.utf8(bytes) == bytes)
  }

  @Test func whatIsCut_isTheReplacementCharacter() {
    #expect(FileText.string([0xFF, 0xFE, 0x61, 0x00, 0x3D]) == "a\u{FFFD}")
    #expect(FileText.string([0xFF, 0xFE, 0x61, 0x00, 0x3D, 0xD8]) == "a\u{FFFD}")
  }

  @Test func appending_keepsTheEncoding() throws {
    let folder = try TemporaryFolder()
    let file = folder.file("f.md")
    try Data(Self.utf16("- [ ] eins", little: false, mark: true)).write(
      to: URL(fileURLWithPath: file))
    try RegularFile.append("- [ ] zwei\n", to: file)
    #expect(FileText.string(try RegularFile.read(file, limit: 1000)) == "- [ ] eins\n- [ ] zwei\n")
  }
}

@Suite(.blocking) struct BlockersTests {
  @Test(arguments: [
    "None.", "none", "n/a", "N/A", "-", "—", "No blockers", "No blockers so far.", "Nothing",
    "**None**", "(none)", "",
    "There are no open issues", "none at the moment", "Not applicable", "Not blocked right now",
    "Currently none",
    "No known blockers.", "keine", "Нет", "無", "なし",
  ]) func whatSaysNothing_isNone(text: String) { #expect(Blockers.named([text]) == []) }

  @Test(arguments: [
    "No disk space", "Not blocked by us, but by the registry", "None of the mirrors answers",
    "no access to staging",
    "Nothing compiles", "NAT is broken", "n", "Null pointer in the parser", "The CI is red", "無理です",
  ]) func whatIsInTheWay_isABlocker(text: String) { #expect(Blockers.named([text]) == [text]) }
}

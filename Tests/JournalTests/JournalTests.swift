import Foundation
import TestSupport
import Testing

@testable import Journal

@Suite(.blocking) struct JournalTests {
  private let folder: TemporaryFolder
  private var home: String { folder.path }
  private let journal: Journal

  init() throws {
    folder = try TemporaryFolder()
    journal = Journal(home: folder.path)
  }

  private func append(_ texts: String...) throws {
    for text in texts { try journal.append(Array(text.utf8)) }
  }

  /// What a taker gets who takes all.
  private func taken() throws -> Taken {
    let lease = try #require(journal.lease())
    var (texts, damaged): ([String], [[UInt8]]) = ([], [])
    let passage = journal.take(lease, damaged: { damaged.append($0) }) {
      texts.append(String(decoding: $0, as: UTF8.self))
      return .taken
    }
    return Taken(texts: texts, damaged: damaged, isLeft: passage.isLeft)
  }

  private struct Taken {
    var texts: [String]
    var damaged: [[UInt8]]
    var isLeft: Bool
  }

  private func bytes() throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: journal.file)))
  }

  private func write(_ bytes: [UInt8]) throws {
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: journal.file))
    try handle.truncate(atOffset: 0)
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
  }

  /// As if the last write were long ago.
  private func age() throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -60)], ofItemAtPath: journal.file)
  }

  // MARK: Appending

  @Test func append_whereNothingIsPrepared_isRefused() {
    #expect(throws: Journal.Refusal.unprepared) { try journal.append([1]) }
  }

  @Test func records_areTakenInOrder_once() throws {
    try journal.prepare()
    try append("a", "b", "c")
    #expect(journal.isWaiting)
    #expect(journal.count(upTo: 10) == 3)
    #expect(journal.count(upTo: 2) == 2)
    #expect(try taken().texts == ["a", "b", "c"])
    #expect(!journal.isWaiting)
    #expect(try taken().texts.isEmpty)
    try append("d")
    #expect(try taken().texts == ["d"])
  }

  @Test func preparing_again_changesNothing() throws {
    try journal.prepare()
    try append("a")
    try journal.prepare()
    #expect(try taken().texts == ["a"])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: journal.folder).sorted() == [
        "hooks-1", "taker",
      ])
  }

  @Test func words_thatWereTaken_standInNoFile() throws {
    try journal.prepare()
    try append("{\"words\":\"an orange cat\"}")
    _ = try taken()
    #expect(!String(decoding: try bytes(), as: UTF8.self).contains("orange"))
  }

  @Test func record_thatWaits_keepsWhatIsBehindIt() throws {
    try journal.prepare()
    try append("a", "b", "c")
    var seen: [String] = []
    do {
      let lease = try #require(journal.lease())
      let passage = journal.take(lease, damaged: { _ in }) {
        seen.append(String(decoding: $0, as: UTF8.self))
        return $0 == Array("b".utf8) ? .waits : .taken
      }
      #expect(passage.taken == 1)
      #expect(passage.isLeft)
    }
    #expect(seen == ["a", "b"])
    #expect(try taken().texts == ["b", "c"])
  }

  @Test func lease_isGivenOnce() throws {
    try journal.prepare()
    var lease = journal.lease()
    #expect(lease != nil)
    #expect(journal.lease() == nil)
    lease = nil
    #expect(journal.lease() != nil)
  }

  @Test func link_inPlaceOfTheFile_isNotFollowed() throws {
    try journal.prepare()
    let other = home + "/other"
    try FileManager.default.moveItem(atPath: journal.file, toPath: other)
    try FileManager.default.createSymbolicLink(atPath: journal.file, withDestinationPath: other)
    #expect(throws: Journal.Refusal.unprepared) { try journal.append([1]) }
  }

  @Test func folder_thatOthersMayWrite_isNotOwn() throws {
    try journal.prepare()
    #expect(journal.isOwn)
    chmod(journal.folder, 0o777)
    #expect(!journal.isOwn)
  }

  // MARK: Growing

  @Test func file_thatHasGrown_isPutAside_andGoesWhenItIsTaken() throws {
    try journal.prepare()
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: 300_000)
    for _ in 0..<5 { try journal.append(long) }
    try append("last")
    let texts = try taken().texts
    #expect(texts.count == 6)
    #expect(texts.last == "last")
    #expect(try bytes().count == Journal.header.count)
    #expect(journal.files == [journal.file])
    try append("new")
    #expect(try taken().texts == ["new"])
  }

  @Test func file_thatWasPutAside_comesFirst() throws {
    try journal.prepare()
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: 600_000)
    try journal.append(long)
    try journal.append(long)
    try journal.putAside()
    try append("behind")
    #expect(journal.files.count == 2)
    #expect(journal.count(upTo: 9) == 3)
    #expect(try taken().texts.map(\.utf8.count) == [600_000, 600_000, 6])
    #expect(journal.files == [journal.file])
  }

  // MARK: Damage

  @Test(arguments: [0, 3, 4, 7, 8, 11, 12, 20]) func damage_ofARecord_costsThatRecord(
    offset: Int
  ) throws {
    try journal.prepare()
    try append("{the first record}", "{the second record}", "{the third record}")
    var bytes = try bytes()
    let second = Journal.header.count + JournalFrame.headerLength + 18
    bytes[second + offset] ^= 0x55
    try write(bytes)
    let taken = try taken()
    #expect(taken.texts == ["{the first record}", "{the third record}"])
    #expect(taken.damaged.count == 1)
    #expect(!journal.isWaiting)
  }

  @Test func file_withoutAHeader_isAJournalToo() throws {
    try journal.prepare()
    try write([])
    try append("a", "b")
    #expect(try taken().texts == ["a", "b"])
    try append("c")
    #expect(try taken().texts == ["c"])
  }

  @Test func strangeFiles_areLeftAlone_andHideNothing() throws {
    try journal.prepare()
    try FileManager.default.createDirectory(
      atPath: journal.file + ".0001", withIntermediateDirectories: true)
    try append("a")
    #expect(try taken().texts == ["a"])
  }

  @Test func damage_ofTheHeader_losesNothing() throws {
    try journal.prepare()
    try append("a", "b")
    var bytes = try bytes()
    for index in 0..<16 { bytes[index] = 0xFF }
    try write(bytes)
    #expect(try taken().texts == ["a", "b"])
  }

  @Test(arguments: [1, 4, 11, 12, 13, 20]) func record_thatWasNeverFinished_isPassedOver(
    count: Int
  ) throws {
    try journal.prepare()
    try append("{\"a\":1}")
    let whole = try bytes()
    try append("{\"words\":\"of a hook that was killed\"}")
    try write(try bytes().prefix(whole.count + count) + [])
    try append("{\"c\":1}")
    let taken = try taken()
    #expect(taken.texts == ["{\"a\":1}", "{\"c\":1}"])
    #expect(taken.damaged.isEmpty)
    #expect(!taken.isLeft)
  }

  @Test func record_thatIsCutOff_isWaitedForAndThenDamage() throws {
    try journal.prepare()
    try append("a", "{b}}")
    try write(try bytes().dropLast(1))
    let first = try taken()
    #expect(first.texts == ["a"])
    #expect(first.isLeft)
    #expect(first.damaged.isEmpty)
    try age()
    let second = try taken()
    #expect(second.texts.isEmpty)
    #expect(second.damaged.count == 1)
    #expect(!journal.isWaiting)
  }

  @Test func record_behindOneThatIsCutOff_isTaken() throws {
    try journal.prepare()
    try append("a", "{b}}")
    try write(try bytes().dropLast(1))
    try append("c")
    let taken = try taken()
    #expect(taken.texts == ["a", "c"])
    #expect(taken.damaged.count == 1)
  }

  @Test func lengths_thatLead_beyondTheEnd_hideNothing() throws {
    try journal.prepare()
    try append("a")
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: journal.file))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(JournalFrame.magic + [0xFF, 0xFF, 0x1F, 0, 1, 2, 3, 4]))
    try handle.close()
    try append("b")
    #expect(try taken().texts == ["a", "b"])
  }

  @Test func randomBytes_betweenRecords_hideNone() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<40 {
      let place = home + "/" + UUID().uuidString
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      let journal = Journal(home: place)
      try journal.prepare()
      var expected: [[UInt8]] = []
      for number in 0..<8 {
        let record = Array("record \(number) of a journal".utf8)
        expected.append(record)
        try journal.append(record)
        guard Bool.random(using: &random) else { continue }
        let noise = (0..<Int.random(in: 1...90_000, using: &random)).map { _ in
          Bool.random(using: &random)
            ? JournalFrame.magic.randomElement(using: &random)!
            : UInt8.random(in: 0...255, using: &random)
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: journal.file))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(noise))
        try handle.close()
      }
      let lease = try #require(journal.lease())
      var texts: [[UInt8]] = []
      _ = journal.take(lease, damaged: { _ in }) {
        texts.append($0)
        return .taken
      }
      #expect(texts == expected)
    }
  }

  // MARK: Several at once

  @Test func writers_besideATaker_loseAndDoubleNothing() async throws {
    try journal.prepare()
    let (journal, writers, each) = (journal, 4, 400)
    // So long that the file is put aside many times meanwhile.
    let filler = String(repeating: "f", count: 9000)
    let seen = await withTaskGroup(of: [String].self) { group in
      for writer in 0..<writers {
        group.addTask {
          (0..<each).filter { number in
            (try? journal.append(Array("\(writer) \(number) \(filler)".utf8))) != nil
          }.map { "written \(writer) \($0)" }
        }
      }
      group.addTask {
        var seen: [String] = []
        var quiet = 0
        while quiet < 200 {
          guard journal.isWaiting, let lease = journal.lease() else {
            quiet += 1
            usleep(1000)
            continue
          }
          quiet = 0
          _ = journal.take(lease, damaged: { _ in seen.append("damage") }) {
            let words = String(decoding: $0.prefix(12), as: UTF8.self).split(separator: " ")
            seen.append("taken \(words[0]) \(words[1])")
            return .taken
          }
        }
        return seen
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    let written = Set(seen.filter { $0.hasPrefix("written") }.map { String($0.dropFirst(8)) })
    // A record that was appended anew stands twice: whoever takes in knows it by its id.
    let taken = Set(seen.filter { $0.hasPrefix("taken") }.map { String($0.dropFirst(6)) })
    #expect(written.count == writers * each)
    #expect(taken == written)
    #expect(!seen.contains("damage"))
    #expect(journal.files == [journal.file])
  }
}

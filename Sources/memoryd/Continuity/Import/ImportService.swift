package import Core
import Foundation
package import MemoryStore
import Syntax

/// Reads JSON Lines into the store: entries that come from elsewhere, or what `export` wrote.
///
/// One line and one batch are in memory at a time.
package final class ImportService {
  package struct BadLine: Error {
    package var line: Int
    package var reason: String
  }

  package struct Result {
    /// True for what `export` wrote; `added` are rows then.
    package var isExport = false
    package var counts = ImportCounts()
    /// Lines that are no entries.
    package var skipped = 0
    /// The first of them.
    package var errors: [BadLine] = []
  }

  /// Bytes.
  static let longestLine = 64 << 20
  private static let longestRow = 1 << 30
  private static let keptErrors = 1000
  private static let batchLines = 2000
  private static let batchBytes = 4 << 20

  private let database: MemoryDatabase
  private let clock: WallClock
  private let days: LocalDays
  private let onProgress: (Int64) -> Void
  private let tape = JSONTape()
  private var reader: LineReader
  private var first: LineReader.Line?
  private var result = Result()

  /// - Parameters:
  ///   - days: Of the person, for times without a zone.
  ///   - read: Gives the next piece of the input.
  ///   - onProgress: Called with the bytes that were read.
  package init(
    database: MemoryDatabase, clock: WallClock, days: LocalDays,
    read: @escaping () throws(StoreError) -> [UInt8], onProgress: @escaping (Int64) -> Void
  ) {
    self.database = database
    self.clock = clock
    self.days = days
    self.onProgress = onProgress
    var decoder = FileText.Decoder()
    var isOver = false
    reader = LineReader(limit: Self.longestLine) { () throws(StoreError) in
      // An empty piece is the end, which one within a character is not.
      while !isOver {
        let piece = try read()
        isOver = piece.isEmpty
        let text = isOver ? decoder.end() : decoder.take(piece)
        if !text.isEmpty { return text }
      }
      return []
    }
  }

  /// - Parameter isStrict: One line that is no entry, and none is taken in.
  /// - Throws: ``StoreError``; batches before it are in the store, unless it is strict or an export.
  package func run(isStrict: Bool) throws(StoreError) -> Result {
    first = try reader.next()
    if case .bytes(var bytes) = first {
      // A byte order mark is no part of the text.
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
        bytes.removeFirst(3)
        first = .bytes(bytes)
      }
      if let header = try? parsed(bytes, Header.init), header.isExport {
        first = nil
        try putBack(header)
        return result
      }
    }
    if isStrict {
      try importAtOnce()
    } else {
      try importByBatches()
    }
    return result
  }

  // MARK: Entries

  private func importByBatches() throws(StoreError) {
    do throws(StoreError) {
      while let batch = try nextBatch() {
        var isGiven = false
        result.counts += try database.importEntries(at: clock.now) {
          defer { isGiven = true }
          return isGiven ? nil : batch
        }
      }
    } catch {
      let done = result.counts.added + result.counts.updated + result.counts.unchanged
      throw StoreError(
        error.code, error.message,
        hint: (error.hint.map { $0 + "; " } ?? "")
          + "\(done) entries are in: the same command again takes in the rest")
    }
  }

  /// Imports all in one transaction, for which other writers have to wait: they go to the spool.
  private func importAtOnce() throws(StoreError) {
    // Nothing is locked before there is something to write.
    var waiting = try nextBatch()
    do throws(StoreError) {
      result.counts = try database.importEntries(at: clock.now) { () throws(StoreError) in
        let batch = waiting == nil ? try nextBatch() : waiting
        waiting = nil
        if result.skipped == 0 { return batch }
        // The rest is only looked at, so that all lines that are no entries are told.
        while try nextBatch() != nil {}
        throw StoreError(.invalid, "lines are no entries")
      }
    } catch  where error.code == .invalid {
      result.counts = ImportCounts()
    }
  }

  /// - Returns: Nil at the end. Empty if there was no entry among the lines.
  private func nextBatch() throws(StoreError) -> [ImportedEntry]? {
    var batch: [ImportedEntry] = []
    var bytes = 0
    var lines = 0
    while lines < Self.batchLines, bytes < Self.batchBytes {
      guard let line = try nextLine() else { return lines == 0 ? nil : batch }
      lines += 1
      do throws(BadLine) {
        switch line {
        case .tooLong:
          throw bad("longer than \(Self.longestLine >> 20) MiB")
        case .bytes(let text):
          bytes += text.count
          if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
          batch.append(try parsed(text, entry))
        }
      } catch {
        result.skipped += 1
        if result.errors.count < Self.keptErrors { result.errors.append(error) }
      }
    }
    return batch
  }

  private func nextLine() throws(StoreError) -> LineReader.Line? {
    defer { onProgress(reader.bytesRead) }
    if let line = first {
      first = nil
      return line
    }
    return try reader.next()
  }

  private func bad(_ reason: String) -> BadLine { BadLine(line: reader.number, reason: reason) }

  private func parsed<T>(
    _ line: [UInt8], _ body: (JSONValue) throws(BadLine) -> T
  ) throws(BadLine) -> T {
    guard String(validating: line, as: UTF8.self) != nil else { throw bad("not UTF-8") }
    let tape = tape
    let outcome: Swift.Result<T, BadLine> = line.withUnsafeBufferPointer { text in
      do throws(JSONTape.Failure) {
        let end = try tape.parse(text)
        let isWhole = text[end...].allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        guard isWhole else { return .failure(bad("not JSON: more text behind the object")) }
      } catch {
        switch error {
        case .truncated: return .failure(bad("not JSON: it ends too early"))
        case .malformed(let at): return .failure(bad("not JSON at byte \(at + 1)"))
        }
      }
      let value = tape.root(text)
      guard value.isObject else { return .failure(bad("not an object")) }
      do throws(BadLine) {
        return .success(try body(value))
      } catch {
        return .failure(error)
      }
    }
    return try outcome.get()
  }

  private func entry(_ object: JSONValue) throws(BadLine) -> ImportedEntry {
    /// A name of something: nil where it is missing or empty.
    func name(_ key: StaticString) throws(BadLine) -> String? {
      guard let value = object[key], !value.isNull else { return nil }
      guard let text = value.string else { throw bad("\(key) is not a string") }
      guard !text.utf8.contains(0) else { throw bad("\(key) holds a NUL character") }
      return text.isEmpty ? nil : text
    }
    guard let id = try name("id") else { throw bad("no id") }
    guard let textValue = object["text"], !textValue.isNull else { throw bad("no text") }
    guard let text = textValue.string else { throw bad("text is not a string") }
    guard !text.allSatisfy(\.isWhitespace) else { throw bad("no text") }
    var entry = ImportedEntry(
      id: id, kind: try name("kind").map(EntryKind.init(rawValue:)) ?? .note,
      title: try name("title") ?? "", text: text,
      project: try name("project"), session: SessionID(try name("session")),
      actor: try name("actor"))
    if let position = object["position"], !position.isNull {
      let number =
        position.int ?? position.string.flatMap { Int($0.trimmingCharacters(in: .whitespaces)) }
      guard let number else { throw bad("position is not a whole number") }
      entry.position = Int64(number)
    }
    if let time = object["created_at"], !time.isNull { entry.createdAt = try instant(time) }
    return entry
  }

  /// RFC 3339 (a time without a zone, and a date, are the person's), or Unix time in seconds or milliseconds.
  private func instant(_ value: JSONValue) throws(BadLine) -> Int64 {
    if let text = value.string {
      if let instant = days.instant(text) { return instant }
      guard Double(text) != nil else { throw bad("created_at is not RFC 3339") }
    }
    guard let number = value.number ?? value.string.flatMap({ Double($0) }) else {
      throw bad("created_at is neither a string nor a number")
    }
    // Seconds reach this number in the year 5138, milliseconds reached it in 1973.
    let instant = abs(number) < 100_000_000_000 ? number * 1000 : number
    guard abs(instant) <= 253_402_300_799_999 else { throw bad("created_at is out of range") }
    return Int64(instant)
  }

  // MARK: What export wrote

  private struct Header {
    var format: String
    var schema: Int
    var rows: [String: Int] = [:]

    package init(_ object: JSONValue) {
      format = object["format"]?.string ?? ""
      schema = object["schema"]?.int ?? 0
      object["rows"]?.forEachMember { name, value in rows[name.string ?? ""] = value.int ?? 0 }
    }

    var isExport: Bool { format.hasPrefix("memoryd/export/") }
  }

  private func putBack(_ header: Header) throws(StoreError) {
    guard header.format == MemoryDatabase.exportFormat else {
      throw StoreError(
        .invalid, "the format \(header.format) is not known to this memoryd",
        hint: "it reads \(MemoryDatabase.exportFormat), and entries without a header")
    }
    result.isExport = true
    // What was an entry of the longest line has more bytes as a row.
    reader.limit = Self.longestRow
    do throws(StoreError) {
      try database.putBack(schema: header.schema, counts: header.rows) { () throws(StoreError) in
        guard let row = try nextRow() else { return nil }
        result.counts.added += 1
        return row
      }
    } catch  where error.code == .invalid {
      throw StoreError(
        .invalid, "line \(reader.number): \(error.message)",
        hint: "nothing was taken in: an export goes in whole or not at all")
    }
  }

  private func nextRow() throws(StoreError) -> MemoryDatabase.ExportedRow? {
    while let line = try nextLine() {
      guard case .bytes(let text) = line else {
        throw StoreError(.invalid, "longer than \(Self.longestRow >> 20) MiB")
      }
      if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      do throws(BadLine) {
        return try parsed(text, row)
      } catch {
        throw StoreError(.invalid, error.reason)
      }
    }
    return nil
  }

  private func row(_ object: JSONValue) throws(BadLine) -> MemoryDatabase.ExportedRow {
    guard let table = object["table"]?.string, let row = object["row"], row.isObject else {
      throw bad("not a row of an export")
    }
    var values: [String: MemoryDatabase.ColumnValue] = [:]
    var unknown: String?
    row.forEachMember { name, value in
      let name = name.string ?? ""
      if let text = value.string {
        values[name] = .text(text)
      } else if value.isNull {
        values[name] = .null
      } else if let number = Int64(String(decoding: value.rawUTF8, as: UTF8.self)) {
        values[name] = .integer(number)
      } else if let data = value["base64"]?.string.flatMap({ Data(base64Encoded: $0) }) {
        values[name] = .blob(Array(data))
      } else {
        unknown = name
      }
    }
    if let unknown { throw bad("the value of \(unknown) is of no known type") }
    return MemoryDatabase.ExportedRow(table: table, values: values)
  }
}

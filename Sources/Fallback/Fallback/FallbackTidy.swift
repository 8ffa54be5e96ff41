public import Core
import Foundation
public import MemoryStore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Looks at the fallback files, and takes out of them what the vault has.
public struct FallbackTidy {
  public struct FileStatus: Sendable {
    public var path: String
    /// Where a symbolic link leads.
    public var target: String?
    /// Bytes; nil where there is no file.
    public var size: Int64?
    /// Entries that memoryd wrote.
    public var records = 0
    public var receipts = 0
    /// Entries that somebody else wrote, and how many of them the store has.
    public var handWritten = 0
    public var adopted = 0
    /// Entries that are in the vault, with their receipts: `tidy` takes these out.
    public var settled = 0
    public var damage: [String] = []
    public var isUnfinished = false
  }

  private let database: MemoryDatabase
  private let files: FallbackFiles
  private let clock: WallClock

  public init(database: MemoryDatabase, files: FallbackFiles, clock: WallClock) {
    self.database = database
    self.files = files
    self.clock = clock
  }

  public func status() throws(StoreError) -> [FileStatus] {
    var result: [FileStatus] = []
    for (path, kind) in both { result.append(try status(path, kind)) }
    return result
  }

  private var both: [(String, FallbackDocument.Kind)] {
    [(files.tasks, .tasks), (files.checkpoints, .checkpoints)]
  }

  private func status(
    _ path: String, _ kind: FallbackDocument.Kind
  ) throws(StoreError) -> FileStatus {
    var status = FileStatus(path: path)
    status.target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    status.size = RegularFile.facts(path)?.size
    let document = FallbackDocument(try files.read(path), kind: kind)
    status.receipts = document.records.count { $0["op"] == "receipt" }
    status.records = document.records.count - status.receipts
    status.handWritten = document.entries.count
    for entry in document.entries where try database.hasRequest(.adopting(entry.key)) {
      status.adopted += 1
    }
    status.settled = try settled(document).lines.count
    status.damage = document.damage.map { "line \($0.line): \($0.what)" }
    status.isUnfinished = document.isUnfinished
    return status
  }

  // MARK: Tidying

  public struct Tidied: Sendable {
    public var path: String
    public var backup: String
    public var removed: Int
  }

  /// Takes out what the vault has, and keeps the file as it was beside it. Lines that stay keep
  /// their every byte; a symbolic link stays one; what is appended meanwhile is carried over.
  ///
  /// - Returns: The files that have changed.
  public func tidy() throws(StoreError) -> [Tidied] {
    var result: [Tidied] = []
    for (path, kind) in both {
      if let tidied = try tidy(path, kind) { result.append(tidied) }
    }
    return result
  }

  private func tidy(
    _ path: String, _ kind: FallbackDocument.Kind
  ) throws(StoreError) -> Tidied? {
    // The file that a link leads to is replaced, not the link.
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let bytes = try files.read(target)
    let document = FallbackDocument(bytes, kind: kind)
    let settled = try settled(document)
    guard !settled.lines.isEmpty else { return nil }
    let removed = IndexSet(settled.lines.flatMap { Array($0) })
    var rest: [UInt8] = []
    for (index, line) in document.lines.enumerated() where !removed.contains(index) {
      let end =
        index + 1 < document.lines.count ? document.lines[index + 1].startIndex : bytes.count
      rest += bytes[line.startIndex..<end]
    }
    if let last = rest.last, last != UInt8(ascii: "\n") { rest.append(UInt8(ascii: "\n")) }
    if !settled.texts.isEmpty { rest += Array(tombstone(settled.texts, kind).utf8) }

    let stamp = Timestamp.string(clock.now).filter { $0.isNumber || $0 == "T" }
    let backup = "\(target).\(stamp).backup"
    guard link(target, backup) == 0 else {
      throw StoreError(.inputOutput, "cannot keep a backup of \(target) beside it")
    }
    var status = stat()
    let mode = stat(target, &status) == 0 ? status.st_mode & 0o7777 : 0o600
    try RegularFile.writeAtomically(rest, to: target)
    chmod(target, mode)
    // Somebody who had the old file open has appended to it meanwhile.
    let late = try files.read(backup).dropFirst(bytes.count)
    if !late.isEmpty { try RegularFile.append(String(decoding: late, as: UTF8.self), to: target) }
    return Tidied(path: path, backup: backup, removed: settled.lines.count)
  }

  /// What is to be taken out: the lines of entries that are in the vault with their receipts, and
  /// the text hashes of those among them that were written by hand.
  private func settled(
    _ document: FallbackDocument
  ) throws(StoreError) -> (lines: [Range<Int>], texts: [String]) {
    var lines: [Range<Int>] = []
    var texts: [String] = []
    for record in document.records {
      guard let request = record["request"] ?? record["marker"] else { continue }
      if try isSettled(request: RequestID(rawValue: request)) { lines.append(record.lines) }
    }
    var kept: Set<String> = []
    for entry in document.entries {
      let text = FallbackDocument.textHash(ofKey: entry.key)
      // Unticked, somebody may still tick it. Of equal texts the first goes first, so that the
      // ordinals of those that stay do not change.
      guard !kept.contains(text), entry.isDone || !entry.key.hasPrefix("t-"),
        try isSettled(request: .adopting(entry.key))
      else {
        kept.insert(text)
        continue
      }
      lines.append(entry.lines)
      texts.append(text)
    }
    return (lines, texts)
  }

  private func isSettled(request: RequestID) throws(StoreError) -> Bool {
    let state = try database.outbox(requestID: request)?.state
    return state == .synced || state == .dropped
  }

  /// Equal texts are counted: what was taken out still counts, so that the same text written anew
  /// is a new entry.
  private func tombstone(_ texts: [String], _ kind: FallbackDocument.Kind) -> String {
    var fields = JSONFields()
    fields.add("op", "tidied")
    fields.add("texts", texts)
    fields.add("time", Timestamp.string(clock.now))
    let comment = FallbackFiles.comment(fields)
    let text = "- took out \(texts.count) entries that the vault has"
    return kind == .tasks
      ? "\(text)\n  \(comment)\n"
      : "\n## Synced \(Timestamp.string(clock.now))\n\n\(text)\n\n\(comment)\n"
  }
}

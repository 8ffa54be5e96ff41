public import Core
import Foundation

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Takes a write when the store cannot: one file for each, complete and `fsync`ed before the
/// caller is told, taken in later exactly once by the write's request id.
///
/// A file appears under its final name only when it is whole, so a crash leaves either all of a
/// write or none of it.
public struct Spool: Sendable {
  /// Memoryd's own folder for it; made when first needed.
  public let folder: String

  public init(folder: String) {
    self.folder = folder
  }

  /// - Parameter write: Already redacted, with `itemID` set where it makes an item.
  public func append(_ write: StoreWrite) throws(StoreError) {
    let bytes: Data
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      bytes = try encoder.encode(write)
    } catch {
      throw StoreError(.invalid, "the write cannot be encoded for the spool")
    }
    try RegularFile.makeFolder(folder)
    // Names sort by time, so that writes are taken in as they were made. The request id keeps a
    // repeated request from being spooled twice.
    let time = String(write.at)
    let padded = String(repeating: "0", count: max(0, 15 - time.count)) + time
    try RegularFile.writeAtomically(
      bytes, to: "\(folder)/\(padded)-\(Self.fileName(of: write.requestID)).json")
  }

  /// The files that wait, oldest first.
  public var pending: [String] {
    RegularFile.names(in: folder).filter { $0.hasSuffix(".json") }.sorted()
  }

  /// The files that could not be taken in.
  public var quarantined: [String] {
    RegularFile.names(in: quarantine).filter { $0.hasSuffix(".json") }.sorted()
  }

  public var quarantine: String { folder + "/quarantine" }

  /// Takes what waits into the store. A write that can never be taken goes to `quarantine` with a
  /// note of the reason, and the rest goes on.
  ///
  /// A lock is hardly waited for: the caller has work of its own to do.
  ///
  /// - Parameter isOver: Asked before each file; true stops the work, the rest waits.
  /// - Returns: How many were taken in and how many were quarantined.
  /// - Throws: ``StoreError`` where the store is not to be had; nothing is lost then.
  @discardableResult
  public func drain(
    into database: MemoryDatabase, until isOver: () -> Bool = { false }
  ) throws(StoreError) -> (taken: Int, quarantined: Int) {
    var taken = 0
    var rejected = 0
    for name in pending {
      if isOver() { break }
      let path = folder + "/" + name
      do throws(StoreError) {
        if case .owner = RegularFile.intruder(path) {
          throw StoreError(.invalid, "the file belongs to another user")
        }
        let bytes = try RegularFile.read(path, limit: 64 << 20)
        let write: StoreWrite
        do {
          write = try JSONDecoder().decode(StoreWrite.self, from: Data(bytes))
        } catch {
          throw StoreError(.invalid, "the file is no spooled write")
        }
        _ = try database.withBusyTimeout(.milliseconds(50)) { () throws(StoreError) in
          try database.commit(write)
        }
        unlink(path)
        taken += 1
      } catch {
        // Gone: another process took it in meanwhile.
        if error.code == .notFound, RegularFile.facts(path) == nil { continue }
        if error.isStoreUnavailable { throw error }
        try RegularFile.makeFolder(quarantine)
        try RegularFile.writeAtomically(
          Array((error.message + "\n").utf8), to: quarantine + "/" + name + ".reason")
        rename(path, quarantine + "/" + name)
        rejected += 1
      }
    }
    return (taken, rejected)
  }

  /// A request id comes from outside: only what is safe in a file name is kept of it.
  private static func fileName(of id: RequestID) -> String {
    String(
      id.rawValue.unicodeScalars.prefix(100).map { scalar in
        scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
          ? Character(scalar) : "_"
      })
  }
}

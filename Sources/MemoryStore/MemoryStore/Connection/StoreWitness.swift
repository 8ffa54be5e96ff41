import Core

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A small file beside the store. It tells that there has been one, so that an empty file is not taken
/// for a new beginning, and which schema of which file was compared with ours, so that a hook need not
/// do that again. Losing it costs a comparison.
struct StoreWitness {
  let store: String

  private var path: String { store + ".witness" }

  var isThere: Bool { RegularFile.exists(path) }

  /// - Parameter cookie: SQLite's `schema_version`, which every change of a schema changes.
  func knows(cookie: Int) -> Bool {
    guard let line = line(cookie), let known = try? RegularFile.read(path, limit: 200) else {
      return false
    }
    return known == line
  }

  /// Best effort, and not durable.
  func note(cookie: Int) {
    guard let line = line(cookie) else { return }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    try? RegularFile.writeAll(line, to: descriptor, path)
  }

  func remove() { unlink(path) }

  private func line(_ cookie: Int) -> [UInt8]? {
    RegularFile.facts(store).map { Array("\($0.device) \($0.inode) \(cookie)\n".utf8) }
  }

  // MARK: A store that is gone

  /// For another process that makes the store just now.
  private static let patience = Duration.milliseconds(300)
  /// No such process leaves the file empty for so long, unless it hangs.
  private static let longest = Duration.seconds(2)

  /// - Throws: ``StoreError`` `corrupt` where a file is empty, or gone, that held a store. SQLite would
  ///   begin anew, and throw the log away.
  func refuseEmptied() throws(StoreError) {
    let hasLog = { (RegularFile.facts(store + "-wal")?.size ?? 0) > 0 }
    guard let facts = RegularFile.facts(store) else {
      guard hasLog(), RegularFile.facts(store) == nil else { return }
      throw damage("is gone, but its log is there")
    }
    guard facts.size == 0 else { return }
    // What is empty for long, nobody makes just now.
    let age = WallClock.system.now - facts.modified
    let end = ContinuousClock.now + (age > Self.longest.milliseconds ? .zero : Self.patience)
    while hasLog() || isThere || hasCopies {
      guard RegularFile.facts(store)?.size == 0 else { return }
      if ContinuousClock.now >= end {
        throw damage("is empty (0 bytes), and was not always")
      }
      usleep(10_000)
    }
  }

  private func damage(_ how: String) -> StoreError {
    StoreError(
      .corrupt, "the store at \(store) is damaged: it \(how)",
      hint: "`memoryd restore FILE --force` puts a backup in its place; to begin anew, move "
        + "memory.db and what is beside it (-wal, -shm) away together; new writes are kept in the "
        + "spool meanwhile")
  }

  /// Those that memoryd makes before it changes a store.
  private var hasCopies: Bool {
    guard let slash = store.lastIndex(of: "/") else { return false }
    let name = store[store.index(after: slash)...]
    return RegularFile.names(in: String(store[..<slash])).contains {
      $0.hasPrefix(name + ".schema-") || $0.hasPrefix(name + ".before-restore-")
    }
  }
}

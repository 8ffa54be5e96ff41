import Core

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Files that processes which were killed have left half-written beside the store and in its spool: they
/// may hold texts that are gone everywhere else.
enum Leftovers {
  /// Since a file was last written; another machine or container has process ids of its own.
  private static let age = Duration.seconds(600)

  /// - Parameter now: Unix ms.
  static func remove(besides store: String, at now: Int64) {
    guard let slash = store.lastIndex(of: "/") else { return }
    let folder = String(store[..<slash])
    let name = String(store[store.index(after: slash)...])
    remove(in: folder, at: now) {
      $0.hasPrefix(name + ".") && ($0.contains(".restoring") || isOrphan($0))
    }
    remove(in: folder + "/spool", at: now, where: isOrphan)
  }

  private static func remove(in folder: String, at now: Int64, where isLeft: (String) -> Bool) {
    for name in RegularFile.names(in: folder) where isLeft(name) {
      guard let facts = RegularFile.facts(folder + "/" + name),
        now - facts.modified > age.milliseconds
      else { continue }
      unlink(folder + "/" + name)
    }
  }

  /// `NAME.tmp-PROCESS-NUMBER`, of a process that is no more.
  private static func isOrphan(_ name: String) -> Bool {
    let parts = name.split(separator: ".").last?.split(separator: "-") ?? []
    guard parts.count == 3, parts[0] == "tmp", let process = Int32(parts[1]), process > 0 else {
      return false
    }
    return kill(process, 0) != 0 && errno == ESRCH
  }
}

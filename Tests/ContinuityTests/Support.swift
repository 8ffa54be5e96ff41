import Core
import Foundation
import MemoryStore
import TestSupport

@testable import Continuity

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Calls in a home of their own, which goes away with the test.
struct CallPlace {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  var home: String { folder.path + "/home" }
  var database: String { home + "/memory.db" }

  /// - Parameters:
  ///   - deadline: Ms; set for a hook.
  func context(
    _ environment: [String: String] = [:], requestID: RequestID = .unique(),
    deadline: Int? = nil, daemon: DaemonContext? = nil, isLenient: Bool = false,
    endsProcess: Bool = false
  ) throws -> CallContext {
    var invocation = Invocation(
      arguments: [], input: .none, cwd: folder.path,
      environment: [
        "HOME": folder.path, "MEMORYD_HOME": home,
        "MEMORYD_FALLBACK_DIR": folder.path + "/fallback",
      ].merging(environment) { $1 }, clock: WallClock { 1_800_000_000_000 }, requestID: requestID)
    invocation.daemon = daemon
    invocation.endsProcess = endsProcess
    var context = try CallContext(invocation: invocation, homeFlag: nil, isLenient: isLenient)
    context.deadline = deadline.map { Deadline(in: .milliseconds($0)) }
    return context
  }

  /// A store that is there and open for writing.
  func store() throws -> MemoryDatabase {
    try StoreDoor(try context()).writing()
  }

  func fallbackText(_ name: String = "tasks-fallback.md") -> String? {
    FileManager.default.contents(atPath: folder.path + "/fallback/" + name)
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// Runs while another connection holds the store's write lock.
  func whileLocked(_ body: () throws -> Void) throws {
    let other = try store()
    var result: Result<Void, any Error>?
    _ = try other.importEntries(at: 0) { () throws(StoreError) in
      if result == nil { result = Result { try body() } }
      return nil
    }
    try result?.get()
  }

  /// Puts a backup in the store's place and runs while it can be read, but not written.
  ///
  /// A backup is in rollback mode, so that opening it for writing would change the file.
  func whileReadOnly(_ body: () throws -> Void) throws {
    let copy = folder.path + "/copy.db"
    _ = try store().backUp(to: copy, replaces: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: home) {
      try FileManager.default.removeItem(atPath: home + "/" + name)
    }
    try FileManager.default.moveItem(atPath: copy, toPath: database)
    chmod(database, 0o444)
    chmod(home, 0o555)
    defer { chmod(home, 0o700) }
    // Root may write everywhere, unless this thread looks at files as somebody else.
    #if canImport(Glibc)
      let isRoot = geteuid() == 0
      if isRoot { _ = setfsuid(65_534) }
      defer { if isRoot { _ = setfsuid(0) } }
    #endif
    try body()
  }
}

#if canImport(Glibc)
  /// Of the calling thread alone. Source: setfsuid(2).
  @_silgen_name("setfsuid")
  private func setfsuid(_ user: UInt32) -> Int32
#endif

extension StoreWrite.Operation {
  static func task(_ title: String) -> Self { .addTask(TaskDraft(title: title, source: .cc)) }
}

/// The code of what a body throws; nil if it throws nothing.
func code(_ body: () throws -> Void) -> StoreError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? StoreError)?.code
  }
}

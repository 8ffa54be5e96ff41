@testable import Core
import Foundation
import MemoryStore
import TestSupport

@testable import Fallback

/// A store and a fallback folder that go away with the test; the folder can be shared.
final class Desk {
  var path: String { folder.path }
  let files: FallbackFiles
  let database: MemoryDatabase
  private let folder: TemporaryFolder

  init(sharing other: Desk? = nil) throws {
    folder = try TemporaryFolder()
    let path = folder.path
    files = other?.files ?? FallbackFiles(directory: path + "/files")
    try FileManager.default.createDirectory(
      atPath: files.directory, withIntermediateDirectories: true)
    database = try MemoryDatabase(path: path + "/memory.db", access: .migrating)
  }

  func adopt() throws -> Adoption.Result {
    try required(
      try Adoption(
        database: database, files: files, clock: .system, consent: VaultConsent(vault: .one)
      ) {
        _ in "{}"
      }.run())
  }

  func append(_ text: String, to path: String? = nil) throws {
    let path = path ?? files.tasks
    if !FileManager.default.fileExists(atPath: path) {
      _ = FileManager.default.createFile(atPath: path, contents: nil)
    }
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    defer { try? handle.close() }
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(text.utf8))
  }

  func text(_ path: String? = nil) throws -> String {
    String(decoding: try files.read(path ?? files.tasks), as: UTF8.self)
  }

  func titles(status: TaskStatus? = nil) throws -> [String] {
    try database.tasks(status: status, filter: RecordFilter()).map(\.title).sorted()
  }
}

extension VaultReference {
  static let one = VaultReference(id: "1", name: "one.example.org")
}

struct NothingThere: Error {}

func required<T>(_ value: T?) throws -> T {
  guard let value else { throw NothingThere() }
  return value
}

extension FallbackDocument {
  init(_ text: String, kind: Kind) { self.init(Array(text.utf8), kind: kind) }
}

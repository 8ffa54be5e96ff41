/// What is uncommitted in a repository, by `git status`.
public struct GitStatus: ~Copyable {
  private var command: GitCommand

  /// A path relative to the root, and git's two letters for it: `??` is untracked.
  public struct Change: Sendable, Equatable {
    public var path: String
    public var state: String

    /// - Parameter state: Empty if all that is known is that it changed.
    public init(path: String, state: String) {
      self.path = path
      self.state = state
    }
  }

  /// Starts git; nil where that cannot be done (no git, no such folder).
  ///
  /// - Parameter executable: A path, or a name that is looked up in `PATH`.
  public init?(root: String, environment: [String: String], executable: String = "git") {
    let command = GitCommand(
      ["status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=all"],
      root: root, environment: environment, executable: executable)
    guard let command else { return nil }
    self.command = command
  }

  /// Waits until git has ended or the time is up.
  ///
  /// - Parameter milliseconds: 0 takes what is there at once.
  /// - Returns: At most 500; nil if git failed or is not done. Git goes on then, until the next call
  ///   or until this value goes away.
  public mutating func changes(within milliseconds: Int) -> [Change]? {
    command.output(within: milliseconds).map(Self.parse)
  }

  /// As ``changes(within:)``, the paths alone.
  public mutating func paths(within milliseconds: Int) -> [String]? {
    changes(within: milliseconds).map { $0.map(\.path) }
  }

  /// `XY path`, NUL-terminated; a rename is followed by its former path.
  static func parse(_ bytes: [UInt8]) -> [Change] {
    var changes: [Change] = []
    var isFormer = false
    for record in bytes.split(separator: 0) {
      if isFormer {
        isFormer = false
        continue
      }
      guard record.count > 3 else { continue }
      let state = record.prefix(2)
      isFormer = state.contains(UInt8(ascii: "R")) || state.contains(UInt8(ascii: "C"))
      changes.append(
        Change(
          path: String(decoding: record.dropFirst(3), as: UTF8.self),
          state: String(decoding: state, as: UTF8.self)))
      if changes.count >= 500 { break }
    }
    return changes
  }
}

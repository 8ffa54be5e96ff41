import Core

/// What is uncommitted in a repository, by `git status`.
public struct GitStatus: ~Copyable {
  private var command: GitCommand
  private let root: String
  private let environment: [String: String]
  private let executable: String
  /// True if filters were switched off: then a path that has one may seem changed.
  private let hasFilters: Bool

  /// A path relative to the root, and git's two letters for it: `??` is untracked.
  public struct Change: Sendable, Equatable {
    public var path: String
    public var state: String
    /// False for a path that has a filter, which is not run: perhaps it is changed.
    public var isCertain = true

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
    let overrides = GitFilters.overrides(
      root: root, environment: environment, executable: executable)
    guard let overrides else { return nil }
    let command = GitCommand(
      overrides + [
        "status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=all",
      ],
      root: root, environment: environment, executable: executable)
    guard let command else { return nil }
    self.command = command
    self.root = root
    self.environment = environment
    self.executable = executable
    hasFilters = !overrides.isEmpty
  }

  /// Waits until git has ended or the time is up.
  ///
  /// - Parameter time: Zero takes what is there at once.
  /// - Returns: At most 500; nil if git failed or is not done. Git goes on then, until the next call
  ///   or until this value goes away.
  public mutating func changes(within time: Duration) -> [Change]? {
    guard var changes = command.output(within: time).map(Self.parse) else { return nil }
    guard hasFilters, changes.contains(where: { $0.state.contains("M") }) else { return changes }
    let filtered = filtered(changes.map(\.path), within: max(.milliseconds(50), time))
    for index in changes.indices where changes[index].state.contains("M") {
      changes[index].isCertain = filtered.map { !$0.contains(changes[index].path) } ?? false
    }
    return changes
  }

  /// As ``changes(within:)``, the paths alone, and only those that are changed for certain.
  public mutating func paths(within time: Duration) -> [String]? {
    changes(within: time).map { $0.filter(\.isCertain).map(\.path) }
  }

  /// Those of the paths that an attribute gives a filter; nil if git does not tell.
  private func filtered(_ paths: [String], within time: Duration) -> Set<String>? {
    var input: [UInt8] = []
    for path in paths { input += Array(path.utf8) + [0] }
    var command = GitCommand(
      ["check-attr", "-z", "--stdin", "filter"], root: root, environment: environment,
      input: input, executable: executable)
    guard let answer = command?.output(within: time) ?? nil else { return nil }
    // Path, attribute, value.
    let fields = answer.split(separator: 0, omittingEmptySubsequences: false)
    var found: Set<String> = []
    for index in stride(from: 0, to: fields.count - 2, by: 3) {
      let value = String(decoding: fields[index + 2], as: UTF8.self)
      if value != "unspecified", value != "unset" {
        found.insert(String(decoding: fields[index], as: UTF8.self))
      }
    }
    return found
  }

  /// `XY path`, NUL-terminated; a rename is followed by its former path.
  package static func parse(_ bytes: [UInt8]) -> [Change] {
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

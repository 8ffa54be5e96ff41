import Core

/// What git says of commits.
public struct GitHistory: Sendable {
  public struct Commit: Sendable, Equatable {
    /// Whole, hexadecimal.
    public var hash: String
    public var subject: String
    /// Unix ms at which it was committed.
    public var at: Int64

    public init(hash: String, subject: String, at: Int64) {
      self.hash = hash
      self.subject = subject
      self.at = at
    }

    /// As people write it.
    public var shortHash: String { String(hash.prefix(10)) }
  }

  /// What a hash that somebody wrote down leads to.
  public enum Finding: Sendable, Equatable {
    /// - Parameter isReachable: False if no branch, tag or remote leads to it any more.
    case commit(Commit, isReachable: Bool)
    /// Several commits begin so.
    case ambiguous
    /// There is something else of that name, or nothing.
    case missing
  }

  private let root: String
  private let environment: [String: String]

  public init(root: String, environment: [String: String]) {
    self.root = root
    self.environment = environment
  }

  /// The newest commits of the branch, newest first.
  ///
  /// - Returns: Nil if git fails, or takes longer; empty without a commit.
  public func last(_ count: Int, within time: Duration) -> [Commit]? {
    run(["log", "-\(count)", Self.format], within: time).map(Self.commits)
  }

  /// The commits without a parent that the checked out one goes back to. A shallow clone does not
  /// know them.
  ///
  /// - Returns: Nil if git fails, or takes longer.
  public func firstCommits(within time: Duration) -> [String]? {
    hashes(["rev-list", "--max-parents=0", "HEAD"], within: time)
  }

  /// The newest commits that branches and remotes lead to, newest first. Nothing is fetched.
  ///
  /// - Returns: Nil if git fails, or takes longer.
  public func commits(_ count: Int, within time: Duration) -> [String]? {
    hashes(
      ["rev-list", "--max-count=\(count)", "--branches", "--remotes", "HEAD"],
      within: time)
  }

  private func hashes(_ command: [String], within time: Duration) -> [String]? {
    run(command, within: time).map {
      String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init)
    }
  }

  /// Looks hashes up, as they were written.
  ///
  /// - Returns: Nil if git fails, or takes longer.
  public func find(_ hashes: [String], within time: Duration) -> [String: Finding]? {
    guard !hashes.isEmpty else { return [:] }
    let question = Array(hashes.map { $0 + "\n" }.joined().utf8)
    let answer = run(
      ["cat-file", "--batch-check=%(objectname) %(objecttype)"], input: question,
      within: time)
    guard let answer else { return nil }
    let lines = String(decoding: answer, as: UTF8.self).split(separator: "\n")
    guard lines.count == hashes.count else { return nil }
    var found: [String: Finding] = [:]
    var whole: [String: String] = [:]
    for (hash, line) in zip(hashes, lines) {
      let words = line.split(separator: " ")
      switch words.last {
      case "commit": whole[hash] = String(words[0])
      case "ambiguous": found[hash] = .ambiguous
      default: found[hash] = .missing
      }
    }
    guard !whole.isEmpty else { return found }
    let commits = Set(whole.values).sorted().map { $0 + "\n" }.joined()
    let stray = run(
      ["rev-list", "--not", "--all", "--not", "--stdin"], input: Array(commits.utf8),
      within: time)
    let told = run(
      ["log", "--no-walk=unsorted", Self.format, "--stdin"], input: Array(commits.utf8),
      within: time)
    guard let stray, let told else { return nil }
    let lost = Set(String(decoding: stray, as: UTF8.self).split(separator: "\n").map(String.init))
    let known = Dictionary(
      Self.commits(told).map { ($0.hash, $0) }, uniquingKeysWith: { first, _ in first })
    for (hash, name) in whole {
      found[hash] = known[name].map { .commit($0, isReachable: !lost.contains(name)) } ?? .missing
    }
    return found
  }

  private func run(
    _ command: [String], input: [UInt8] = [], within time: Duration
  ) -> [UInt8]? {
    guard
      var git = GitCommand(command, root: root, environment: environment, input: input)
    else { return nil }
    return git.output(within: time, limit: 64 << 20)
  }

  private static let format = "--format=tformat:%H%x09%ct%x09%s"

  private static func commits(_ bytes: [UInt8]) -> [Commit] {
    String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, let time = Int64(parts[1]) else { return nil }
      return Commit(hash: String(parts[0]), subject: String(parts[2]), at: time * 1000)
    }
  }
}

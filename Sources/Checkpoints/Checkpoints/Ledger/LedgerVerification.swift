import Core
public import Git
public import MemoryStore

/// What git says of a ledger's claims.
public struct LedgerVerification: Sendable {
  public enum Verdict: String, Sendable, CaseIterable {
    /// Every commit that it names is there.
    case verified
    /// A commit is there, but no branch, tag or remote leads to it.
    case unreachable
    /// It names a commit that the repository does not have.
    case missing
    /// The same in a shallow clone, where the commit may lie before the end of the history.
    case shallow
    /// It names the beginning of several commits.
    case ambiguous
    /// It says that something is done, and names no commit.
    case noCommit = "no_commit"
    /// It does not say that something is done, and names no commit.
    case noClaim = "no_claim"
  }

  /// One hash that an item names.
  public struct Hash: Sendable, Equatable {
    public var text: String
    public var finding: GitHistory.Finding
  }

  public struct Result: Sendable {
    public var record: LedgerRecord
    public var verdict: Verdict
    public var hashes: [Hash]
  }

  public let results: [Result]

  /// True if the repository is a shallow clone, which cannot tell of what it does not have.
  public let isShallow: Bool

  /// - Parameter find: Looks hashes up.
  /// - Returns: Nil if `find` does.
  public init?(
    _ records: [LedgerRecord], isShallow: Bool = false,
    find: ([String]) -> [String: GitHistory.Finding]?
  ) {
    self.isShallow = isShallow
    let named = records.map { Self.hashes(in: $0.entry) }
    let all = Set(named.flatMap { $0.sure + $0.unsure }).sorted()
    guard let found = find(all) else { return nil }
    results = zip(records, named).map { record, named in
      // What could as well be a number or a word counts where git knows it.
      let unsure = named.unsure.filter {
        if case .commit? = found[$0] { true } else { false }
      }
      let hashes = (named.sure + unsure).map { Hash(text: $0, finding: found[$0] ?? .missing) }
      return Result(
        record: record, verdict: Self.verdict(record.entry, hashes, isShallow), hashes: hashes)
    }
  }

  private static func verdict(
    _ entry: Ledger.Entry, _ hashes: [Hash], _ isShallow: Bool
  ) -> Verdict {
    if hashes.isEmpty { return entry.status == .done ? .noCommit : .noClaim }
    if hashes.contains(where: { $0.finding == .missing }) {
      return isShallow ? .shallow : .missing
    }
    if hashes.contains(where: { $0.finding == .ambiguous }) { return .ambiguous }
    for hash in hashes {
      if case .commit(_, false) = hash.finding { return .unreachable }
    }
    return .verified
  }

  /// Hexadecimal words of 7 to 64 letters. All digits, or all letters, is no hash for sure, unless
  /// the cell holds nothing else.
  package static func hashes(in entry: Ledger.Entry) -> (sure: [String], unsure: [String]) {
    var sure: [String] = []
    var unsure: [String] = []
    for text in [entry.detail, entry.remark].compactMap(\.self) {
      let words = words(text)
      let hashes = words.filter { isHexadecimal($0) && (7...64).contains($0.utf8.count) }
      let isAlone = words.allSatisfy {
        hashes.contains($0) || $0 == "and" || $0 == "commit" || $0 == "commits"
      }
      for hash in hashes {
        let isMixed =
          hash.utf8.contains { (48...57).contains($0) }
          && hash.utf8.contains { !(48...57).contains($0) }
        if isMixed || isAlone { sure.append(hash) } else { unsure.append(hash) }
      }
    }
    return (sure, unsure)
  }

  private static func isHexadecimal(_ word: String) -> Bool {
    word.utf8.allSatisfy {
      (48...57).contains($0) || (97...102).contains($0) || (65...70).contains($0)
    }
  }

  /// What stands between blanks and marks that people put between and around hashes; a UUID or a
  /// path is one word.
  private static func words(_ text: String) -> [String] {
    text.split { " \t,;+&()[]{}`'\"*<>:|→".contains($0) }
      .map { word in
        let clean = word.drop { "./".contains($0) }
        return String(clean.last == "." ? clean.dropLast() : clean)
      }
      .flatMap { word -> [String] in
        // From one commit to another.
        let ends = word.split(separator: ".", omittingEmptySubsequences: true).map(String.init)
        return ends.count == 2 && word.contains("..") ? ends : [word]
      }
      .filter { !$0.isEmpty }
  }
}

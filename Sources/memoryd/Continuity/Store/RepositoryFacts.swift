package import Git

/// What the files of the repositories say that a call meets, each read once.
package final class RepositoryFacts {
  private let context: CallContext
  private var known: [String: GitFacts?] = [:]

  package init(_ context: CallContext) {
    self.context = context
  }

  /// The repository at a folder; nil where there is none.
  package func facts(at folder: String) -> GitFacts? {
    if let known = known[folder] { return known }
    let facts = GitFacts.read(at: folder, environment: context.environment)
    known[folder] = .some(facts)
    return facts
  }

  /// The repository at the working folder.
  package var here: GitFacts? { facts(at: context.cwd) }

  /// The repository's uncommitted paths; nil if git fails or takes longer.
  ///
  /// - Parameter time: What git may take.
  func uncommitted(in git: GitFacts, within time: Duration) -> [String]? {
    guard var status = GitStatus(root: git.root, environment: context.environment),
      let paths = status.paths(within: time)
    else { return nil }
    context.daemon?.noteUncommitted(paths, in: git.root)
    return paths
  }
}

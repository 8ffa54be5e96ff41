import Foundation
import MemoryStore

/// Filters are programs that a repository names for its files, and that git runs to compare one. Here
/// none is run: each that any configuration defines is switched off by name.
enum GitFilters {
  /// Bytes of a configuration that is looked through without git.
  private static let limit = 1 << 20
  /// Ms for git to list names.
  private static let patience = 1000

  /// What goes in front of a command that looks at the files.
  ///
  /// - Returns: `-c` options; nil where it cannot be found out which filters there are.
  static func overrides(
    root: String, environment: [String: String], executable: String
  ) -> [String]? {
    guard mayHaveAny(root: root, environment) else { return [] }
    var command = GitCommand(
      ["config", "--name-only", "-z", "--get-regexp", "^filter\\."], root: root,
      environment: environment, executable: executable)
    // It fails where none is defined.
    let answer = command?.output(within: patience, acceptsFailure: true)
    guard let answer = answer ?? nil else { return nil }
    var names: Set<String> = []
    for record in answer.split(separator: 0) {
      // `filter.NAME.clean`; the name may hold dots.
      let key = String(decoding: record, as: UTF8.self)
      guard let last = key.lastIndex(of: "."), key.hasPrefix("filter."), key.count > 7,
        key.index(key.startIndex, offsetBy: 7) < last
      else { continue }
      names.insert(String(key[key.index(key.startIndex, offsetBy: 7)..<last]))
    }
    return names.sorted().flatMap { name in
      ["clean=", "smudge=", "process=", "required=false"].flatMap {
        ["-c", "filter.\(name).\($0)"]
      }
    }
  }

  /// False only if no configuration that git would read says so much as the word.
  private static func mayHaveAny(root: String, _ environment: [String: String]) -> Bool {
    var status = stat()
    let folder = root + "/.git"
    guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return true }
    let home = environment["HOME"] ?? ""
    let files = [
      folder + "/config", folder + "/config.worktree",
      environment["GIT_CONFIG_SYSTEM"] ?? "/etc/gitconfig",
      environment["GIT_CONFIG_GLOBAL"] ?? home + "/.gitconfig",
      (environment["XDG_CONFIG_HOME"] ?? home + "/.config") + "/git/config",
    ]
    return files.contains { path in
      do throws(StoreError) {
        let bytes = try RegularFile.read(path, limit: limit)
        let text = String(decoding: bytes, as: UTF8.self).lowercased()
        return text.contains("filter") || text.contains("include")
      } catch {
        return error.code != .notFound
      }
    }
  }
}

import Core
import Foundation

/// Filters are programs that a repository names for its files, and that git runs to compare one. Here
/// none is run: each that any configuration defines is switched off by name.
enum GitFilters {
  /// Bytes of a configuration that is looked through without git.
  private static let limit = 1 << 20
  /// For git to list names.
  private static let patience = Duration.seconds(1)

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
    // It ends with 1 where none is defined. Of an answer that is cut off the rest would be run.
    let answer = command?.output(within: patience, whole: true, accepting: [0, 1])
    guard let answer = answer ?? nil else { return nil }
    var names: Set<String> = []
    for record in answer.split(separator: 0) {
      // `filter.NAME.clean`; the name may hold dots. `filter.clean` belongs to none.
      guard let name = name(in: record) else { continue }
      guard isExpressible(name) else { return nil }
      names.insert(String(decoding: name, as: UTF8.self))
    }
    return names.sorted().flatMap { name in
      ["clean=", "smudge=", "process=", "required=false"].flatMap {
        ["-c", "filter.\(name).\($0)"]
      }
    }
  }

  private static func name(in key: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let prefix = Array("filter.".utf8)
    guard key.starts(with: prefix), let last = key.lastIndex(of: UInt8(ascii: ".")),
      last >= key.startIndex + prefix.count
    else { return nil }
    return key[(key.startIndex + prefix.count)..<last]
  }

  /// True if `-c filter.NAME.clean=` is about this filter: git ends the key at the first equals sign, and
  /// an argument is text. Nobody gives a filter another kind of name, but who wants it run.
  private static func isExpressible(_ name: ArraySlice<UInt8>) -> Bool {
    String(validating: name, as: UTF8.self) != nil
      && name.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "=") }
  }

  /// False only if no configuration that git would read says so much as the word.
  private static func mayHaveAny(root: String, _ environment: [String: String]) -> Bool {
    var status = stat()
    let folder = root + "/.git"
    // A folder of git that says where another one is has its configuration there.
    guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
      !RegularFile.exists(folder + "/commondir")
    else { return true }
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
        let text = bytes.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        return ["filter", "include"].contains { text.has(Array($0.utf8)) }
      } catch {
        return error.code != .notFound
      }
    }
  }
}

extension [UInt8] {
  fileprivate func has(_ word: [UInt8]) -> Bool {
    indices.dropLast(word.count - 1).contains {
      self[$0] == word[0] && self[$0...].starts(with: word)
    }
  }
}

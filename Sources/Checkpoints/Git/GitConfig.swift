import Core
import Foundation

/// A repository's configuration, read by git's own rules (git-config(1)) without running git.
///
/// Only files that git would read are read, and no more than a bounded number of bytes and files; with
/// conditions that would take long the rest does not hold.
struct GitConfig {
  /// One variable: section and key in small letters, the subsection as it stands.
  struct Variable: Equatable {
    var section: String
    var subsection: String?
    var key: String
    /// Nil for a key without `=`, which is true.
    var value: String?
  }

  private(set) var variables: [Variable] = []
  private var files = 0
  /// Bytes that may still be read.
  private var room = 4 << 20
  /// What patterns may still cost.
  private(set) var stepsLeft = 1_000_000
  /// The addresses of remotes, as conditions ask for them.
  private var urls: [String] = []

  private static let fileLimit = 1 << 20
  private static let mostFiles = 256
  private static let deepest = 10

  /// What decides which files are included.
  struct Circumstances {
    var gitFolder: String
    var branch: String?
    var userFolder: String?
  }

  /// - Parameters:
  ///   - common: The folder with the repository's `config`.
  ///   - environment: Says where the user's own configuration is.
  init(
    common: String, _ circumstances: Circumstances, environment: [String: String]
  ) {
    for path in Self.outer(environment, circumstances.userFolder) { read(path, circumstances, 0) }
    read(common + "/config", circumstances, 0)
    if isTrue("extensions", nil, "worktreeconfig") {
      read(circumstances.gitFolder + "/config.worktree", circumstances, 0)
    }
  }

  /// For a text that is at hand.
  init(text: String, path: String, _ circumstances: Circumstances) {
    take(Array(text.utf8), path, circumstances, 0)
  }

  /// The system's and the user's files, in git's order.
  private static func outer(_ environment: [String: String], _ home: String?) -> [String] {
    var files: [String] = []
    let isOff = ["1", "true", "yes", "on"].contains(
      environment["GIT_CONFIG_NOSYSTEM"]?.lowercased() ?? "")
    if !isOff { files.append(environment["GIT_CONFIG_SYSTEM"] ?? "/etc/gitconfig") }
    if let global = environment["GIT_CONFIG_GLOBAL"] {
      if global.hasPrefix("/") { files.append(global) }
      return files
    }
    if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
      files.append(folder + "/git/config")
    } else if let home {
      files.append(home + "/.config/git/config")
    }
    if let home { files.append(home + "/.gitconfig") }
    return files
  }

  // MARK: Asking

  /// The last value, which is the one that counts.
  func value(_ section: String, _ subsection: String?, _ key: String) -> String? {
    variables.last {
      $0.key == key && $0.section == section && $0.subsection == subsection
    }.flatMap { $0.value ?? "true" }
  }

  func isTrue(_ section: String, _ subsection: String?, _ key: String) -> Bool {
    ["true", "yes", "on", "1"].contains(value(section, subsection, key)?.lowercased() ?? "")
  }

  /// The URL that git would fetch from: of `origin`, else of the first remote.
  var remote: String? {
    let remotes = variables.lazy.filter {
      $0.section == "remote" && $0.key == "url" && $0.value != nil && $0.subsection != nil
    }
    let remote = remotes.first { $0.subsection == "origin" } ?? remotes.first
    guard let name = remote?.subsection else { return nil }
    // An empty one takes back those before it. Git fetches from the first.
    var urls: [String] = []
    for variable in variables
    where variable.section == "remote" && variable.subsection == name && variable.key == "url" {
      guard let value = variable.value else { continue }
      if value.isEmpty { urls = [] } else { urls.append(value) }
    }
    return urls.first.map(rewritten)
  }

  /// The address as git rewrites it: by the longest `insteadOf` that it begins with.
  private func rewritten(_ url: String) -> String {
    var best: (base: String, length: Int)?
    for variable in variables where variable.section == "url" && variable.key == "insteadof" {
      guard let base = variable.subsection, let prefix = variable.value, !prefix.isEmpty,
        url.utf8.starts(with: prefix.utf8), prefix.utf8.count > best?.length ?? 0
      else { continue }
      best = (base, prefix.utf8.count)
    }
    guard let best else { return url }
    return best.base + String(decoding: url.utf8.dropFirst(best.length), as: UTF8.self)
  }

  // MARK: Reading

  private mutating func read(_ path: String, _ circumstances: Circumstances, _ depth: Int) {
    guard depth <= Self.deepest, files < Self.mostFiles else { return }
    files += 1
    guard let bytes = try? RegularFile.read(path, limit: min(Self.fileLimit, room)) else { return }
    room -= bytes.count
    take(bytes, path, circumstances, depth)
  }

  /// A file that git would refuse as a whole counts up to where it goes wrong.
  private mutating func take(
    _ bytes: [UInt8], _ path: String, _ circumstances: Circumstances, _ depth: Int
  ) {
    var scanner = Scanner(bytes)
    while let variable = scanner.next() {
      variables.append(variable)
      if variable.section == "remote", variable.key == "url" { urls.append(variable.value ?? "") }
      guard variable.key == "path", let target = variable.value,
        variable.section == "include" && variable.subsection == nil
          || variable.section == "includeif"
            && holds(variable.subsection ?? "", path, circumstances)
      else { continue }
      read(Self.absolute(target, beside: path, circumstances), circumstances, depth + 1)
    }
  }

  private static func absolute(
    _ path: String, beside file: String, _ circumstances: Circumstances
  ) -> String {
    if path.hasPrefix("~/") { return (circumstances.userFolder ?? "") + path.dropFirst(1) }
    if path.hasPrefix("/") { return path }
    return (file as NSString).deletingLastPathComponent + "/" + path
  }

  /// `gitdir:`, `gitdir/i:`, `onbranch:` and `hasconfig:remote.*.url:`.
  private mutating func holds(
    _ condition: String, _ file: String, _ circumstances: Circumstances
  ) -> Bool {
    guard let colon = condition.firstIndex(of: ":") else { return false }
    let kind = condition[..<colon]
    var pattern = String(condition[condition.index(after: colon)...])
    switch kind {
    case "gitdir", "gitdir/i":
      if pattern.hasPrefix("~/") {
        pattern = (circumstances.userFolder ?? "") + pattern.dropFirst(1)
      } else if pattern.hasPrefix("./") {
        pattern = (file as NSString).deletingLastPathComponent + pattern.dropFirst(1)
      } else if !pattern.hasPrefix("/") {
        pattern = "**/" + pattern
      }
      if pattern.hasSuffix("/") { pattern += "**" }
      return Glob.matches(
        circumstances.gitFolder, pattern, ignoresCase: kind == "gitdir/i", &stepsLeft)
    case "onbranch":
      if pattern.hasSuffix("/") { pattern += "**" }
      guard let branch = circumstances.branch else { return false }
      return Glob.matches(branch, pattern, &stepsLeft)
    case "hasconfig":
      let key = "remote.*.url:"
      guard pattern.hasPrefix(key) else { return false }
      let wanted = String(pattern.dropFirst(key.count))
      for url in urls {
        guard stepsLeft > 0 else { return false }
        if Glob.matches(url, wanted, &stepsLeft) { return true }
      }
      return false
    default:
      return false
    }
  }

  /// The grammar of git's files.
  private struct Scanner {
    private let bytes: [UInt8]
    private var index = 0
    private var section = ""
    private var subsection: String?

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    }

    /// The next byte; a carriage return before a line's end is none.
    private mutating func take() -> UInt8? {
      guard index < bytes.count else { return nil }
      if bytes[index] == 13, index + 1 < bytes.count, bytes[index + 1] == 10 { index += 1 }
      defer { index += 1 }
      return bytes[index]
    }

    private func isBlank(_ byte: UInt8) -> Bool {
      byte == 32 || byte == 9 || byte == 10 || byte == 11 || byte == 12 || byte == 13
    }

    private func isKey(_ byte: UInt8) -> Bool {
      (byte | 0x20) >= 97 && (byte | 0x20) <= 122 || (48...57).contains(byte) || byte == 45
    }

    /// - Returns: Nil at the end, or at what is no configuration.
    mutating func next() -> Variable? {
      while let byte = take() {
        if isBlank(byte) { continue }
        switch byte {
        case UInt8(ascii: "#"), UInt8(ascii: ";"):
          while let rest = take(), rest != 10 {}
        case UInt8(ascii: "["):
          guard readSection() else { return nil }
        default:
          guard (byte | 0x20) >= 97, (byte | 0x20) <= 122, !section.isEmpty else { return nil }
          return readVariable(first: byte)
        }
      }
      return nil
    }

    private mutating func readSection() -> Bool {
      var name: [UInt8] = []
      subsection = nil
      while let byte = take() {
        if byte == UInt8(ascii: "]") { break }
        if byte == 32 || byte == 9 {
          var next = take()
          while next == 32 || next == 9 { next = take() }
          guard next == UInt8(ascii: "\"") else { return false }
          var text: [UInt8] = []
          while true {
            guard var byte = take(), byte != 10 else { return false }
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
              guard let escaped = take(), escaped != 10 else { return false }
              byte = escaped
            }
            text.append(byte)
          }
          guard take() == UInt8(ascii: "]") else { return false }
          section = String(decoding: name, as: UTF8.self)
          subsection = String(decoding: text, as: UTF8.self)
          return true
        }
        guard isKey(byte) || byte == UInt8(ascii: ".") else { return false }
        name.append((65...90).contains(byte) ? byte | 0x20 : byte)
      }
      section = String(decoding: name, as: UTF8.self)
      // The older way to write a subsection, in small letters.
      if let dot = section.firstIndex(of: ".") {
        subsection = String(section[section.index(after: dot)...])
        section = String(section[..<dot])
      }
      return true
    }

    private mutating func readVariable(first: UInt8) -> Variable? {
      var key = [(65...90).contains(first) ? first | 0x20 : first]
      var next = take()
      while let byte = next, isKey(byte) {
        key.append((65...90).contains(byte) ? byte | 0x20 : byte)
        next = take()
      }
      while next == 32 || next == 9 { next = take() }
      var variable = Variable(
        section: section, subsection: subsection, key: String(decoding: key, as: UTF8.self))
      if next == nil || next == 10 { return variable }
      guard next == UInt8(ascii: "=") else { return nil }
      guard let value = readValue() else { return nil }
      variable.value = value
      return variable
    }

    /// Blanks at both ends and comments are no part of it, unless quoted.
    private mutating func readValue() -> String? {
      var value: [UInt8] = []
      /// Up to where blanks at the end are not taken off.
      var kept = 0
      var isQuoted = false
      var isComment = false
      while let byte = take(), byte != 10 || isQuoted {
        if byte == 10 { return nil }
        if isComment { continue }
        if isBlank(byte), !isQuoted {
          if !value.isEmpty { value.append(byte) }
          continue
        }
        if !isQuoted, byte == UInt8(ascii: ";") || byte == UInt8(ascii: "#") {
          isComment = true
          continue
        }
        switch byte {
        case UInt8(ascii: "\\"):
          switch take() {
          case 10: continue
          case UInt8(ascii: "t"): value.append(9)
          case UInt8(ascii: "b"): value.append(8)
          case UInt8(ascii: "n"): value.append(10)
          case UInt8(ascii: "\\"): value.append(UInt8(ascii: "\\"))
          case UInt8(ascii: "\""): value.append(UInt8(ascii: "\""))
          default: return nil
          }
        case UInt8(ascii: "\""):
          isQuoted.toggle()
        default:
          value.append(byte)
        }
        kept = value.count
      }
      if isQuoted { return nil }
      return String(decoding: value.prefix(kept), as: UTF8.self)
    }
  }
}

/// Git's patterns for paths: `*` and `?` stop at a slash, `**` does not.
package enum Glob {
  /// - Parameter steps: What it may cost, about a step a byte; without any left nothing matches.
  package static func matches(
    _ text: String, _ pattern: String, ignoresCase: Bool = false, _ steps: inout Int
  ) -> Bool {
    guard steps > 0, text.utf8.count <= 4096, pattern.utf8.count <= 4096 else { return false }
    steps -= 1 + (text.utf8.count + pattern.utf8.count) / 16
    let text = Array((ignoresCase ? text.lowercased() : text).utf8)
    let pattern = Array((ignoresCase ? pattern.lowercased() : pattern).utf8)
    return matches(text[...], pattern[...], &steps)
  }

  private static func matches(
    _ text: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>, _ steps: inout Int
  ) -> Bool {
    var (text, pattern) = (text, pattern)
    let slash = UInt8(ascii: "/")
    while let wanted = pattern.first {
      steps -= 1
      if steps < 0 { return false }
      switch wanted {
      case UInt8(ascii: "*"):
        let isDeep = pattern.dropFirst().first == wanted
        pattern = pattern.drop { $0 == wanted }
        // `**/` is also nothing at all.
        if isDeep, pattern.first == slash, matches(text, pattern.dropFirst(), &steps) {
          return true
        }
        while true {
          if matches(text, pattern, &steps) { return true }
          guard let byte = text.first, isDeep || byte != slash, steps > 0 else { return false }
          text = text.dropFirst()
        }
      case UInt8(ascii: "?"):
        guard let byte = text.first, byte != slash else { return false }
      case UInt8(ascii: "["):
        guard let byte = text.first, byte != slash,
          let close = pattern.dropFirst(2).firstIndex(of: UInt8(ascii: "]"))
        else { return false }
        var set = pattern[(pattern.startIndex + 1)..<close]
        let isNot = set.first == UInt8(ascii: "!") || set.first == UInt8(ascii: "^")
        if isNot { set = set.dropFirst() }
        steps -= set.count
        var isIn = false
        while let low = set.first {
          if set.count >= 3, set[set.startIndex + 1] == UInt8(ascii: "-") {
            isIn = isIn || (low...max(low, set[set.startIndex + 2])).contains(byte)
            set = set.dropFirst(3)
          } else {
            isIn = isIn || low == byte
            set = set.dropFirst()
          }
        }
        guard isIn != isNot else { return false }
        pattern = pattern[close...]
      case UInt8(ascii: "\\"):
        pattern = pattern.dropFirst()
        guard let literal = pattern.first, text.first == literal else { return false }
      default:
        guard text.first == wanted else { return false }
      }
      text = text.dropFirst()
      pattern = pattern.dropFirst()
    }
    return text.isEmpty
  }
}

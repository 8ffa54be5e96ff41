/// Finds paths, code names and sentences in prose and code.
enum TextScanner {
  /// Words that look like a file: a path separator or a known ending, no URL.
  static func paths(in text: String, limit: Int = 200) -> [String] {
    var found: [String] = []
    forEachWord(in: text, isPathByte) { word in
      if let path = path(word) { found.append(path) }
      return found.count < limit
    }
    return found
  }

  /// The path in a word, without `:12` behind it and dots around it; nil if it is none.
  static func path(_ word: Substring) -> String? {
    var word = word
    if let colon = word.firstIndex(of: ":") {
      if word[colon...].hasPrefix("://") { return nil }
      let isDrive = word.distance(from: word.startIndex, to: colon) == 1
      if !isDrive { word = word[..<colon] }
    }
    while let last = word.last, last == "." || last == "/" || last == "," { word.removeLast() }
    guard word.utf8.count >= 4, word.utf8.count <= 250 else { return nil }
    guard let name = word.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last,
      name.utf8.count <= 80
    else { return nil }
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex || name.utf8.count > 4 else {
      return nil
    }
    let ending = name[name.index(after: dot)...]
    guard endings.contains(ending.lowercased()) else { return nil }
    if word.hasPrefix("//") || word.contains("…") { return nil }
    return String(word)
  }

  /// Identifiers that carry meaning beyond a plain word: `camelCase`, `snake_case`, letters with
  /// digits; 4 to 60 bytes.
  static func names(in text: String, limit: Int = 400) -> [String] {
    var found: [String] = []
    forEachWord(in: text, isNameByte) { word in
      if isName(word) { found.append(String(word)) }
      return found.count < limit
    }
    return found
  }

  static func isName(_ word: Substring) -> Bool {
    let bytes = word.utf8
    guard bytes.count >= 4, bytes.count <= 60, let first = bytes.first, !(48...57).contains(first)
    else { return false }
    var hasLower = false
    var hasUnderscore = false
    var digits = 0
    var humps = 0
    var previousIsLower = false
    for byte in bytes {
      switch byte {
      case 97...122:
        hasLower = true
        previousIsLower = true
      case 65...90:
        if previousIsLower { humps += 1 }
        previousIsLower = false
      case 48...57:
        digits += 1
        previousIsLower = false
      default:
        if byte == UInt8(ascii: "_") { hasUnderscore = true }
        previousIsLower = false
      }
    }
    if digits * 2 > bytes.count { return false }
    if humps > 0 { return true }
    return hasUnderscore && bytes.count >= 5 && (hasLower || humps == 0)
  }

  /// The names that a piece of code defines: functions, types, constants.
  static func symbols(in code: String, limit: Int = 12) -> [String] {
    var found: [String] = []
    for line in code.split(separator: "\n", maxSplits: 2000) {
      let words = line.split(
        maxSplits: 8, whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "$" })
      guard let at = words.firstIndex(where: { definers.contains(String($0)) }) else { continue }
      var candidates = words[(at + 1)...]
      if words[at] == "func", line.contains("func (") {
        // Go: the receiver stands before the name.
        candidates = candidates.dropFirst(2)
      }
      guard let name = candidates.first(where: { !definers.contains(String($0)) }),
        name.utf8.count >= 3, name.utf8.count <= 60, name.first?.isNumber == false
      else { continue }
      let text = String(name)
      if !found.contains(text) { found.append(text) }
      if found.count >= limit { break }
    }
    return found
  }

  /// Sentences of 20 bytes or more, split at line ends and at `. ! ?` before white space.
  static func sentences(in text: String, limit: Int = 200) -> [String] {
    var found: [String] = []
    var isCode = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
      let line = line.trimmed
      if line.hasPrefix("```") {
        isCode.toggle()
        continue
      }
      if isCode { continue }
      var start = line.startIndex
      var index = start
      while index < line.endIndex {
        let character = line[index]
        let next = line.index(after: index)
        let isStop = character == "." || character == "!" || character == "?"
        if isStop && next < line.endIndex && line[next].isWhitespace || next == line.endIndex {
          let sentence = line[start..<next].trimmed
          if sentence.utf8.count >= 12 { found.append(String(sentence)) }
          start = next
          if found.count >= limit { return found }
        }
        index = next
      }
    }
    return found
  }

  /// True where a person lays down how things are to be done (findings 9).
  static func isRule(_ sentence: String) -> Bool {
    sentence.lowercased().split(whereSeparator: { !$0.isLetter && $0 != "'" && $0 != "’" })
      .contains { ruleWords.contains(String($0).replacing("’", with: "'")) }
  }

  private static let ruleWords: Set<String> = [
    "never", "don't", "dont", "always", "instead", "only", "keep", "must", "avoid", "ensure",
    "should", "shouldn't", "without", "please", "prefer", "rather", "not", "use",
    "favor", "remember", "no", "stop", "skip", "every", "nie", "immer", "nicht", "nur", "kein",
  ]

  private static let definers: Set<String> = [
    "func", "def", "class", "struct", "enum", "interface", "protocol", "trait", "fn", "function",
    "type", "const", "let", "var", "defp", "defmodule", "extension", "actor", "module", "impl",
    "record", "object", "val",
  ]

  private static let endings: Set<String> = [
    "swift", "go", "py", "rs", "ts", "tsx", "js", "jsx", "mjs", "cjs", "java", "kt", "kts", "c",
    "h", "cc", "cpp", "hpp", "m", "mm", "cs", "rb", "php", "ex", "exs", "erl", "hs", "scala",
    "clj", "lua", "sh", "bash", "zsh", "fish", "ps1", "sql", "html", "css", "scss", "less", "vue",
    "svelte", "heex", "eex", "md", "mdx", "rst", "txt", "json", "jsonl", "yaml", "yml", "toml",
    "xml", "ini", "cfg", "conf", "env", "lock", "mod", "sum", "proto", "graphql", "tf", "gradle",
    "plist", "service", "csv", "tsv", "ipynb", "dockerfile", "mk", "cmake", "zig", "dart", "r",
    "jl", "nix", "tmpl", "snap", "log", "svg", "example", "template", "omp", "ics", "sol",
  ]

  private static func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 65...90, 97...122, 48...57, UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "-"), UInt8(ascii: "\\"), UInt8(ascii: ":"), UInt8(ascii: "@"),
      UInt8(ascii: "~"), UInt8(ascii: "+"), 0x80...0xFF:
      true
    default: false
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 65...90, 97...122, 48...57, UInt8(ascii: "_"): true
    default: false
    }
  }

  /// Runs of bytes that pass the test, until `body` says false.
  private static func forEachWord(
    in text: String, _ isPart: (UInt8) -> Bool, _ body: (Substring) -> Bool
  ) {
    let bytes = text.utf8
    var index = bytes.startIndex
    while index < bytes.endIndex {
      guard isPart(bytes[index]) else {
        index = bytes.index(after: index)
        continue
      }
      let start = index
      while index < bytes.endIndex, isPart(bytes[index]) { index = bytes.index(after: index) }
      if !body(text[start..<index]) { return }
    }
  }
}

extension StringProtocol {
  /// Without white space at both ends.
  var trimmed: SubSequence {
    guard let first = firstIndex(where: { !$0.isWhitespace }),
      let last = lastIndex(where: { !$0.isWhitespace })
    else { return self[startIndex..<startIndex] }
    return self[first...last]
  }

  /// At most `count` characters, cut at a word where one is near, with an ellipsis.
  func cut(to count: Int) -> String {
    guard self.count > count, count > 1 else { return String(self.prefix(Swift.max(0, count))) }
    let head = self.prefix(count - 1)
    if let space = head.lastIndex(where: \.isWhitespace),
      head.distance(from: space, to: head.endIndex) < 20
    {
      return String(head[..<space]) + "…"
    }
    return String(head) + "…"
  }

  /// One line: runs of white space become one blank.
  public var oneLine: String {
    split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

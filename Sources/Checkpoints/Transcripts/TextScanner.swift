import Syntax

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Finds paths, code names, symbols and sentences in prose and code.
///
/// Works on UTF-8 bytes: this runs over every word of a transcript on a hook's path, and
/// characters cost twenty times as much.
package enum TextScanner {
  // MARK: Paths

  /// Words that look like a file: a known ending, no URL.
  package static func paths(in text: String, limit: Int = 200) -> [String] {
    var found: [String] = []
    var text = text
    text.withUTF8 { bytes in
      guard let base = bytes.baseAddress else { return }
      // A file's name has a dot: what has none is passed over.
      var index = 0
      while index < bytes.count, found.count < limit,
        let dot = memchr(base + index, Int32(UInt8(ascii: ".")), bytes.count - index)
      {
        let place = UnsafeRawPointer(dot) - UnsafeRawPointer(base)
        var start = place
        while start > index, isPathByte(bytes[start - 1]) { start -= 1 }
        var end = place + 1
        while end < bytes.count, isPathByte(bytes[end]) { end += 1 }
        if end - start >= 4, let path = path(UnsafeBufferPointer(rebasing: bytes[start..<end])) {
          found.append(path)
        }
        index = end
      }
    }
    return found
  }

  package static func path(_ word: String) -> String? {
    var word = word
    return word.withUTF8(path)
  }

  /// The path in a word, without `:12` behind it and dots after it; nil if it is none.
  private static func path(_ word: UnsafeBufferPointer<UInt8>) -> String? {
    var end = word.count
    if let colon = word.firstIndex(of: UInt8(ascii: ":")), colon != 1 {
      if colon + 2 < word.count, word[colon + 1] == UInt8(ascii: "/"),
        word[colon + 2] == UInt8(ascii: "/")
      {
        return nil
      }
      end = colon
    }
    while end > 0,
      word[end - 1] == UInt8(ascii: ".") || word[end - 1] == UInt8(ascii: "/")
        || word[end - 1] == UInt8(ascii: ",")
    {
      end -= 1
    }
    guard (4...250).contains(end) else { return nil }
    var dot: Int?
    var start = end
    while start > 0, word[start - 1] != UInt8(ascii: "/"), word[start - 1] != UInt8(ascii: "\\") {
      start -= 1
      if dot == nil, word[start] == UInt8(ascii: ".") { dot = start }
    }
    // ".json" and "_test.go" are endings that somebody talks about, no files.
    guard let dot, end - start <= 80, end - dot <= 12, dot > start,
      word[start] != UInt8(ascii: "_"),
      !(end > 2 && word[0] == UInt8(ascii: "/") && word[1] == UInt8(ascii: "/"))
    else { return nil }
    guard end - dot > 1, isNameByte(word[dot + 1]), isNameByte(word[end - 1]) else { return nil }
    let ending = String(
      decoding: UnsafeBufferPointer(rebasing: word[(dot + 1)..<end]), as: UTF8.self)
    // "README.MD" is a file, "t.Log" is a call.
    guard
      endings.contains(ending)
        || ending == ending.uppercased() && endings.contains(ending.lowercased())
    else { return nil }
    return String(decoding: UnsafeBufferPointer(rebasing: word[..<end]), as: UTF8.self)
  }

  // MARK: Names

  /// Identifiers that carry meaning beyond a plain word: `camelCase`, `snake_case`; 4 to 60 bytes.
  package static func names(in text: String, limit: Int = 400) -> [String] {
    var found: [String] = []
    forEachWord(in: text, isNameByte) { word in
      if isName(word) { found.append(String(decoding: word, as: UTF8.self)) }
      return found.count < limit
    }
    return found
  }

  private static func isName(_ word: UnsafeBufferPointer<UInt8>) -> Bool {
    guard (4...60).contains(word.count), !isDigit(word[0]) else { return false }
    var hasLower = false
    var hasUnderscore = false
    var digits = 0
    var humps = 0
    var previousIsLower = false
    for byte in word {
      let isLower = (97...122).contains(byte)
      if isLower {
        hasLower = true
      } else if (65...90).contains(byte) {
        if previousIsLower { humps += 1 }
      } else if isDigit(byte) {
        digits += 1
      } else {
        hasUnderscore = true
      }
      previousIsLower = isLower
    }
    if digits * 2 > word.count { return false }
    return humps > 0 || hasUnderscore && hasLower && word.count >= 5
      || hasUnderscore && word.count >= 6
  }

  // MARK: Symbols

  /// The names that a piece of code defines: functions, types, constants.
  package static func symbols(in code: String, limit: Int = 12) -> [String] {
    var found: [String] = []
    forEachLine(in: code) { line in
      var words = 0
      var isDefined = false
      var skipped = 0
      forEachWord(in: line, isNameByte) { word in
        words += 1
        let text = String(decoding: word, as: UTF8.self)
        if !isDefined {
          isDefined = definers.contains(text)
          // Go: the receiver stands between `func` and the name.
          if isDefined, text == "func", isReceiver(line, after: word) { skipped = 2 }
          return words < 5
        }
        if definers.contains(text) { return true }
        if skipped > 0 {
          skipped -= 1
          return true
        }
        if (3...60).contains(word.count), !isDigit(word[0]), !found.contains(text) {
          found.append(text)
        }
        return false
      }
      return found.count < limit
    }
    return found
  }

  private static func isReceiver(
    _ line: UnsafeBufferPointer<UInt8>, after word: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard let base = line.baseAddress, let start = word.baseAddress else { return false }
    let next = start - base + word.count + 1
    return next < line.count && line[next] == UInt8(ascii: "(")
  }

  // MARK: Sentences

  /// Sentences of 12 bytes or more, split at line ends and at `. ! ?` before white space; fenced
  /// code is left out.
  package static func sentences(in text: String, limit: Int = 200) -> [String] {
    var found: [String] = []
    var isCode = false
    forEachLine(in: text) { line in
      let line = withoutMarker(trimmed(line))
      if line.starts(with: "```".utf8) {
        isCode.toggle()
        return true
      }
      if isCode { return true }
      var start = 0
      for index in line.indices {
        let isLast = index + 1 == line.count
        guard isLast || isStop(line[index]) && ASCII.isSpace(line[index + 1]) else { continue }
        let sentence = trimmed(UnsafeBufferPointer(rebasing: line[start...index]))
        if sentence.count >= 12 { found.append(String(decoding: sentence, as: UTF8.self)) }
        start = index + 1
      }
      return found.count < limit
    }
    return found
  }

  /// Without what makes a line a list item, a heading, a quote or a table row.
  private static func withoutMarker(
    _ line: UnsafeBufferPointer<UInt8>
  ) -> UnsafeBufferPointer<UInt8> {
    let marks: [UInt8] = Array("-*+#>|".utf8) + [0x20]
    let start = line.firstIndex { !marks.contains($0) } ?? line.count
    // "-x" and "**bold**" are no markers.
    guard start > 0, line[start - 1] == 0x20 else { return line }
    return UnsafeBufferPointer(rebasing: line[start...])
  }

  /// False for lines of logs, code and data, which people paste among their words.
  package static func isProse(_ sentence: String) -> Bool {
    var (words, others, equals) = (0, 0, 0)
    for byte in sentence.utf8 {
      switch byte {
      case 65...90, 97...122, 0x20, 0x80...: words += 1
      default: others += 1
      }
      if byte == UInt8(ascii: "=") { equals += 1 }
    }
    return equals < 3 && words * 4 >= (words + others) * 3
  }

  /// True where a person lays down how things are to be done (findings 9).
  package static func isRule(_ sentence: String) -> Bool {
    var isRule = false
    forEachWord(
      in: sentence.lowercased(), { isNameByte($0) || $0 == UInt8(ascii: "'") || $0 > 127 }
    ) {
      let word = String(decoding: $0, as: UTF8.self).replacing("’", with: "'")
      isRule = ruleWords.contains(word)
      return !isRule
    }
    return isRule
  }

  private static let ruleWords: Set<String> = [
    "never", "don't", "dont", "always", "instead", "only", "keep", "must", "avoid", "ensure",
    "should", "shouldn't", "without", "please", "prefer", "rather", "not", "use", "favor",
    "remember", "no", "stop", "skip", "every", "nie", "immer", "nicht", "nur", "kein",
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

  // MARK: Bytes

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

  private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

  private static func isStop(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ".") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?")
  }

  private static func trimmed(
    _ bytes: UnsafeBufferPointer<UInt8>
  ) -> UnsafeBufferPointer<UInt8> {
    var start = 0
    var end = bytes.count
    while start < end, ASCII.isSpace(bytes[start]) { start += 1 }
    while end > start, ASCII.isSpace(bytes[end - 1]) { end -= 1 }
    return UnsafeBufferPointer(rebasing: bytes[start..<end])
  }

  /// Runs of bytes that pass the test, until `body` says false.
  private static func forEachWord(
    in text: String, _ isPart: (UInt8) -> Bool, _ body: (UnsafeBufferPointer<UInt8>) -> Bool
  ) {
    var text = text
    text.withUTF8 { forEachWord(in: $0, isPart, body) }
  }

  private static func forEachWord(
    in bytes: UnsafeBufferPointer<UInt8>, _ isPart: (UInt8) -> Bool,
    _ body: (UnsafeBufferPointer<UInt8>) -> Bool
  ) {
    var index = 0
    while index < bytes.count {
      guard isPart(bytes[index]) else {
        index += 1
        continue
      }
      let start = index
      while index < bytes.count, isPart(bytes[index]) { index += 1 }
      if !body(UnsafeBufferPointer(rebasing: bytes[start..<index])) { return }
    }
  }

  private static func forEachLine(
    in text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Bool
  ) {
    forEachWord(in: text, { $0 != 0x0A }, body)
  }
}

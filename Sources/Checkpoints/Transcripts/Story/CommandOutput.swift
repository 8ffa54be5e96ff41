import Syntax

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a command wrote, in the few words that tell how it ended.
///
/// Whether it failed is asked of every result on a hook's path, and works on bytes; the words are made
/// for the few results that are told.
struct CommandOutput {
  private let bytes: [UInt8]

  /// What is looked at of a long output: its beginning and its end, where the outcome stands.
  static let headBytes = 4096
  static let tailBytes = 12_288

  init(_ output: String) {
    var bytes = Array(output.utf8)
    if bytes.count > Self.headBytes + Self.tailBytes {
      bytes = bytes.prefix(Self.headBytes) + Array("\n…\n".utf8) + bytes.suffix(Self.tailBytes)
    }
    if bytes.contains(0x1B) { bytes = Self.withoutEscapes(bytes) }
    self.bytes = bytes
  }

  /// Without what drives a terminal.
  private static func withoutEscapes(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x1B, index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "[") {
        index += 2
        while index < bytes.count, !(0x40...0x7E).contains(bytes[index]) { index += 1 }
        index += 1
      } else {
        if bytes[index] != 0x1B { result.append(bytes[index]) }
        index += 1
      }
    }
    return result
  }

  /// What is worth cleaning of an output to tell how it ended.
  static func ends(of output: String) -> String {
    guard output.utf8.count > 6000 else { return output }
    let bytes = Array(output.utf8)
    return String(decoding: bytes.prefix(1500), as: UTF8.self) + "\n…\n"
      + String(decoding: bytes.suffix(4500), as: UTF8.self)
  }

  /// The lines that hold a word.
  private var lines: [String] {
    var text = bytes
    // What a program printed as it stands in JSON.
    if bytes.count(where: { $0 == 0x0A }) < 4 {
      let plain = String(decoding: bytes, as: UTF8.self)
      if plain.hasBytes("\\n") { text = Array(plain.replacing("\\n", with: "\n").utf8) }
    }
    return text.split(separator: 0x0A).prefix(3000).compactMap { raw in
      let line = String(decoding: raw, as: UTF8.self).trimmed
      guard line.utf8.count > 1, line.utf8.contains(where: Self.isWordByte),
        !line.hasPrefix("<system-reminder"), !line.hasPrefix("</system"),
        !line.hasPrefix("Shell cwd was reset")
      else { return nil }
      return String(line)
    }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
      || byte >= 0x80
  }

  // MARK: Did it fail

  /// True where the output itself says that the command failed, whatever its exit code was: it may
  /// have gone through a pipe.
  var saysFailure: Bool {
    bytes.withUnsafeBufferPointer { text in
      var counts = (failed: 0, passed: 0)
      var isFirst = true
      var hasFailedLine = false
      var start = 0
      while start < text.count {
        var end = start
        if let base = text.baseAddress, let feed = memchr(base + start, 0x0A, text.count - start) {
          end = UnsafeRawPointer(feed) - UnsafeRawPointer(base)
        } else {
          end = text.count
        }
        let line = Self.trimmed(UnsafeBufferPointer(rebasing: text[start..<end]))
        start = end + 1
        guard line.count > 1 else { continue }
        if isFirst, Self.begins(line, Self.failedHeads) { return true }
        isFirst = false
        Self.count(in: line, &counts)
        if !hasFailedLine {
          hasFailedLine =
            Self.begins(line, Self.failedLines) || Self.isDiagnostic(line)
            || Self.ends(line, "command not found")
        }
      }
      if counts.failed > 0 { return true }
      return counts.passed > 0 ? false : hasFailedLine
    }
  }

  /// True where it says itself that it went well.
  var saysSuccess: Bool {
    bytes.withUnsafeBufferPointer { text in
      var counts = (failed: 0, passed: 0)
      for line in text.split(separator: 0x0A) {
        let line = UnsafeBufferPointer(rebasing: line)
        Self.count(in: line, &counts)
        if Self.begins(Self.trimmed(line), Self.passedHeads) { return true }
      }
      return counts.passed > 0 && counts.failed == 0
    }
  }

  private static let passedHeads: [StaticString] = [
    "test result: ok", "ok ", "PASS", "Finished ", "BUILD SUCCE", "All checks passed", "Success",
  ]

  private static func trimmed(
    _ line: UnsafeBufferPointer<UInt8>
  ) -> UnsafeBufferPointer<UInt8> {
    var (start, end) = (0, line.count)
    while start < end, line[start] <= 0x20 { start += 1 }
    while end > start, line[end - 1] <= 0x20 { end -= 1 }
    return UnsafeBufferPointer(rebasing: line[start..<end])
  }

  private static let failedHeads: [StaticString] = [
    "error:", "error[", "fatal:", "FAIL", "Pre-commit validation failed", "Traceback (most recent",
  ]
  private static let failedLines: [StaticString] = [
    "** (", "Traceback (most recent", "panic: ", "error[E", "npm ERR!", "npm error", "--- FAIL",
    "FAILED", "BUILD FAILED", "error: ", "Error: ", "fatal: ", "✗ ", "thread 'main' panicked",
    "error TS", "Diff in ",
  ]

  private static func begins(
    _ line: UnsafeBufferPointer<UInt8>, _ heads: [StaticString]
  ) -> Bool {
    guard let base = line.baseAddress else { return false }
    return heads.contains { head in
      line.count >= head.utf8CodeUnitCount && line[0] == head.utf8Start[0]
        && memcmp(base, head.utf8Start, head.utf8CodeUnitCount) == 0
    }
  }

  private static func ends(_ line: UnsafeBufferPointer<UInt8>, _ tail: StaticString) -> Bool {
    let length = tail.utf8CodeUnitCount
    guard let base = line.baseAddress, line.count >= length else { return false }
    return memcmp(base + line.count - length, tail.utf8Start, length) == 0
  }

  /// `file.ext:12:3: …`, but for warnings and notes.
  private static func isDiagnostic(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    let colon = UInt8(ascii: ":")
    guard let first = line.prefix(240).firstIndex(of: colon), first > 2, first + 4 < line.count,
      (48...57).contains(line[first + 1])
    else { return false }
    var index = first + 1
    for _ in 0..<2 {
      let digits = line[index...].prefix { (48...57).contains($0) }.count
      guard digits > 0, index + digits < line.count, line[index + digits] == colon else {
        return false
      }
      index += digits + 1
    }
    guard index + 1 < line.count, line[index] == 0x20 else { return false }
    let path = line[..<first]
    guard path.contains(UInt8(ascii: ".")), !path.contains(0x20) else { return false }
    let rest = UnsafeBufferPointer(rebasing: line[(index + 1)...])
    return !begins(rest, ["warning", "note", "info"])
  }

  /// True for `file.ext:12` at the beginning, whatever stands behind it.
  private static func hasPlace(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let colon = line.prefix(200).firstIndex(of: UInt8(ascii: ":")), colon > 2,
      colon + 1 < line.count, (48...57).contains(line[colon + 1])
    else { return false }
    let path = line[..<colon]
    return path.contains(UInt8(ascii: ".")) && !path.contains(0x20)
  }

  /// Adds up what stands behind numbers: "3 failed" is 3.
  private static func count(
    in line: UnsafeBufferPointer<UInt8>, _ counts: inout (failed: Int, passed: Int)
  ) {
    var index = 0
    while index < line.count {
      guard (48...57).contains(line[index]) else {
        index += 1
        continue
      }
      let isStart =
        index == 0 || !isWordByte(line[index - 1]) && line[index - 1] != UInt8(ascii: ".")
      var number = 0
      var digits = 0
      while index < line.count, (48...57).contains(line[index]) {
        if digits < 8 { number = number * 10 + Int(line[index] - 48) }
        digits += 1
        index += 1
      }
      guard isStart, digits < 8, index < line.count, line[index] == 0x20 else { continue }
      let word = UnsafeBufferPointer(
        rebasing: line[(index + 1)...].prefix { isWordByte($0) })
      guard (5...8).contains(word.count), let base = word.baseAddress else { continue }
      func isWord(_ names: [StaticString]) -> Bool {
        names.contains {
          $0.utf8CodeUnitCount == word.count
            && strncasecmp(base, $0.utf8Start, word.count) == 0
        }
      }
      if isWord(["failed", "failures", "failure", "error", "errors", "failing"]) {
        counts.failed = max(counts.failed, number)
      } else if isWord(["passed", "passing"]) {
        counts.passed = max(counts.passed, number)
      }
    }
  }

  // MARK: In a few words

  /// The lines that say why it failed: the most telling with what follows it, then another one.
  func telling(limit: Int, groups: Int = 2) -> String {
    let lines = lines.map(Self.withoutFrame).filter {
      $0.utf8.count > 2 && !Self.isNoise($0)
    }
    let ranked = lines.enumerated().map { index, line in
      (worth: Self.worth(line, at: index), index: index)
    }.sorted { ($0.worth, $1.index) > ($1.worth, $0.index) }
    var taken: Set<Int> = []
    var parts: [(index: Int, text: String)] = []
    var used = 0
    for candidate in ranked.prefix(groups) {
      var group: [String] = []
      for index in candidate.index..<min(candidate.index + 6, lines.count) {
        let room = groups > 1 && parts.isEmpty ? limit * 7 / 10 : limit
        if taken.contains(index) || used > room { break }
        let line = lines[index]
        if index > candidate.index,
          line.utf8.count > 120 || candidate.worth < 1 || line == "{" || line == "["
        {
          break
        }
        taken.insert(index)
        group.append(line.cut(to: limit))
        used += line.utf8.count + 3
      }
      if !group.isEmpty { parts.append((candidate.index, group.joined(separator: " / "))) }
    }
    return parts.sorted { $0.index < $1.index }.map(\.text).joined(separator: " / ").oneLine
      .cut(to: limit)
  }

  private static func withoutFrame(_ line: String) -> String {
    var line = line
    if line.hasBytes("tool_use_error>") {
      line = line.replacing(bytesOf: "<tool_use_error>", with: "")
        .replacing(bytesOf: "</tool_use_error>", with: "")
    }
    guard let first = line.utf8.first, !(48...122).contains(first) else { return line }
    return String(line.drop { " \t|│┃└├─>".contains($0) })
  }

  private static func isNoise(_ line: String) -> Bool {
    let small = line.prefix(24).lowercased()
    if noise.contains(where: { small.hasPrefix($0) }) { return true }
    // A stack frame.
    return line.hasPrefix("at ") && line.hasSuffix(")") || line.hasPrefix("node:internal")
  }

  private static let noise = [
    "exit code ", "checking ", "finding ", "compiling", "downloading", "downloaded",
    "[output trunc",
    "total errors", "task failed", "proceeding", "done in", "starting", "generated ", "==> ",
    "===> ", "using ", "hint:", "pre-commit validation failed", "fix these", "running ",
    "to address ", "see ",
  ]

  private static func worth(_ line: String, at index: Int) -> Double {
    var line = line
    return line.withUTF8 { text in
      var worth = -Double(text.count) / 400 - (index < 200 ? Double(index) / 400 : 0.5)
      let copy = String(decoding: text, as: UTF8.self)
      if copy.hasBytes("rror") || copy.hasBytes("xception") || copy.hasBytes("ERR")
        || !Lexicon.errors.marks(in: copy).isEmpty
      {
        worth += 2
      }
      if begins(text, strongHeads) || isDiagnostic(text) { worth += 1.5 }
      if text.contains(where: { ":'\"`{(".utf8.contains($0) }) { worth += 0.3 }
      if text.count < 14 { worth -= 2 }
      for nothing in ["0 errors", "0 failed", "0 failures", "0 issues"]
      where copy.hasBytes(of: nothing) {
        worth -= 2.5
        break
      }
      // What passed, or was not run, is no error whatever its name says.
      if begins(text, ["ok ", "- ", "○", "✓", "PASS", "skipped", "☐"]) { worth -= 3.5 }
      if copy.hasSuffix("[build failed]") { worth -= 1.5 }
      if hasPlace(text) { worth += 1.5 }
      return worth
    }
  }

  private static let strongHeads: [StaticString] = [
    "error:", "error[", "Error:", "fatal", "E  ", "FAIL", "--- FAIL", "✗", "×", "** (",
    "✘", "✕", "1) ", "AssertionError", "TypeError", "ReferenceError", "SyntaxError", "panic:",
    "thread '",
  ]

  /// What it came to, where it went well.
  func outcome(limit: Int) -> String {
    let lines = lines
    guard !lines.isEmpty else { return "no output" }
    let length = lines.reduce(0) { $0 + $1.utf8.count + 3 }
    if length <= limit + 60 { return lines.joined(separator: " / ").oneLine }
    let counts = lines.filter(Self.isCount)
    if let last = counts.last {
      let before = counts.dropLast().last { $0 != last }
      return ([before, last].compactMap(\.self)).joined(separator: " / ").oneLine.cut(to: limit)
    }
    if lines.count <= 7 {
      let each = max(40, limit / lines.count - 3)
      return lines.map { $0.cut(to: each) }.joined(separator: " / ").oneLine.cut(to: limit + 40)
    }
    return (lines[0].cut(to: limit / 2) + " / … / " + lines[lines.count - 1].cut(to: limit / 2))
      .oneLine
  }

  private static func isCount(_ line: String) -> Bool {
    var line = line
    return line.withUTF8 { text in
      if begins(text, ["ok ", "PASS", "FAIL", "BUILD", "Finished", "Success", "All "]) {
        return true
      }
      var isBehindNumber = false
      for word in text.prefix(300).split(whereSeparator: { !isWordByte($0) }) {
        if isBehindNumber, (4...10).contains(word.count),
          countWords.contains(String(decoding: word, as: UTF8.self).lowercased())
        {
          return true
        }
        isBehindNumber = word.allSatisfy { (48...57).contains($0) }
      }
      let copy = String(decoding: text, as: UTF8.self)
      return copy.hasBytes("nothing to commit") || copy.hasBytes("up to date")
        || copy.hasBytes("no issues")
    }
  }

  private static let countWords: Set<String> = [
    "test", "tests", "passed", "failed", "failures", "issues", "errors", "insertion", "insertions",
    "file", "files", "warnings", "passing", "failing", "skipped", "examples", "assertions",
  ]
}

extension Lexicon {
  /// Words of an output that tell of a failure.
  package static let errors = Lexicon([
    (
      .vain,
      [
        "fail", "failed", "failure", "failures", "undefined", "not found", "no such", "cannot",
        "can't", "panic", "expected", "refused", "denied", "invalid", "unknown", "missing",
        "unmatched", "mismatch", "conflict", "timed out", "timeout", "abort", "aborted", "fatal",
        "not declared", "not recognized", "could not", "does not", "rejected", "unable to",
        "can never", "no matching", "unresolved", "forbidden", "unauthorized",
      ]
    )
  ])
}

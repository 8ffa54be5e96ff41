import MemoryStore

/// What a command wrote, in the few words that tell how it ended.
struct CommandOutput {
  private let lines: [String]
  private let text: String

  /// What is looked at of a long output: its beginning and its end, where the outcome stands.
  static let headBytes = 4096
  static let tailBytes = 12_288

  init(_ output: String) {
    var plain = Self.plain(output)
    // What a program printed as it stands in JSON.
    if plain.hasBytes("\\n"), plain.utf8.count(where: { $0 == 0x0A }) < 4 {
      plain = plain.replacing("\\n", with: "\n")
    }
    text = plain
    lines = text.split(separator: "\n").prefix(3000).map { String($0.trimmed) }
      .filter { line in
        line.utf8.count > 1 && line.utf8.contains(where: Self.isWordByte)
          && !line.hasPrefix("<system-reminder") && !line.hasPrefix("</system")
          && !line.hasPrefix("Shell cwd was reset")
      }
  }

  /// The ends of a long output, without what drives a terminal.
  static func plain(_ output: String) -> String {
    var output = output
    if output.utf8.count > headBytes + tailBytes {
      let bytes = Array(output.utf8)
      output =
        String(decoding: bytes.prefix(headBytes), as: UTF8.self) + "\n…\n"
        + String(decoding: bytes.suffix(tailBytes), as: UTF8.self)
    }
    guard output.utf8.contains(0x1B) else { return output }
    var result: [UInt8] = []
    let bytes = Array(output.utf8)
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
    return String(decoding: result, as: UTF8.self)
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
      || byte >= 0x80
  }

  // MARK: Did it fail

  /// True where the output itself says that the command failed, whatever its exit code was: it may
  /// have gone through a pipe.
  var saysFailure: Bool {
    if let first = lines.first, Self.begins(first, Self.failedHeads) { return true }
    let failed = Self.largest(before: Self.failureWords, in: lines)
    if failed == 0, Self.largest(before: ["passed", "passing"], in: lines) > 0 { return false }
    if failed > 0 { return true }
    return lines.suffix(120).contains { line in
      Self.begins(line, Self.failedLines) || line.hasBytes("error TS")
        || Self.isDiagnostic(line)
    }
  }

  private static let failedHeads = [
    "error:", "error[", "fatal:", "FAIL", "Pre-commit validation failed", "Traceback (most recent",
  ]
  private static let failedLines = [
    "** (", "Traceback (most recent", "panic: ", "error[E", "npm ERR!", "npm error", "--- FAIL",
    "FAILED", "BUILD FAILED", "error: ", "Error: ", "fatal: ", "✗ ", "thread 'main' panicked",
  ]
  private static let failureWords = ["failed", "failures", "failure", "errors", "failing"]

  private static func begins(_ line: String, _ heads: [String]) -> Bool {
    heads.contains { line.hasPrefix($0) }
  }

  /// `file.ext:12:3: …`, but for warnings and notes.
  private static func isDiagnostic(_ line: String) -> Bool {
    let parts = line.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].utf8.contains(UInt8(ascii: ".")),
      !parts[0].utf8.contains(0x20), Int(parts[1]) != nil, Int(parts[2]) != nil
    else { return false }
    let rest = parts[3].trimmed
    return !rest.isEmpty && parts[3].hasPrefix(" ")
      && !["warning", "note", "info"].contains { rest.hasPrefix($0) }
  }

  /// The largest number in front of one of the words: "3 failed" is 3.
  private static func largest(before words: [String], in lines: [String]) -> Int {
    var most = 0
    for line in lines.suffix(400) {
      guard words.contains(where: { line.hasBytes(of: $0) }) else { continue }
      var number: Int?
      for word in line.split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
        if let number, words.contains(word.lowercased()) { most = max(most, number) }
        number = word.utf8.count < 8 ? Int(word) : nil
      }
    }
    return most
  }

  // MARK: In a few words

  /// The lines that say why it failed: the most telling with what follows it, then another one.
  func telling(limit: Int, groups: Int = 2) -> String {
    let lines = lines.map(Self.withoutFrame).filter {
      $0.utf8.count > 2 && !Self.isNoise($0)
    }
    let ranked = lines.enumerated().map { index, line in
      (worth: Self.worth(line, at: index), index: index, line: line)
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
    String(
      line.drop { " \t|│┃└├─>".contains($0) }.replacing("<tool_use_error>", with: "")
        .replacing("</tool_use_error>", with: ""))
  }

  private static func isNoise(_ line: String) -> Bool {
    let small = line.prefix(24).lowercased()
    if noise.contains(where: { small.hasPrefix($0) }) { return true }
    // A stack frame, and a line with a number in front as Read prints it.
    if line.hasPrefix("at "), line.hasSuffix(")") { return true }
    return line.hasPrefix("node:internal") || line.hasPrefix("    at ")
  }

  private static let noise = [
    "exit code ", "checking ", "finding ", "compiling", "downloading", "downloaded", "[output trunc",
    "total errors", "task failed", "proceeding", "done in", "starting", "generated ", "==> ",
    "===> ", "using ", "hint:", "pre-commit validation failed", "fix these", "running ",
    "to address ", "see ",
  ]

  private static func worth(_ line: String, at index: Int) -> Double {
    var worth = -Double(line.utf8.count) / 400 - (index < 200 ? Double(index) / 400 : 0.5)
    if line.hasBytes("rror") || line.hasBytes("xception") || line.hasBytes("ERR") { worth += 2 }
    else if !Lexicon.errors.marks(in: line).isEmpty { worth += 2 }
    if begins(line, strongHeads) || isDiagnostic(line) { worth += 1.5 }
    if line.utf8.contains(where: { ":'\"`{(".utf8.contains($0) }) { worth += 0.3 }
    if line.utf8.count < 14 { worth -= 2 }
    let small = line.lowercased()
    if ["0 errors", "0 failed", "0 failures", "0 issues"].contains(where: { small.hasBytes(of: $0) })
      || small.hasPrefix("ok ")
    {
      worth -= 2.5
    }
    return worth
  }

  private static let strongHeads = [
    "error:", "error[", "Error:", "fatal", "E  ", "FAIL", "--- FAIL", "✗", "×", "** (", "AssertionError",
    "TypeError", "ReferenceError", "SyntaxError", "panic:", "thread '",
  ]

  /// What it came to, where it went well.
  func outcome(limit: Int) -> String {
    guard !lines.isEmpty else { return "no output" }
    let whole = lines.joined(separator: " / ").oneLine
    if whole.utf8.count <= limit + 60 { return whole }
    let counts = lines.filter(Self.isCount)
    if !counts.isEmpty { return counts.suffix(2).joined(separator: " / ").oneLine.cut(to: limit) }
    if lines.count <= 7 {
      let each = max(40, limit / lines.count - 3)
      return lines.map { $0.cut(to: each) }.joined(separator: " / ").oneLine.cut(to: limit + 40)
    }
    return (lines[0].cut(to: limit / 2) + " / … / " + lines[lines.count - 1].cut(to: limit / 2))
      .oneLine
  }

  private static func isCount(_ line: String) -> Bool {
    if ["ok ", "PASS", "FAIL", "BUILD", "Finished", "Success", "All "].contains(where: {
      line.hasPrefix($0)
    }) {
      return true
    }
    var number = false
    for word in line.prefix(300).split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
      if number, countWords.contains(word.lowercased()) { return true }
      number = word.utf8.allSatisfy { (48...57).contains($0) }
    }
    return line.hasBytes("nothing to commit") || line.hasBytes("up to date")
      || line.hasBytes("no issues")
  }

  private static let countWords: Set<String> = [
    "test", "tests", "passed", "failed", "failures", "issues", "errors", "insertion", "insertions",
    "file", "files", "warnings", "passing", "failing", "skipped", "examples", "assertions",
  ]
}

extension Lexicon {
  /// Words of an output that tell of a failure.
  static let errors = Lexicon([
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

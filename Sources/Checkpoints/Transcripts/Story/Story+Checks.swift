import Core

// Tests, lint and builds that ran, and how they ended.
extension Story {
  mutating func noteCheck(
    _ commands: [ShellCommand], _ line: String, _ output: String, hasFailed: Bool, isSure: Bool,
    at place: Place
  ) {
    var kinds: [Check.Kind] = []
    for kind in commands.compactMap(Self.kind) {
      kinds.removeAll { $0 == kind }
      kinds.append(kind)
    }
    // What stands behind `&&` has run only if all before it went well; else the last one speaks.
    let isChained = !line.contains("; ") && !line.contains("||")
    for kind in kinds {
      checks.removeAll { $0.kind == kind }
      checks.append(
        Check(
          kind: kind, command: line, hasFailed: hasFailed,
          isSure: isSure && (hasFailed || isChained || kind == kinds.last),
          isShared: kinds.count > 1, place: place, output: output))
    }
  }

  /// One command is one check, whatever it does besides.
  private static func kind(of command: ShellCommand) -> Check.Kind? {
    guard !lookers.contains(command.program) else { return nil }
    // A formatter that writes checks nothing.
    let checks = ["--check", "--list-different", "-l", "-d", "--diff", "--dry-run", "lint"]
    let isWriting = !command.text.split(separator: " ").contains { word in
      checks.contains { word.hasPrefix($0) && (word == $0 || $0.hasPrefix("--")) }
    }
    let given = command.text.split(separator: " ").drop { $0.contains("=") }.prefix(8)
      .filter { !$0.utf8.contains(UInt8(ascii: "/")) && $0.first != "\"" }
      .flatMap { $0.split(whereSeparator: { ":-_".contains($0) }) }.map { $0.lowercased() }
    return Check.Kind.allCases.first { kind in
      let words = words(of: kind)
      return given.contains {
        words.contains($0) && !(isWriting && formatters.contains($0))
      }
    }
  }

  private static func words(of kind: Check.Kind) -> Set<String> {
    switch kind {
    case .test: testWords
    case .lint: lintWords
    case .build: buildWords
    }
  }

  private static let testWords: Set<String> = [
    "test", "tests", "pytest", "jest", "vitest", "rspec", "xctest", "ctest", "playwright", "e2e",
    "tox", "nextest", "phpunit", "bats", "gotestsum",
  ]
  private static let lintWords: Set<String> = [
    "lint", "credo", "clippy", "eslint", "ruff", "dialyzer", "fmt", "format", "vet", "golangci",
    "tsc", "typecheck", "mypy", "pyright", "prettier", "shellcheck", "biome", "stylua", "rubocop",
  ]
  private static let formatters: Set<String> = ["fmt", "format", "prettier", "stylua"]
  private static let buildWords: Set<String> = [
    "build", "compile", "xcodebuild", "make", "cmake", "bazel", "gradle", "webpack",
  ]
}

extension Story.Check {
  package mutating func complete(_ clean: (String) -> String) {
    guard let output else { return }
    self.output = nil
    let result = CommandOutput(clean(CommandOutput.ends(of: output)))
    detail = hasFailed ? result.telling(limit: 170) : result.outcome(limit: 130)
  }
}

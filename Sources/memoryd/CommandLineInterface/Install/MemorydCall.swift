import ArgumentParser
import Continuity
import Core
import Foundation

/// A command in somebody's settings that starts memoryd, whoever wrote it and however.
struct MemorydCall: Equatable {
  /// What is started; `~` and variables of a shell are put in.
  var program: String
  var arguments: [String]
  /// What its line sets `MEMORYD_HOME` to, or names with `--home`.
  private(set) var home: String?
  /// True if it is nothing but program and arguments: `install` may write it in its own form. A
  /// line with more in it is the person's own.
  var isPlain = true
  /// False where a variable is not known here.
  var isCertain = true

  /// - Parameters:
  ///   - arguments: Nil where `command` is a line for a shell.
  ///   - environment: What variables in it stand for.
  /// - Returns: Nil for a command that does not start memoryd.
  init?(command: String, arguments: [String]?, environment: [String: String]) {
    if let arguments {
      let program = ShellLine.substituted(command, environment)
      if Self.isMemoryd(program.text) {
        self.init(program: program.text, arguments: arguments)
        isCertain = program.isCertain
        return
      }
      // `"command": "memoryd mcp"` without a shell is a slip, and meant as what it says.
      let words = command.split(separator: " ").map(String.init)
      if words.count > 1, arguments.isEmpty, Self.isMemoryd(words[0]) {
        self.init(program: command, arguments: [])
        return
      }
      guard let call = Self.wrapped([program.text] + arguments, environment) else { return nil }
      self = call
      return
    }
    let line = ShellLine(command, environment)
    guard var call = line.commands.lazy.compactMap({ Self.wrapped($0, environment) }).first
    else { return nil }
    call.isPlain = line.isPlain && call.isPlain && line.commands.count == 1
    call.isCertain = line.isCertain
    self = call
  }

  private init(program: String, arguments: [String]) {
    self.program = program
    self.arguments = arguments
    for (number, argument) in arguments.enumerated() {
      if argument == "--home", number + 1 < arguments.count { home = arguments[number + 1] }
      if argument.hasPrefix("--home=") { home = String(argument.dropFirst(7)) }
    }
  }

  private static func isMemoryd(_ program: String) -> Bool {
    (program as NSString).lastPathComponent == "memoryd"
  }

  /// What only starts what follows.
  private static let prefixes: Set = [
    "command", "exec", "nohup", "then", "do", "else", "if", "{", "!",
  ]
  /// The same, with options and values of its own between.
  private static let wrappers: Set = [
    "env", "timeout", "nice", "ionice", "setsid", "stdbuf", "time", "sudo", "caffeinate",
  ]
  private static let shells: Set = ["sh", "bash", "zsh", "dash"]

  /// Looks through what only starts another program.
  private static func wrapped(_ words: [String], _ environment: [String: String]) -> MemorydCall? {
    var rest = words[...]
    var home: String?
    var isWrapped = false
    while let word = rest.first, !isMemoryd(word) {
      let name = (word as NSString).lastPathComponent
      if isAssignment(word) {
        if word.hasPrefix("MEMORYD_HOME=") { home = String(word.dropFirst(13)) }
      } else if wrappers.contains(name) {
        isWrapped = true
      } else if shells.contains(name) || !prefixes.contains(name) && !isWrapped {
        break
      }
      rest.removeFirst()
    }
    guard let first = rest.first else { return nil }
    if isMemoryd(first) {
      var call = MemorydCall(program: first, arguments: Array(rest.dropFirst()))
      call.isPlain = rest.count == words.count
      call.home = call.home ?? home
      return call
    }
    guard shells.contains((first as NSString).lastPathComponent),
      let flag = rest.firstIndex(where: { $0.hasPrefix("-") && $0.hasSuffix("c") }),
      flag + 1 < rest.endIndex,
      var call = MemorydCall(command: rest[flag + 1], arguments: nil, environment: environment)
    else { return nil }
    call.isPlain = false
    call.home = call.home ?? home
    return call
  }

  private static func isAssignment(_ word: String) -> Bool {
    guard let sign = word.firstIndex(of: "="), sign > word.startIndex else { return false }
    return word[..<sign].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }

  // MARK: What it asks for

  /// True if these words are those of a command, with options or without.
  func asks(for words: [String]) -> Bool {
    if arguments == words { return true }
    guard let kind = Self.kind(of: words), let command = parsed else { return false }
    if let checkpoint = command as? CheckpointCommand.Take, checkpoint.hasContent { return false }
    return type(of: command) == kind
  }

  /// True if memoryd would understand it.
  var isUnderstood: Bool { parsed != nil }

  private var parsed: (any ParsableCommand)? {
    try? CommandGrammar.root?.parseAsRoot(CommandLineText.prepared(arguments))
  }

  private static func kind(of words: [String]) -> (any ParsableCommand.Type)? {
    // Whose hook it is, is an option.
    let agent = words.lastIndex(of: "--agent") ?? words.endIndex
    return switch Array(words[..<agent]) {
    case ["canary"]: CanaryCommand.self
    case ["checkpoint"]: CheckpointCommand.Take.self
    case ["session", "end"]: SessionCommand.End.self
    case ["mcp"]: MCPCommand.self
    default: nil
    }
  }

  /// As a person would type it, for messages.
  var text: String { ([program] + arguments).joined(separator: " ") }
}

extension ShellLine {
  /// A word as a shell takes it.
  static func quoted(_ word: String) -> String {
    let isSafe = word.utf8.allSatisfy {
      (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
        || "/._-+@:,".utf8.contains($0)
    }
    return isSafe && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}

/// A line for `sh`, as far as it must be read to find what it starts.
struct ShellLine {
  /// The words of each simple command.
  private(set) var commands: [[String]] = []
  /// No operator, redirection, substitution or comment.
  private(set) var isPlain = true
  private(set) var isCertain = true

  init(_ text: String, _ environment: [String: String]) {
    let characters = Array(text)
    var words: [String] = []
    var word: String?
    var skipsNext = false
    var index = 0
    func end() {
      if let word, !skipsNext { words.append(word) }
      if word != nil { skipsNext = false }
      word = nil
    }
    func endCommand() {
      end()
      if !words.isEmpty { commands.append(words) }
      words = []
    }
    func variable() {
      // Behind the dollar sign.
      guard let (value, next, isKnown) = Self.variable(characters, index, environment) else {
        word = (word ?? "") + "$"
        if index < characters.count, characters[index] == "(" { isCertain = false }
        return
      }
      word = (word ?? "") + value
      index = next
      if !isKnown { isCertain = false }
    }
    while index < characters.count {
      let character = characters[index]
      index += 1
      switch character {
      case "'":
        let close = characters[index...].firstIndex(of: "'") ?? characters.count
        word = (word ?? "") + String(characters[index..<close])
        index = min(close + 1, characters.count)
      case "\"":
        word = word ?? ""
        while index < characters.count, characters[index] != "\"" {
          let inner = characters[index]
          index += 1
          if inner == "\\", index < characters.count, "\"\\$`".contains(characters[index]) {
            word? += String(characters[index])
            index += 1
          } else if inner == "$" {
            variable()
          } else {
            word? += String(inner)
          }
        }
        index += 1
      case "\\":
        if index < characters.count { word = (word ?? "") + String(characters[index]) }
        index += 1
      case "$": variable()
      case "~"
      where word == nil && (index == characters.count || "/ \t".contains(characters[index])):
        word = UserPath.userFolder(environment) ?? "~"
      case "#" where word == nil:
        isPlain = false
        index = characters[index...].firstIndex(of: "\n") ?? characters.count
      case ">", "<":
        isPlain = false
        // The number before it is a descriptor's.
        if word?.allSatisfy(\.isNumber) == true { word = nil }
        end()
        while index < characters.count, "><&|".contains(characters[index]) { index += 1 }
        skipsNext = true
      case "|", "&", ";", "(", ")", "\n", "\r\n", "`":
        isPlain = false
        if character == "`" { isCertain = false }
        endCommand()
      case " ", "\t": end()
      default: word = (word ?? "") + String(character)
      }
    }
    endCommand()
  }

  /// `NAME` or `{NAME}` or `{NAME:-default}` at a place.
  private static func variable(
    _ characters: [Character], _ start: Int, _ environment: [String: String]
  ) -> (value: String, next: Int, isKnown: Bool)? {
    func isName(_ character: Character) -> Bool {
      character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }
    guard start < characters.count else { return nil }
    if characters[start] == "{" {
      guard let close = characters[start...].firstIndex(of: "}") else { return nil }
      let inner = String(characters[start + 1..<close])
      let name = String(inner.prefix(while: isName))
      let rest = inner.dropFirst(name.count)
      let value = environment[name] ?? (rest.hasPrefix(":-") ? String(rest.dropFirst(2)) : nil)
      return (value ?? "", close + 1, value != nil)
    }
    let name = String(characters[start...].prefix(while: isName))
    guard !name.isEmpty else { return nil }
    return (environment[name] ?? "", start + name.count, environment[name] != nil)
  }

  /// `${NAME}` in text that no shell reads: Claude Code puts these in itself.
  static func substituted(
    _ text: String, _ environment: [String: String]
  ) -> (text: String, isCertain: Bool) {
    let characters = Array(text)
    var result = ""
    var isCertain = true
    var index = 0
    while index < characters.count {
      if characters[index] == "$", index + 1 < characters.count, characters[index + 1] == "{",
        let (value, next, isKnown) = variable(characters, index + 1, environment)
      {
        result += value
        if !isKnown { isCertain = false }
        index = next
      } else {
        result.append(characters[index])
        index += 1
      }
    }
    return (result, isCertain)
  }
}

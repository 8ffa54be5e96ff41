import ArgumentParser
import Continuity
import Core
import Foundation
import MemoryStore

/// A command of memoryd: what people, scripts and hosts call.
protocol Command: ParsableCommand {
  func run(_ invocation: Invocation) throws -> Outcome
}

/// What every command takes.
struct SharedOptions: ParsableArguments {
  @Flag(name: .long, help: "Print one JSON document instead of text for people.")
  var json = false

  @Option(
    name: .long, parsing: .unconditional,
    help:
      "The project's short name, its number or its folder. Without it writes, resume and the ledger take the repository at hand, lists take all."
  )
  var project: TextArgument?

  @Option(
    name: .long, parsing: .unconditional,
    help: "Keep everything under this folder (default: MEMORYD_HOME, else the user's data folder).")
  var home: TextArgument?

  /// - Parameter takesAll: The command waits until all that hooks have left is taken in.
  func service(_ invocation: Invocation, takesAll: Bool = false) throws -> MemoryService {
    var invocation = invocation
    if takesAll { invocation.journalPatience = nil }
    return try MemoryService(invocation: invocation, homeFlag: home?.text, isLenient: false)
      .takingIn()
  }
}

/// Whose hook it is.
struct CallerOptions: ParsableArguments {
  @Option(
    name: .long,
    help: "The agent whose hook it is: claude, codex, gemini or cursor (default: claude).")
  var agent: Agent?
}

extension Agent: ExpressibleByArgument {}

extension SharedOptions {
  /// Refuses a project in commands that are about all of them: whoever names one expects to get no more
  /// than that.
  func refuseProject() throws {
    guard project != nil else { return }
    throw CommandError(
      .usage, "usage", "--project cannot be given here: this is about the whole store",
      hint: "leave it out")
  }
}

/// What lists of a session's items take.
struct ListOptions: ParsableArguments {
  @Option(name: .long, help: "At most so many.") var limit: Int?
  @Option(name: .long, parsing: .unconditional, help: "Of this session only.")
  var session: TextArgument?

  func filter(_ shared: SharedOptions, _ service: MemoryService) throws -> RecordFilter {
    var filter = try ProjectFinder.filter(named: shared.project?.text, service)
    filter.sessionID = session?.sessionID
    filter.limit = limit
    return filter
  }
}

/// Text that is kept byte for byte, also where it looks like an option: `- [x] done`.
struct TextArgument: ExpressibleByArgument, Sendable {
  /// A noncharacter in front of an argument that only looks like an option; ``CommandLineText``
  /// puts it there, and here it goes away again.
  static let mark = Character(Unicode.Scalar(0xFDD0 as UInt32)!)

  let text: String

  init(argument: String) {
    text = argument.first == Self.mark ? String(argument.dropFirst()) : argument
  }

  var sessionID: SessionID { SessionID(rawValue: text) }
  var recordID: RecordID { RecordID(rawValue: text) }
}

/// Makes a command line fit for the parser.
enum CommandLineText {
  /// - Shared options in front of the command or between its words go behind it.
  /// - Arguments that begin with a dash but cannot be options are marked as text.
  static func prepared(_ arguments: [String]) -> [String] {
    // Up to two words name the command: `task add`.
    var command: [String] = []
    var shared: [String] = []
    var rest = arguments[...]
    while let first = rest.first, first != "--" {
      if first == "--home" || first == "--project", rest.count >= 2 {
        shared += rest.prefix(2)
        rest.removeFirst(2)
      } else if first == "--json" || first.hasPrefix("--home=") || first.hasPrefix("--project=") {
        shared.append(first)
        rest.removeFirst()
      } else if command.count < 2, !first.hasPrefix("-") {
        command.append(first)
        rest.removeFirst()
      } else {
        break
      }
    }
    let end = rest.firstIndex(of: "--") ?? rest.endIndex
    return command + rest[..<end].map(marked) + shared + rest[end...]
  }

  private static func marked(_ argument: String) -> String {
    guard argument.hasPrefix("-"), argument.count > 1, !isOption(argument) else {
      return argument
    }
    return String(TextArgument.mark) + argument
  }

  /// `-x`, `--name` or `--name=value`.
  private static func isOption(_ argument: String) -> Bool {
    let body = argument.drop { $0 == "-" }
    let dashes = argument.count - body.count
    let name = body.prefix { $0 != "=" }
    guard let first = name.first, first.isASCII, first.isLetter else { return false }
    if dashes == 1 { return name.count == 1 }
    return dashes == 2
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
  }
}

extension Command {
  /// The project that `--project` names, else the one at the working folder.
  func project(
    _ shared: SharedOptions, _ service: MemoryService
  ) throws -> ProjectReference {
    try ProjectFinder.project(named: shared.project?.text, service)
  }
}

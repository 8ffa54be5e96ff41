import ArgumentParser
import Continuity
import Core
import MemoryStore
import Transcripts

struct FixCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "fix",
    abstract: "Finds what made an error go away before.",
    discussion: """
      Give the error as it was printed, or the telling line of it. Each answer says what failed, what \
      was tried, and what made it pass; those of other projects come too, after this one's.

      memoryd fix "undefined: GetSummariseOptions"
      go build ./... 2>&1 | memoryd fix
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The error's text; without one it is read from standard input.")
  var error: [TextArgument] = []
  @Option(name: .long, help: "At most so many.") var limit = 3

  /// Bytes: the telling lines stand at an output's beginning or at its end.
  private static let longest = 1 << 20

  private static func piped(_ input: StandardInput) -> String {
    var bytes: [UInt8] = []
    while true {
      let piece = input.readPiece()
      if piece.isEmpty { break }
      bytes += piece
      if bytes.count > 2 * longest { bytes.removeFirst(bytes.count - longest) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  func run(_ invocation: Invocation) throws -> Outcome {
    let service = try shared.service(invocation)
    var text = error.map(\.text).joined(separator: " ")
    if text.allSatisfy(\.isWhitespace), !invocation.input.isTerminal {
      text = Self.piped(invocation.input)
    }
    guard let words = ErrorText.words(in: text), limit > 0 else {
      throw CommandError(
        .usage, "usage", "what failed? give the error's text",
        hint: "memoryd fix \"undefined: parseLine\"")
    }
    var filter = try ProjectFinder.filter(named: shared.project?.text, service)
    if shared.project == nil { filter.place = nil }
    filter.kinds = [.fix]
    filter.limit = limit
    let hits = try service.store.reading().search(
      words, filter: filter, options: ProjectFinder.searchOptions(nil, service)
    ).hits
    if shared.json { return Outcome(output: JSONOutput.list(hits.map(JSONOutput.hit))) }
    if hits.isEmpty {
      return Outcome(
        output: "No fix is known for this. `memoryd search` finds where it was talked about.\n")
    }
    let people = TerminalText(invocation)
    let texts = hits.map { hit in
      let entry = hit.entry
      let head = [
        TerminalText.line(entry.id, 60), TerminalText.time(entry.createdAt),
        TerminalText.line(entry.project ?? "-", 40),
      ].joined(separator: "  ")
      return people.dim(head) + "\n"
        + entry.body.split(separator: "\n").map { "  \(TerminalText.line(String($0), 400))\n" }
        .joined()
    }
    return Outcome(output: texts.joined(separator: "\n"))
  }
}

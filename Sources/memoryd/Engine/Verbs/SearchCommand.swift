import ArgumentParser
import Checkpoints
import MemoryStore

struct SearchCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Finds what was said, done, decided or planned.",
    discussion: """
      memoryd search "backoff jitter" --kind decision --since 2026-01-01

      Kinds: request, reply, tool, failure, plan, summary, prompt (to sub-agents), checkpoint, task,
      decision.
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "Words, in any order.") var query: [TextArgument]
  @Option(name: .long, parsing: .unconditionalSingleValue, help: "Only this kind; may be repeated.")
  var kind: [String] = []
  @Option(name: .long, parsing: .unconditional, help: "Not older than this (RFC 3339 or a date).")
  var since: String?
  @Option(name: .long, parsing: .unconditional, help: "Not newer than this (RFC 3339 or a date).")
  var until: String?
  @Option(name: .long, parsing: .unconditional, help: "Of this session only.")
  var session: TextArgument?
  @Option(name: .long, help: "At most so many hits.") var limit = 10

  func run(_ invocation: Invocation) throws -> Outcome {
    let service = try shared.service(invocation)
    let hits = try service.reader().search(
      query.map(\.text).joined(separator: " "),
      filter: RecordFilter(
        project: shared.project?.text, sessionID: session?.text, kinds: kind,
        since: try instant(since, "--since"), until: try instant(until, "--until"),
        limit: limit))
    if shared.json { return Outcome(output: JSONOutput.list(hits.map(JSONOutput.hit))) }
    if hits.isEmpty { return Outcome(output: "Nothing found.\n") }
    let people = People(invocation)
    let blocks = hits.map { hit in
      let entry = hit.entry
      let snippet = hit.snippet.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        .split(separator: "\u{2}", omittingEmptySubsequences: false).enumerated().map {
          number, part in
          guard number > 0, let end = part.firstIndex(of: "\u{3}") else { return safe(part) }
          return people.bold(safe(part[..<end])) + safe(part[part.index(after: end)...])
        }.joined()
      let session = entry.sessionID.map { "  session \(People.line($0, 40))" } ?? ""
      return people.dim(
        "\(entry.id)  \(People.time(entry.createdAt))  \(entry.kind)  \(entry.project ?? "-")"
          + session) + "\n  " + snippet
    }
    return Outcome(output: blocks.joined(separator: "\n") + "\n")
  }

  private func safe(_ text: Substring) -> String { People.safe(String(text)) }

  private func instant(_ text: String?, _ name: String) throws -> Int64? {
    guard let text else { return nil }
    guard let instant = Timestamp.milliseconds(text) else {
      throw VerbError(
        .usage, "usage", "\(name) must be a date or RFC 3339, for example 2026-01-14")
    }
    return instant
  }
}

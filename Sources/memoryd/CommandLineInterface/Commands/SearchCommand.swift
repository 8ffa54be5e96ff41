import ArgumentParser
import Continuity
import Core
import Foundation
import MCPServer
import MemoryStore

struct SearchCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Finds what was said, done, decided or planned.",
    discussion: """
      memoryd search "backoff jitter" --kind decision --since 2026-01-01
      memoryd search when did we change the retry budget
      memoryd search '"full jitter" -python kind:decision since:"last week" file:src/retry.swift'

      Words in any order; "a phrase" must be there, -word must not; kind:, project:, session:, file:, \
      since: and until: narrow it; begin* matches every word that begins with it.

      Kinds: request, reply, tool, failure, plan, summary, prompt (to sub-agents), checkpoint, task, \
      decision, handoff, ledger, observed-decision (what a session decided, with the reason), fix (an \
      error and what made it go away), and those of imported entries.

      With --batch each line of standard input is a query as JSON, {"id", "query", "project"?, \
      "session"?, "kind"?, "since"?, "until"?, "limit"?}, and each line of output its result, in the \
      same order. What a line does not say, the options do.
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "What to look for.") var query: [TextArgument] = []
  @Option(name: .long, parsing: .unconditionalSingleValue, help: "Only this kind; may be repeated.")
  var kind: [String] = []
  @Option(
    name: .long, parsing: .unconditional,
    help: "Not older than this: a date, RFC 3339, \"last week\", 3d.")
  var since: String?
  @Option(name: .long, parsing: .unconditional, help: "Not newer than this.")
  var until: String?
  @Option(name: .long, parsing: .unconditional, help: "Of this session only.")
  var session: TextArgument?
  @Option(name: .long, help: "At most so many hits.") var limit = 10
  @Flag(name: .long, help: "Show how each hit's score came about.") var explain = false
  @Flag(name: .customLong("as-you-type"), help: "The last word may be unfinished.")
  var asYouType = false
  @Flag(name: .long, help: "Read queries from standard input, a JSON object a line.")
  var batch = false

  func run(_ invocation: Invocation) throws -> Outcome {
    let service = try shared.service(invocation)
    guard limit >= 0 else { throw CommandError(.usage, "usage", "--limit must not be negative") }
    var filter = try ProjectFinder.filter(named: shared.project?.text, service)
    filter.sessionID = session?.sessionID
    filter.kinds = kind.flatMap { names in
      names.split(separator: ",").map { EntryKind(rawValue: String($0)) }
    }
    filter.since = try range(since, "--since", service)?.lowerBound
    filter.until = try range(until, "--until", service)?.upperBound
    filter.limit = limit
    var options = ProjectFinder.searchOptions(nil, service)
    options.isUnfinished = asYouType
    options.explains = explain
    // What an older memoryd has indexed is brought into today's form by whoever comes; what is not
    // done now is done at the next search.
    if let database = try? service.store.writing() { _ = try? database.renewIndex() }
    if batch {
      guard query.isEmpty else {
        throw CommandError(.usage, "usage", "with --batch the queries come from standard input")
      }
      return try BatchSearch(service: service, filter: filter, options: options).run(invocation)
    }
    guard query.contains(where: { !$0.text.allSatisfy(\.isWhitespace) }) else {
      throw CommandError(.usage, "usage", "what is to be found? give words, or --batch")
    }
    let result = try service.store.reading().search(
      query.map(\.text).joined(separator: " "), filter: filter, options: options)
    var outcome = Outcome()
    for complaint in result.complaints {
      outcome.errorOutput += "memoryd: note: \(TerminalText.line(complaint))\n"
    }
    if shared.json {
      outcome.output = JSONOutput.list(result.hits.map(JSONOutput.hit))
    } else if result.hits.isEmpty {
      outcome.output = "Nothing found.\n"
    } else {
      let people = TerminalText(invocation)
      outcome.output = result.hits.map { text(of: $0, people) }.joined(separator: "\n")
    }
    return outcome
  }

  private func text(of hit: SearchHit, _ people: TerminalText) -> String {
    let entry = hit.entry
    let snippet = hit.snippet.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      .split(separator: "\u{2}", omittingEmptySubsequences: false).enumerated().map {
        number, part in
        guard number > 0, let end = part.firstIndex(of: "\u{3}") else { return safe(part) }
        return people.bold(safe(part[..<end])) + safe(part[part.index(after: end)...])
      }.joined()
    var facts = [
      TerminalText.line(entry.id, 60), TerminalText.time(entry.createdAt),
      TerminalText.line(entry.kind.rawValue, 30),
      entry.project.map { TerminalText.line($0, 40) }
        ?? "-",
    ]
    if let actor = entry.actor { facts.append(TerminalText.line(actor, 30)) }
    if hit.copies > 0 { facts.append("\(hit.copies) more like it") }
    var text = people.dim(facts.joined(separator: "  ")) + "\n  " + snippet + "\n"
    if let session = entry.sessionID, entry.position != nil {
      text +=
        people.dim(
          "  memoryd session show \(TerminalText.line(session, 60)) --around \(TerminalText.line(entry.id, 60))"
        ) + "\n"
    }
    for line in hit.explanation { text += people.dim("    " + TerminalText.line(line, 200)) + "\n" }
    if !hit.explanation.isEmpty {
      text += people.dim("    score \(String(format: "%.3f", hit.score))") + "\n"
    }
    return text
  }

  private func safe(_ text: Substring) -> String { TerminalText.safe(String(text)) }

  private func range(
    _ text: String?, _ name: String, _ service: MemoryService
  ) throws -> ClosedRange<Int64>? {
    guard let text else { return nil }
    guard
      let range = SearchTime.range(text, now: service.context.clock.now, days: service.context.days)
    else {
      throw CommandError(
        .usage, "usage",
        "\(name) must be a date, RFC 3339 or words, for example 2026-01-14, \"last week\" or 3d")
    }
    return range
  }
}

/// Many queries in one process.
private struct BatchSearch {
  let service: MemoryService
  /// What holds where a line says nothing else.
  let filter: RecordFilter
  let options: MemoryDatabase.SearchOptions

  func run(_ invocation: Invocation) throws -> Outcome {
    let database = try service.store.reading()
    var failed = 0
    func answer(_ line: [UInt8]) -> String {
      var id: WireIdentifier?
      var parsed: JSON?
      switch WireMessage.parse(line) {
      case .one(let message): (id, parsed) = (message.id, message.body)
      case .batch: break
      case nil: id = WireIdentifier(ofBroken: line)
      }
      do {
        guard case .object(let object)? = parsed else {
          throw StoreError(.invalid, "this line is no JSON object")
        }
        guard let query = object["query"]?.string else {
          throw StoreError(.invalid, "this line has no query")
        }
        var (filter, options) = (filter, options)
        options.now = service.context.clock.now
        // For measuring what the bounds cost.
        if object["exhaustive"]?.flag == true { options.makeExhaustive() }
        try narrow(&filter, object, now: options.now)
        let result = try database.search(query, filter: filter, options: options)
        var reply: JSON = ["results": result.hits.map(JSONOutput.hit)]
        if !result.complaints.isEmpty { reply["complaints"] = result.complaints.json }
        return text(reply, id)
      } catch {
        // Each line has its answer, so that they can be told apart.
        failed += 1
        let message =
          (error as? StoreError)?.message ?? (error as? CommandError)?.message
          ?? "it cannot be searched for"
        return text(["results": [JSON](), "error": message], id)
      }
    }
    func text(_ reply: JSON, _ id: WireIdentifier?) -> String {
      String(decoding: WireAnswer(id, reply.object ?? [:]).bytes, as: UTF8.self) + "\n"
    }
    var output = ""
    if let converse = invocation.converse {
      // As they come: who asks may wait for each answer.
      converse { line, reply in reply(Array(answer(line).utf8.dropLast())) }
    } else {
      output = invocation.input.read(.seconds(600)).split(separator: 10)
        .filter { !$0.allSatisfy { [32, 13, 9].contains($0) } }.map { answer(Array($0)) }.joined()
    }
    guard failed > 0 else { return Outcome(output: output) }
    return Outcome(
      output: output,
      errorOutput: "memoryd: error: \(failed) lines could not be searched for [invalid]\n",
      exitCode: .badInput)
  }

  private func narrow(
    _ filter: inout RecordFilter, _ object: [String: JSON], now: Int64
  ) throws {
    func text(_ key: String) throws(StoreError) -> String? {
      guard let value = object[key], value != .null else { return nil }
      guard let text = value.string else { throw StoreError(.invalid, "\(key) is no text") }
      return text
    }
    func time(_ key: String) throws(StoreError) -> ClosedRange<Int64>? {
      guard let text = try text(key) else { return nil }
      guard let range = SearchTime.range(text, now: now, days: service.context.days) else {
        throw StoreError(.invalid, "\(key) is no time")
      }
      return range
    }
    if let kinds = object["kind"]?.array {
      filter.kinds = kinds.compactMap { $0.string.map(EntryKind.init(rawValue:)) }
      guard filter.kinds.count == kinds.count else {
        throw StoreError(.invalid, "kind is no list of texts")
      }
    } else if let kind = try text("kind") {
      filter.kinds = [EntryKind(rawValue: kind)]
    }
    if let name = try text("project") {
      let named = try ProjectFinder.filter(named: name, service)
      (filter.place, filter.takesUnfiled) = (named.place, named.takesUnfiled)
      filter.hidesPrivate = false
    }
    filter.sessionID = try SessionID(text("session")) ?? filter.sessionID
    filter.since = try time("since")?.lowerBound ?? filter.since
    filter.until = try time("until")?.upperBound ?? filter.until
    if let value = object["limit"], value != .null {
      guard let limit = value.wholeNumber, limit >= 0 else {
        throw StoreError(.invalid, "limit is no whole number, or below 0")
      }
      filter.limit = limit
    }
  }
}

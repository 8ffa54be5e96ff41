import ArgumentParser
import Continuity
import Core
import Foundation
import MemoryStore

struct ImportCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Takes lines of JSON into the store, to be found by search.",
    discussion: """
      memoryd import notes.jsonl
      zcat memory.jsonl.gz | memoryd import -

      A line is an entry: {"id": …, "text": …} and, if known, kind, title, project, session, actor, \
      position and created_at (RFC 3339 or Unix time; a date is a day of yours). Importing it again changes nothing, and a \
      known id with another text brings that entry up to date. Lines that are no entries are named \
      and left out.

      What `memoryd export` wrote goes into an empty store, whole or not at all.
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The file; - is standard input.", completion: .file()) var file: TextArgument
  @Flag(name: .long, help: "Take in nothing at all if a line is no entry.") var strict = false

  private static let shownErrors = 100

  func run(_ invocation: Invocation) throws -> Outcome {
    try shared.refuseProject()
    let service = try shared.service(invocation)
    let result =
      try file.text == "-" ? fromInput(service, invocation) : fromFile(service, invocation)
    let isRefused = strict && result.skipped > 0
    let counts = result.counts
    let isUseless = result.skipped > 0 && counts.added + counts.updated + counts.unchanged == 0
    var outcome = Outcome(exitCode: isRefused || isUseless ? .badInput : .ok)
    if shared.json {
      outcome.output = JSONOutput.text(
        [
          "format": result.isExport ? MemoryDatabase.exportFormat : "entries",
          "added": result.counts.added, "updated": result.counts.updated,
          "unchanged": result.counts.unchanged, "skipped": result.skipped,
          "errors": result.errors.map {
            ["line": $0.line, "reason": $0.reason] as JSON
          },
        ] as JSON)
    } else if result.isExport {
      outcome.output = "\(result.counts.added) rows are back\n"
    } else if !isRefused {
      outcome.output =
        "\(result.counts.added) added, \(result.counts.updated) updated, "
        + "\(result.counts.unchanged) unchanged\n"
    }
    if result.skipped > 0 { outcome.errorOutput = complaint(result, isRefused: isRefused) }
    return outcome
  }

  private func fromInput(
    _ service: MemoryService, _ invocation: Invocation
  ) throws -> ImportService.Result {
    try run(service, invocation, total: nil) { invocation.input.readPiece() }
  }

  private func fromFile(
    _ service: MemoryService, _ invocation: Invocation
  ) throws -> ImportService.Result {
    let path = service.context.absolute(file.text)
    let (descriptor, facts) = try RegularFile.open(path)
    defer { close(descriptor) }
    return try run(service, invocation, total: facts.size) { () throws(StoreError) in
      try RegularFile.readPiece(descriptor, of: path)
    }
  }

  private func run(
    _ service: MemoryService, _ invocation: Invocation, total: Int64?,
    read: @escaping () throws(StoreError) -> [UInt8]
  ) throws -> ImportService.Result {
    let progress = Progress("import", total: total, invocation)
    defer { progress.end() }
    // More than a spool is for; the input stays where it is, and the command says how far it came.
    return try ImportService(
      database: service.store.writing(), clock: service.context.clock, days: service.context.days,
      read: read,
      onProgress: progress.note
    ).run(isStrict: strict)
  }

  private func complaint(_ result: ImportService.Result, isRefused: Bool) -> String {
    let count =
      result.skipped == 1 ? "1 line is no entry" : "\(result.skipped) lines are no entries"
    var text =
      isRefused
      ? "memoryd: error: \(count), so nothing was taken in [bad_lines]\n"
      : "memoryd: note: \(count), and left out\n"
    for error in result.errors.prefix(Self.shownErrors) {
      text += "  line \(error.line): \(error.reason)\n"
    }
    if result.skipped > Self.shownErrors {
      text += "  and \(result.skipped - Self.shownErrors) more\n"
    }
    if isRefused { text += "hint: mend them, or leave them out by importing without --strict\n" }
    return text
  }
}

import ArgumentParser
import Continuity
import Core
import Foundation
import MemoryStore

struct BackupCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copies the store into one file, also while others write, and checks the copy.",
    discussion: """
      memoryd backup ~/backups/memory-2026-01-14.backup

      The copy is an SQLite database with all that was stored when it began. `memoryd restore` puts \
      it back.
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The file to write.", completion: .file()) var file: TextArgument
  @Flag(name: .long, help: "Write over a file that is there.") var force = false

  func run(_ invocation: Invocation) throws -> Outcome {
    try shared.refuseProject()
    let service = try shared.service(invocation)
    guard file.text != "-" else {
      throw CommandError(
        .usage, "usage", "a backup is a file, not a stream", hint: "`memoryd export -` writes text")
    }
    let path = service.context.absolute(file.text)
    let database = try service.store.reading()
    // What is gone from the store is not to go on in the copy.
    service.store.payErasure(wholly: true)
    let facts = try database.backUp(to: path, replaces: force)
    if shared.json { return Outcome(output: JSONOutput.copy(facts, path)) }
    return Outcome(
      output: "\(TerminalText.line(path, 400)): \(TerminalText.size(facts.bytes)), checked\n"
        + TerminalText.holdings(facts.counts) + "\n"
        + (facts.hasNewIndex
          ? "the full-text index of the store is damaged; the copy has a new one, and `memoryd doctor "
            + "--fix` gives the store one\n" : ""))
  }
}

extension JSONOutput {
  static func copy(_ facts: MemoryDatabase.CopyFacts, _ path: String) -> String {
    text(
      [
        "path": path, "schema": facts.schema, "bytes": facts.bytes, "rows": facts.counts,
        "kept": facts.kept, "has_new_index": facts.hasNewIndex,
      ] as JSON)
  }
}

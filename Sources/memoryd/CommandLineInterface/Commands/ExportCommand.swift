import ArgumentParser
import Continuity
import Core
import Foundation
import MemoryStore

struct ExportCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes everything that is stored as lines of JSON.",
    discussion: """
      memoryd export memory.jsonl
      memoryd export - | gzip > memory.jsonl.gz

      The first line says what it is, each further one is a row: {"table": …, "row": {…}}. The same \
      store gives the same bytes. `memoryd import` puts all of it back into an empty store of the \
      same schema; for a copy that any later memoryd takes, see `memoryd backup`.
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "The file to write; - is standard output.", completion: .file())
  var file: TextArgument
  @Flag(name: .long, help: "Write over a file that is there.") var force = false

  func run(_ invocation: Invocation) throws -> Outcome {
    try shared.refuseProject()
    let service = try shared.service(invocation)
    let database = try service.store.reading()
    if file.text == "-" {
      var kept: [UInt8] = []
      try database.export { bytes throws(StoreError) in
        guard let stream = invocation.stream else {
          kept += bytes
          return
        }
        guard stream(bytes) else {
          throw StoreError(.inputOutput, "standard output cannot be written")
        }
      }
      return Outcome(output: String(decoding: kept, as: UTF8.self))
    }
    let path = service.context.absolute(file.text)
    guard !database.isOwn(path) else {
      throw CommandError(
        .badInput, "invalid", "\(path) is the store itself", hint: "choose another name")
    }
    let target = try NewFile(path, replaces: force)
    let progress = Progress("export", total: nil, invocation)
    var written: Int64 = 0
    let counts = try database.export { bytes throws(StoreError) in
      try target.write(bytes)
      written += Int64(bytes.count)
      progress.note(written)
    }
    try target.finish()
    progress.end()
    if shared.json {
      return Outcome(
        output: JSONOutput.text(
          [
            "path": path, "format": MemoryDatabase.exportFormat, "bytes": written, "rows": counts,
          ] as JSON))
    }
    return Outcome(
      output: "\(TerminalText.line(path, 400)): \(TerminalText.size(written)), "
        + "\(counts.values.reduce(0, +)) rows (\(TerminalText.holdings(counts)))\n")
  }
}

import ArgumentParser
import Checkpoints
import Continuity
import Core
import Fallback

struct FallbackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fallback", abstract: "Looks at the Markdown fallback files and tidies them up.",
    subcommands: [Status.self, Tidy.self])

  struct Status: Command {
    static let configuration = CommandConfiguration(
      commandName: "status",
      abstract: "Shows the files, what is in them, and what cannot be read.")

    @OptionGroup var shared: SharedOptions

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let files = try FallbackTidy(
        database: service.store.reading(), files: service.context.fallback,
        clock: service.context.clock
      ).status()
      if shared.json {
        return Outcome(
          output: JSONOutput.text(
            [
              "directory": service.context.fallback.directory,
              "files": files.map {
                [
                  "path": $0.path, "symlink_to": $0.target, "bytes": $0.size,
                  "entries": $0.records, "receipts": $0.receipts,
                  "hand_written": $0.handWritten, "adopted": $0.adopted,
                  "settled": $0.settled, "unfinished": $0.isUnfinished, "damage": $0.damage,
                ] as JSON
              },
            ] as JSON))
      }
      var text = ""
      for file in files {
        text += file.path + (file.target.map { " -> \($0)" } ?? "") + "\n"
        guard let size = file.size else {
          text += "  not there\n"
          continue
        }
        text +=
          "  \(size) bytes: \(file.records) entries and \(file.receipts) receipts of memoryd's, "
          + "\(file.handWritten) others (\(file.adopted) taken in)\n"
        if file.settled > 0 {
          text += "  \(file.settled) are in the vault: `memoryd fallback tidy` takes them out\n"
        }
        if file.handWritten > file.adopted {
          text += "  `memoryd sync` takes in the others\n"
        }
        if file.isUnfinished { text += "  its last line has no end\n" }
        for damage in file.damage { text += "  \(damage)\n" }
      }
      return Outcome(output: text)
    }
  }

  struct Tidy: Command {
    static let configuration = CommandConfiguration(
      commandName: "tidy",
      abstract: "Takes out what the vault has, and keeps the file as it was beside it.",
      discussion: """
        Everything else stays byte for byte. Hand-written tasks stay until they are ticked.
        """)

    @OptionGroup var shared: SharedOptions

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      // What is taken out of the files is what the store knows to be in the vault.
      let tidied = try FallbackTidy(
        database: service.store.writing(), files: service.context.fallback,
        clock: service.context.clock
      ).tidy()
      if shared.json {
        return Outcome(
          output: JSONOutput.list(
            tidied.map { ["path": $0.path, "backup": $0.backup, "removed": $0.removed] }))
      }
      if tidied.isEmpty { return Outcome(output: "Nothing to take out.\n") }
      return Outcome(
        output: tidied.map {
          "\($0.path): took out \($0.removed) entries; as it was: \($0.backup)\n"
        }.joined())
    }
  }
}

import ArgumentParser
import Checkpoints
import Foundation
import MemoryStore

struct HandoffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "handoff", abstract: "Reads handoff documents.", subcommands: [Read.self])

  struct Read: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Reads a handoff document, memoryd's own or one that somebody wrote.",
      discussion: """
        Prints it as memoryd keeps it: what memoryd wrote is brought into one form, what people wrote \
        stays as it is. --json tells what it holds, wherever the document says it.
        """)

    /// Bytes; longer documents are refused.
    private static let limit = 16 << 20

    enum Format: String, ExpressibleByArgument, CaseIterable { case md, html }

    @OptionGroup var shared: SharedOptions
    @Argument(help: "The document; - is standard input.", completion: .file()) var file:
      TextArgument
    @Option(name: .long, help: "md (CommonMark) or html.") var format = Format.md

    func run(_ invocation: Invocation) throws -> Outcome {
      let handoff = Handoff(try document(invocation))
      if shared.json { return Outcome(output: JSONOutput.text(JSONOutput.handoff(handoff))) }
      let text = format == .html ? handoff.html() : handoff.markdown()
      return Outcome(output: invocation.outputIsTerminal ? People.safe(text) : text)
    }

    private func document(_ invocation: Invocation) throws -> String {
      let bytes: [UInt8]
      if file.text == "-" {
        bytes = invocation.input.read(60_000)
        guard bytes.count <= Self.limit else {
          throw VerbError(.badInput, "too_large", "a handoff has at most 16 MiB")
        }
      } else {
        let path = Home.absolute(file.text, cwd: invocation.cwd, invocation.environment)
        bytes = try RegularFile.read(path, limit: Self.limit)
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}

extension JSONOutput {
  static func handoff(_ handoff: Handoff) -> Object {
    let contents = handoff.contents
    let front = handoff.front
    return [
      "id": front.id, "project": front.project, "session": front.session, "agent": front.agent,
      "created": front.created, "branch": front.branch, "head": front.head, "from": front.from,
      "to": front.to, "topic": front.topic, "objective": handoff.objective,
      "done": contents.done,
      "next": contents.next.map { ["text": $0.text, "done": $0.isDone] as Object },
      "open_tasks": contents.openTasks.map {
        ["title": $0.title, "id": $0.id, "done": $0.isDone] as Object
      },
      "decisions": contents.decisions.map {
        ["decision": $0.decision, "rationale": $0.rationale] as Object
      },
      "blockers": contents.blockers,
      "files": contents.files.map { ["path": $0.path, "note": $0.note] as Object },
      "commits": contents.commits.map { ["hash": $0.hash, "subject": $0.subject] as Object },
      "notes": contents.notes,
    ]
  }
}

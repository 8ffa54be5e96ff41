import ArgumentParser
import Checkpoints
import Foundation
import MemoryStore

struct IngestCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "ingest",
    abstract: "Takes transcripts into the store; only what is new is read.",
    discussion: """
      Without a path it reads Claude Code's transcripts in their usual place \
      (~/.claude/projects, or CLAUDE_CONFIG_DIR). A folder is searched for .jsonl files.
      """)

  @OptionGroup var shared: SharedOptions
  @Argument(help: "Files or folders.", completion: .file()) var path: [TextArgument] = []

  func run(_ invocation: Invocation) throws -> Outcome {
    let service = try shared.service(invocation)
    let files = try transcripts(service)
    var results: [JSONOutput.Object] = []
    var failures = ""
    var entries = 0
    for (number, file) in files.enumerated() {
      invocation.progress?("ingest \(number + 1)/\(files.count) \(file)")
      do throws(StoreError) {
        let result = try TranscriptIngest(service: service).take(file)
        entries += result.entries
        results.append([
          "path": file, "session": result.session, "entries": result.entries,
          "lines": result.lines, "malformed": result.malformed,
        ])
      } catch {
        failures += "memoryd: error: \(file): \(error.message) [\(error.code.rawValue)]\n"
      }
    }
    let output =
      shared.json
      ? JSONOutput.list(results)
      : "\(results.count) transcripts read, \(entries) new entries\n"
    return Outcome(
      output: output, errorOutput: failures, exitCode: failures.isEmpty ? .ok : .inputOutput)
  }

  private func transcripts(_ service: MemoryService) throws -> [String] {
    let environment = service.environment
    guard !path.isEmpty else {
      let configured = environment["CLAUDE_CONFIG_DIR"].map {
        Home.absolute($0, cwd: service.cwd, environment)
      }
      guard let folder = configured ?? Home.userFolder(environment).map({ $0 + "/.claude" })
      else { return [] }
      return Self.files(below: folder + "/projects")
    }
    return try path.flatMap { argument in
      let place = Home.absolute(argument.text, cwd: service.cwd, environment)
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else {
        throw VerbError(.notFound, "not_found", "there is no \(People.line(place))")
      }
      return isFolder.boolValue ? Self.files(below: place) : [place]
    }
  }

  private static func files(below folder: String) -> [String] {
    guard let walker = FileManager.default.enumerator(atPath: folder) else { return [] }
    return walker.compactMap { $0 as? String }.filter { $0.hasSuffix(".jsonl") }
      .map { folder + "/" + $0 }.sorted()
  }
}

import ArgumentParser
import Continuity
import Core
import Foundation
import MemoryStore
import Transcripts

struct IngestCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "ingest",
    abstract: "Takes transcripts into the store; only what is new is read.",
    discussion: """
      Without a path it reads the transcripts of Claude Code (~/.claude/projects, or \
      CLAUDE_CONFIG_DIR), Codex (~/.codex/sessions and archived_sessions, or CODEX_HOME), Gemini \
      CLI (~/.gemini/tmp) and Cursor (~/.cursor/projects). A folder is searched for .jsonl and \
      .jsonl.zst files. It can be stopped at any time: the next run goes on.
      """)

  /// New entries from which on the index is tidied up afterwards.
  private static let manyEntries = 5_000
  /// Each is one short transaction.
  private static let mostMergeSteps = 500

  /// Steps of some 50 ms.
  private static let mostRenewals = 100

  @OptionGroup var shared: SharedOptions
  @Argument(help: "Files or folders.", completion: .file()) var path: [TextArgument] = []

  func run(_ invocation: Invocation) throws -> Outcome {
    try shared.refuseProject()
    let service = try shared.service(invocation, takesAll: true)
    let files = try transcripts(service)
    var results: [JSON] = []
    var messages = ""
    if files.isEmpty, path.isEmpty {
      let folders = Agent.allCases.flatMap { $0.facts.transcriptFolders(service.context) }
      messages +=
        "memoryd: note: no transcripts below \(folders.map { TerminalText.line($0) }.joined(separator: ", "))\n"
        + "hint: `memoryd ingest PATH` reads those of another place\n"
    }
    var hasFailed = false
    var entries = 0
    // Of a compressed one it is a guess, and its end is where it ends.
    let sizes = files.map { file in
      RegularFile.facts(file)?.size
        ?? RegularFile.facts(file + TranscriptSearch.compressed).map { $0.size * 5 } ?? 0
    }
    var progress = IngestProgress(total: sizes.reduce(0, +), clock: service.context.clock)
    for (file, size) in zip(files, sizes) {
      do throws(StoreError) {
        let ingest = TranscriptIngest(service: service) { offset, count in
          if let line = progress.line(offset: min(offset, size), count: count) {
            invocation.progress?(line)
          }
        }
        let result = try ingest.ingest(file)
        if result.isNothing {
          // Among the agents' own files that is nothing to tell of; a person meant another one.
          if !path.isEmpty, result.malformed > 0 { throw TranscriptFormat.foreign }
          progress.finishFile(size: size)
          continue
        }
        entries += result.entries
        results.append([
          "path": file, "session": result.session, "entries": result.entries,
          "lines": result.lines, "malformed": result.malformed,
        ])
      } catch {
        hasFailed = true
        messages += "memoryd: error: \(file): \(error.message) [\(error.code.rawValue)]\n"
        if let hint = error.hint { messages += "hint: \(hint)\n" }
      }
      progress.finishFile(size: size)
    }
    if entries >= Self.manyEntries { tidyIndex(service, invocation) }
    // The index follows from the entries; what is not renewed now is at the next search.
    for _ in 0..<Self.mostRenewals {
      guard (try? service.store.writing().renewIndex()) == true else { break }
    }
    invocation.progress?("")
    let output =
      shared.json
      ? JSONOutput.list(results)
      : "\(TerminalText.count(results.count, "transcript")) read, \(TerminalText.count(entries, "new entry", "new entries"))\n"
    return Outcome(
      output: output, errorOutput: messages, exitCode: hasFailed ? .inputOutput : .ok)
  }

  /// Merges the index in steps that other processes get in between. The transcripts are stored; an
  /// index that is not tidy is only slower.
  private func tidyIndex(_ service: MemoryService, _ invocation: Invocation) {
    invocation.progress?("ingest: tidying the index")
    guard let database = try? service.store.writing() else { return }
    for _ in 0..<Self.mostMergeSteps {
      guard (try? database.mergeIndex()) == true else { return }
    }
  }

  // MARK: Files

  private func transcripts(_ service: MemoryService) throws -> [String] {
    guard !path.isEmpty else {
      return Agent.allCases.flatMap { $0.transcripts(service.context) }
    }
    return try path.flatMap { argument in
      let place = UserPath.absolute(
        argument.text, cwd: service.context.cwd, service.context.environment)
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else {
        throw CommandError(.notFound, "not_found", "there is no \(TerminalText.line(place))")
      }
      return isFolder.boolValue
        ? TranscriptSearch.files(below: place) { $0.hasSuffix(".jsonl") }
        : [TranscriptSearch.plain(place)]
    }
  }
}

/// What a person sees of a long ingest: bytes, rate, time left.
struct IngestProgress {
  /// Between two lines.
  private static let interval = Duration.milliseconds(100)

  private let total: Int64
  private let clock: WallClock
  private let start: Int64
  private var shownAt: Int64 = 0
  /// Bytes of the files that are behind.
  private var finished: Int64 = 0
  /// Bytes of those files that were read now and not at an earlier time.
  private var read: Int64 = 0

  init(total: Int64, clock: WallClock) {
    self.total = total
    self.clock = clock
    start = clock.now
  }

  mutating func finishFile(size: Int64) { finished += size }

  /// - Parameters:
  ///   - offset: Up to where the file at hand is read.
  ///   - count: Bytes that were read since the last call.
  /// - Returns: Nil if the last line is too fresh.
  mutating func line(offset: Int64, count: Int64) -> String? {
    read += count
    let now = clock.now
    guard now - shownAt >= Self.interval.milliseconds else { return nil }
    shownAt = now
    let done = min(finished + offset, total)
    var text = "ingest: \(Self.megabytes(done)) of \(Self.megabytes(total)) MB"
    let seconds = Double(now - start) / 1000
    if seconds > 0, read > 0 {
      let rate = Double(read) / seconds
      let left = Int((Double(total - done) / rate).rounded(.up))
      text += ", \(Self.megabytes(Int64(rate))) MB/s, \(left) s left"
    }
    return text
  }

  private static func megabytes(_ bytes: Int64) -> String {
    String(format: "%.1f", Double(bytes) / 1e6)
  }
}

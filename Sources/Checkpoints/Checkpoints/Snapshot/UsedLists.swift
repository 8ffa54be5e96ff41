import Syntax
import Transcripts

/// The lists of a recovery document: the files and commands of a session, those that its next steps
/// need first.
struct UsedLists {
  var snapshot: Snapshot
  /// The host's summary, where it is in sight.
  var summary: SummaryIndex?
  /// In a short document all are packed.
  var isShort: Bool

  private typealias Line = DocumentSection.Line

  // MARK: Files

  private static let fullFiles = 3
  /// Names that stand on one line.
  private static let packed = 8
  private static let packedInShort = 4

  /// The first ones with what they were edited for; the rest several to a line.
  func files() -> [DocumentSection.Line] {
    let edited = snapshot.files.filter { $0.edits > 0 && !$0.isRemoved }
    let full = isShort ? 0 : Self.fullFiles
    let lines = edited.prefix(full).enumerated().map { place, file in
      var line = Line(
        fullLine(of: file, purpose: snapshot.toolCalls < 60 ? 400 : 90), of: file.path,
        worth: 7 - 0.2 * Double(place), order: place)
      line.transcriptLine = file.line > 0 ? file.line : nil
      return line
    }
    let others = snapshot.files.filter { $0.edits == 0 }
    let isKnown: (Snapshot.File) -> Bool = { summary?.holds(path: $0.path) ?? false }
    let removed = snapshot.files.filter(\.isRemoved)
    let lost = others.filter { !isKnown($0) }
    return lines
      + pack(
        isShort ? "edited" : "also edited", edited.dropFirst(full).prefix(24), 6.4, 100,
        hasSymbols: true)
      + pack("edited, then removed", removed.prefix(8), 4, 150, hasSymbols: true)
      + pack("read", lost.filter { $0.reads > 0 }.prefix(40), 6.3, 200)
      + pack("named", lost.filter { $0.reads == 0 }.prefix(32), 5.6, 300)
      + pack("read, in the summary too", others.filter(isKnown).prefix(10), 2, 400)
  }

  private func pack(
    _ label: String, _ files: ArraySlice<Snapshot.File>, _ worth: Double, _ order: Int,
    hasSymbols: Bool = false
  ) -> [DocumentSection.Line] {
    let files = Array(files)
    let packed = isShort ? Self.packedInShort : Self.packed
    return stride(from: 0, to: files.count, by: packed).map { start in
      let some = files[start..<min(start + packed, files.count)]
      let names = some.enumerated().map { offset, file in
        let symbols = file.symbols.prefix(hasSymbols && start + offset < 5 ? 2 : 0).map(
          Markdown.inline)
        let path = hasSymbols ? Markdown.shortened(file.path) : Markdown.name(ofFile: file.path)
        return Markdown.inline(path)
          + (symbols.isEmpty ? "" : " (\(symbols.joined(separator: ", ")))")
      }
      return Line(
        "- \(label): " + names.joined(separator: ", "),
        of: StruckLines.subject(of: some.map(\.path)),
        worth: worth - 0.04 * Double(start), order: order + start)
    }
  }

  /// - Parameter purpose: Bytes of what it was edited for.
  private func fullLine(of file: Snapshot.File, purpose: Int) -> String {
    var line = "- \(Markdown.code(Markdown.shortened(file.path)))"
    if !file.purpose.isEmpty { line += " — " + Markdown.prose(file.purpose.cut(to: purpose)) }
    let symbols = file.symbols.prefix(3).map(Markdown.inline)
    if !symbols.isEmpty { line += " [\(symbols.joined(separator: ", "))]" }
    let count = file.edits == 1 ? "edited" : "edited ×\(file.edits)"
    let state =
      file.isDirty ? ", uncommitted" : file.isUncommitted ? ", not committed by the agent" : ""
    return line + " (\(count)\(state), \(file.editAge) calls ago)"
  }

  // MARK: Commands

  private static let fullCommands = 5
  private static let mostCommands = 21
  private static let commandsInShort = 16
  /// Commands that stand on one line of a short document.
  private static let packedCommandsInShort = 3

  /// The first ones with their outcome and age; the rest several to a line.
  func commands() -> [DocumentSection.Line] {
    let known = snapshot.commands.filter { summary?.holds(command: $0) ?? false }
    let ranked =
      snapshot.commands.filter { command in !known.contains { $0.key == command.key } }
      + known
    if isShort { return packed(commands: ranked.prefix(Self.commandsInShort)) }
    let lines = ranked.prefix(Self.fullCommands).enumerated().map { place, command in
      Line(
        "- \(Markdown.code(command.text.oneLine.cut(to: 130))) \(command.age) calls ago: "
          + Self.word(for: command.outcome)
          + (command.count > 1
            ? "; `\(command.key.withoutBackticks)` \(command.count)× in all" : ""),
        of: command.text.oneLine, worth: 7 - 0.2 * Double(place), order: place)
    }
    let end = min(ranked.count, Self.mostCommands)
    return lines
      + stride(from: Self.fullCommands, to: end, by: Self.packed).map { start in
        let some = ranked[start..<min(start + Self.packed, ranked.count)]
        let texts = some.map {
          "\(Markdown.code($0.text.oneLine.cut(to: 70))) "
            + "(\(Self.word(for: $0.outcome)), \($0.age) calls ago)"
        }
        return Line(
          "- also: " + texts.joined(separator: ", "),
          of: StruckLines.subject(of: some.map(\.text)), worth: 6 - 0.08 * Double(start),
          order: start)
      }
  }

  /// Those of one outcome together, each with its age alone; what failed is told first.
  private func packed(commands: ArraySlice<Snapshot.Command>) -> [DocumentSection.Line] {
    [SessionDigest.CommandUse.Outcome.failed, .succeeded, .unknown].enumerated().flatMap {
      place, outcome in
      let alike = commands.filter { $0.outcome == outcome }
      return stride(from: 0, to: alike.count, by: Self.packedCommandsInShort).map { start in
        let some = alike[start..<min(start + Self.packedCommandsInShort, alike.count)]
        let texts = some.map { "\(Markdown.code($0.text.oneLine.cut(to: 60))) (\($0.age))" }
        return Line(
          "- \(Self.word(for: outcome)) (calls ago): " + texts.joined(separator: ", "),
          of: StruckLines.subject(of: some.map(\.text)),
          worth: 6 - 0.1 * Double(start) - 0.01 * Double(place), order: place)
      }
    }
  }

  private static func word(for outcome: SessionDigest.CommandUse.Outcome) -> String {
    switch outcome {
    case .failed: "FAILED"
    case .succeeded: "ok"
    case .unknown: "no exit code seen"
    }
  }
}

import Checkpoints
import Core
import MemoryStore
import Syntax
import Vault

/// What stands in front of a session's recovery document: the mode, what is open in the project, who
/// else works there, handoffs and messages.
struct OpeningLines {
  let service: MemoryService

  /// UTF-16 units of a line: names of branches, folders and senders can be of any length.
  private static let lineLimit = 900

  /// The lines as a list, each cut where it is too long, and no more of them than there is room for.
  static func listed(_ lines: [String], within room: Int) -> String {
    var list = ""
    for line in lines {
      var text = String.UnicodeScalarView()
      var length = 0
      for scalar in line.unicodeScalars {
        length += UTF16.width(scalar)
        if length > lineLimit { break }
        text.append(scalar)
      }
      let item = "- \(String(text))\(length > lineLimit ? "…" : "")\n"
      guard list.utf16Length + item.utf16Length <= room else { break }
      list += item
    }
    return list
  }

  /// Where the mode goes without saying.
  static let quietHead =
    "memoryd: `memoryd search WORDS` finds what earlier sessions said, did and decided.\n"

  /// In words of ours alone: all that others wrote stands inside the fence.
  static func head(_ verdict: CanaryVerdict) -> String {
    let reason =
      verdict.reason.map { " (\($0.rawValue)) since \(Timestamp.string(verdict.since))" } ?? ""
    return "memoryd: \(verdict.mode.rawValue) mode\(reason).\n"
  }

  /// All the lines, what is new of the vault first.
  ///
  /// - Parameters:
  ///   - change: What is new of the vault, if anything is.
  ///   - isNews: False if the mode goes without saying.
  func lines(
    for recorder: SessionRecorder, _ verdict: CanaryVerdict, _ change: String?, isNews: Bool
  ) -> [String] {
    var lines: [String] = []
    if change != nil || verdict.mode != .normal && isNews {
      lines.append(Markdown.text(change ?? verdict.detail))
    }
    guard
      let report = try? CanaryReport(
        project: recorder.project, excluding: recorder.session.id, service)
    else { return lines }
    var facts: [String] = []
    if report.openTasks > 0 { facts.append(TerminalText.count(report.openTasks, "open task")) }
    if report.pending == 1 { facts.append("1 write waits for the vault") }
    if report.pending > 1 { facts.append("\(report.pending) writes wait for the vault") }
    if !facts.isEmpty {
      lines.append(
        "Project \(Markdown.inline(recorder.project.name)): \(facts.joined(separator: ", ")).")
    }
    let struck = RecoveryService(service: service).struck
    func told(_ objective: String?) -> String {
      guard let objective, !objective.isEmpty, !struck.has(objective) else { return "" }
      return ": \(Markdown.text(String(objective.prefix(120))))"
    }
    for other in report.otherSessions.prefix(5) {
      let branch = other.branch.map { " on \(Markdown.inline($0))" } ?? ""
      let age = RecoveryDocument.age(of: other.lastSeenAt, now: service.context.clock.now)
      lines.append(
        "Another session is active here: \(Markdown.inline(other.id))\(branch), seen \(age)"
          + told(other.objective))
    }
    lines += resemblance(recorder)
    lines += HandoffNotice(service: service).lines(for: recorder, told)
    return lines
  }

  /// Another project with the same first commit may be this one; a fork or a template is not, so
  /// that only a person can say it. Told once.
  private func resemblance(_ recorder: SessionRecorder) -> [String] {
    // A note that it was told: if it is lost, it is told once more.
    guard let id = recorder.project.id, let database = try? service.store.writing() else {
      return []
    }
    let others = (try? database.resembling(recorder.project)) ?? []
    return others.prefix(3).compactMap { other in
      guard let known = other.id, (try? database.noteTold(of: known, to: id)) == true else {
        return nil
      }
      let place = other.root.map { " in \(Markdown.inline($0))" } ?? ""
      return "This repository begins with the same commit as project "
        + "\(Markdown.inline(other.name))\(place) and is kept apart from it; "
        + "`memoryd project join \(known) \(id)` makes them one, if they are."
    }
  }
}

import Syntax

// What of a story is searchable by itself.
extension Story.Decision {
  var isPersons: Bool { [.answer, .reply, .word, .givenPlan].contains(kind) }

  /// Nil for what is searchable as the person's words already.
  package var entry: (title: String, body: String)? {
    guard !isOpen, kind != .word, kind != .writtenPlan else { return nil }
    var lines: [String] = []
    if !choice.isEmpty { lines.append(choice) }
    if !words.isEmpty, words != "own", words != choice { lines.append("The person: \(words)") }
    if !reason.isEmpty { lines.append("Because: \(reason)") }
    if !rejected.isEmpty { lines.append("Not: \(rejected.joined(separator: "; "))") }
    lines += details
    guard !lines.isEmpty else { return nil }
    let title =
      switch kind {
      case .approvedPlan: "Plan approved: \(question)"
      case .refusedPlan: "Plan refused: \(question)"
      default: question.isEmpty ? choice.cut(to: 100) : question
      }
    return (title, lines.joined(separator: "\n"))
  }
}

extension Story.Attempt {
  package var entry: (title: String, body: String) {
    var lines = ["`\(command)` failed\(failures > 1 ? " \(failures) times" : ""): \(lastError)"]
    if !firstError.isEmpty, firstError != lastError { lines.append("First: \(firstError)") }
    lines += tries.enumerated().map { "Tried \($0.offset + 1): \($0.element)" }
    lines.append(fix.isEmpty ? "It passed later." : "Passed after: \(fix)")
    return (lastError.cut(to: 160), lines.joined(separator: "\n"))
  }
}

import Syntax
import Transcripts

/// Makes lines of what a digest has of a session's story.
struct StoryLines {
  let digest: SessionDigest
  let story: Story
  let now: Int
  /// The line of the last compaction: what came since is in no summary yet.
  private let boundary: Int
  private static let sinceBoundary = 0.9
  private(set) var lines: [ToldLine] = []

  init(_ digest: SessionDigest) {
    self.digest = digest
    story = digest.story
    now = digest.toolCalls
    boundary = digest.boundaries.last?.line ?? Int.max
    tellObjective()
    tellReports()
    tellWork()
    tellChecks()
    tellSteps()
    tellNext()
    tellDecisions()
    tellAttempts()
    tellIncidents()
    tellConstraints()
    tellNotes()
    tellPlan()
    tellTurns()
    tellLandmarks()
    keepBest()
  }

  /// So many bytes of a part are kept as it may have of a document of this size.
  private static let documentBytes = 9500.0

  private mutating func keepBest() {
    var room = DocumentPart.allCases.map { Int(Self.documentBytes * (0.1 + 1.6 * $0.share)) }
    let best = lines.enumerated().sorted {
      ($0.element.worth, $1.offset) > ($1.element.worth, $0.offset)
    }
    var kept: Set<Int> = []
    for (index, line) in best {
      guard room[line.part.place] > 0 else { continue }
      room[line.part.place] -= line.text.utf8.count
      kept.insert(index)
    }
    lines = lines.enumerated().filter { kept.contains($0.offset) }.map(\.element)
  }

  /// - Parameters:
  ///   - worth: As in the reference "understanding-findings", where a section's best line has 10.
  ///   - text: Without the mark of a list.
  mutating func tell(
    _ part: DocumentPart, _ text: String, worth: Double, of subject: String, at place: Story.Place,
    order: Int? = nil
  ) {
    let text = text.oneLine
    guard !text.isEmpty else { return }
    var line = ToldLine()
    line.part = part
    line.text = text
    line.subject = subject
    line.worth = Int((worth + (place.line > boundary ? Self.sinceBoundary : 0)) * 100)
    line.order = order ?? place.call * 1000 + lines.count % 1000
    line.line = place.line
    lines.append(line)
  }

  /// "3 calls ago"; empty for what is of now.
  func age(_ place: Story.Place) -> String {
    let calls = now - place.call
    return calls <= 0 ? "just now" : calls == 1 ? "1 call ago" : "\(calls) calls ago"
  }

  /// 0 for what is of now, 1 for what is of the start.
  func oldness(_ place: Story.Place) -> Double {
    Double(now - place.call) / Double(now + 1)
  }

  func code(_ text: String) -> String { "`\(text.withoutBackticks)`" }

  /// The last one that says by itself what is wanted.
  var fullRequest: Story.Turn? {
    story.turns.last {
      !ReplyOptions.isShort($0.text) && $0.text.split(separator: " ").count > 8
    }
  }
}

extension Story.Landmark {
  /// The beginning of a commit's hash.
  var name: String { id.isEmpty ? "(hash not seen)" : String(id.prefix(9)) }
}

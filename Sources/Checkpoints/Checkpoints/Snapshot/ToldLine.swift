public import Core
import Transcripts

/// A line that tells something of a session, for the part of a document that it belongs to.
public struct ToldLine: JSONRecord, Sendable, Equatable {
  public var part = DocumentPart.findings
  /// Markdown: prose, with code in backticks.
  public var text = ""
  /// What it says of, as the session has it; see ``DocumentLine/subject``. Empty where that is the
  /// text.
  private var topic = ""
  public var subject: String {
    get { topic.isEmpty ? text : topic }
    set { topic = newValue == text ? "" : newValue }
  }
  /// Hundredths; the best are told where there is not room for all.
  public var worth = 0
  /// Lines of a part stand in this order.
  public var order = 0
  /// Physical, from 1; 0 if that is not known.
  public var line = 0

  public init() {}

  package static var empty: Self { Self() }

  package mutating func code(_ coder: inout JSONCoder) {
    coder.field("part", &part)
    coder.field("text", &text)
    coder.filled("topic", &topic)
    coder.field("worth", &worth)
    coder.field("order", &order)
    coder.field("line", &line)
  }
}

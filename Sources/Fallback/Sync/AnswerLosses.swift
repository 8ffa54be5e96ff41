import MemoryStore

/// Answers that get lost on the way, and when there are enough of them to look before sending on.
/// Pure.
struct AnswerLosses: Equatable {
  /// Writes whose answers are lost, after which it is seen first what became of them.
  private static let mostLosses = 4

  /// True if a read must show that the vault is still there: one answer may be lost anywhere, but
  /// not two in a row.
  private(set) var needsRead = false
  /// Calls in a row whose answers were lost, reads among them.
  private var inARow = 0
  /// Lost answers to writes since the vault last took one, or was seen to have one.
  private var sinceSuccess = 0

  /// Whether a row may go out. One that failed before says nothing of the vault, and its own pauses
  /// bound it.
  func allowSending(_ row: OutboxRow) -> Bool {
    sinceSuccess < Self.mostLosses || row.failingSince != nil
  }

  /// A call's answer was lost.
  mutating func noteLostCall() {
    inARow += 1
    if inARow > 1 { needsRead = true }
  }

  /// It is not known whether a write was carried out.
  mutating func noteLostWrite(_ row: OutboxRow) {
    if row.failingSince == nil { sinceSuccess += 1 }
  }

  /// The vault took a write.
  mutating func noteTaken() {
    inARow = 0
    sinceSuccess = 0
  }

  /// A read begins, whatever it will give.
  mutating func noteReadBegins() { needsRead = false }

  /// The vault answered a read.
  mutating func noteRead() { inARow = 0 }

  /// What was lost has been seen in the vault, or there was a pause.
  mutating func forgetWrites() { sinceSuccess = 0 }
}

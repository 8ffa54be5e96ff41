import Foundation

/// Lets what asks the vault in one daemon share an answer: who comes while a question is under way
/// waits for that one instead of asking its own.
package final class ProbeGate: @unchecked Sendable {
  // Everything is read and written with the condition locked.
  private let condition = NSCondition()
  private var running = 0
  private var answers = 0

  func asking<T>(_ body: () -> T) -> T {
    condition.lock()
    running += 1
    condition.unlock()
    defer {
      condition.lock()
      running -= 1
      answers += 1
      condition.broadcast()
      condition.unlock()
    }
    return body()
  }

  package var isAsking: Bool {
    condition.lock()
    defer { condition.unlock() }
    return running > 0
  }

  /// - Returns: True if a question was under way, and its answer came in time.
  func waitForAnswer(until end: Date) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    guard running > 0 else { return false }
    let before = answers
    while answers == before {
      if !condition.wait(until: end) { return false }
    }
    return true
  }
}

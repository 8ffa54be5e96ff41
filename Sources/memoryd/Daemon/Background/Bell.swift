import Dispatch
import Synchronization

/// Wakes the background's thread. Its waits do not depend on the wall clock, which may jump.
final class Bell: Sendable {
  private struct State {
    var hasRung = false
    var isStopped = false
  }

  private let state = Mutex(State())
  private let semaphore = DispatchSemaphore(value: 0)

  func ring() {
    let isFirst = state.withLock { state in
      defer { state.hasRung = true }
      return !state.hasRung
    }
    if isFirst { semaphore.signal() }
  }

  func stop() {
    state.withLock { $0.isStopped = true }
    semaphore.signal()
  }

  /// Waits for a ring, at most `seconds`, and after a ring `delay` more.
  ///
  /// - Returns: False once it is stopped.
  func wait(seconds: Double, thenSeconds delay: Double) -> Bool {
    _ = semaphore.wait(timeout: .now() + seconds)
    let (hasRung, isStopped) = state.withLock { ($0.hasRung, $0.isStopped) }
    if hasRung, !isStopped { _ = semaphore.wait(timeout: .now() + delay) }
    return state.withLock { state in
      state.hasRung = false
      return !state.isStopped
    }
  }
}

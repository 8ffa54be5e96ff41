import Core
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

  /// Waits for a ring, and after one a little more.
  ///
  /// - Returns: False once it is stopped.
  func wait(atMost longest: Duration, then delay: Duration) -> Bool {
    func wait(_ time: Duration) {
      _ = semaphore.wait(timeout: .now() + .milliseconds(Int(time.milliseconds)))
    }
    wait(longest)
    let (hasRung, isStopped) = state.withLock { ($0.hasRung, $0.isStopped) }
    if hasRung, !isStopped { wait(delay) }
    return state.withLock { state in
      state.hasRung = false
      return !state.isStopped
    }
  }
}

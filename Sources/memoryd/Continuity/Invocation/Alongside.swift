import CPosix
import Dispatch
import Synchronization

/// Work that is done on a thread of its own while its caller goes on with something else.
final class Alongside<Value: Sendable>: Sendable {
  private let result = Mutex<Value?>(nil)
  private let done = DispatchSemaphore(value: 0)

  /// Starts it. Where no thread is to be had, it is done at once.
  init(_ work: @escaping @Sendable () -> Value) {
    let job = Job(done) { [self] in
      let value = work()
      result.withLock { $0 = value }
    }
    let held = Unmanaged.passRetained(job)
    let isStarted = memoryd_start_thread(
      1 << 20, { Unmanaged<Job>.fromOpaque($0!).takeRetainedValue().run() }, held.toOpaque())
    if isStarted != 0 { held.takeRetainedValue().run() }
  }

  var isDone: Bool { result.withLock { $0 != nil } }

  /// Waits until it is done.
  func value() -> Value {
    done.wait()
    // For whoever asks again.
    done.signal()
    return result.withLock { $0! }
  }
}

/// Used by one thread after the other.
private final class Job: @unchecked Sendable {
  private let done: DispatchSemaphore
  private var work: (() -> Void)?

  init(_ done: DispatchSemaphore, _ work: @escaping @Sendable () -> Void) {
    self.done = done
    self.work = work
  }

  func run() {
    work?()
    // What the work held must not outlive the call that waits for it.
    work = nil
    done.signal()
  }
}

import Foundation
import Synchronization
import Testing

/// Threads for tests that wait, for processes, vaults and locks. Swift's own are as few as the
/// cores, and what the tests wait for needs them.
final class BlockingThreads: TaskExecutor {
  static let shared = BlockingThreads(count: ProcessInfo.processInfo.activeProcessorCount + 2)

  private let jobs = Mutex<[UnownedJob]>([])
  private let isThere = DispatchSemaphore(value: 0)

  private init(count: Int) {
    for _ in 0..<count {
      let thread = Thread { [unowned self] in
        while true { runNext() }
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
    isThere.signal()
  }

  private func runNext() {
    isThere.wait()
    let job = jobs.withLock { $0.removeFirst() }
    job.runSynchronously(on: asUnownedTaskExecutor())
  }
}

/// Runs each test of a suite on ``BlockingThreads``.
struct BlockingTrait: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? { testCase == nil ? nil : self }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(BlockingThreads.shared) { try await function() }
  }
}

extension Trait where Self == BlockingTrait {
  static var blocking: Self { Self() }
}

/// What a command says before it ends.
final class Lines: Sendable {
  private let all = Mutex("")

  var text: String { all.withLock(\.self) }

  func add(_ text: String) { all.withLock { $0 += text } }
}

/// True once.
final class Flag: Sendable {
  private let isTaken = Atomic(false)

  func take() -> Bool { !isTaken.exchange(true, ordering: .relaxed) }
}

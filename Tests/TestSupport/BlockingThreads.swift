import Foundation
import Synchronization
public import Testing

/// Threads for tests, most of which block the one that they run on: they work long, or wait for
/// processes, vaults and locks. Swift's own threads are as few as the cores, and the code under test
/// needs them: a call of a vault is a task.
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
public struct BlockingTrait: SuiteTrait, TestTrait, TestScoping {
  public var isRecursive: Bool { true }

  public func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? {
    testCase == nil ? nil : self
  }

  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(BlockingThreads.shared) { try await function() }
  }
}

extension Trait where Self == BlockingTrait {
  public static var blocking: Self { Self() }
}

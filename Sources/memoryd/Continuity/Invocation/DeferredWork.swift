import Core
import Foundation

/// Work that is done once the caller has its answer.
public final class DeferredWork {
  private var jobs: [() -> Void] = []

  public init() {}

  public var isEmpty: Bool { jobs.isEmpty }

  func add(_ job: @escaping () -> Void) { jobs.append(job) }

  /// - Parameter pause: To wait first, if there is anything to do.
  public func run(after pause: Duration) {
    if !jobs.isEmpty { Thread.sleep(forTimeInterval: Double(pause.milliseconds) / 1000) }
    for job in jobs { job() }
    jobs = []
  }
}

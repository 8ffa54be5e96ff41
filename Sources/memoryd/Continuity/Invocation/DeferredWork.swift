import Foundation

/// Work that is done once the caller has its answer.
package final class DeferredWork {
  private var jobs: [() -> Void] = []

  package init() {}

  func add(_ job: @escaping () -> Void) { jobs.append(job) }

  /// - Parameter seconds: To wait first, if there is anything to do.
  package func run(after seconds: Double) {
    if !jobs.isEmpty { Thread.sleep(forTimeInterval: seconds) }
    for job in jobs { job() }
    jobs = []
  }
}

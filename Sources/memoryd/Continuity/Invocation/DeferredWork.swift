import Core
import Foundation

/// Work that is done once the caller has its answer.
package final class DeferredWork {
  private var jobs: [() -> Void] = []
  private var keys: Set<String> = []

  package init() {}

  /// - Parameter key: Of several jobs with the same key the first is done.
  func add(once key: String? = nil, _ job: @escaping () -> Void) {
    if let key, !keys.insert(key).inserted { return }
    jobs.append(job)
  }

  /// - Parameter pause: To wait first, if there is anything to do.
  package func run(after pause: Duration) {
    if !jobs.isEmpty { Thread.sleep(forTimeInterval: Double(pause.milliseconds) / 1000) }
    for job in jobs { job() }
    jobs = []
    keys = []
  }
}

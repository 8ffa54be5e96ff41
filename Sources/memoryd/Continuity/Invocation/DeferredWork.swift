import Core
import Foundation

/// Work that is done once the caller has its answer.
public final class DeferredWork {
  private var jobs: [() -> Void] = []
  private var keys: Set<String> = []

  public init() {}

  public var isEmpty: Bool { jobs.isEmpty }

  /// - Parameter key: Of several jobs with the same key the first is done.
  func add(once key: String? = nil, _ job: @escaping () -> Void) {
    if let key, !keys.insert(key).inserted { return }
    jobs.append(job)
  }

  /// - Parameters:
  ///   - pause: To wait first, if there is anything to do.
  ///   - time: After which no job is begun any more; nil does all.
  public func run(after pause: Duration, within time: Duration? = nil) {
    if !jobs.isEmpty { Thread.sleep(forTimeInterval: Double(pause.milliseconds) / 1000) }
    let end = time.map { ContinuousClock.now + $0 }
    for job in jobs {
      if let end, .now >= end { break }
      job()
    }
    jobs = []
    keys = []
  }
}

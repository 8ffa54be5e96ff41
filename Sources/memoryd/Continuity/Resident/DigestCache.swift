import Synchronization
import Transcripts

/// The digests of the sessions that were at work last: reading one from JSON takes as long as a
/// small commit.
package final class DigestCache: Sendable {
  private struct Known {
    var path: String
    var json: String
    var digest: SessionDigest
  }

  private static let limit = 4
  private let known = Mutex<[Known]>([])

  /// - Returns: What was noted for this very text, which another process may have changed since.
  func digest(of json: String) -> SessionDigest? {
    known.withLock { known in known.last { $0.json == json }?.digest }
  }

  /// - Parameters:
  ///   - json: The same digest as text.
  ///   - path: Of its transcript; one digest is kept for each.
  func note(_ digest: SessionDigest, _ json: String, path: String) {
    known.withLock { known in
      known.removeAll { $0.path == path }
      if known.count >= Self.limit { known.removeFirst() }
      known.append(Known(path: path, json: json, digest: digest))
    }
  }
}

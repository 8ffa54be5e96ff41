import MemoryStore
import Synchronization
package import Transcripts

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

extension SessionDigest {
  /// What a transcript has brought so far, from the text that the store has of it; nil if that is
  /// none of this memoryd's.
  package static func stored(_ json: String, _ context: CallContext) -> SessionDigest? {
    context.daemon?.digests.digest(of: json) ?? SessionDigest(json: json)
  }

  /// What the reading of a transcript goes on from; nil where it begins anew, as an older memoryd
  /// gathered what there is.
  static func start(
    from stored: MemoryDatabase.TranscriptState?, _ context: CallContext
  ) -> SessionDigest? {
    guard let stored, let known = Self.stored(stored.digest, context), known.isCurrent else {
      return nil
    }
    return known
  }
}

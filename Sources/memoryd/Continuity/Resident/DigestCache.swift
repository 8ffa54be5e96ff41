import Checkpoints
import Foundation
import Git
import Synchronization
import Transcripts

/// The digests of the sessions that were at work last, and what was made of them: reading one from JSON
/// takes as long as a small commit, a snapshot as long as another.
package final class DigestCache: Sendable {
  private struct Known {
    var path: String
    var json: [UInt8]
    var digest: SessionDigest
    var snapshot: (of: SessionDigest, root: String?, dirty: [String]?, made: Snapshot)?
  }

  private static let limit = 4

  private let known = Mutex<[Known]>([])

  /// Bytes at once: `==` goes through them one by one.
  private static func areSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && !a.isEmpty
      && a.withUnsafeBytes { a in
        b.withUnsafeBytes { memcmp(a.baseAddress!, $0.baseAddress!, a.count) == 0 }
      }
  }

  /// - Returns: What was noted for this very text, which another process may have changed since.
  func digest(of json: [UInt8]) -> SessionDigest? {
    known.withLock { known in known.last { Self.areSame($0.json, json) }?.digest }
  }

  /// The snapshot of a digest and of what is uncommitted, made now if it was not made before.
  ///
  /// - Parameter path: Of the transcript.
  func snapshot(of digest: SessionDigest, _ git: GitFacts?, path: String?) -> Snapshot {
    let kept = known.withLock { known in known.last { $0.path == path }?.snapshot }
    // The parts of a digest that came from here are compared by where they are.
    if let kept, kept.root == git?.root, kept.dirty == git?.dirty, kept.of == digest {
      var snapshot = kept.made
      snapshot.git = git
      return snapshot
    }
    let snapshot = Snapshot(digest, git: git)
    known.withLock { known in
      guard let index = known.lastIndex(where: { $0.path == path }) else { return }
      known[index].snapshot = (digest, git?.root, git?.dirty, snapshot)
    }
    return snapshot
  }

  /// - Parameters:
  ///   - json: The same digest as it is stored.
  ///   - path: Of its transcript; one digest is kept for each.
  func note(_ digest: SessionDigest, _ json: [UInt8], path: String) {
    known.withLock { known in
      // Mostly it is the one that was asked for a moment ago.
      if let last = known.last, last.path == path, Self.areSame(last.json, json) { return }
      let snapshot = known.last { $0.path == path }?.snapshot
      known.removeAll { $0.path == path }
      if known.count >= Self.limit { known.removeFirst() }
      known.append(Known(path: path, json: json, digest: digest, snapshot: snapshot))
    }
  }
}

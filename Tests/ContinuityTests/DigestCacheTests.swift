import Checkpoints
import Git
import TestSupport
import Testing

@testable import Continuity
@testable import Transcripts

@Suite(.blocking) struct DigestCacheTests {
  private let cache = DigestCache()
  private var digest: SessionDigest = {
    var digest = SessionDigest()
    digest.toolCalls = 3
    digest.files = [
      "a.swift": .init(edits: 1, lastCall: 2), "b.swift": .init(reads: 1, lastCall: 3),
    ]
    return digest
  }()

  private func note(_ digest: SessionDigest) {
    cache.note(digest, Array(digest.json.utf8), path: "/t.jsonl")
  }

  /// What it gives is what would be made now, at the first time and later.
  private func check(_ digest: SessionDigest, _ git: GitFacts?, path: String? = "/t.jsonl") {
    for _ in 0..<2 {
      #expect(cache.snapshot(of: digest, git, path: path).json == Snapshot(digest, git: git).json)
    }
  }

  @Test func digest_isKnownByItsBytes() {
    note(digest)
    #expect(cache.digest(of: Array(digest.json.utf8)) == digest)
    #expect(cache.digest(of: Array(digest.json.utf8.dropLast())) == nil)
    #expect(cache.digest(of: []) == nil)
  }

  @Test func snapshot_isOfTheDigestAndOfWhatIsUncommittedNow() {
    note(digest)
    var git = GitFacts(root: "/repo", branch: "main", head: String(repeating: "a", count: 40))
    check(digest, nil)
    for dirty in [nil, [], ["a.swift"], ["b.swift"]] {
      git.dirty = dirty
      check(digest, git)
    }
    git.branch = "other"
    git.dirtyAt = 5
    check(digest, git)
    var later = digest
    later.toolCalls = 90
    later.files["c.swift"] = .init(edits: 2, lastCall: 90)
    check(later, git)
    note(later)
    check(later, git)
    check(digest, git)
    check(digest, git, path: "/unknown.jsonl")
    check(digest, git, path: nil)
  }
}

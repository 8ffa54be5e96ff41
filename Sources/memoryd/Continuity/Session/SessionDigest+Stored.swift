import MemoryStore
package import Transcripts

extension SessionDigest {
  /// What a transcript has brought so far, from the text that the store has of it; nil if that is
  /// none of this memoryd's.
  package static func stored(_ json: [UInt8], _ context: CallContext) -> SessionDigest? {
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
    context.daemon?.digests.note(known, stored.digest, path: stored.position.path)
    return known
  }
}

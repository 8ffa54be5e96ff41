package import MemoryStore

/// How large the store has become, and from when on that is worth a word.
package struct StoreSize {
  /// The size of the store's file and its log.
  package var bytes: Int64
  /// The part of these that nothing uses any more.
  var unused: Int64

  /// Bytes.
  static let large: Int64 = 2_000_000_000

  init(bytes: Int64, unused: Int64) {
    self.bytes = bytes
    self.unused = unused
  }

  /// Nil where the store cannot be asked.
  package init?(_ database: MemoryDatabase) {
    guard let size = try? database.size() else { return nil }
    self.init(bytes: size.bytes, unused: size.unused)
  }

  /// Nil while the store is of an ordinary size.
  package var warning: (message: String, hint: String)? {
    guard bytes >= Self.large else { return nil }
    let message = "the store has grown to \(TerminalText.size(bytes))"
    if unused > bytes / 4 {
      return (
        message + ", \(TerminalText.size(unused)) of them unused",
        "`memoryd doctor --fix` gives the unused part back"
      )
    }
    return (
      message,
      "most of that is the text of transcripts: `memoryd backup FILE` keeps all of it, and with "
        + "memory.db and what is beside it moved away a new store begins"
    )
  }
}

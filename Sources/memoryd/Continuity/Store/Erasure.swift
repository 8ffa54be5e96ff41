package import MemoryStore

/// What is said of texts that were replaced or dropped while copies of them are still to be overwritten.
package struct Erasure {
  package var debt: MemoryDatabase.ErasureDebt

  /// Nil where the store cannot be asked.
  package init?(_ database: MemoryDatabase, at now: Int64) {
    guard let debt = try? database.erasureDebt(at: now) else { return nil }
    self.debt = debt
  }

  /// Nil where nothing is owed that a person waits for.
  package var warning: (message: String, hint: String)? {
    debt == .due
      ? (
        "texts that were replaced or dropped may still have copies in memory.db and its log",
        "they are overwritten step by step, `memoryd doctor --fix` does it at once"
      ) : nil
  }

  /// In half a sentence.
  package var text: String {
    switch debt {
    case .none: "no copy is left of a text that was replaced or dropped"
    case .later: "what hooks have recorded anew is overwritten within a day"
    case .due: warning?.message ?? ""
    }
  }
}

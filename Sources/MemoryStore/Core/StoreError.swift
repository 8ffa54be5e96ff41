/// What went wrong with the store, a spool or a file, for a person and for scripts.
public struct StoreError: Error, Sendable, Equatable {
  public enum Code: String, Sendable {
    /// Another process held the write lock until the deadline; retryable.
    case busy
    /// No room left on the device; retryable once there is.
    case diskFull = "disk_full"
    /// The folder or file cannot be written.
    case readOnly = "read_only"
    /// The file is no SQLite database, or fails SQLite's own checks.
    case corrupt
    /// The full-text index does not fit the entries; it can be made anew from them.
    case indexDamaged = "index_damaged"
    /// Written by a newer memoryd.
    case schemaTooNew = "schema_too_new"
    /// Written by an older memoryd, and this caller may not migrate.
    case schemaTooOld = "schema_too_old"
    /// No record with that id.
    case notFound = "not_found"
    /// The caller's data breaks a rule; the message names it.
    case invalid
    /// Something is there that is not to be replaced.
    case exists
    case inputOutput = "io"
  }

  /// Stable; scripts and tests compare this.
  public let code: Code
  /// What failed, on which object; never memory text.
  public let message: String
  /// What to do next, in one sentence.
  public let hint: String?

  public init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// True if what is on the disk is not what was written there.
  public var isDamage: Bool { code == .corrupt || code == .indexDamaged }

  /// True if a broken full-text index may be behind it: then ``MemoryDatabase/mendIndex(atMost:)``
  /// tells, and mends it.
  public var mayBeTheIndex: Bool { isDamage || code == .inputOutput }

  /// True if the same call can succeed later without the data being changed. Such a write is
  /// spooled; `notFound` and `invalid` are the caller's to mend.
  public var isStoreUnavailable: Bool {
    switch code {
    case .notFound, .invalid, .exists: false
    default: true
    }
  }
}

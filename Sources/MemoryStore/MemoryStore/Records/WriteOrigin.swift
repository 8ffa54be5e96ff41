import Core

/// Where a write comes from and goes to, whatever it carries.
struct WriteOrigin: Sendable {
  var requestID: RequestID
  /// Unix time in ms.
  var at: Int64
  var project: ProjectReference?
  var session: SessionReference?
  /// Set when the id was given out before the store could take the write.
  var itemID: RecordID?
  var sharedMarker: String?
  var consent: VaultConsent?
}

/// Removes secrets from text at the store's door.
///
/// Three looks, in this order: `<private>` blocks, the configured literals, then known credential
/// shapes and assignment-like places (``SecretScanner``). What is removed leaves its kind behind:
/// `[private]`, `[redacted:configured]`, `[redacted:github-token]` ... Such a marker is never
/// looked into again, so redacting twice gives the same text as redacting once.
///
/// Works on UTF-8 bytes and needs no valid UTF-8; valid UTF-8 stays valid. The time taken is
/// proportional to the size of the text, whatever the text is.
public struct Redactor: Sendable {
  /// The shortest literal that is looked for; a shorter one would shred ordinary text.
  public static let minimumLiteralLength = 4

  private let isEnabled: Bool
  private let literals: [SecretLiteral]

  /// - Parameters:
  ///   - isEnabled: false passes every text through.
  ///   - extraLiterals: Texts always replaced by `[redacted:configured]`, such as the vault's own
  ///     token; also found where JSON or a URL escapes them. Shorter than
  ///     ``minimumLiteralLength`` bytes: ignored.
  public init(isEnabled: Bool = true, extraLiterals: [String] = []) {
    self.isEnabled = isEnabled
    self.literals = SecretLiteral.all(
      for: extraLiterals.filter { $0.utf8.count >= Self.minimumLiteralLength })
  }

  /// How configured texts may stand in others: as they are, and as JSON or a URL escapes them.
  public static func forms(of texts: [String]) -> [[UInt8]] {
    SecretLiteral.forms(of: texts.filter { $0.utf8.count >= minimumLiteralLength })
  }

  /// - Returns: The text without secrets; the same `String`, not a copy, if there were none.
  public func redact(_ text: String) -> String {
    guard isEnabled else { return text }
    var contiguous = text
    let clean = contiguous.withUTF8 { redact(utf8: $0) }
    return clean.map { String(decoding: $0, as: UTF8.self) } ?? text
  }

  /// - Returns: The bytes without secrets; nil if there were none.
  public func redact(utf8 bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard isEnabled, bytes.count >= Self.minimumLiteralLength else { return nil }
    var clean: [UInt8]?
    /// Runs one look over the newest bytes; says whether it found anything.
    func look(_ find: (UnsafeBufferPointer<UInt8>) -> [SecretFinding]) -> Bool {
      let next =
        clean.map { $0.withUnsafeBufferPointer { Self.rewrite($0, without: find($0)) } }
        ?? Self.rewrite(bytes, without: find(bytes))
      if let next { clean = next }
      return next != nil
    }
    _ = look(PrivateBlocks.find(in:))
    for literal in literals { _ = look(literal.find(in:)) }
    // A marker can end a run that hid something else; looking again until nothing is found makes
    // the result stable. The second look is the last one unless a text was built to need more.
    var looks = 0
    while look(SecretScanner.find(in:)), looks < Self.maximumLooks { looks += 1 }
    return clean
  }

  private static let maximumLooks = 8

  private static func rewrite(
    _ bytes: UnsafeBufferPointer<UInt8>, without findings: [SecretFinding]
  ) -> [UInt8]? {
    guard !findings.isEmpty else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var copied = 0
    for finding in findings {
      result.append(contentsOf: bytes[copied..<finding.start])
      result.append(contentsOf: finding.marker)
      copied = finding.end
    }
    result.append(contentsOf: bytes[copied...])
    return result
  }
}

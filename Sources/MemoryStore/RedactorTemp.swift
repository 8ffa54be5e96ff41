public struct Redactor: Sendable {
  public init(isEnabled: Bool = true, extraLiterals: [String] = []) {}
  public func redact(_ text: String) -> String { text }
  public func redact(utf8 bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? { nil }
}

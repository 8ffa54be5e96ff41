/// A word of an open set, stored and sent as text. It is no enum because another version or a vault may
/// know more words, and what they wrote is kept as it is.
public protocol StoredWord: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible
where RawValue == String {
  init(rawValue: String)
}

extension StoredWord {
  public var description: String { rawValue }
}

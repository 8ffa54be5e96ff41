/// A word that is stored, sent and read as text. Another version, or a vault, may know more of them, and
/// what they wrote is kept as it is: so these are no enums.
public protocol StoredWord: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible
where RawValue == String {
  init(rawValue: String)
}

extension StoredWord {
  public var description: String { rawValue }
}

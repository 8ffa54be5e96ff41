/// A text that names one thing, as a type of its own for each sort of thing, so that the compiler does
/// not take the id of one for that of another.
///
/// Any text is one: sessions and vaults name their things as they like, and other versions may have
/// stored what this one would not make. So nothing is checked, and what is read is written again
/// byte for byte: as a bare string in JSON and in the store.
public protocol Identifier: RawRepresentable, Codable, Hashable, Comparable, Sendable,
  CustomStringConvertible, JSONConvertible
where RawValue == String {
  init(rawValue: String)
}

extension Identifier {
  /// Nil without a text.
  @inlinable public init?(_ text: String?) {
    guard let text else { return nil }
    self.init(rawValue: text)
  }

  /// A new one.
  public init(_ ulid: ULID) { self.init(rawValue: ulid.description) }

  @inlinable public var description: String { rawValue }

  @inlinable public var json: JSON { .string(rawValue) }

  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// What this store calls a record of its own: a task, a decision, a checkpoint, a handoff, an entry.
/// Mostly a ULID; what came from a vault keeps its name.
public struct RecordID: Identifier {
  public let rawValue: String

  @inlinable public init(rawValue: String) { self.rawValue = rawValue }

  /// Of a write that made none.
  public static let noRecord = RecordID(rawValue: "")

  /// Of an item that a vault made, which has the same name here.
  public init(_ item: VaultID) { self.init(rawValue: item.rawValue) }

  /// In place of an item, for what is written of a session itself.
  public init(_ session: SessionID) { self.init(rawValue: session.rawValue) }

  /// As the store has it: people may type it in either case.
  public func uppercased() -> RecordID { RecordID(rawValue: rawValue.uppercased()) }
}

/// The key of a call: what it writes is written once, however often the same call is made.
public struct RequestID: Identifier {
  public let rawValue: String

  @inlinable public init(rawValue: String) { self.rawValue = rawValue }

  /// For a call that writes nothing.
  public static let ofNoWrite = RequestID(rawValue: "")

  /// The key of one of several writes of the call.
  public func part(_ suffix: String) -> RequestID { RequestID(rawValue: rawValue + suffix) }
}

/// What an agent calls one of its sessions.
public struct SessionID: Identifier {
  public let rawValue: String

  @inlinable public init(rawValue: String) { self.rawValue = rawValue }

  /// Of what belongs to no session.
  public static let noSession = SessionID(rawValue: "")
}

/// What an item is called in a vault.
public struct VaultID: Identifier {
  public let rawValue: String

  @inlinable public init(rawValue: String) { self.rawValue = rawValue }
}

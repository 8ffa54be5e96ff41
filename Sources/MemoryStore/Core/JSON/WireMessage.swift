public import Foundation

/// The `id` of a message, as it was written: who sent it is to know it again, also where it is a number
/// of more than 64 bits or holds half a surrogate pair. Source: JSON-RPC 2.0, 5.
public struct WireIdentifier: Sendable, Equatable {
  /// Valid JSON, in UTF-8.
  package let json: [UInt8]

  package init(json: [UInt8]) { self.json = json }

  /// Of a message whose id cannot be told.
  public static let none = WireIdentifier(json: Array("null".utf8))

  /// - Parameter bytes: A message that is not valid JSON.
  /// - Returns: Nil if its `id` cannot be read.
  public init?(ofBroken bytes: [UInt8]) {
    guard let id = bytes.withUnsafeBufferPointer(WireJSONParser.identifier) else { return nil }
    self = id
  }
}

/// A message of JSON-RPC, or another JSON value that may have an `id`.
public struct WireMessage: Sendable {
  public let body: WireJSON
  /// Nil unless the body is an object that has one.
  public let id: WireIdentifier?

  public enum Arrival: Sendable {
    case one(WireMessage)
    case batch([WireMessage])
  }

  /// - Returns: Nil for anything that is not one whole JSON document in UTF-8.
  public static func parse(_ bytes: [UInt8]) -> Arrival? {
    bytes.withUnsafeBufferPointer(WireJSONParser.messages)
  }
}

/// What is said in reply to a message.
public struct WireAnswer: Sendable {
  public let id: WireIdentifier
  /// All but the `id`.
  public let fields: [String: WireJSON]

  public init(_ id: WireIdentifier?, _ fields: [String: WireJSON]) {
    (self.id, self.fields) = (id ?? .none, fields)
  }

  /// UTF-8, the `id` first.
  public var bytes: Data {
    let rest = WireJSON.object(fields).bytes
    return Data("{\"id\":".utf8) + id.json + (fields.isEmpty ? Data() : Data(",".utf8))
      + rest.dropFirst()
  }
}

import Syntax

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
    let id = bytes.withUnsafeBufferPointer {
      var message = BrokenMessage($0)
      return message.identifier()
    }
    guard let id else { return nil }
    self = id
  }
}

/// A message of JSON-RPC, or another JSON value that may have an `id`.
public struct WireMessage: Sendable {
  public let body: JSON
  /// Nil unless the body is an object that has one.
  public let id: WireIdentifier?

  public enum Arrival: Sendable {
    case one(WireMessage)
    case batch([WireMessage])
  }

  /// - Returns: Nil for anything that is not one whole JSON document in UTF-8.
  public static func parse(_ bytes: [UInt8]) -> Arrival? {
    bytes.withUnsafeBufferPointer {
      JSON.document($0) { root -> Arrival? in
        guard root.isArray else { return WireMessage(root, depth: 0).map { .one($0) } }
        var batch: [WireMessage] = []
        for element in root.elements {
          guard let message = WireMessage(element, depth: 1) else { return nil }
          batch.append(message)
        }
        return .batch(batch)
      }
    }
  }

  private init?(_ value: JSONValue, depth: Int) {
    guard let body = JSON(value, depth: depth) else { return nil }
    var id: WireIdentifier?
    value.forEachMember { name, member in
      if name.string == "id" { id = WireIdentifier(json: Array(member.source)) }
    }
    (self.body, self.id) = (body, id)
  }
}

/// What is said in reply to a message.
public struct WireAnswer: Sendable {
  public let id: WireIdentifier
  /// All but the `id`.
  public let fields: [String: JSON]

  public init(_ id: WireIdentifier?, _ fields: [String: JSON]) {
    (self.id, self.fields) = (id ?? .none, fields)
  }

  /// UTF-8, the `id` first.
  public var bytes: [UInt8] {
    let rest = JSON.object(fields).bytes.dropFirst()
    return Array("{\"id\":".utf8) + id.json + (fields.isEmpty ? [] : [UInt8(ascii: ",")]) + rest
  }
}

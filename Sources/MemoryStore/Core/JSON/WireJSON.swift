public import Foundation

/// A JSON value as it goes over the wire.
public enum WireJSON: Sendable, Equatable, Encodable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([WireJSON])
  case object([String: WireJSON])

  /// Nil for anything that is not one whole JSON document in UTF-8. Half a surrogate pair becomes
  /// U+FFFD, as in every other reader here.
  public init?(parsing bytes: some Sequence<UInt8>) {
    guard let value = Array(bytes).withUnsafeBufferPointer(WireJSONParser.parse) else { return nil }
    self = value
  }

  /// - Parameter value: What `JSONSerialization` gives, or strings, numbers, Booleans, optionals, and
  ///   arrays and dictionaries of these. Anything else is null.
  public init(_ value: Any?) {
    switch value {
    case .none: self = .null
    case let text as String: self = .string(text)
    case let object as [String: Any?]: self = .object(object.mapValues { WireJSON($0) })
    case let array as [Any?]: self = .array(array.map { WireJSON($0) })
    case let number as NSNumber:
      // The one way to tell `true` from 1 on both platforms.
      switch String(cString: number.objCType) {
      case "c": self = .bool(number.boolValue)
      case "d", "f", "Q":
        self = Int(exactly: number.doubleValue).map { .integer($0) } ?? .number(number.doubleValue)
      default: self = .integer(number.intValue)
      }
    // Those of a fixed width do not bridge.
    case let whole as any BinaryInteger: self = .integer(Int(clamping: whole))
    default: self = .null
    }
  }

  public subscript(key: String) -> WireJSON? {
    if case .object(let fields) = self { return fields[key] }
    return nil
  }

  public var string: String? {
    if case .string(let text) = self { return text }
    return nil
  }

  public var integer: Int? {
    if case .integer(let value) = self { return value }
    return nil
  }

  public var bool: Bool? {
    if case .bool(let value) = self { return value }
    return nil
  }

  public var array: [WireJSON]? {
    if case .array(let values) = self { return values }
    return nil
  }

  /// The strings of an array of strings; empty for anything else.
  public var strings: [String] { array?.compactMap(\.string) ?? [] }

  /// UTF-8, keys sorted, so that equal values are equal bytes.
  public var bytes: Data {
    // Several times as fast as JSONSerialization.
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)) ?? Data("null".utf8)
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .null: try value.encodeNil()
    case .bool(let bool): try value.encode(bool)
    case .integer(let number): try value.encode(number)
    case .number(let number): try value.encode(number)
    case .string(let text): try value.encode(text)
    case .array(let values): try value.encode(values)
    case .object(let fields): try value.encode(fields)
    }
  }
}

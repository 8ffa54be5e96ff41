public import Foundation

/// A JSON value as it goes over the wire.
public enum WireJSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([WireJSON])
  case object([String: WireJSON])

  /// Nil for anything that is not one whole JSON document in UTF-8.
  public init?(parsing bytes: some Sequence<UInt8>) {
    guard
      let value = try? JSONSerialization.jsonObject(
        with: Data(bytes), options: .fragmentsAllowed)
    else { return nil }
    self.init(value)
  }

  private init(_ value: Any) {
    switch value {
    case let text as String: self = .string(text)
    case let object as [String: Any]: self = .object(object.mapValues { WireJSON($0) })
    case let array as [Any]: self = .array(array.map { WireJSON($0) })
    case let number as NSNumber:
      // The one way to tell `true` from 1 on both platforms.
      if String(cString: number.objCType) == "c" {
        self = .bool(number.boolValue)
      } else if let whole = Int(exactly: number.doubleValue) {
        self = .integer(whole)
      } else {
        self = .number(number.doubleValue)
      }
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

  public var array: [WireJSON]? {
    if case .array(let values) = self { return values }
    return nil
  }

  /// The strings of an array of strings; empty for anything else.
  public var strings: [String] { array?.compactMap(\.string) ?? [] }

  /// UTF-8, keys sorted.
  public var bytes: Data {
    let data = try? JSONSerialization.data(
      withJSONObject: plain, options: [.sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed])
    return data ?? Data("null".utf8)
  }

  private var plain: Any {
    switch self {
    case .null: NSNull()
    case .bool(let value): value
    case .integer(let value): value
    case .number(let value): value
    case .string(let value): value
    case .array(let values): values.map(\.plain)
    case .object(let fields): fields.mapValues(\.plain)
    }
  }
}

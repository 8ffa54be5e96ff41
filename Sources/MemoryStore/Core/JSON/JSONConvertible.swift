/// What stands for one JSON value. Nothing else can be put into a document.
public protocol JSONConvertible {
  var json: JSON { get }
}

extension JSON: JSONConvertible, ExpressibleByDictionaryLiteral {
  public var json: JSON { self }

  public init(_ value: some JSONConvertible) { self = value.json }

  /// An object; its values may be of several types.
  public init(dictionaryLiteral elements: (String, any JSONConvertible)...) {
    self = .object(Dictionary(uniqueKeysWithValues: elements.map { ($0.0, $0.1.json) }))
  }
}

extension String: JSONConvertible {
  public var json: JSON { .string(self) }
}

extension Bool: JSONConvertible {
  public var json: JSON { .bool(self) }
}

extension Int: JSONConvertible {
  public var json: JSON { .integer(self) }
}

extension Int64: JSONConvertible {
  public var json: JSON { .integer(Int(clamping: self)) }
}

extension Int32: JSONConvertible {
  public var json: JSON { .integer(Int(self)) }
}

extension UInt32: JSONConvertible {
  public var json: JSON { .integer(Int(clamping: self)) }
}

extension Double: JSONConvertible {
  /// A whole one is an integer.
  public var json: JSON { Int(exactly: self).map { .integer($0) } ?? .number(self) }
}

/// Null where there is nothing.
extension Optional: JSONConvertible where Wrapped: JSONConvertible {
  public var json: JSON { self?.json ?? .null }
}

extension Array: JSONConvertible where Element: JSONConvertible {
  public var json: JSON { .array(map(\.json)) }
}

extension Dictionary: JSONConvertible where Key == String, Value: JSONConvertible {
  public var json: JSON { .object(mapValues(\.json)) }
}

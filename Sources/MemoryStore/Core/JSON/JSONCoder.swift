package import Syntax

/// A value that is stored as a JSON object.
///
/// One function names the fields for both directions. Foundation's coders do the same, but cost a
/// hook more than its commit does: they look up a protocol conformance for every type.
package protocol JSONRecord {
  /// A record whose fields have their initial values. A property instead of `init()`, so that a record
  /// keeps the memberwise initializer that the compiler makes for it.
  static var empty: Self { get }
  mutating func code(_ coder: inout JSONCoder)
}

extension JSONRecord {
  /// Keys stand in the order of `code`, so equal values are equal bytes.
  package func encoded() -> String {
    var copy = self
    var coder = JSONCoder()
    coder.record(&copy)
    return coder.text
  }

  /// Fields that are missing or of another type keep their initial values.
  ///
  /// - Returns: Nil if the text is no JSON object.
  package static func decoded(from json: String) -> Self? {
    var json = json
    return json.withUTF8(decoded)
  }

  /// - Returns: Nil if the bytes are no JSON object.
  package static func decoded(from json: [UInt8]) -> Self? {
    json.withUnsafeBufferPointer(decoded)
  }

  private static func decoded(_ text: UnsafeBufferPointer<UInt8>) -> Self? {
    let tape = JSONTape()
    guard (try? tape.parse(text)) != nil, tape.root(text).isObject else { return nil }
    return Self(tape.root(text))
  }

  package init(_ value: JSONValue) {
    self = .empty
    var coder = JSONCoder(reading: value)
    code(&coder)
  }
}

/// Reads or writes the fields of one object; which of the two, the record need not know.
package struct JSONCoder {
  private var source: JSONValue?
  private var bytes: [UInt8] = []
  private var needsComma = false

  package init() {}

  package init(reading value: JSONValue) {
    source = value
  }

  package var isWriting: Bool { source == nil }

  package var text: String { String(decoding: bytes, as: UTF8.self) }

  // MARK: Fields

  package mutating func field(_ name: StaticString, _ value: inout String) {
    if let source {
      if let text = source[name]?.string { value = text }
    } else {
      key(name)
      write(value)
    }
  }

  package mutating func field(_ name: StaticString, _ value: inout String?) {
    if let source {
      value = source[name]?.string
    } else if let value {
      key(name)
      write(value)
    }
  }

  /// Zero is not written: it is what every number begins with.
  package mutating func field(_ name: StaticString, _ value: inout Int) {
    if let source {
      if let number = source[name]?.int { value = number }
    } else if value != 0 {
      key(name)
      write(raw: String(value))
    }
  }

  package mutating func field(_ name: StaticString, _ value: inout Int?) {
    if let source {
      value = source[name]?.int
    } else if let value {
      key(name)
      write(raw: String(value))
    }
  }

  package mutating func field(_ name: StaticString, _ value: inout Int64) {
    var number = Int(value)
    field(name, &number)
    value = Int64(number)
  }

  package mutating func field(_ name: StaticString, _ value: inout Int64?) {
    var number = value.map { Int($0) }
    field(name, &number)
    value = number.map { Int64($0) }
  }

  /// Stored in whole ms.
  package mutating func field(_ name: StaticString, milliseconds value: inout Duration?) {
    var number = value.map(\.milliseconds)
    field(name, &number)
    if source != nil { value = number.map { .milliseconds($0) } }
  }

  package mutating func field(_ name: StaticString, _ value: inout Bool) {
    if let source {
      if let flag = source[name]?.bool { value = flag }
    } else if value {
      key(name)
      write(raw: "true")
    }
  }

  /// Stored in thousandths.
  package mutating func field(_ name: StaticString, _ value: inout Double) {
    var thousandths = Int((value * 1000).rounded())
    field(name, &thousandths)
    if source != nil { value = Double(thousandths) / 1000 }
  }

  package mutating func field<Choice: RawRepresentable<String>>(
    _ name: StaticString, _ value: inout Choice
  ) {
    if let source {
      if let choice = source[name]?.string.flatMap({ Choice(rawValue: $0) }) { value = choice }
    } else {
      key(name)
      write(value.rawValue)
    }
  }

  package mutating func field<Choice: RawRepresentable<String>>(
    _ name: StaticString, _ value: inout Choice?
  ) {
    if let source {
      value = source[name]?.string.flatMap { Choice(rawValue: $0) }
    } else if let value {
      key(name)
      write(value.rawValue)
    }
  }

  package mutating func field(_ name: StaticString, _ value: inout [String]) {
    if let source {
      if let array = source[name] { value = array.elements.compactMap(\.string) }
    } else if !value.isEmpty {
      key(name)
      list(value) { $0.write($1) }
    }
  }

  package mutating func field(_ name: StaticString, _ ids: inout [some Identifier]) {
    var texts = ids.map(\.rawValue)
    field(name, &texts)
    if source != nil { ids = texts.map { .init(rawValue: $0) } }
  }

  package mutating func field(_ name: StaticString, _ value: inout [String]?) {
    if let source {
      value = source[name].map { $0.elements.compactMap(\.string) }
    } else if let value {
      key(name)
      list(value) { $0.write($1) }
    }
  }

  package mutating func field(_ name: StaticString, _ value: inout some JSONRecord) {
    if let source {
      guard let object = source[name] else { return }
      var coder = JSONCoder(reading: object)
      value.code(&coder)
    } else {
      key(name)
      record(&value)
    }
  }

  package mutating func field<Value: JSONRecord>(_ name: StaticString, _ value: inout Value?) {
    if let source {
      value = source[name].flatMap { $0.isObject ? Value($0) : nil }
    } else if var present = value {
      key(name)
      record(&present)
    }
  }

  package mutating func field<Value: JSONRecord>(_ name: StaticString, _ value: inout [Value]) {
    if let source {
      if let array = source[name] { value = array.elements.map { Value($0) } }
    } else if !value.isEmpty {
      key(name)
      list(value) {
        var copy = $1
        $0.record(&copy)
      }
    }
  }

  package mutating func field<Value: JSONRecord>(
    _ name: StaticString, _ value: inout [String: Value]
  ) {
    if let source {
      guard let object = source[name] else { return }
      var result: [String: Value] = [:]
      object.forEachMember { key, member in
        if let key = key.string { result[key] = Value(member) }
      }
      value = result
    } else if !value.isEmpty {
      key(name)
      bytes.append(UInt8(ascii: "{"))
      needsComma = false
      // Keys alone, as strings: sorting records of a type that is not known here, in another target,
      // took 3 % of what a hook does.
      for key in Array(value.keys).sorted() {
        guard var copy = value[key] else { continue }
        separate()
        write(key)
        bytes.append(UInt8(ascii: ":"))
        record(&copy)
      }
      bytes.append(UInt8(ascii: "}"))
      needsComma = true
    }
  }

  // MARK: Writing

  package mutating func record(_ value: inout some JSONRecord) {
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
    value.code(&self)
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }

  private mutating func list<Value>(
    _ values: [Value], _ body: (inout JSONCoder, Value) -> Void
  ) {
    bytes.append(UInt8(ascii: "["))
    needsComma = false
    for value in values {
      separate()
      body(&self, value)
      needsComma = true
    }
    bytes.append(UInt8(ascii: "]"))
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
  }

  private mutating func write(raw text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func write(_ text: String) {
    JSONFields.write(text, to: &bytes)
  }
}

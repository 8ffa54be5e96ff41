import Core
import Foundation

/// A parameter of a tool: its property in the tool's schema, and how a call's argument for it is read.
struct MCPParameter<Value: Sendable>: MCPParameterSchema {
  let name: String
  let kind: MCPParameterKind
  let help: String
  let isRequired: Bool
  /// Takes an argument that was checked; nil where it stands for no value.
  let read: @Sendable (JSON) -> Value?
}

/// A parameter without the type of its values.
protocol MCPParameterSchema: Sendable {
  var name: String { get }
  var kind: MCPParameterKind { get }
  var help: String { get }
  var isRequired: Bool { get }
}

extension MCPParameterSchema {
  /// The parameter's JSON Schema.
  var property: JSON {
    var schema = kind.schema
    schema["description"] = .string(help)
    return .object(schema)
  }
}

/// What a parameter takes.
enum MCPParameterKind: Sendable {
  case text
  case texts
  /// A whole number from 1 to 1,000,000.
  case integer
  /// One of these texts.
  case choice([String])
}

// MARK: - Ways to declare one

extension MCPParameter where Value == String {
  /// - Parameter emptyIsValue: False where an empty text stands for no value, as with vault-mcp.
  static func text(
    _ name: String, _ help: String, isRequired: Bool = false, emptyIsValue: Bool = false
  ) -> Self {
    Self(name: name, kind: .text, help: help, isRequired: isRequired) { value in
      value.string.flatMap { $0.isEmpty && !emptyIsValue ? nil : $0 }
    }
  }

  /// Narrows a call to a project, or files under it what the call writes.
  static var project: Self { .text("project", "The project's short name.") }

  static func choice(_ name: String, from names: [String], _ help: String) -> Self {
    Self(name: name, kind: .choice(names), help: help, isRequired: false, read: \.string)
  }
}

extension MCPParameter where Value: Identifier {
  /// An empty text names nothing.
  static func id(_ name: String, _ help: String) -> Self {
    Self(name: name, kind: .text, help: help, isRequired: false) { value in
      value.string.flatMap { $0.isEmpty ? nil : Value(rawValue: $0) }
    }
  }
}

extension MCPParameter where Value == [String] {
  static func texts(_ name: String, _ help: String) -> Self {
    Self(name: name, kind: .texts, help: help, isRequired: false) { $0.array?.compactMap(\.string) }
  }
}

extension MCPParameter where Value == Int {
  static func integer(_ name: String, _ help: String) -> Self {
    Self(name: name, kind: .integer, help: help, isRequired: false, read: \.integer)
  }
}

extension MCPParameter
where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// The choices are the cases' raw values, in the order in which the cases are declared.
  static func choice(_ name: String, _ help: String, isRequired: Bool = false) -> Self {
    Self(
      name: name, kind: .choice(Value.allCases.map(\.rawValue)), help: help, isRequired: isRequired
    ) { value in value.string.flatMap { Value(rawValue: $0) } }
  }
}

// MARK: - What kinds mean on the wire

/// Why an argument cannot be taken.
struct MCPMisfit: Error {
  let message: String
}

extension MCPParameterKind {
  fileprivate var schema: [String: JSON] {
    switch self {
    case .text: ["type": .string("string")]
    case .texts:
      ["type": .string("array"), "items": .object(["type": .string("string")])]
    case .integer: ["type": .string("integer")]
    case .choice(let names):
      ["type": .string("string"), "enum": .array(names.map { .string($0) })]
    }
  }

  /// Agents' clients write numbers and lists as texts.
  ///
  /// - Returns: What was meant; nil for an empty text where a number is due.
  /// - Throws: ``MCPMisfit`` with what the value must be.
  func value(_ given: JSON) throws(MCPMisfit) -> JSON? {
    switch self {
    case .text:
      guard given.string != nil else { throw MCPMisfit(message: "must be a string") }
      return given
    case .texts:
      let list = given.string.flatMap { JSON(parsing: $0.utf8)?.array } ?? given.array
      // One text is a list of one.
      if list == nil, let text = given.string { return .array(text.isEmpty ? [] : [.string(text)]) }
      guard let list, list.allSatisfy({ $0.string != nil }) else {
        throw MCPMisfit(message: "must be a list of strings")
      }
      return .array(list)
    case .integer:
      if let text = given.string, text.allSatisfy(\.isWhitespace) { return nil }
      guard let number = given.wholeNumber else {
        throw MCPMisfit(message: "must be a whole number, as in 20")
      }
      guard (1...Self.largestInteger).contains(number) else {
        throw MCPMisfit(message: "must be a whole number from 1 to \(Self.largestInteger)")
      }
      return .integer(number)
    case .choice(let names):
      guard let name = given.string, names.contains(name) else {
        throw MCPMisfit(message: "must be one of \(names.joined(separator: ", "))")
      }
      return given
    }
  }

  private static let largestInteger = 1_000_000
}

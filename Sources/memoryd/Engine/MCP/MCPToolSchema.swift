import Core
import Foundation

/// A tool as `tools/list` shows it, and the check of what it is called with.
struct MCPToolSchema {
  enum Kind {
    case text, texts
    /// From one on.
    case integer
    /// One of these.
    case choice([String])
  }

  struct Argument {
    var name: String
    var kind: Kind
    var help: String
    var isRequired = false
  }

  var name: String
  var help: String
  var arguments: [Argument]
  /// A hint for hosts: it changes nothing.
  var isReadOnly = false

  /// One entry of `tools/list`.
  var description: WireJSON {
    var properties: [String: WireJSON] = [:]
    for argument in arguments {
      var schema = argument.kind.schema
      schema["description"] = .string(argument.help)
      properties[argument.name] = .object(schema)
    }
    return .object([
      "name": .string(name), "description": .string(help),
      "inputSchema": .object([
        "type": .string("object"), "properties": .object(properties),
        "required": .array(arguments.filter(\.isRequired).map { .string($0.name) }),
      ]),
      "annotations": .object([
        "readOnlyHint": .bool(isReadOnly), "destructiveHint": .bool(false),
        "openWorldHint": .bool(false),
      ]),
    ])
  }

  /// A call's arguments as the tool takes them: numbers and lists that came as texts are what they
  /// say. A text is a text, as with vault-mcp. Arguments that the tool does not know are let through,
  /// as vault-mcp does.
  ///
  /// - Throws: ``Misfit`` for the first that does not fit.
  func arguments(_ given: WireJSON?) throws(Misfit) -> WireJSON {
    // Some clients send the object itself as a text.
    let text = given?.string.flatMap { WireJSON(parsing: $0.utf8) }
    guard case .object(var fields)? = text ?? given else {
      throw Misfit(message: "expected an object of arguments")
    }
    for argument in arguments {
      guard let value = fields[argument.name], value != .null else {
        if argument.isRequired { throw Misfit(message: "\(argument.name) is required") }
        continue
      }
      do {
        fields[argument.name] = try argument.kind.value(value)
      } catch {
        throw Misfit(message: "\(argument.name) \(error.message)")
      }
    }
    return .object(fields)
  }

  /// What is wrong with an argument.
  struct Misfit: Error {
    var message: String
  }
}

extension MCPToolSchema.Kind {
  fileprivate var schema: [String: WireJSON] {
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
  fileprivate func value(_ given: WireJSON) throws(MCPToolSchema.Misfit) -> WireJSON? {
    switch self {
    case .text:
      guard given.string != nil else { throw .init(message: "must be a string") }
      return given
    case .texts:
      let list = given.string.flatMap { WireJSON(parsing: $0.utf8)?.array } ?? given.array
      // One text is a list of one.
      if list == nil, let text = given.string { return .array(text.isEmpty ? [] : [.string(text)]) }
      guard let list, list.allSatisfy({ $0.string != nil }) else {
        throw .init(message: "must be a list of strings")
      }
      return .array(list)
    case .integer:
      if let text = given.string, text.allSatisfy(\.isWhitespace) { return nil }
      guard let number = given.wholeNumber else {
        throw .init(message: "must be a whole number, as in 20")
      }
      guard (1...Self.most).contains(number) else {
        throw .init(message: "must be a whole number from 1 to \(Self.most)")
      }
      return .integer(number)
    case .choice(let names):
      guard let name = given.string, names.contains(name) else {
        throw .init(message: "must be one of \(names.joined(separator: ", "))")
      }
      return given
    }
  }

  private static let most = 1_000_000
}

/// What was meant by a value of another type than is due.
extension WireJSON {
  /// A whole number, also as a text: `12`, `"12"`, `" 7"`, `"12.0"`; nil for anything else.
  var wholeNumber: Int? {
    guard let string else { return integer }
    let text = string.trimmingCharacters(in: .whitespacesAndNewlines)
    return Int(text) ?? WireJSON(parsing: text.utf8)?.integer
  }

  /// `true` and `false`, also as texts, and 1 and 0.
  var flag: Bool? {
    let text = string ?? String(decoding: bytes, as: UTF8.self)
    switch text.lowercased().trimmingCharacters(in: .whitespacesAndNewlines) {
    case "true", "1", "yes": return true
    case "false", "0", "no": return false
    default: return nil
    }
  }
}

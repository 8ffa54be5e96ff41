import Canary

/// A tool as `tools/list` shows it, and the check of what it is called with.
struct MCPToolSchema {
  enum Kind {
    case text, texts, integer
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

  /// What is wrong with a call's arguments; nil if they fit. Arguments that the tool does not know
  /// are let through, as vault-mcp does.
  func complaint(about given: WireJSON?) -> String? {
    guard case .object(let given)? = given else { return "expected an object of arguments" }
    for argument in arguments {
      guard let value = given[argument.name], value != .null else {
        if argument.isRequired { return "\(argument.name) is required" }
        continue
      }
      if let complaint = argument.kind.complaint(about: value) {
        return "\(argument.name) \(complaint)"
      }
    }
    return nil
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

  fileprivate func complaint(about value: WireJSON) -> String? {
    switch self {
    case .text: value.string == nil ? "must be a string" : nil
    case .texts:
      value.array?.allSatisfy { $0.string != nil } == true ? nil : "must be a list of strings"
    case .integer: value.integer == nil ? "must be a whole number" : nil
    case .choice(let names):
      names.contains(value.string ?? "") ? nil : "must be one of \(names.joined(separator: ", "))"
    }
  }
}

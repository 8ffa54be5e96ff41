import Core

/// The arguments of one call, after they were checked against the tool's parameters.
package struct MCPArguments {
  private let values: JSON

  /// Takes numbers and lists that came as texts as what they say. A text is a text, as with vault-mcp,
  /// and arguments that the tool does not know are let through, as vault-mcp does.
  ///
  /// - Throws: ``MCPMisfit`` for the first parameter whose argument does not fit.
  init(_ given: JSON?, for parameters: [any MCPParameterSchema]) throws(MCPMisfit) {
    // Some clients send the object itself as a text.
    let text = given?.string.flatMap { JSON(parsing: $0.utf8) }
    guard case .object(var fields)? = text ?? given else {
      throw MCPMisfit(message: "expected an object of arguments")
    }
    for parameter in parameters {
      guard let value = fields[parameter.name], value != .null else {
        if parameter.isRequired { throw MCPMisfit(message: "\(parameter.name) is required") }
        continue
      }
      do {
        fields[parameter.name] = try parameter.kind.value(value)
      } catch {
        throw MCPMisfit(message: "\(parameter.name) \(error.message)")
      }
    }
    values = .object(fields)
  }

  /// The value of a parameter; nil where the call gives none.
  subscript<Value>(parameter: MCPParameter<Value>) -> Value? {
    values[parameter.name].flatMap(parameter.read)
  }

  /// The value of a parameter that the schema requires.
  ///
  /// - Throws: ``MCPMisfit`` where the call gives none.
  func required<Value>(_ parameter: MCPParameter<Value>) throws(MCPMisfit) -> Value {
    guard let value = self[parameter] else {
      throw MCPMisfit(message: "\(parameter.name) is required")
    }
    return value
  }

  /// A text that this action cannot do without, though the schema does not require it of every call.
  ///
  /// - Throws: ``MCPFailure`` where the text is missing or blank.
  func nonblank(_ parameter: MCPParameter<String>) throws(MCPFailure) -> String {
    guard let text = self[parameter], text.contains(where: { !$0.isWhitespace }) else {
      let action = values["action"]?.string.flatMap { $0.isEmpty ? nil : $0 }
      throw MCPFailure(message: "\(action ?? "this call") requires: \(parameter.name)")
    }
    return text
  }

  /// All texts under some names, whether the tool knows them or not.
  func texts(named names: [String]) -> [String] {
    names.flatMap { name in
      values[name].map { value in value.string.map { [$0] } ?? value.strings } ?? []
    }
  }
}

import Core

/// One of memoryd's MCP tools: what `tools/list` says about it and what a call of it does, in one
/// type, so that neither exists without the other.
///
/// A tool's parameters are its stored properties of type ``MCPParameter``, in the order in which they
/// are declared. ``MCPToolbox/all`` lists the tools that clients can reach.
package protocol MCPTool: Sendable {
  /// As clients call it.
  var name: String { get }
  /// What a model reads before it decides to call the tool.
  var help: String { get }
  /// A hint for hosts that the tool changes nothing.
  var isReadOnly: Bool { get }

  /// Carries out one call.
  ///
  /// - Parameter arguments: Checked against ``parameters``.
  /// - Returns: What the caller is told.
  /// - Throws: Why it cannot be done; ``MCPFailure/message(of:)`` decides what the caller is told.
  func call(_ arguments: MCPArguments, in context: MCPToolContext) throws -> MCPPayload
}

extension MCPTool {
  /// What a call may pass, in the order of the schema.
  var parameters: [any MCPParameterSchema] {
    Mirror(reflecting: self).children.compactMap { $0.value as? any MCPParameterSchema }
  }

  /// The tool's entry in `tools/list`.
  var description: JSON {
    let parameters = parameters
    var properties: [String: JSON] = [:]
    for parameter in parameters { properties[parameter.name] = parameter.property }
    return .object([
      "name": .string(name), "description": .string(help),
      "inputSchema": .object([
        "type": .string("object"), "properties": .object(properties),
        "required": .array(parameters.filter(\.isRequired).map { .string($0.name) }),
      ]),
      "annotations": .object([
        "readOnlyHint": .bool(isReadOnly), "destructiveHint": .bool(false),
        "openWorldHint": .bool(false),
      ]),
    ])
  }
}

import Canary
import Foundation

/// Answers MCP messages, whatever brought them here. Keeps no state between them. Source: MCP
/// 2025-11-25 and the versions before it, "Lifecycle", "Tools" and "Ping".
struct MCPServer {
  let tools: MCPTools

  /// What a model is told of the whole.
  private static let instructions = """
    memoryd keeps tasks, decisions and checkpoints across compactions, sessions and outages. Call \
    `task` with action list at the start of a session, `checkpoint` with action save before long \
    pauses, `decision` when a choice was made and why, `search` before asking what was said before.
    """

  /// - Parameter bytes: One JSON-RPC message, or a batch of them (2025-03-26).
  /// - Returns: The answer; nil where none is due.
  func answer(_ bytes: [UInt8]) -> WireJSON? {
    guard let message = WireJSON(parsing: bytes) else {
      return Self.error(nil, -32700, "the message is not valid JSON")
    }
    guard let batch = message.array else { return answer(message) }
    if batch.isEmpty { return Self.error(nil, -32600, "the batch is empty") }
    let answers = batch.compactMap(answer)
    return answers.isEmpty ? nil : .array(answers)
  }

  private func answer(_ message: WireJSON) -> WireJSON? {
    let id = message["id"]
    guard message["jsonrpc"]?.string == "2.0" else {
      return Self.error(id, -32600, "the message is no JSON-RPC 2.0 request")
    }
    guard let method = message["method"]?.string else {
      // An answer to a request that nobody made.
      return message["result"] != nil || message["error"] != nil
        ? nil : Self.error(id, -32600, "the message names no method")
    }
    // A notification is never answered.
    guard let id else { return nil }
    let parameters = message["params"] ?? .object([:])
    switch method {
    case "initialize":
      return Self.result(id, initialize(parameters))
    case "ping":
      return Self.result(id, .object([:]))
    case "tools/list":
      return Self.result(id, .object(["tools": .array(MCPTools.all.map(\.description))]))
    case "tools/call":
      guard let name = parameters["name"]?.string else {
        return Self.error(id, -32602, "tools/call names no tool")
      }
      return Self.result(
        id,
        tools.call(
          name, parameters["arguments"],
          key: parameters["_meta"]?["memoryd/idempotency_key"]?.string))
    default:
      return Self.error(id, -32601, "memoryd does not have \(method.prefix(100))")
    }
  }

  private func initialize(_ parameters: WireJSON) -> WireJSON {
    let wanted = parameters["protocolVersion"]?.string ?? ""
    let version = MCPClient.versions.contains(wanted) ? wanted : MCPClient.versions[0]
    return .object([
      "protocolVersion": .string(version),
      "capabilities": .object(["tools": .object(["listChanged": .bool(false)])]),
      "serverInfo": .object([
        "name": .string("memoryd"), "version": .string(Engine.version),
      ]),
      "instructions": .string(Self.instructions),
    ])
  }

  private static func result(_ id: WireJSON, _ result: WireJSON) -> WireJSON {
    .object(["jsonrpc": .string("2.0"), "id": id, "result": result])
  }

  private static func error(_ id: WireJSON?, _ code: Int, _ message: String) -> WireJSON {
    .object([
      "jsonrpc": .string("2.0"), "id": id ?? .null,
      "error": .object(["code": .integer(code), "message": .string(message)]),
    ])
  }
}

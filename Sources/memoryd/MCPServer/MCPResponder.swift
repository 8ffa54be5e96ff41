import Continuity
package import Core
import IPC
import Vault

/// Answers MCP messages, whatever brought them here. Keeps no state between them. Source: MCP
/// 2025-11-25 and the versions before it, "Lifecycle", "Tools" and "Ping".
package struct MCPResponder {
  let tools: MCPToolbox

  package init(tools: MCPToolbox) {
    self.tools = tools
  }

  /// What a model is told of the whole.
  private static let instructions = """
    memoryd keeps tasks, decisions and checkpoints across compactions, sessions and outages. Call \
    `task` with action list at the start of a session, `checkpoint` with action save before long \
    pauses, `decision` when a choice was made and why, `search` before asking what was said before.
    """

  /// What becomes of a message.
  package enum Reply {
    /// None is due.
    case nothing
    case answer(WireAnswer)
    /// Answers to a batch.
    case answers([WireAnswer])
    /// A call of a tool that only the vault may have; it can take minutes.
    case forward(id: WireIdentifier, MCPForwarder.Call)

    /// What is sent back at once: nil for nothing, and for what is forwarded.
    package var bytes: [UInt8]? {
      switch self {
      case .nothing, .forward: nil
      case .answer(let answer): answer.bytes
      case .answers(let answers):
        Array("[".utf8) + answers.map(\.bytes).joined(separator: ",".utf8) + Array("]".utf8)
      }
    }
  }

  /// - Parameters:
  ///   - bytes: One JSON-RPC message, or a batch of them (2025-03-26).
  ///   - requestID: Of the message: a second attempt with the same one writes nothing.
  package func receive(_ bytes: [UInt8], requestID: RequestID) -> Reply {
    switch WireMessage.parse(bytes) {
    case nil:
      return .answer(
        Self.error(
          WireIdentifier(ofBroken: bytes), Self.parseError,
          "Parse error: the message is not valid JSON"))
    case .one(let message): return reply(to: message, requestID)
    case .batch(let batch):
      if batch.isEmpty { return .answer(Self.error(nil, -32600, "the batch is empty")) }
      let answers = batch.enumerated().compactMap { index, message -> WireAnswer? in
        switch reply(to: message, requestID.part("-\(index)")) {
        case .nothing, .answers: nil
        case .answer(let answer): answer
        case .forward(let id, _):
          Self.error(id, -32600, "the vault's own tools cannot be called in a batch")
        }
      }
      return answers.isEmpty ? .nothing : .answers(answers)
    }
  }

  private func forward(_ name: String, _ parameters: JSON, id: WireIdentifier) -> Reply {
    do {
      let forwarder = MCPForwarder(service: try tools.service(requestID: .ofNoWrite))
      return .forward(id: id, try forwarder.call(name, parameters))
    } catch {
      return .answer(Self.result(id, MCPPayload(failure: MCPFailure.message(of: error)).result))
    }
  }

  private func reply(to arrived: WireMessage, _ requestID: RequestID) -> Reply {
    let (message, id) = (arrived.body, arrived.id)
    guard message["jsonrpc"]?.string == "2.0" else {
      return .answer(Self.error(id, -32600, "the message is no JSON-RPC 2.0 request"))
    }
    guard let method = message["method"]?.string else {
      // An answer to a request that nobody made.
      return message["result"] != nil || message["error"] != nil
        ? .nothing : .answer(Self.error(id, -32600, "the message names no method"))
    }
    // A notification is never answered.
    guard let id else { return .nothing }
    let parameters = message["params"] ?? .object([:])
    switch method {
    case "initialize":
      return .answer(Self.result(id, initialize(parameters)))
    case "ping":
      return .answer(Self.result(id, .object([:])))
    case "tools/list":
      return .answer(Self.result(id, .object(["tools": .array(list(parameters))])))
    case "tools/call":
      guard let name = parameters["name"]?.string else {
        return .answer(Self.error(id, -32602, "tools/call names no tool"))
      }
      guard let tool = MCPToolbox.tool(named: name) else {
        return forward(name, parameters, id: id)
      }
      return .answer(
        Self.result(
          id,
          tools.call(
            tool, parameters["arguments"],
            key: parameters["_meta"]?[MCPClient.keyName]?.string, requestID: requestID)))
    default:
      return .answer(Self.error(id, -32601, "memoryd does not have \(method.prefix(100))"))
    }
  }

  private func list(_ parameters: JSON) -> [JSON] {
    let own = MCPToolbox.all.map(\.description)
    guard let service = try? tools.service(requestID: .ofNoWrite) else { return own }
    return own
      + MCPForwarder(service: service).tools(
        except: MCPToolbox.all.map(\.name), meta: parameters["_meta"])
  }

  private func initialize(_ parameters: JSON) -> JSON {
    let wanted = parameters["protocolVersion"]?.string ?? ""
    let version = MCPClient.versions.contains(wanted) ? wanted : MCPClient.versions[0]
    return .object([
      "protocolVersion": .string(version),
      "capabilities": .object([
        "tools": .object(["listChanged": .bool(false)]),
        "experimental": .object([MCPClient.keyCapability: .object([:])]),
      ]),
      "serverInfo": .object([
        "name": .string("memoryd"), "version": .string(Relay.version),
      ]),
      "instructions": .string(Self.instructions),
    ])
  }

  /// Source: JSON-RPC 2.0, 5.1.
  package static let parseError = -32700

  package static func result(_ id: WireIdentifier, _ result: JSON) -> WireAnswer {
    WireAnswer(id, ["jsonrpc": .string("2.0"), "result": result])
  }

  package static func error(_ id: WireIdentifier?, _ code: Int, _ message: String) -> WireAnswer {
    WireAnswer(
      id,
      [
        "jsonrpc": .string("2.0"),
        "error": .object(["code": .integer(code), "message": .string(message)]),
      ])
  }

  /// What stands for a line that is too long to be taken: an object with nothing but its `id`.
  ///
  /// - Parameter line: Its beginning.
  package static func remains(ofLine line: [UInt8]) -> [UInt8] {
    WireAnswer(WireIdentifier(ofBroken: line), [:]).bytes
  }
}

import Continuity
package import Core
import IPC
import Vault

/// Answers MCP messages, whatever brought them here. Keeps no state between them. Source: MCP
/// 2025-11-25 and the versions before it, "Lifecycle", "Tools" and "Ping"; 2026-07-28 (``MCPEra``).
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
    case answer(WireAnswer, MCPEra)
    /// Answers to a batch.
    case answers([WireAnswer])
    /// A call of a tool that only the vault may have; it can take minutes.
    case forward(Forwarded)

    /// What is sent back at once: nil for nothing, and for what is forwarded.
    package var bytes: [UInt8]? {
      switch self {
      case .nothing, .forward: nil
      case .answer(let answer, _): answer.bytes
      case .answers(let answers):
        Array("[".utf8) + answers.map(\.bytes).joined(separator: ",".utf8) + Array("]".utf8)
      }
    }
  }

  /// A call on its way to the vault, and how it is to be answered.
  package struct Forwarded: Sendable {
    fileprivate let id: WireIdentifier
    fileprivate let call: MCPForwarder.Call
    fileprivate let era: MCPEra

    package func answer() async -> WireAnswer {
      MCPResponder.result(id, era.result(await call.result()))
    }

    /// The answer where the call is not made.
    package func refusal(_ why: String) -> WireAnswer {
      MCPResponder.result(id, era.result(MCPPayload(failure: why).result))
    }
  }

  /// - Parameters:
  ///   - bytes: One JSON-RPC message, or a batch of them (2025-03-26).
  ///   - requestID: Of the message: a second attempt with the same one writes nothing.
  ///   - headers: Of HTTP, where that brought it.
  package func receive(
    _ bytes: [UInt8], requestID: RequestID, headers: MCPEra.Headers? = nil
  ) -> Reply {
    let era: MCPEra = headers?.isStateless == true ? .stateless : .handshake
    switch WireMessage.parse(bytes) {
    case nil:
      return .answer(
        Self.error(
          WireIdentifier(ofBroken: bytes), Self.parseError,
          "Parse error: the message is not valid JSON"), era)
    case .one(let message): return reply(to: message, requestID, headers)
    case .batch where era == .stateless:
      return .answer(Self.error(nil, -32600, "a request is one message, not a batch"), era)
    case .batch(let batch):
      if batch.isEmpty { return .answer(Self.error(nil, -32600, "the batch is empty"), era) }
      let answers = batch.enumerated().compactMap { index, message -> WireAnswer? in
        switch reply(to: message, requestID.part("-\(index)"), nil) {
        case .nothing, .answers: nil
        case .answer(let answer, _): answer
        case .forward(let forwarded):
          Self.error(
            forwarded.id, -32600, "the vault's own tools cannot be called in a batch")
        }
      }
      return answers.isEmpty ? .nothing : .answers(answers)
    }
  }

  private func reply(
    to arrived: WireMessage, _ requestID: RequestID, _ headers: MCPEra.Headers?
  ) -> Reply {
    let (message, id) = (arrived.body, arrived.id)
    let parameters = message["params"] ?? .object([:])
    var era = MCPEra(parameters)
    if headers?.isStateless == true { era = .stateless }
    guard message["jsonrpc"]?.string == "2.0" else {
      return .answer(Self.error(id, -32600, "the message is no JSON-RPC 2.0 request"), era)
    }
    guard let method = message["method"]?.string else {
      // An answer to a request that nobody made.
      return message["result"] != nil || message["error"] != nil
        ? .nothing : .answer(Self.error(id, -32600, "the message names no method"), era)
    }
    // A notification is never answered.
    guard let id else { return .nothing }
    if era == .stateless {
      do throws(MCPEra.Objection) {
        try MCPEra.check(method, parameters, headers)
      } catch {
        return .answer(Self.error(id, error.code, error.message, error.data), era)
      }
    }
    switch method {
    case "initialize" where era == .handshake:
      return .answer(Self.result(id, initialize(parameters)), era)
    case "ping" where era == .handshake:
      return .answer(Self.result(id, .object([:])), era)
    case "server/discover" where era == .stateless:
      return .answer(Self.result(id, era.result(discovery, .discovery)), era)
    case "tools/list":
      let list = JSON.object(["tools": .array(list(parameters))])
      return .answer(Self.result(id, era.result(list, .list)), era)
    case "tools/call":
      guard let name = parameters["name"]?.string else {
        return .answer(Self.error(id, -32602, "tools/call names no tool"), era)
      }
      guard let tool = MCPToolbox.tool(named: name) else {
        return forward(name, parameters, id: id, era)
      }
      let result = tools.call(
        tool, parameters["arguments"],
        key: parameters["_meta"]?[MCPClient.keyName]?.string, requestID: requestID)
      return .answer(Self.result(id, era.result(result)), era)
    default:
      return .answer(Self.error(id, -32601, "memoryd does not have \(method.prefix(100))"), era)
    }
  }

  private func forward(
    _ name: String, _ parameters: JSON, id: WireIdentifier, _ era: MCPEra
  ) -> Reply {
    do {
      let service = try tools.service(requestID: .ofNoWrite)
      if era == .stateless, !service.context.settings.hasVault {
        return .answer(Self.error(id, -32602, "Unknown tool: \(name.prefix(100))"), era)
      }
      let call = try MCPForwarder(service: service).call(name, parameters)
      return .forward(Forwarded(id: id, call: call, era: era))
    } catch {
      let payload = MCPPayload(failure: MCPFailure.message(of: error))
      return .answer(Self.result(id, era.result(payload.result)), era)
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
      "protocolVersion": .string(version), "capabilities": Self.capabilities,
      "serverInfo": .object([
        "name": .string("memoryd"), "version": .string(Relay.version),
      ]),
      "instructions": .string(Self.instructions),
    ])
  }

  private var discovery: JSON {
    [
      "supportedVersions": MCPEra.versions,
      "capabilities": Self.capabilities, "instructions": Self.instructions,
    ]
  }

  private static let capabilities = JSON.object([
    "tools": .object(["listChanged": .bool(false)]),
    "experimental": .object([MCPClient.keyCapability: .object([:])]),
  ])

  /// Source: JSON-RPC 2.0, 5.1.
  package static let parseError = -32700

  package static func result(_ id: WireIdentifier, _ result: JSON) -> WireAnswer {
    WireAnswer(id, ["jsonrpc": .string("2.0"), "result": result])
  }

  package static func error(
    _ id: WireIdentifier?, _ code: Int, _ message: String, _ data: JSON? = nil
  ) -> WireAnswer {
    var error: [String: JSON] = ["code": .integer(code), "message": .string(message)]
    error["data"] = data
    return WireAnswer(id, ["jsonrpc": .string("2.0"), "error": .object(error)])
  }

  /// What stands for a line that is too long to be taken: an object with nothing but its `id`.
  ///
  /// - Parameter line: Its beginning.
  package static func remains(ofLine line: [UInt8]) -> [UInt8] {
    WireAnswer(WireIdentifier(ofBroken: line), [:]).bytes
  }
}

package import Continuity
package import Core
import Fallback
import Foundation
import MemoryStore

/// vault-mcp's tools on this store, with its names, arguments and result shapes, and memoryd's own.
/// Each call is one request: writes carry its id, and the same id a second time writes nothing.
package struct MCPToolbox {
  /// Every tool that can be called, in the order in which `tools/list` shows them.
  static let all: [any MCPTool] = [
    TaskTool(), CheckpointTool(), DecisionTool(), HandoffTool(), LedgerTool(), SearchTool(),
    ResumeTool(), SessionStartTool(), SessionEndTool(), HealthTool(), BackupTool(),
  ]

  /// - Returns: Nil for a tool that memoryd does not have; the vault may.
  static func tool(named name: String) -> (any MCPTool)? { all.first { $0.name == name } }

  /// Everything but the request id stays as it is for all calls.
  let invocation: Invocation
  let home: String?
  /// Where the caller has no working folder, the project of what it writes.
  var defaultProject: String?

  package init(invocation: Invocation, home: String?, defaultProject: String? = nil) {
    self.invocation = invocation
    self.home = home
    self.defaultProject = defaultProject
  }

  /// Calls a tool.
  ///
  /// - Parameters:
  ///   - arguments: As they came.
  ///   - key: The caller's own id of the request, if it has one.
  ///   - requestID: The id of a request without a key.
  /// - Returns: The result of `tools/call`, whatever becomes of the call.
  package func call(
    _ tool: any MCPTool, _ arguments: JSON?, key: String?, requestID: RequestID
  ) -> JSON {
    do {
      let arguments = try MCPArguments(arguments, for: tool.parameters)
      let service = try service(
        requestID: RequestID(key.map { "mcp:" + $0 }) ?? requestID)
      // Only what carries a key is a sync's; others may quote a marker.
      if key != nil, let known = try returned(tool, arguments, service) { return known.result }
      let context = MCPToolContext(service: service, defaultProject: defaultProject)
      return try tool.call(arguments, in: context).result
    } catch let misfit as MCPMisfit {
      return MCPPayload(
        failure:
          "MCP error -32602: Input validation error: Invalid arguments for tool \(tool.name): "
          + misfit.message
      ).result
    } catch {
      return MCPPayload(error).result
    }
  }

  /// - Returns: The store and its settings, for one request.
  /// - Throws: ``CommandError`` where the settings or the folder of the store are wrong.
  func service(requestID: RequestID) throws -> MemoryService {
    var request = invocation
    request.requestID = requestID
    // Others follow.
    request.endsProcess = false
    return try MemoryService(invocation: request, homeFlag: home, isLenient: false)
      .takingIn()
  }

  /// The arguments in which a sync puts its markers into the vault.
  private static let markedArguments = ["context", "rationale", "recent_actions"]

  /// What another memoryd sends back because this one sent it there: two that are each other's
  /// vault would go on for ever.
  ///
  /// - Returns: The item that was sent; nil for a call that brings something new.
  private func returned(
    _ tool: any MCPTool, _ arguments: MCPArguments, _ service: MemoryService
  ) throws -> MCPPayload? {
    let markers = arguments.texts(named: Self.markedArguments).flatMap(Marker.found(in:))
    guard service.context.settings.hasVault, !markers.isEmpty,
      let id = try service.store.reading().item(withMarkers: markers)
    else {
      return nil
    }
    if tool is TaskTool, let task = try service.store.reading().task(id: id) {
      return MCPPayload(JSONOutput.task(task))
    }
    return MCPPayload(["id": id, "created_at": Timestamp.string(service.context.clock.now)])
  }
}

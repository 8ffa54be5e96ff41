package import Continuity
package import Core
import Foundation

/// What a tool answers: JSON or Markdown, and what memoryd adds to it beside vault-mcp's shape.
package struct MCPPayload {
  private var text: String
  /// Go into the result's `_meta`.
  var facts: [String: WireJSON] = [:]
  private var isError = false

  package init(_ object: JSONOutput.Object) { self.init(json: object) }

  init(_ list: [JSONOutput.Object]) { self.init(json: list) }

  init(markdown: String) { text = markdown }

  /// - Parameter failure: Why there is no answer, as plain text.
  package init(failure: String) {
    text = failure
    isError = true
  }

  /// Why a tool could not do what it was asked to, in vault-mcp's shape.
  init(_ error: any Error) {
    self.init(["error": MCPFailure.message(of: error)])
    isError = true
  }

  private init(json: Any) {
    text = JSONOutput.text(json).trimmingCharacters(in: .newlines)
  }

  /// The result of `tools/call`.
  package var result: WireJSON {
    let content = WireJSON.object(["type": .string("text"), "text": .string(text)])
    var result: [String: WireJSON] = ["content": .array([content])]
    if !facts.isEmpty { result["_meta"] = .object(facts) }
    if isError { result["isError"] = .bool(true) }
    return .object(result)
  }
}

package import Core

/// What a tool answers: JSON or Markdown, and what memoryd adds to it beside vault-mcp's shape.
package struct MCPPayload {
  private var text: String
  /// Go into the result's `_meta`.
  var facts: [String: JSON] = [:]
  private var isError = false

  package init(_ document: JSON) { text = document.text }

  init(_ list: [JSON]) { self.init(.array(list)) }

  init(markdown: String) { text = markdown }

  /// - Parameter failure: Why there is no answer, as plain text.
  package init(failure: String) {
    text = failure
    isError = true
  }

  /// Why a tool could not do what it was asked to, in vault-mcp's shape.
  init(_ error: any Error) {
    self.init(["error": MCPFailure.message(of: error)] as JSON)
    isError = true
  }

  /// The result of `tools/call`.
  package var result: JSON {
    let content = JSON.object(["type": .string("text"), "text": .string(text)])
    var result: [String: JSON] = ["content": .array([content])]
    if !facts.isEmpty { result["_meta"] = .object(facts) }
    if isError { result["isError"] = .bool(true) }
    return .object(result)
  }
}

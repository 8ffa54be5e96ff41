import Foundation

@testable import Checkpoints
@testable import Core
@testable import MemoryStore

/// Lines as Codex writes them.
enum Rollout {
  nonisolated(unsafe) private static var count = 0
  private static let lock = NSLock()

  private static func json(_ value: Any) -> String {
    let data = try? JSONSerialization.data(
      withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data ?? Data(), as: UTF8.self)
  }

  static func line(_ type: String, _ payload: [String: Any]) -> String {
    let number = lock.withLock {
      count += 1
      return count
    }
    // Codex's own order, by which an object behind a damaged one is found.
    return "{\"timestamp\":\"\(Timestamp.string(1_768_403_887_000 + Int64(number)))\","
      + "\"type\":\"\(type)\",\"payload\":\(json(payload))}\n"
  }

  static func item(_ payload: [String: Any]) -> String { line("response_item", payload) }
  static func event(_ payload: [String: Any]) -> String { line("event_msg", payload) }

  static func meta(
    id: String = "codex-1", cwd: String = "/repo", more: [String: Any] = [:]
  ) -> String {
    line(
      "session_meta",
      [
        "id": id, "cwd": cwd, "cli_version": "0.141.0", "source": "cli",
        "git": ["branch": "main"],
      ].merging(more) { $1 })
  }

  static func turn(model: String) -> String {
    line("turn_context", ["cwd": "/repo", "model": model])
  }

  static func user(_ texts: String...) -> String {
    item([
      "type": "message", "role": "user",
      "content": texts.map { ["type": "input_text", "text": $0] },
    ])
  }

  static func assistant(_ text: String) -> String {
    item([
      "type": "message", "role": "assistant",
      "content": [["type": "output_text", "text": text]],
    ])
  }

  static func call(_ name: String, _ arguments: [String: Any], id: String = "c") -> String {
    item(["type": "function_call", "name": name, "call_id": id, "arguments": json(arguments)])
  }

  static func exec(_ command: String, id: String = "e") -> String {
    call("exec_command", ["cmd": command], id: id)
  }

  static func patch(_ text: String) -> String {
    item(["type": "custom_tool_call", "name": "apply_patch", "call_id": "p", "input": text])
  }

  static func output(_ id: String, _ text: String) -> String {
    item(["type": "function_call_output", "call_id": id, "output": text])
  }

  typealias Counts = (input: Int, cached: Int, output: Int, reasoning: Int)

  static func tokens(total: Counts, last: Counts) -> String {
    func fields(_ counts: Counts) -> [String: Int] {
      [
        "input_tokens": counts.input, "cached_input_tokens": counts.cached,
        "output_tokens": counts.output, "reasoning_output_tokens": counts.reasoning,
      ]
    }
    return event([
      "type": "token_count",
      "info": ["total_token_usage": fields(total), "last_token_usage": fields(last)],
    ])
  }
}

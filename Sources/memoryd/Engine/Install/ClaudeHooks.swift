import Canary
import Foundation

/// The hooks and the MCP server that Claude Code is to call. Source: reference "agent-clis", 1.
struct ClaudeHooks {
  /// The front's path.
  let executable: String

  struct Hook {
    var event: String
    var arguments: [String]
    /// Seconds.
    var timeout: Int
    var isAsync = false
  }

  /// The plugin's `hooks/hooks.json` has the same.
  static let all = [
    Hook(event: "SessionStart", arguments: ["canary"], timeout: 5),
    Hook(event: "PreCompact", arguments: ["checkpoint"], timeout: 5),
    Hook(event: "PostCompact", arguments: ["checkpoint"], timeout: 5),
    Hook(event: "Stop", arguments: ["checkpoint"], timeout: 10, isAsync: true),
    Hook(event: "SessionEnd", arguments: ["session", "end"], timeout: 2),
  ]

  // MARK: settings.json

  /// Puts the hooks in. What is there already stays; what is there in an older form is renewed.
  ///
  /// - Throws: ``JSONText/Broken`` never; ``Odd`` where something else stands in the place.
  func install(in text: inout JSONText) throws(Odd) {
    if text.root.members == nil { throw Odd(what: "the document") }
    if text.root["hooks"] == nil { text.add("hooks", "{}", to: text.root) }
    for hook in Self.all {
      guard let hooks = text.root["hooks"], hooks.members != nil else { throw Odd(what: "hooks") }
      if hooks[hook.event] == nil { text.add(hook.event, "[]", to: hooks) }
      guard let groups = text.root["hooks"]?[hook.event], groups.elements != nil else {
        throw Odd(what: "hooks.\(hook.event)")
      }
      let own = Self.own(in: groups)
      guard let first = own.first else {
        let lines = entry(hook).split(separator: "\n").map { "    " + $0 }
        text.append("{\n  \"hooks\": [\n\(lines.joined(separator: "\n"))\n  ]\n}", to: groups)
        continue
      }
      let known = WireJSON(parsing: text.bytes[first.range])
      if known != WireJSON(parsing: entry(hook).utf8) { text.replace(first, with: entry(hook)) }
    }
  }

  /// Takes them out, and what would be left empty by that.
  ///
  /// - Parameter original: The document before they came in: what was empty there stays so.
  func uninstall(from text: inout JSONText, original: JSONText? = nil) {
    let before = original?.root["hooks"]
    // What somebody else left empty is theirs.
    guard Self.areIn(text) else { return }
    for hook in Self.all where !Self.commands(at: hook.event, in: text).isEmpty {
      while let groups = text.root["hooks"]?[hook.event],
        let index = groups.elements?.firstIndex(where: { !Self.own(inGroup: $0).isEmpty }),
        let group = groups.elements?[index], let list = group["hooks"]
      {
        let others = list.elements?.contains { !Self.isOwn($0) } ?? false
        if others {
          guard let own = list.elements?.firstIndex(where: Self.isOwn) else { break }
          text.remove(own, from: list)
        } else {
          text.remove(index, from: groups)
        }
      }
      if let hooks = text.root["hooks"], let groups = hooks[hook.event],
        groups.elements?.isEmpty == true
      {
        if let original, let kept = before?[hook.event] {
          text.replaceExactly(groups, with: original.bytes[kept.range])
        } else {
          text.remove(hook.event, from: hooks)
        }
      }
    }
    if let hooks = text.root["hooks"], hooks.members?.isEmpty == true {
      if let original, let before, before.members?.isEmpty == true {
        text.replaceExactly(hooks, with: original.bytes[before.range])
      } else {
        text.remove("hooks", from: text.root)
      }
    }
  }

  /// True if one of them is there, in whatever form.
  static func areIn(_ text: JSONText) -> Bool {
    let hooks = text.root["hooks"]
    return all.contains { hook in hooks?[hook.event].map { !own(in: $0).isEmpty } ?? false }
  }

  /// The command lines that call memoryd at an event.
  static func commands(at event: String, in text: JSONText) -> [[String]] {
    guard let groups = text.root["hooks"]?[event] else { return [] }
    return own(in: groups).map { node in
      let command = node["command"]?.string ?? ""
      let arguments = node["args"]?.elements?.compactMap(\.string)
      return arguments.map { [command] + $0 } ?? command.split(separator: " ").map(String.init)
    }
  }

  /// Something that nobody can merge with.
  struct Odd: Error {
    var what: String
  }

  private func entry(_ hook: Hook) -> String {
    let arguments = hook.arguments.map { "\"\($0)\"" }.joined(separator: ", ")
    let isAsync = hook.isAsync ? "\n  \"async\": true," : ""
    return """
      {
        "type": "command",
        "command": \(Self.quoted(executable)),
        "args": [\(arguments)],\(isAsync)
        "timeout": \(hook.timeout)
      }
      """
  }

  static func quoted(_ text: String) -> String {
    String(decoding: WireJSON.string(text).bytes, as: UTF8.self)
  }

  private static func own(in groups: JSONText.Node) -> [JSONText.Node] {
    groups.elements?.flatMap(own(inGroup:)) ?? []
  }

  private static func own(inGroup group: JSONText.Node) -> [JSONText.Node] {
    group["hooks"]?.elements?.filter(isOwn) ?? []
  }

  /// A call of memoryd, wherever it is installed and however it is written.
  private static func isOwn(_ node: JSONText.Node) -> Bool {
    guard let command = node["command"]?.string else { return false }
    let arguments = node["args"]?.elements?.compactMap(\.string)
    let words =
      arguments.map { [command] + $0 } ?? command.split(separator: " ").map(String.init)
    guard let first = words.first, (first as NSString).lastPathComponent == "memoryd" else {
      return false
    }
    return all.contains { $0.arguments == Array(words.dropFirst()) }
  }

  // MARK: The MCP server

  static let server = "memoryd"

  /// Puts the server into the client's own file.
  func installServer(in text: inout JSONText) throws(Odd) {
    if text.root.members == nil { throw Odd(what: "the document") }
    let entry = """
      {
        "type": "stdio",
        "command": \(Self.quoted(executable)),
        "args": ["mcp"]
      }
      """
    if text.root["mcpServers"] == nil { text.add("mcpServers", "{}", to: text.root) }
    guard let servers = text.root["mcpServers"], servers.members != nil else {
      throw Odd(what: "mcpServers")
    }
    guard let known = servers[Self.server] else {
      text.add(Self.server, entry, to: servers)
      return
    }
    // Somebody may have given it an environment: only what it starts is renewed.
    guard known["command"]?.string != executable else { return }
    if let command = known["command"] {
      text.replace(command, with: Self.quoted(executable))
    } else {
      text.replace(known, with: entry)
    }
  }

  func uninstallServer(from text: inout JSONText, original: JSONText? = nil) {
    guard let servers = text.root["mcpServers"], servers[Self.server] != nil else { return }
    text.remove(Self.server, from: servers)
    if let servers = text.root["mcpServers"], servers.members?.isEmpty == true {
      if let original, let before = original.root["mcpServers"], before.members?.isEmpty == true {
        text.replaceExactly(servers, with: original.bytes[before.range])
      } else {
        text.remove("mcpServers", from: text.root)
      }
    }
  }

  /// What starts the server, if it is there.
  static func serverCommand(in text: JSONText) -> String? {
    text.root["mcpServers"]?[server]?["command"]?.string
  }
}

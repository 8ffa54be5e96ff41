import Foundation

/// The MCP servers called memoryd that Claude Code knows in a folder, and which of them counts.
struct ClaudeServers {
  enum Scope {
    /// Everywhere.
    case user
    /// In one folder, for this person.
    case local
    /// In one repository, for all who work in it.
    case project
  }

  struct Entry {
    var scope: Scope
    var path: String
    var name = HookSettings.server
    var node: JSONText.Node
    var server: HookSettings.Server
  }

  /// The one that counts.
  private(set) var chosen: Entry?
  /// The person's entry for all folders, whether it counts here or not.
  private(set) var everywhere: Entry?
  /// A repository's that does not count, and why.
  private(set) var unapproved: (path: String, reason: String)?
  /// The file in which it is switched off for this folder.
  private(set) var switchedOff: String?

  init(
    _ state: JSONText?, _ files: ClaudeFiles, _ layers: ClaudeLayers,
    _ environment: [String: String]
  ) {
    func entry(_ node: JSONText.Node?, _ scope: Scope, _ path: String) -> Entry? {
      node.map {
        Entry(
          scope: scope, path: path, node: $0, server: HookSettings.server($0, environment))
      }
    }
    // The nearest folder first.
    let folders = layers.folders.reversed()
    let projects = folders.compactMap { state?.root["projects"]?[$0] }
    let name = HookSettings.server
    func lists(_ key: String) -> Bool {
      projects.contains { $0[key]?.elements?.contains { $0.string == name } ?? false }
    }
    everywhere = entry(state?.root["mcpServers"]?[name], .user, files.state)
    let local = projects.lazy.compactMap { $0["mcpServers"]?[name] }.first
    chosen = entry(local, .local, files.state)
    if let shared = Self.shared(from: folders.first ?? "/") {
      let isRefused =
        lists("disabledMcpjsonServers") || layers.lists(name, in: "disabledMcpjsonServers")
      let isApproved =
        lists("enabledMcpjsonServers") || layers.lists(name, in: "enabledMcpjsonServers")
        || layers.isOn("enableAllProjectMcpServers")
        || projects.contains { state?.isTrue($0["enableAllProjectMcpServers"]) ?? false }
      if isRefused || !isApproved {
        unapproved = (
          shared.path,
          isRefused ? "disabledMcpjsonServers names it" : "nobody has approved it in Claude Code"
        )
      } else {
        chosen = chosen ?? entry(shared.node, .project, shared.path)
      }
    }
    chosen = chosen ?? everywhere ?? Self.renamed(state, files, environment)
    if lists("disabledMcpServers") {
      switchedOff = files.state
    } else {
      // Each of these is an object that names it, or what it starts.
      switchedOff =
        layers.all.first { layer in
          layer.text.root["deniedMcpServers"]?.elements?.contains {
            $0["serverName"]?.string == name
          } ?? false
        }?.path
    }
  }

  /// The nearest `.mcp.json` that has it.
  private static func shared(from start: String) -> (path: String, node: JSONText.Node)? {
    var folder = start
    while true {
      let path = (folder == "/" ? "" : folder) + "/.mcp.json"
      let text = (try? SettingsFile.read(path).text) ?? nil
      if let node = text?.root["mcpServers"]?[HookSettings.server] { return (path, node) }
      if folder == "/" || folder.isEmpty { return nil }
      folder = (folder as NSString).deletingLastPathComponent
    }
  }

  /// memoryd under another name.
  private static func renamed(
    _ state: JSONText?, _ files: ClaudeFiles, _ environment: [String: String]
  ) -> Entry? {
    for member in state?.root["mcpServers"]?.members ?? [] {
      let server = HookSettings.server(member.value, environment)
      if case .memoryd(let call) = server, call.asks(for: ["mcp"]) {
        return Entry(
          scope: .user, path: files.state, name: member.key, node: member.value, server: server)
      }
    }
    return nil
  }
}

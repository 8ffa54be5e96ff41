import Foundation
import IPC

/// Hooks and MCP server: what calls memoryd.
extension ClaudeCheck {
  // MARK: Hooks

  /// Something that is wrong, and whether `--fix` helps.
  private struct Problem: Hashable {
    var text: String
    var canBeMended: Bool
  }

  /// The calls at one event, of all settings that hold here.
  private struct Calls {
    var hook: HookSettings.Hook
    var entries: [(entry: HookSettings.Entry, layer: ClaudeLayers.Layer)]

    var sound: [(entry: HookSettings.Entry, layer: ClaudeLayers.Layer)] {
      entries.filter { $0.entry.objection == nil }
    }

    /// What no sound call is let see.
    var kept: [String] {
      hook.values.filter { value in !sound.contains { $0.entry.passes.contains(value) } }
    }

    /// The files in which one event is told to memoryd more than once; empty where it is not.
    var doubled: [String] {
      for value in hook.values.isEmpty ? [""] : hook.values {
        // Claude Code itself drops the same line within one file.
        var lines: Set<[String]> = []
        let paths = sound.filter { entry, layer in
          (hook.values.isEmpty || entry.passes.contains(value))
            && lines.insert([layer.path, entry.call.text, entry.isDirect ? "direct" : ""]).inserted
        }.map(\.layer.path)
        if paths.count > 1 { return paths }
      }
      return []
    }
  }

  func hooks(_ found: Found) -> Check {
    let name = "claude hooks"
    let calls = HookSettings.claude.map { hook in
      Calls(
        hook: hook,
        entries: found.layers.all.flatMap { layer in
          HookSettings.entries(of: hook, in: layer.text, environment).map { ($0, layer) }
        })
    }
    let missing = calls.filter(\.entries.isEmpty).map(\.hook.event)
    let odd = found.layers.all.flatMap { layer in
      HookSettings.odd(in: layer.text).map { "\($0) in \(layer.path)" }
    }
    if missing.count == calls.count { return noHooks(found, odd) }

    var problems = programs(calls)
    // Where they are somebody else's altogether, none is added.
    let isInstalled = found.settings.map { HookSettings.areIn($0, environment) } ?? false
    if !missing.isEmpty {
      problems.append(
        Problem(text: "missing: \(missing.joined(separator: ", "))", canBeMended: isInstalled))
    }
    for call in calls where !call.entries.isEmpty {
      let event = call.hook.event
      for (entry, layer) in call.entries {
        guard let objection = entry.objection else { continue }
        problems.append(
          Problem(
            text: "\(event) in \(layer.path): \(objection)",
            canBeMended: !layer.isRepositorys && !layer.isManaged && entry.canBeRenewed))
      }
      if !call.sound.isEmpty, !call.kept.isEmpty {
        problems.append(
          Problem(
            text: "a matcher keeps \(event) away at \(call.kept.joined(separator: ", "))",
            canBeMended: isInstalled))
      }
    }
    problems += strange(found.layers)
    let doubled = calls.filter { !$0.doubled.isEmpty }
    if let first = doubled.first {
      let paths = Array(Set(doubled.flatMap(\.doubled))).sorted()
      problems.append(
        Problem(
          text: "memoryd is called \(first.doubled.count) times at "
            + "\(doubled.map(\.hook.event).joined(separator: ", ")): see \(paths.joined(separator: ", "))",
          canBeMended: false))
    }
    if found.plugin.isEnabled == true {
      problems.append(
        Problem(
          text: "the plugin calls memoryd, too: everything is done twice", canBeMended: false))
    }
    problems += odd.map { Problem(text: Self.oddness($0), canBeMended: false) }
    let places = Set(calls.flatMap(\.entries).map(\.layer.path))
    guard problems.isEmpty else {
      // Whoever cannot tell what is meant leaves it alone.
      let canBeMended = odd.isEmpty && problems.contains(where: \.canBeMended)
      let byHand =
        found.plugin.isEnabled == true
        ? "`memoryd install claude --uninstall`, or `claude plugin disable memoryd`"
        : "mend these lines by hand: they are not of `memoryd install claude`"
      return Check(
        name: name, isGood: false, detail: problems.map(\.text).joined(separator: "; "),
        hint: canBeMended ? "`memoryd doctor --fix` lets them call this memoryd" : byHand,
        canBeMended: canBeMended)
    }
    let known = calls.flatMap(\.entries).map(\.entry.call)
    var programs = Set(known.filter(\.isCertain).map(\.program)).sorted()
    if known.contains(where: { !$0.isCertain }) {
      programs.append("and what variables name that are not known here")
    }
    let here = places.contains(found.files.settings) ? "" : ", in this folder only"
    return Check(
      name: name, isGood: true,
      detail: "all \(calls.count) call \(programs.joined(separator: ", ")), version "
        + Relay.version + here)
  }

  private static func oddness(_ place: String) -> String {
    "\(place) is not what Claude Code expects: it may pass over the whole file"
  }

  private func noHooks(_ found: Found, _ odd: [String]) -> Check {
    let name = "claude hooks"
    if let first = odd.first {
      return Check(
        name: name, isGood: false, detail: Self.oddness(first), hint: "mend it by hand first")
    }
    switch found.plugin.isEnabled {
    case true?:
      let objection = MemorydCall(
        command: "memoryd", arguments: [], environment: environment
      ).flatMap { self.objection(to: $0) }
      return Check(
        name: name, isGood: objection == nil,
        detail: objection.map { "the plugin calls memoryd, but \($0)" }
          ?? "from the plugin, and memoryd is on the PATH",
        hint: objection == nil ? nil : "put this memoryd's folder on the PATH")
    case false?:
      return Check(
        name: name, isGood: false, detail: "memoryd's plugin is switched off",
        hint: "`claude plugin enable memoryd`, or `memoryd install claude` without it")
    case nil:
      return Check(
        name: name, isGood: false,
        detail: "none of memoryd's hooks is in \(found.files.settings): no session is kept",
        hint: "`memoryd install claude`")
    }
  }

  /// Each program is looked at once.
  private func programs(_ calls: [Calls]) -> [Problem] {
    var seen: Set<String> = []
    var problems: [Problem] = []
    for (entry, layer) in calls.flatMap(\.entries) {
      let isForeign = layer.isRepositorys
      guard seen.insert("\(isForeign) \(entry.call.program)").inserted,
        let objection = objection(to: entry.call, isRepositorys: isForeign)
      else { continue }
      let isOwn = layer.isRepositorys || layer.isManaged || !entry.canBeRenewed
      problems.append(
        Problem(
          text: isOwn ? "\(objection) (\(layer.path))" : objection, canBeMended: !isOwn))
    }
    return problems
  }

  /// Calls that memoryd would refuse.
  private func strange(_ layers: ClaudeLayers) -> [Problem] {
    layers.all.flatMap { layer in
      HookSettings.claude.flatMap { hook in
        HookSettings.strange(at: hook.event, in: layer.text, environment).map {
          Problem(
            text: "\(hook.event) in \(layer.path): memoryd does not know `\($0.text)`",
            canBeMended: false)
        }
      }
    }
  }

  // MARK: The MCP server

  func server(_ found: Found) -> Check {
    let name = "claude mcp"
    let servers = found.servers
    if let all = found.state?.root["mcpServers"], all.members == nil {
      return Check(
        name: name, isGood: false,
        detail: "mcpServers in \(found.files.state) is not what Claude Code expects",
        hint: "mend it by hand first")
    }
    if let path = servers.switchedOff {
      return Check(
        name: name, isGood: false, detail: "the server is switched off in this folder, by \(path)",
        hint: path == found.files.state
          ? "`/mcp` in Claude Code switches it on again" : "take it out of deniedMcpServers")
    }
    if let entry = servers.chosen { return server(entry, found) }
    if let (path, reason) = servers.unapproved {
      return Check(
        name: name, isGood: false, detail: "the only server is that of \(path), and \(reason)",
        hint: "approve it with `/mcp` in Claude Code, or `memoryd install claude`")
    }
    if found.plugin.isEnabled == true {
      return Check(
        name: name, isGood: true, isNeutral: true,
        detail: "the plugin brings no server; `memoryd install claude` adds it")
    }
    return Check(
      name: name, isGood: false, detail: "no server memoryd in \(found.files.state)",
      hint: "`memoryd install claude`", canBeMended: true)
  }

  func server(_ entry: ClaudeServers.Entry, _ found: Found) -> Check {
    let name = "claude mcp"
    var notes = [place(of: entry)]
    if let (path, reason) = found.servers.unapproved {
      notes.append("that of \(path) does not count: \(reason)")
    } else if entry.scope != .user, found.servers.everywhere != nil {
      notes.append("it stands in front of that of \(found.files.state)")
    }
    let note = notes.filter { !$0.isEmpty }.map { "; " + $0 }.joined()
    let byHand = "mend it by hand, or take it out with `claude mcp remove \(entry.name)`"
    func bad(_ detail: String, mends: Bool) -> Check {
      let canBeMended = mends && entry.scope == .user && entry.name == HookSettings.server
      return Check(
        name: name, isGood: false, detail: detail + note,
        hint: canBeMended ? "`memoryd doctor --fix` lets it be this memoryd" : byHand,
        canBeMended: canBeMended)
    }
    switch entry.server {
    case .url(nil): return bad("the server has a type for URLs, and no url", mends: false)
    case .url(let url?):
      return Check(
        name: name, isGood: true, isNeutral: true,
        detail: "memoryd by URL \(Self.shown(url)), which was not asked\(note)")
    case .program(let program):
      guard case .found = located(program) else {
        return bad("the server is \(program), which is not there, or cannot be run", mends: false)
      }
      return Check(
        name: name, isGood: true, isNeutral: true,
        detail: "the server is started by \(program), which was not looked into\(note)")
    case .nothing: return bad("the server has neither command nor url", mends: true)
    case .memoryd(let call):
      if let arguments = entry.node["args"],
        arguments.elements?.allSatisfy({ $0.string != nil }) != true
      {
        return bad("the server's args are no list of texts", mends: call.isPlain)
      }
      if !call.asks(for: ["mcp"]) {
        let shown = call.arguments.map(HookSettings.quoted).joined(separator: ", ")
        return bad(
          "the server's args are [\(shown)], not [\"mcp\"]: it serves no tools", mends: call.isPlain
        )
      }
      if let objection = objection(to: call, isRepositorys: entry.scope == .project) {
        return bad(objection, mends: call.isPlain)
      }
      return Check(name: name, isGood: true, detail: "the server is \(call.text)\(note)")
    }
  }

  private func place(of entry: ClaudeServers.Entry) -> String {
    switch entry.scope {
    case .user: entry.name == HookSettings.server ? "" : "it is called \(entry.name)"
    case .local: "in this folder only (\(entry.path))"
    case .project: "of this repository (\(entry.path))"
    }
  }

  /// Without what may be secret in it.
  private static func shown(_ url: String) -> String {
    guard var parts = URLComponents(string: url), let host = parts.host else {
      return "(unreadable)"
    }
    parts.user = nil
    parts.password = nil
    parts.query = nil
    parts.fragment = nil
    // Elsewhere the path may be the token.
    if !["localhost", "127.0.0.1", "[::1]", "::1"].contains(host), parts.path.count > 8 {
      return "\(parts.scheme ?? "http")://\(host)\(parts.port.map { ":\($0)" } ?? "")/…"
    }
    return parts.string ?? "(unreadable)"
  }
}

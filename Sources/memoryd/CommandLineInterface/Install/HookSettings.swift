import Core
import Foundation

/// The hooks and the MCP server that an agent is to call, in a settings file in JSON.
/// Source: reference "agent-clis", sections 1, 4 and 5b.
struct HookSettings {
  /// The front's path.
  let executable: String
  /// What variables in somebody's commands stand for.
  let environment: [String: String]
  /// What the agent is to call.
  var hooks = Self.claude

  struct Hook {
    /// How the agent has it written.
    enum Form {
      /// In a group, started without a shell: Claude Code.
      case direct
      /// In a group, as a line for a shell: Codex.
      case shell
      /// A line for a shell by itself: Cursor.
      case flat
    }

    var event: String
    var arguments: [String]
    /// Seconds.
    var timeout: Int
    var isAsync = false
    /// What a group's matcher must let through; empty where it is not looked at.
    var values: [String]
    var form = Form.direct
    /// Codex: tokens of a context that are put in as they are; above that the model sees head and tail.
    var contextTokens: Int?
  }

  /// Claude Code's. The plugin's `hooks/hooks.json` has the same.
  static let claude = [
    Hook(
      event: "SessionStart", arguments: ["canary"], timeout: 5,
      values: ["startup", "resume", "clear", "compact"]),
    Hook(
      event: "PreCompact", arguments: ["checkpoint"], timeout: 5, values: ["manual", "auto"]),
    Hook(
      event: "PostCompact", arguments: ["checkpoint"], timeout: 5, values: ["manual", "auto"]),
    Hook(event: "Stop", arguments: ["checkpoint"], timeout: 10, isAsync: true, values: []),
    Hook(
      event: "SessionEnd", arguments: ["session", "end"], timeout: 2,
      values: ["clear", "resume", "logout", "prompt_input_exit", "other"]),
  ]

  /// What stood in a place before `install` put something there: JSON as it was written, or nil for
  /// nothing. A place that `install` left alone is not in it.
  typealias Before = [String: String?]

  /// Something that nobody can merge with.
  struct Odd: Error {
    var what: String
  }

  // MARK: What is there

  /// A call of memoryd at an event.
  struct Entry {
    var call: MemorydCall
    /// The values that the group's matcher lets through.
    var passes: [String]
    /// Why Claude Code does not run it as it should; nil if it does.
    var objection: String?
    fileprivate var node: JSONText.Node

    /// Started without a shell.
    var isDirect: Bool { node["args"] != nil }

    /// True if it is what `install` writes, maybe in another form. With options or more in its line
    /// it is the person's own.
    fileprivate(set) var canBeRenewed = false
  }

  /// - Parameter hook: Only calls of what it asks for are its entries.
  static func entries(
    of hook: Hook, in text: JSONText, _ environment: [String: String]
  ) -> [Entry] {
    calls(at: hook.event, hook.form, in: text, environment).compactMap { group, node, call in
      guard call.asks(for: hook.arguments) || isSlip(call, hook) else { return nil }
      return Entry(
        call: call, passes: hook.values.filter { HookMatcher.passes(group["matcher"], $0) },
        objection: objection(to: node, of: hook, in: text), node: node,
        canBeRenewed: call.isPlain && call.isCertain
          && (call.arguments == hook.arguments || isSlip(call, hook)))
    }
  }

  /// Calls that memoryd would not understand.
  static func strange(at event: String, in text: JSONText, _ environment: [String: String])
    -> [MemorydCall]
  {
    calls(at: event, .direct, in: text, environment).map(\.call).filter { call in
      !call.isUnderstood && !claude.contains { isSlip(call, $0) }
    }
  }

  /// `"command": "memoryd canary", "args": []`
  private static func isSlip(_ call: MemorydCall, _ hook: Hook) -> Bool {
    call.arguments.isEmpty && call.program.hasSuffix(" " + hook.arguments.joined(separator: " "))
  }

  private static func calls(
    at event: String, _ form: Hook.Form, in text: JSONText, _ environment: [String: String]
  ) -> [(group: JSONText.Node, node: JSONText.Node, call: MemorydCall)] {
    let groups = text.root["hooks"]?[event]?.elements ?? []
    return groups.flatMap { group in
      (form == .flat ? [group] : group["hooks"]?.elements ?? []).compactMap { node in
        guard let command = node["command"]?.string,
          let call = MemorydCall(
            command: command,
            arguments: node["args"].map { $0.elements?.map { $0.string ?? "" } ?? [] },
            environment: environment)
        else { return nil }
        return (group, node, call)
      }
    }
  }

  private static func objection(
    to node: JSONText.Node, of hook: Hook, in text: JSONText
  ) -> String? {
    func value(_ key: String) -> JSON? {
      node[key].flatMap { JSON(parsing: text.bytes[$0.range]) }
    }
    switch value("type") {
    case .string("command"): break
    case nil where hook.form == .flat: break
    case .string(let type): return "its type is \(type), not command"
    default: return "it has no type: \"command\" is needed"
    }
    if let arguments = value("args"), arguments.array?.count != arguments.strings.count {
      return "its args are no list of texts"
    }
    if node["if"] != nil { return "`if` is for tools only: with it, it never runs" }
    if hook.event == "SessionStart", value("async")?.bool == true {
      return "it is async: what it says comes too late"
    }
    switch value("timeout") {
    case nil: break
    case .integer(let seconds) where seconds >= 1: break
    case .number(let seconds) where seconds >= 1: break
    default: return "its timeout is not a second or more"
    }
    return nil
  }

  /// The places that are not as Claude Code expects them, of whatever event.
  static func odd(in text: JSONText) -> [String] {
    guard let hooks = text.root["hooks"] else { return [] }
    guard let members = hooks.members else { return ["hooks"] }
    return members.flatMap { event in
      guard let groups = event.value.elements else { return ["hooks.\(event.key)"] }
      return groups.enumerated().compactMap { number, group in
        let isFine = group["hooks"]?.elements?.allSatisfy { $0.members != nil } ?? false
        return isFine ? nil : "hooks.\(event.key)[\(number)]"
      }
    }
  }

  /// True if one of them is there, in whatever form.
  static func areIn(
    _ text: JSONText, _ environment: [String: String], of hooks: [Hook] = claude
  ) -> Bool {
    hooks.contains { !entries(of: $0, in: text, environment).isEmpty }
  }

  // MARK: settings.json

  /// Puts the hooks in. What is there already stays; what is there in an older form is renewed, and
  /// what a matcher keeps away gets a group of its own.
  func install(in text: inout JSONText) throws(Odd) -> Before {
    if text.root.members == nil { throw Odd(what: "the document") }
    var before = Before()
    if hooks.contains(where: { $0.form == .flat }), text.root["version"] == nil {
      before["version"] = .some(nil)
      text.add("version", "1", to: text.root)
    }
    if text.root["hooks"] == nil {
      before["hooks"] = .some(nil)
      text.add("hooks", "{}", to: text.root)
    }
    for hook in self.hooks {
      guard let hooks = text.root["hooks"], let members = hooks.members else {
        throw Odd(what: "hooks")
      }
      if members.isEmpty, before["hooks"] == nil { before["hooks"] = text.source(of: hooks) }
      let place = "hooks.\(hook.event)"
      if hooks[hook.event] == nil {
        before[place] = .some(nil)
        text.add(hook.event, "[]", to: hooks)
      }
      guard let groups = text.root["hooks"]?[hook.event], let elements = groups.elements else {
        throw Odd(what: place)
      }
      if elements.isEmpty, before[place] == nil { before[place] = text.source(of: groups) }
      renew(hook, in: &text, &before)
      let known = Self.entries(of: hook, in: text, environment)
      let missing = hook.values.filter { value in
        !known.contains { $0.objection == nil && $0.passes.contains(value) }
      }
      let isThere = known.contains { $0.objection == nil }
      if isThere, missing.isEmpty { continue }
      guard let groups = text.root["hooks"]?[hook.event] else { continue }
      if hook.form == .flat {
        text.append(entry(hook), to: groups)
        before["\(place)#\(known.count)"] = .some(nil)
        continue
      }
      let matcher = isThere ? "\n  \"matcher\": \"\(missing.joined(separator: "|"))\"," : ""
      let lines = entry(hook).split(separator: "\n").map { "    " + $0 }
      text.append(
        "{\(matcher)\n  \"hooks\": [\n\(lines.joined(separator: "\n"))\n  ]\n}", to: groups)
      before["\(place)#\(known.count)"] = .some(nil)
    }
    return before
  }

  private func renew(_ hook: Hook, in text: inout JSONText, _ before: inout Before) {
    let wanted = JSON(parsing: entry(hook).utf8)
    var number = 0
    while true {
      let entries = Self.entries(of: hook, in: text, environment)
      guard number < entries.count else { return }
      let entry = entries[number]
      if entry.canBeRenewed, JSON(parsing: text.bytes[entry.node.range]) != wanted {
        before["hooks.\(hook.event)#\(number)"] = text.source(of: entry.node)
        text.replace(entry.node, with: self.entry(hook))
      }
      number += 1
    }
  }

  /// Takes out what `install` put in, and what would be left empty by that.
  func uninstall(from text: inout JSONText, _ before: Before) {
    for hook in hooks {
      let place = "hooks.\(hook.event)"
      let numbers = before.keys.filter { $0.hasPrefix(place + "#") }
        .sorted {
          Int($0.dropFirst(place.count + 1)) ?? 0 < Int($1.dropFirst(place.count + 1)) ?? 0
        }
      let renewed = numbers.compactMap { before[$0] ?? nil }
      // What was added stands behind what was there; somebody may have given it options since.
      for place in numbers.reversed() where before[place] == .some(nil) {
        let all = Self.entries(of: hook, in: text, environment)
        let exact = ours(of: hook, in: text)
        let first = Int(place.drop { $0 != "#" }.dropFirst()) ?? 0
        let other = all.dropFirst(first).last {
          (hook.form != .direct || $0.isDirect) && $0.call.program.hasPrefix("/")
        }
        guard let node = exact.count > renewed.count ? exact.last : other?.node else { continue }
        remove(node, of: hook, from: &text)
      }
      for (number, source) in renewed.enumerated().reversed() {
        let ours = ours(of: hook, in: text)
        if number < ours.count { text.replaceExactly(ours[number], with: source) }
      }
      Self.restore(hook.event, in: text.root["hooks"], before[place], &text)
    }
    Self.restore("hooks", in: text.root, before["hooks"], &text)
    // With hooks of somebody's it is needed.
    let isUnused =
      text.root["hooks"]?.members?.allSatisfy { $0.value.elements?.isEmpty ?? true } ?? true
    if before["version"] == .some(nil), isUnused {
      text.remove("version", from: text.root)
    }
  }

  /// Makes what is empty again what it was.
  private static func restore(
    _ key: String, in parent: JSONText.Node?, _ source: String??, _ text: inout JSONText
  ) {
    guard let parent, let node = parent[key], let source,
      node.members?.isEmpty ?? node.elements?.isEmpty ?? false
    else { return }
    if let source {
      text.replaceExactly(node, with: source)
    } else {
      text.remove(key, from: parent)
    }
  }

  /// What `install` would have put there, wherever it stands, for where no record tells it.
  ///
  /// - Parameter copy: The document of before, if one is found: what was empty in it stays.
  func likely(in text: JSONText, copy: JSONText?) -> Before {
    var before = Before()
    func note(_ place: String, _ known: JSONText.Node?) {
      let isEmpty = known?.members?.isEmpty ?? known?.elements?.isEmpty ?? false
      before[place] = .some(isEmpty ? known.flatMap { copy?.source(of: $0) } : nil)
    }
    for hook in hooks {
      let entries = Self.entries(of: hook, in: text, environment)
      for (number, entry) in entries.enumerated() where isOurs(entry, hook) {
        note("hooks", copy?.root["hooks"])
        note("hooks.\(hook.event)", copy?.root["hooks"]?[hook.event])
        before["hooks.\(hook.event)#\(number)"] = .some(nil)
      }
    }
    if case .memoryd(let call)? = Self.server(in: text, environment), call.isPlain,
      call.program.hasPrefix("/"), call.arguments == ["mcp"]
    {
      note("mcpServers", copy?.root["mcpServers"])
      before["mcpServers.\(Self.server)"] = .some(nil)
    }
    return before
  }

  /// True if it has the form of `install`: an absolute path, and each argument by itself.
  private func isOurs(_ entry: Entry, _ hook: Hook) -> Bool {
    entry.call.isPlain && entry.call.program.hasPrefix("/")
      && entry.call.arguments == hook.arguments && entry.isDirect == (hook.form == .direct)
  }

  private func ours(of hook: Hook, in text: JSONText) -> [JSONText.Node] {
    Self.entries(of: hook, in: text, environment).filter { isOurs($0, hook) }.map(\.node)
  }

  private func remove(_ node: JSONText.Node, of hook: Hook, from text: inout JSONText) {
    if hook.form == .flat, let list = text.root["hooks"]?[hook.event],
      let entry = list.elements?.firstIndex(where: { $0.range == node.range })
    {
      text.remove(entry, from: list)
      return
    }
    guard let groups = text.root["hooks"]?[hook.event], let all = groups.elements,
      let group = all.firstIndex(where: { $0.range.contains(node.range.lowerBound) }),
      let list = all[group]["hooks"], let entries = list.elements,
      let entry = entries.firstIndex(where: { $0.range == node.range })
    else { return }
    if entries.count > 1 {
      text.remove(entry, from: list)
    } else {
      text.remove(group, from: groups)
    }
  }

  private func entry(_ hook: Hook) -> String {
    let line = Self.quoted(
      ([ShellLine.quoted(executable)] + hook.arguments).joined(separator: " "))
    switch hook.form {
    case .direct: break
    case .shell:
      let limit = hook.contextTokens.map { ",\n  \"additionalContextLimit\": \($0)" } ?? ""
      return """
        {
          "type": "command",
          "command": \(line),
          "timeout": \(hook.timeout)\(limit)
        }
        """
    case .flat:
      return """
        {
          "command": \(line)
        }
        """
    }
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
    JSON.string(text).text
  }

  // MARK: The MCP server

  static let server = "memoryd"

  /// What an entry of that name starts or asks.
  enum Server: Equatable {
    case memoryd(MemorydCall)
    /// A server that is reached over the network; nil if the entry names none.
    case url(String?)
    /// Another program.
    case program(String)
    /// Neither.
    case nothing
  }

  static func server(in text: JSONText, _ environment: [String: String]) -> Server? {
    text.root["mcpServers"]?[server].map { server($0, environment) }
  }

  static func server(_ entry: JSONText.Node, _ environment: [String: String]) -> Server {
    let command = entry["command"]?.string
    if let type = entry["type"]?.string, type != "stdio" { return .url(entry["url"]?.string) }
    guard let command else {
      return entry["url"] == nil ? .nothing : .url(entry["url"]?.string)
    }
    let arguments = entry["args"]?.elements?.map { $0.string ?? "" } ?? []
    return MemorydCall(command: command, arguments: arguments, environment: environment)
      .map { .memoryd($0) } ?? .program(ShellLine.substituted(command, environment).text)
  }

  /// Puts the server into the client's own file. An entry of the person's own that is no call of
  /// memoryd stays, and so does one by URL.
  func installServer(in text: inout JSONText) throws(Odd) -> Before {
    if text.root.members == nil { throw Odd(what: "the document") }
    var before = Before()
    let entry = """
      {
        "type": "stdio",
        "command": \(Self.quoted(executable)),
        "args": ["mcp"]
      }
      """
    if text.root["mcpServers"] == nil {
      before["mcpServers"] = .some(nil)
      text.add("mcpServers", "{}", to: text.root)
    }
    guard let servers = text.root["mcpServers"], let members = servers.members else {
      throw Odd(what: "mcpServers")
    }
    if members.isEmpty, before["mcpServers"] == nil {
      before["mcpServers"] = text.source(of: servers)
    }
    let place = "mcpServers.\(Self.server)"
    guard let known = servers[Self.server] else {
      text.add(Self.server, entry, to: servers)
      before[place] = .some(nil)
      return before
    }
    switch Self.server(known, environment) {
    case .nothing:
      before[place] = text.source(of: known)
      text.replace(known, with: entry)
    case .memoryd(let call) where call.isPlain && call.isCertain:
      // Somebody may have given it an environment: only what it starts is renewed.
      if known["command"]?.string != executable {
        set("command", Self.quoted(executable), in: &text, &before)
      }
      if !call.asks(for: ["mcp"]) { set("args", "[\"mcp\"]", in: &text, &before) }
    case .memoryd, .url, .program: break
    }
    return before
  }

  private func set(
    _ key: String, _ value: String, in text: inout JSONText, _ before: inout Before
  ) {
    guard let known = text.root["mcpServers"]?[Self.server] else { return }
    let place = "mcpServers.\(Self.server).\(key)"
    if let old = known[key] {
      before[place] = text.source(of: old)
      text.replace(old, with: value)
    } else {
      before[place] = .some(nil)
      text.add(key, value, to: known)
    }
  }

  func uninstallServer(from text: inout JSONText, _ before: Before) {
    let place = "mcpServers.\(Self.server)"
    // What somebody has put in its place since is theirs.
    if let servers = text.root["mcpServers"], let known = servers[Self.server],
      case .memoryd(let call) = Self.server(known, environment), call.isPlain
    {
      if let source = before[place] {
        if let source {
          text.replaceExactly(known, with: source)
        } else {
          text.remove(Self.server, from: servers)
        }
      }
      for key in ["args", "command"] {
        guard let source = before["\(place).\(key)"],
          let known = text.root["mcpServers"]?[Self.server], let value = known[key]
        else { continue }
        if let source {
          text.replaceExactly(value, with: source)
        } else {
          text.remove(key, from: known)
        }
      }
    }
    Self.restore("mcpServers", in: text.root, before["mcpServers"], &text)
  }
}

import Foundation
import MemoryStore

/// Whether Claude Code really calls memoryd: a store that is whole says nothing of that.
struct ClaudeCheck {
  let service: MemoryService

  /// Ms for a program to tell its version.
  private static let patience = 2000
  /// Ms; sessions that wrote within it are looked at.
  private static let window: Int64 = 24 * 3600 * 1000
  private static let mostTranscripts = 500
  /// Bytes of a transcript in which its first time is looked for: a long text may be pasted first.
  private static let mostRead = 4 << 20
  private static let mostNamed = 3

  typealias Check = DoctorCommand.Check

  func checks() -> [Check] {
    guard let files = try? ClaudeFiles(service) else { return [] }
    let isThere = [files.settings, files.state, files.folder + "/projects"].contains {
      RegularFile.exists($0)
    }
    guard isThere else {
      return [
        Check(
          name: "claude", isGood: true, isNeutral: true,
          detail: "no Claude Code in \(files.folder): nothing to look at")
      ]
    }
    let settings: JSONText?
    let state: JSONText?
    do {
      settings = try ClaudeFiles.read(files.settings).text
      state = try ClaudeFiles.read(files.state).text
    } catch {
      let message =
        (error as? VerbError)?.message ?? (error as? StoreError)?.message ?? "it cannot be read"
      return [
        Check(
          name: "claude settings", isGood: false, detail: message,
          hint: "Claude Code and memoryd both need it: mend it by hand")
      ]
    }
    let plugin = Plugin(settings)
    return [hooks(settings, plugin, files), server(state, plugin, files)]
      + [commands(plugin, files), switches(settings, files), sessions(files)].compactMap(\.self)
  }

  /// Renews what is there in an older form or points to a program that is gone.
  ///
  /// - Returns: True if something was changed.
  func mend() throws -> Bool {
    let files = try ClaudeFiles(service)
    let isInstalled =
      (try? ClaudeFiles.read(files.settings).text).flatMap { $0.map(ClaudeHooks.areIn) } ?? false
    guard isInstalled, checks().contains(where: { !$0.isGood && $0.canBeMended }) else {
      return false
    }
    let installer = ClaudeInstaller(
      hooks: ClaudeHooks(executable: try ExecutablePath.front()), files: files, service: service)
    return try !installer.carryOut(installer.additions(), uninstalls: false).isEmpty
  }

  // MARK: The plugin

  /// Installed as a plugin, the hooks and tools are not in the settings.
  private struct Plugin {
    /// Nil where the settings do not name it.
    var isEnabled: Bool?

    init(_ settings: JSONText?) {
      let plugins = settings?.root["enabledPlugins"]?.members ?? []
      guard let member = plugins.last(where: { $0.key.hasPrefix("memoryd@") }) else { return }
      let bytes = settings.map { Array($0.bytes[member.value.range]) } ?? []
      isEnabled = bytes == Array("true".utf8)
    }
  }

  // MARK: Each of them

  /// What is wrong with a program that hooks call; nil if it runs and is of this version.
  private func objection(to command: String) -> String? {
    var path = command
    if !command.contains("/") {
      let folders = (service.environment["PATH"] ?? "").split(separator: ":").map(String.init)
      let found = folders.map { $0 + "/" + command }.first { access($0, X_OK) == 0 }
      guard let found else { return "\(command) is not on the PATH" }
      path = found
    }
    guard access(path, X_OK) == 0, RegularFile.facts(path) != nil else {
      return "\(path) is not there, or cannot be run"
    }
    // Only what is called memoryd was taken for a call of memoryd.
    let version = ShortCommand.output(
      of: path, ["--version"], environment: service.environment, within: Self.patience)
    guard let version else { return "\(path) does not run" }
    return version == Engine.version
      ? nil : "\(path) is version \(version.prefix(40)), not \(Engine.version)"
  }

  private func hooks(_ settings: JSONText?, _ plugin: Plugin, _ files: ClaudeFiles) -> Check {
    let name = "claude hooks"
    let byEvent = ClaudeHooks.all.map { hook in
      (hook, settings.map { ClaudeHooks.commands(at: hook.event, in: $0) } ?? [])
    }
    let missing = byEvent.filter { hook, commands in
      !commands.contains { Array($0.dropFirst()) == hook.arguments }
    }.map(\.0.event)
    if missing.count == byEvent.count {
      switch plugin.isEnabled {
      case true?:
        let objection = objection(to: "memoryd")
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
          detail: "none of memoryd's hooks is in \(files.settings): no session is kept",
          hint: "`memoryd install claude`")
      }
    }
    let commands = Set(byEvent.flatMap(\.1).compactMap(\.first)).sorted()
    let objections = commands.compactMap(objection)
    var problems = objections
    if !missing.isEmpty { problems.append("missing: \(missing.joined(separator: ", "))") }
    return Check(
      name: name, isGood: problems.isEmpty,
      detail: problems.isEmpty
        ? "all \(byEvent.count) call \(commands.joined(separator: ", ")), version \(Engine.version)"
        : problems.joined(separator: "; "),
      hint: problems.isEmpty ? nil : "`memoryd doctor --fix` lets them call this memoryd",
      canBeMended: true)
  }

  private func server(_ state: JSONText?, _ plugin: Plugin, _ files: ClaudeFiles) -> Check {
    let name = "claude mcp"
    guard let command = state.flatMap(ClaudeHooks.serverCommand) else {
      if plugin.isEnabled == true {
        return Check(
          name: name, isGood: true, isNeutral: true,
          detail: "the plugin brings no server; `memoryd install claude` adds it")
      }
      return Check(
        name: name, isGood: false, detail: "no server memoryd in \(files.state)",
        hint: "`memoryd install claude`", canBeMended: true)
    }
    let objection = objection(to: command)
    return Check(
      name: name, isGood: objection == nil, detail: objection ?? "the server is \(command) mcp",
      hint: objection == nil ? nil : "`memoryd doctor --fix` lets it be this memoryd",
      canBeMended: true)
  }

  /// The plugin's slash commands.
  private func commands(_ plugin: Plugin, _ files: ClaudeFiles) -> Check? {
    let name = "claude commands"
    guard plugin.isEnabled == true else {
      return Check(
        name: name, isGood: true, isNeutral: true,
        detail: "/handoff and the others come with memoryd's plugin, which is not enabled")
    }
    let cache = files.folder + "/plugins/cache"
    let manifests = Self.children(of: cache).flatMap { Self.children(of: $0 + "/memoryd") }
      .map { $0 + "/.claude-plugin/plugin.json" }.filter { RegularFile.facts($0) != nil }
    guard !manifests.isEmpty else {
      return Check(
        name: name, isGood: false, detail: "the enabled plugin is not in \(cache)",
        hint: "`claude plugin install memoryd`")
    }
    let versions = manifests.compactMap { path in
      (try? ClaudeFiles.read(path).text).flatMap { $0?.root["version"]?.string }
    }
    let isCurrent = versions.contains(Engine.version)
    return Check(
      name: name, isGood: isCurrent,
      detail: isCurrent
        ? "from the plugin, version \(Engine.version)"
        : "the plugin is version \(versions.sorted().last ?? "unknown"), not \(Engine.version)",
      hint: isCurrent ? nil : "`claude plugin update memoryd`")
  }

  private static func children(of folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .map { folder + "/" + $0 }
  }

  /// Hooks can be switched off altogether, for a person or for one folder.
  private func switches(_ settings: JSONText?, _ files: ClaudeFiles) -> Check? {
    let local = [".claude/settings.json", ".claude/settings.local.json"].map {
      service.cwd + "/" + $0
    }
    let texts =
      [(files.settings, settings)]
      + local.map { path in (path, (try? ClaudeFiles.read(path).text) ?? nil) }
    let off = texts.filter { _, text in
      guard let text, let value = text.root["disableAllHooks"] else { return false }
      return Array(text.bytes[value.range]) == Array("true".utf8)
    }.map(\.0)
    guard !off.isEmpty else { return nil }
    return Check(
      name: "claude switch", isGood: false,
      detail: "disableAllHooks is true in \(off.joined(separator: ", ")): no hook is called",
      hint: "take it out, and sessions are kept again")
  }

  // MARK: Sessions that memoryd never heard of

  private func sessions(_ files: ClaudeFiles) -> Check? {
    guard let database = try? service.reader() else { return nil }
    let now = service.clock.now
    let installed =
      InstallRecord(home: service.home.data)[files.settings]?.installedAt
      ?? ((try? database.firstHookRun()) ?? nil)
    guard let installed else { return nil }
    var silent: [(id: String, path: String)] = []
    var recent: [(path: String, modified: Int64)] = []
    for path in Self.children(of: files.folder + "/projects").flatMap(Self.children) {
      // A sub-agent's is no session.
      let name = (path as NSString).lastPathComponent
      guard name.hasSuffix(".jsonl"), !name.hasPrefix("agent-"),
        let facts = RegularFile.facts(path), facts.size > 0,
        (0..<Self.window).contains(now - facts.modified)
      else { continue }
      recent.append((path, facts.modified))
    }
    recent.sort { $0.modified > $1.modified }
    for (path, _) in recent.prefix(Self.mostTranscripts) {
      let id = String((path as NSString).lastPathComponent.dropLast(6))
      guard (try? database.wasHooked(session: id)) == false,
        let begun = Self.firstTime(path), begun > installed
      else { continue }
      silent.append((id, path))
    }
    guard !silent.isEmpty else {
      return Check(
        name: "claude sessions", isGood: true,
        detail: recent.count > Self.mostTranscripts
          ? "a hook has come of each of the newest \(Self.mostTranscripts) sessions"
          : "a hook has come of each session of the last day")
    }
    let named = silent.prefix(Self.mostNamed).map { $0.id }.joined(separator: ", ")
    let more = silent.count > Self.mostNamed ? " and \(silent.count - Self.mostNamed) more" : ""
    return Check(
      name: "claude sessions", isGood: false,
      detail: "written in the last day, and no hook of them has ever come: \(named)\(more)",
      hint: "see above why; `memoryd ingest` takes in what they said")
  }

  /// The first time in a transcript, Unix ms.
  private static func firstTime(_ path: String) -> Int64? {
    guard let (descriptor, _) = try? RegularFile.open(path) else { return nil }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    let bytes = (try? handle.read(upToCount: Self.mostRead)) ?? nil
    guard let bytes else { return nil }
    for line in bytes.split(separator: 0x0A) {
      let text = (try? JSONText(Array(line)))?.root["timestamp"]?.string
      if let time = text.flatMap(Timestamp.milliseconds) {
        return time
      }
    }
    return nil
  }
}

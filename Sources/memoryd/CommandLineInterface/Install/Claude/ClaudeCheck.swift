import Continuity
import Core
import Foundation
import IPC
import MemoryStore

/// Whether Claude Code really calls memoryd: a store that is whole says nothing of that.
struct ClaudeCheck {
  let service: MemoryService

  /// For a program to tell its version.
  private static let patience = Duration.seconds(2)
  /// Sessions that wrote within it are looked at.
  private static let window = Duration.seconds(24 * 3600)
  private static let mostTranscripts = 500
  /// Bytes of a transcript in which its first time is looked for: a long text may be pasted first.
  private static let mostRead = 4 << 20
  private static let mostNamed = 3

  typealias Check = DoctorCommand.Check

  func checks() -> [Check] {
    guard let files = try? ClaudeFiles(service.context) else { return [] }
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
    do {
      let found = try Found(files, service)
      return [hooks(found), server(found)]
        + [commands(found), switches(found), homes(found), sessions(files)].compactMap(\.self)
    } catch {
      let message =
        (error as? CommandError)?.message ?? (error as? StoreError)?.message ?? "it cannot be read"
      return [
        Check(
          name: "claude settings", isGood: false, detail: message,
          hint: "Claude Code and memoryd both need it: mend it by hand")
      ]
    }
  }

  /// Renews what is there in an older form or points to a program that is gone.
  ///
  /// - Throws: What keeps their files from being written.
  func mend() throws {
    let files = try ClaudeFiles(service.context)
    guard let found = try? Found(files, service) else { return }
    let isInstalled = found.settings.map { HookSettings.areIn($0, environment) } ?? false
    let hasServer =
      if case .memoryd? = found.servers.everywhere?.server { true } else { false }
    let mendsHooks = isInstalled && hooks(found).isMendable
    // Where it is the plugin's, only what is there is mended.
    let server = found.servers.everywhere.map { self.server($0, found) } ?? server(found)
    let mendsServer = (isInstalled || hasServer) && server.isMendable
    guard mendsHooks || mendsServer else { return }
    let installer = try SettingsInstaller.claude(service.context)
    let edits = try installer.additions(hooks: mendsHooks, server: mendsServer)
    try installer.carryOut(edits, uninstalls: false)
  }

  /// What Claude Code's files say.
  struct Found {
    let files: ClaudeFiles
    let settings: JSONText?
    let state: JSONText?
    let layers: ClaudeLayers
    let servers: ClaudeServers
    let plugin: Plugin

    init(_ files: ClaudeFiles, _ service: MemoryService) throws {
      self.files = files
      settings = try SettingsFile.read(files.settings).text
      state = try SettingsFile.read(files.state).text
      layers = ClaudeLayers(files, settings, service)
      servers = ClaudeServers(state, files, layers, service.context.environment)
      plugin = Plugin(layers)
    }
  }

  /// Claude Code puts the folder in, too.
  var environment: [String: String] {
    service.context.environment.merging(["CLAUDE_PROJECT_DIR": service.context.cwd]) { first, _ in
      first
    }
  }

  // MARK: The plugin

  /// Installed as a plugin, the hooks and tools are not in the settings.
  struct Plugin {
    /// Nil where the settings do not name it.
    var isEnabled: Bool?

    fileprivate init(_ layers: ClaudeLayers) {
      for layer in layers.all {
        let plugins = layer.text.root["enabledPlugins"]?.members ?? []
        guard let member = plugins.last(where: { $0.key.hasPrefix("memoryd@") }) else { continue }
        isEnabled = layer.text.isTrue(member.value)
      }
    }
  }

  // MARK: Programs

  enum Located {
    case found(String)
    case missing(String)
  }

  func located(_ program: String) -> Located {
    if !program.contains("/") {
      let folders = (service.context.environment["PATH"] ?? "").split(separator: ":").map(
        String.init)
      let found = folders.map { $0 + "/" + program }.first { access($0, X_OK) == 0 }
      return found.map { .found($0) } ?? .missing("\(program) is not on the PATH")
    }
    let path =
      program.hasPrefix("/") ? program : RegularFile.absolute(program, from: service.context.cwd)
    guard access(path, X_OK) == 0, RegularFile.facts(path) != nil else {
      return .missing("\(program) is not there, or cannot be run")
    }
    return .found(path)
  }

  /// What is wrong with a program that a call starts; nil if it runs and is of this version.
  ///
  /// - Parameter isRepositorys: What a repository names is not run.
  func objection(to call: MemorydCall, isRepositorys: Bool = false) -> String? {
    guard call.isCertain else { return nil }
    let path: String
    switch located(call.program) {
    case .found(let found): path = found
    case .missing(let objection): return objection
    }
    // A bare name stands for a program of the person's.
    let isNamed = !call.program.contains("/")
    guard path.hasPrefix("/"), isNamed || call.program.hasPrefix("/") && !isRepositorys else {
      return nil
    }
    // Only what is called memoryd was taken for a call of memoryd.
    let version = ShortCommand.output(
      of: path, ["--version"], environment: service.context.environment, within: Self.patience)
    guard let version else { return "\(path) does not run" }
    return version == Relay.version
      ? nil : "\(path) is version \(version.prefix(40)), not \(Relay.version)"
  }

  /// The plugin's slash commands.
  private func commands(_ found: Found) -> Check? {
    let name = "claude commands"
    guard found.plugin.isEnabled == true else {
      return Check(
        name: name, isGood: true, isNeutral: true,
        detail: "/handoff and the others come with memoryd's plugin, which is not enabled")
    }
    let cache = found.files.folder + "/plugins/cache"
    let manifests = Self.children(of: cache).flatMap { Self.children(of: $0 + "/memoryd") }
      .map { $0 + "/.claude-plugin/plugin.json" }.filter { RegularFile.facts($0) != nil }
    guard !manifests.isEmpty else {
      return Check(
        name: name, isGood: false, detail: "the enabled plugin is not in \(cache)",
        hint: "`claude plugin install memoryd`")
    }
    let versions = manifests.compactMap { path in
      (try? SettingsFile.read(path).text).flatMap { $0?.root["version"]?.string }
    }
    let isCurrent = versions.contains(Relay.version)
    return Check(
      name: name, isGood: isCurrent,
      detail: isCurrent
        ? "from the plugin, version \(Relay.version)"
        : "the plugin is version \(versions.sorted().last ?? "unknown"), not \(Relay.version)",
      hint: isCurrent ? nil : "`claude plugin update memoryd`")
  }

  private static func children(of folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .map { folder + "/" + $0 }
  }

  /// Hooks can be switched off altogether, for a person or for one folder.
  private func switches(_ found: Found) -> Check? {
    let name = "claude switch"
    let layers = found.layers
    if !layers.broken.isEmpty {
      return Check(
        name: name, isGood: false,
        detail:
          "\(layers.broken.joined(separator: ", ")): no valid JSON, so that nobody can tell what "
          + "it switches off",
        hint: "mend it by hand")
    }
    if let managed = layers.all.first(where: {
      $0.isManaged && $0.text.isTrue($0.text.root["allowManagedHooksOnly"])
    }) {
      return Check(
        name: name, isGood: false,
        detail: "allowManagedHooksOnly is true in \(managed.path): no hook of yours is called",
        hint: "whoever manages this machine can allow memoryd's")
    }
    let off = layers.all.filter { $0.text.isTrue($0.text.root["disableAllHooks"]) }
    guard !off.isEmpty else { return nil }
    let places = "disableAllHooks is true in \(off.map(\.path).joined(separator: ", "))"
    if let (value, layer) = layers.value("disableAllHooks"), !layer.text.isTrue(value) {
      // What this folder's files say to each other is no other's business.
      guard off.contains(where: { !$0.isRepositorys }) else { return nil }
      return Check(
        name: name, isGood: false,
        detail: "\(places), and false in \(layer.path): elsewhere no hook is called",
        hint: "take it out, and sessions are kept there again")
    }
    return Check(
      name: name, isGood: false, detail: "\(places): no hook is called",
      hint: "take it out, and sessions are kept again")
  }

  /// A store that nobody looks at is as good as none.
  private func homes(_ found: Found) -> Check? {
    var homes: [(folder: String, path: String)] = []
    if let (value, layer) = found.layers.value("env", "MEMORYD_HOME"), let folder = value.string {
      homes.append((folder, layer.path))
    }
    for layer in found.layers.all {
      for entry in HookSettings.claude.flatMap({
        HookSettings.entries(of: $0, in: layer.text, environment)
      }) {
        if let folder = entry.call.home { homes.append((folder, layer.path)) }
      }
    }
    if let entry = found.servers.chosen {
      if let folder = entry.node["env"]?["MEMORYD_HOME"]?.string {
        homes.append((folder, entry.path))
      }
      if case .memoryd(let call) = entry.server, let folder = call.home {
        homes.append((folder, entry.path))
      }
    }
    func real(_ path: String) -> String {
      URL(fileURLWithPath: service.context.absolute(path)).resolvingSymlinksInPath().path
    }
    let own = real(service.context.home.data)
    let other = homes.first { !$0.folder.isEmpty && real($0.folder) != own }
    guard let other else { return nil }
    return Check(
      name: "claude home", isGood: false,
      detail:
        "memoryd keeps its store in \(other.folder), says \(other.path); this doctor looks at "
        + service.context.home.data,
      hint: "take it out there, or set MEMORYD_HOME to the same folder here")
  }

  // MARK: Sessions that memoryd never heard of

  private func sessions(_ files: ClaudeFiles) -> Check? {
    guard let database = try? service.store.reading() else { return nil }
    let now = service.context.clock.now
    let installed =
      InstallRecord(home: service.context.home.data)[files.settings]?.installedAt
      ?? ((try? database.firstHookRun()) ?? nil)
    guard let installed else { return nil }
    var silent: [(id: SessionID, path: String)] = []
    var recent: [(path: String, modified: Int64)] = []
    for path in Self.children(of: files.folder + "/projects").flatMap(Self.children) {
      // A sub-agent's is no session.
      let name = (path as NSString).lastPathComponent
      guard name.hasSuffix(".jsonl"), !name.hasPrefix("agent-"),
        let facts = RegularFile.facts(path), facts.size > 0,
        (0..<Self.window.milliseconds).contains(now - facts.modified)
      else { continue }
      recent.append((path, facts.modified))
    }
    recent.sort { $0.modified > $1.modified }
    for (path, _) in recent.prefix(Self.mostTranscripts) {
      let id = SessionID(rawValue: String((path as NSString).lastPathComponent.dropLast(6)))
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
    let named = silent.prefix(Self.mostNamed).map { $0.id.rawValue }.joined(separator: ", ")
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

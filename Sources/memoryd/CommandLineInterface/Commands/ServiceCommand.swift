import ArgumentParser
import Continuity
import Core
import Fallback
import Foundation

struct ServiceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "service",
    abstract: "Has the daemon started with your session, and kept up.",
    discussion: """
      A systemd user unit on Linux, a launchd agent on macOS. It runs as you, may write to \
      memoryd's folders and the fallback files only, and is started anew if it ends or hangs.

        memoryd service install     write it and start it
        memoryd service status      is it there, does it run
        memoryd service uninstall   stop it and take it away; what is stored stays
      """,
    subcommands: [Install.self, Uninstall.self, Status.self])

  struct Install: Command {
    static let configuration = CommandConfiguration(
      commandName: "install",
      abstract: "Writes the service, enables and starts it; again after an update.")

    @OptionGroup var shared: SharedOptions
    @Option(name: .long, help: "Serve MCP over HTTP at ADDRESS:PORT too.") var http: String?
    @Flag(name: .customLong("dry-run"), help: "Show the file, and change nothing.")
    var dryRun = false

    func run(_ invocation: Invocation) throws -> Outcome {
      if let http, HTTPAddress(http) == nil {
        throw CommandError(.usage, "usage", "--http must be ADDRESS:PORT, as in 127.0.0.1:7437")
      }
      let service = try shared.service(invocation)
      let (path, unit) = try ServiceCommand.unit(service.context, http: http)
      if dryRun { return Outcome(output: "# \(path)\n\(unit.text)") }
      // What is not there when the service starts, it may not make.
      for folder in [(path as NSString).deletingLastPathComponent] + unit.writable {
        try RegularFile.makeFolder(folder)
      }
      try RegularFile.writeAtomically(Array(unit.text.utf8), to: path)
      var outcome = Outcome(output: "wrote \(path)\n")
      outcome.errorOutput = ServiceCommand.missing(service.context)
      let commands = ServiceManagerCommand.start(path)
      if let problem = ServiceManagerCommand.run(commands, service.context.environment) {
        outcome.errorOutput +=
          "memoryd: note: \(problem)\nhint: run it yourself where you are logged in: "
          + commands.map { $0.joined(separator: " ") }.joined(separator: " && ") + "\n"
        outcome.exitCode = .degraded
      } else {
        outcome.output += "started; `memoryd status` shows it\n"
      }
      return outcome
    }
  }

  struct Uninstall: Command {
    static let configuration = CommandConfiguration(
      commandName: "uninstall",
      abstract: "Stops the service and takes it away. What is stored stays.")

    @OptionGroup var shared: SharedOptions

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      guard let path = ServiceUnit.path(service.context.environment), RegularFile.facts(path) != nil
      else {
        return Outcome(output: "no service is installed\n")
      }
      var outcome = Outcome()
      if let problem = ServiceManagerCommand.run(
        ServiceManagerCommand.stop(path), service.context.environment)
      {
        outcome.errorOutput = "memoryd: note: \(problem)\n"
      }
      guard unlink(path) == 0 else { throw RegularFile.failure("remove", path) }
      _ = ServiceManagerCommand.run(ServiceManagerCommand.forget, service.context.environment)
      outcome.output = "removed \(path)\n"
      return outcome
    }
  }

  struct Status: Command {
    static let configuration = CommandConfiguration(
      commandName: "status",
      abstract: "Tells whether the service is there and whether its daemon answers.")

    @OptionGroup var shared: SharedOptions

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let path = ServiceUnit.path(service.context.environment) ?? ""
      let isInstalled = ServiceUnit.isInstalled(service.context.environment)
      let care = DaemonCare(context: service.context)
      let expected = try? ServiceCommand.unit(service.context, http: nil).unit.executable
      let text = (try? RegularFile.read(path, limit: 65_536)).map {
        String(decoding: $0, as: UTF8.self)
      }
      let isCurrent = expected.map { text?.contains($0) ?? false } ?? true
      let problem = care.problem()
      let exitCode: ExitStatus = problem == nil ? .ok : .degraded
      if shared.json {
        return Outcome(
          output: JSONOutput.text(
            [
              "installed": isInstalled, "path": path, "current": isInstalled && isCurrent,
              "daemon": care.json(), "problem": problem?.message,
            ] as JSON), exitCode: exitCode)
      }
      var lines = isInstalled ? "installed  \(path)\n" : "installed  no\n"
      if isInstalled, !isCurrent {
        lines += "           it starts another memoryd; `memoryd service install` mends that\n"
      }
      lines += "daemon     \(care.line())\n"
      if let problem { lines += "problem    \(problem.message)\n           \(problem.hint)\n" }
      return Outcome(output: lines, exitCode: exitCode)
    }
  }

  // MARK: What is installed

  private static func unit(
    _ context: CallContext, http: String?
  ) throws -> (path: String, unit: ServiceUnit) {
    let environment = context.environment
    guard let path = ServiceUnit.path(environment) else {
      throw CommandError(.badConfiguration, "no_home", "there is no home folder: HOME is not set")
    }
    var variables = [ServiceUnit.variable: "1"]
    if context.home.isChosen { variables["MEMORYD_HOME"] = context.home.data }
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR"] {
      variables[name] = environment[name]
    }
    let directory = context.fallback.directory
    if context.settings.values[.fallbackDirectory]?.source != "default" {
      variables[Settings.Key.fallbackDirectory.variable] = directory
    }
    var folders = [context.home.data, directory]
    // The files are often links into a folder under version control.
    for file in [
      context.fallback.tasks, context.fallback.checkpoints, context.fallback.degradedLog,
    ] {
      let target = URL(fileURLWithPath: file).resolvingSymlinksInPath()
        .deletingLastPathComponent().path
      if !folders.contains(target) { folders.append(target) }
    }
    if let socket = DaemonCare(context: context).socketPath {
      let folder = (socket as NSString).deletingLastPathComponent
      if !folders.contains(folder) { folders.append(folder) }
    }
    let unit = ServiceUnit(
      executable: try ExecutablePath.front(),
      arguments: ["serve"] + (http.map { ["--http", $0] } ?? []), writable: folders,
      environment: variables, logFile: context.home.logs + "/launchd.log")
    return (path, unit)
  }

  /// What a service does not have of this shell.
  private static func missing(_ context: CallContext) -> String {
    let names = Settings.Key.allCases.filter { key in
      key != .fallbackDirectory && context.settings.values[key]?.source == key.variable
    }.map(\.variable)
    guard !names.isEmpty else { return "" }
    return
      "memoryd: note: \(names.joined(separator: ", ")) stand in this shell only; the service will "
      + "not have them\nhint: put them into \(context.home.configurationFile)\n"
  }
}

/// The calls of the system's service manager.
enum ServiceManagerCommand {
  #if os(macOS)
    private static var domain: String { "gui/\(getuid())" }

    static func start(_ path: String) -> [[String]] {
      [["launchctl", "bootstrap", domain, path], ["launchctl", "kickstart", "-k", target]]
    }
    static func stop(_ path: String) -> [[String]] { [["launchctl", "bootout", target]] }
    static let forget: [[String]] = []
    private static var target: String { "\(domain)/\(ServiceUnit.label)" }
  #else
    static func start(_ path: String) -> [[String]] {
      [
        ["systemctl", "--user", "daemon-reload"],
        ["systemctl", "--user", "enable", ServiceUnit.name],
        ["systemctl", "--user", "restart", ServiceUnit.name],
      ]
    }
    static func stop(_ path: String) -> [[String]] {
      [["systemctl", "--user", "disable", "--now", ServiceUnit.name]]
    }
    static let forget = [["systemctl", "--user", "daemon-reload"]]
  #endif

  /// - Returns: What went wrong; nil if nothing did.
  static func run(_ commands: [[String]], _ environment: [String: String]) -> String? {
    for command in commands {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = command
      process.environment = environment
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      let errors = Pipe()
      process.standardError = errors
      guard (try? process.run()) != nil else { return "\(command[0]) cannot be run" }
      let text = errors.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      guard process.terminationStatus == 0 else {
        let said = TerminalText.line(String(decoding: text, as: UTF8.self), 200)
        return "`\(command.joined(separator: " "))` failed: \(said)"
      }
    }
    return nil
  }
}

/// Where this memoryd is installed.
enum ExecutablePath {
  /// What people and hooks call.
  ///
  /// - Throws: ``CommandError`` where it is not where it should be.
  static func front() throws -> String {
    let own = Bundle.main.executableURL?.resolvingSymlinksInPath()
    guard let folder = own?.deletingLastPathComponent() else { throw missing("memoryd") }
    // Under `libexec` once installed, beside the engine in a build folder.
    let candidates = [
      folder.appendingPathComponent("../../bin/memoryd").standardized.path,
      folder.appendingPathComponent("memoryd").path,
    ]
    guard
      let path = candidates.first(where: { access($0, X_OK) == 0 && RegularFile.facts($0) != nil })
    else { throw missing(candidates[0]) }
    return path
  }

  private static func missing(_ path: String) -> CommandError {
    CommandError(
      .softwareError, "broken_install", "\(path) is missing", hint: "install memoryd again")
  }
}

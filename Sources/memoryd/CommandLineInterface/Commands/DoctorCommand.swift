import ArgumentParser
import Continuity
import Core
import Fallback
import Foundation
import Git
import Journal
import MemoryStore
import Vault

struct DoctorCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Checks everything, explains each problem, and mends what it can with --fix.")

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "Mend what can be mended without losing anything.") var fix = false

  struct Check {
    var name: String
    var isGood: Bool
    /// True where there is nothing to be good or bad.
    var isNeutral = false
    var detail: String
    var hint: String?
    /// True if `--fix` may help.
    var canBeMended = false

    var isMendable: Bool { !isGood && canBeMended }

    /// `ok`, `bad`, or `none` where there is nothing to look at.
    var state: String { !isGood ? "bad" : isNeutral ? "none" : "ok" }
  }

  func run(_ invocation: Invocation) throws -> Outcome {
    var invocation = invocation
    invocation.journalPatience = nil
    // Lenient: a bad setting is one of the things to be told about.
    let service = try MemoryService(
      invocation: invocation, homeFlag: shared.home?.text, isLenient: true
    ).takingIn()
    var checks = [settings(service.context)]
    if fix {
      care(service.context).mend()
    }
    let failure = fix ? claudeFailure(service) : nil
    checks.append(folder(service.context))
    checks += store(service)
    checks += [disk(service.context), spool(service), journal(service.context)]
    checks += [problems(service.context), git(service)]
    checks.append(daemon(service.context))
    checks += ClaudeCheck(service: service).checks() + [failure].compactMap(\.self)
    checks += CodexCheck(context: service.context).checks()
    checks += vault(service) + outbox(service) + fallback(service)
    let isGood = checks.allSatisfy(\.isGood)
    let values = Settings.Key.allCases.map { key in
      let value = service.context.settings.values[key]
      // With the secret-path form the URL is the token.
      let isSecret =
        key.isSecret || key == .vaultURL && service.context.settings[.vaultAuth] == "path"
      let shown = isSecret && value?.text.isEmpty == false ? "(set)" : value?.text ?? ""
      return (key: key.rawValue, value: shown, source: value?.source ?? "default")
    }
    let exitCode: ExitStatus =
      isGood ? .ok : checks[0].isGood ? .inputOutput : .badConfiguration
    if shared.json {
      return Outcome(
        output: JSONOutput.text(
          [
            "ok": isGood,
            "checks": checks.map {
              [
                "name": $0.name, "ok": $0.isGood, "state": $0.state, "detail": $0.detail,
                "hint": $0.hint,
              ] as JSON
            },
            "settings": values.map {
              ["key": $0.key, "value": $0.value, "source": $0.source] as JSON
            },
          ] as JSON), exitCode: exitCode)
    }
    var text = ""
    for check in checks {
      let mark = ["ok": "ok  ", "bad": "BAD ", "none": "--  "][check.state] ?? ""
      text += "\(mark) \(check.name): \(TerminalText.line(check.detail, 400))\n"
      if let hint = check.hint { text += "     \(hint)\n" }
    }
    text += "\nsettings\n"
    for value in values {
      let name = value.key.padding(toLength: 22, withPad: " ", startingAt: 0)
      text +=
        "  \(name) \(TerminalText.line(value.value, 200))  (\(TerminalText.line(value.source, 200)))\n"
    }
    return Outcome(output: text, exitCode: exitCode)
  }

  /// Mends what Claude Code calls. What cannot be written there is no reason to tell nothing else.
  private func claudeFailure(_ service: MemoryService) -> Check? {
    do {
      try ClaudeCheck(service: service).mend()
      return nil
    } catch {
      let message = (error as? CommandError)?.message ?? (error as? StoreError)?.message
      return Check(
        name: "claude fix", isGood: false, detail: message ?? "it could not be mended",
        hint: (error as? CommandError)?.hint ?? (error as? StoreError)?.hint)
    }
  }

  private func settings(_ context: CallContext) -> Check {
    let complaints = context.settings.complaints
    let file = context.home.configurationFile
    if complaints.isEmpty, RegularFile.facts(file) == nil {
      return Check(
        name: "settings", isGood: true, isNeutral: true,
        detail: "there is no \(file): everything is at its default, or set in the environment")
    }
    return Check(
      name: "settings", isGood: complaints.isEmpty,
      detail: complaints.isEmpty
        ? context.home.configurationFile : complaints.joined(separator: "; "),
      hint: complaints.isEmpty ? nil : "correct it; until then the default is used by hooks")
  }

  private func folder(_ context: CallContext) -> Check {
    let path = context.home.data
    do throws(StoreError) {
      try RegularFile.makeFolder(path)
    } catch {
      return Check(name: "folder", isGood: false, detail: error.message, hint: error.hint)
    }
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue ?? 0
    if mode & 0o077 != 0 {
      return Check(
        name: "folder", isGood: false, detail: "\(path) can be read by other users",
        hint: "`memoryd doctor --fix` makes it private")
    }
    if let warning = care(context).warning {
      return Check(name: "folder", isGood: false, detail: warning.message, hint: warning.hint)
    }
    guard access(path, W_OK) == 0 else {
      return Check(
        name: "folder", isGood: false, detail: "\(path) cannot be written",
        hint: "make it writable; until then writes go to \(context.fallback.directory)")
    }
    return Check(name: "folder", isGood: true, detail: path)
  }

  private func care(_ context: CallContext) -> HomeCare {
    let socket = DaemonCare(context: context).socketPath
    return HomeCare(
      home: context.home,
      socketFolder: socket.map { ($0 as NSString).deletingLastPathComponent })
  }

  private func store(_ service: MemoryService) -> [Check] {
    do throws(StoreError) {
      // Care of the store itself; whether it can be written is the first thing to be told.
      let database = try service.store.writing()
      var mended: [String] = []
      if fix {
        do throws(StoreError) {
          mended = try database.mend()
        } catch {
          // What is looked at now tells more.
          guard error.isDamage else { throw error }
          mended = ["it could not be mended: \(error.message)"]
        }
        // What waits because of it is taken in now.
        service.store.drainSpool(into: database)
      }
      service.store.payErasure(wholly: fix)
      let index = try index(database)
      var found = try database.integrityProblems()
      found += try database.missingParts().map { "\($0) is missing" }
      let level = try database.synchronousLevel()
      return [
        Check(
          name: "store", isGood: found.isEmpty,
          detail: found.isEmpty
            ? ([database.path + " is whole"] + mended).joined(separator: "; ")
            : (found + mended).joined(separator: "; "),
          hint: found.isEmpty
            ? nil
            : !fix
              ? "`memoryd doctor --fix` mends what loses nothing"
              : "`memoryd restore FILE --force` puts a backup in its place; without one copy memory.db, "
                + "memory.db-wal and memory.db-shm away together, then `sqlite3 memory.db .recover` in "
                + "the copy saves what can be read"),
        index, size(database), dropped(service, database),
        Check(
          name: "durability", isGood: level == 2,
          detail: "synchronous=\(level) on the writing connection"),
      ]
    } catch {
      return [Check(name: "store", isGood: false, detail: error.message, hint: error.hint)]
    }
  }

  private func index(_ database: MemoryDatabase) throws(StoreError) -> Check {
    let problem: String?
    do throws(StoreError) {
      problem = try database.indexProblem()
    } catch {
      guard error.isDamage else { throw error }
      problem = error.message
    }
    return Check(
      name: "index", isGood: problem == nil,
      detail: problem.map { "the full-text index is damaged: \($0)" }
        ?? "the full-text index fits the entries",
      hint: problem == nil
        ? nil
        : fix
          ? "it cannot be made anew while the store itself is damaged"
          : "`memoryd doctor --fix` makes it anew from the entries; nothing is lost")
  }

  private func dropped(_ service: MemoryService, _ database: MemoryDatabase) -> Check {
    guard let erasure = Erasure(database, at: service.context.clock.now) else {
      return Check(name: "dropped", isGood: true, isNeutral: true, detail: "unknown")
    }
    let hint =
      fix
      ? "another process reads or writes the store: try again in a moment" : erasure.warning?.hint
    return Check(
      name: "dropped", isGood: true, isNeutral: erasure.debt != .none, detail: erasure.text,
      hint: erasure.debt == .due ? hint : nil)
  }

  private func size(_ database: MemoryDatabase) -> Check {
    guard let size = StoreSize(database) else {
      return Check(name: "size", isGood: true, isNeutral: true, detail: "unknown")
    }
    return Check(
      name: "size", isGood: true, detail: size.warning?.message ?? TerminalText.size(size.bytes),
      hint: size.warning?.hint)
  }

  private func disk(_ context: CallContext) -> Check {
    guard let free = Disk.freeBytes(at: context.home.data) else {
      return Check(name: "disk", isGood: true, detail: "free space unknown")
    }
    let isGood = free > 64 << 20
    return Check(
      name: "disk", isGood: isGood, detail: "\(free >> 20) MiB free",
      hint: isGood ? nil : "free some space; writes that find none go to the spool or fail loudly")
  }

  private func spool(_ service: MemoryService) -> Check {
    let waiting = service.store.spool.pending.count
    let bad = service.store.spool.quarantined.count
    return Check(
      name: "spool", isGood: waiting == 0 && bad == 0,
      detail: "\(waiting) writes wait, \(bad) could not be taken in",
      hint: bad > 0
        ? "each has its reason beside it in \(service.store.spool.quarantine); repair it and move it "
          + "back to the spool, or delete it"
        : waiting > 0 ? "they are taken in as soon as the store can be written" : nil)
  }

  /// What opening the store has not taken in.
  private func journal(_ context: CallContext) -> Check {
    let waiting = context.journal.count(upTo: JournalIntake.mostCounted)
    let bad = JournalIntake.quarantined(context).count
    return Check(
      name: "journal", isGood: waiting == 0 && bad == 0,
      detail: "\(waiting) hooks wait, \(bad) could not be taken in",
      hint: bad > 0
        ? "they are in \(context.journal.folder)/quarantine; look at them and delete them"
        : waiting > 0 ? "they are taken in as soon as the store can be written" : nil)
  }

  private func problems(_ context: CallContext) -> Check {
    let recent = context.problems.recent(since: context.clock.now - Timestamp.day)
    return Check(
      name: "hooks", isGood: true,
      detail: recent.isEmpty
        ? "no problem in the last 24 hours"
        : "\(recent.count) problems in the last 24 hours, the last: \(recent[recent.count - 1].message)",
      hint: recent.last?.hint)
  }

  private func daemon(_ context: CallContext) -> Check {
    let care = DaemonCare(context: context)
    let problem = care.problem()
    return Check(
      name: "daemon", isGood: problem == nil, detail: problem?.message ?? care.line(),
      hint: problem?.hint)
  }

  private func git(_ service: MemoryService) -> Check {
    guard let facts = service.repositories.here else {
      return Check(name: "git", isGood: true, detail: "no repository here")
    }
    let project = GitFacts.project(at: service.context.cwd, facts: facts)
    return Check(
      name: "git", isGood: true,
      detail: "\(facts.root), project \(project.name) (\(project.identity)), branch "
        + (facts.branch ?? "none"))
  }

  // MARK: The vault

  /// The token's source, and each step of the canary with its time.
  private func vault(_ service: MemoryService) -> [Check] {
    guard service.context.settings.hasVault else {
      return [Check(name: "vault", isGood: true, detail: "none is configured (vault.url)")]
    }
    let vault = service.vault
    var checks: [Check] = []
    do throws(VaultFailure) {
      let source = try vault.token().source
      checks.append(
        Check(
          name: "vault token", isGood: true,
          detail: source == .none ? "none is set" : "found, from \(source.rawValue)"))
    } catch {
      return [Check(name: "vault token", isGood: false, detail: error.detail)]
    }
    let start = ContinuousClock.now
    func elapsed() -> String { "\((ContinuousClock.now - start).milliseconds) ms" }
    do throws(VaultFailure) {
      let endpoint = try vault.endpoint()
      let way = endpoint.proxy.map { " through the proxy \($0.origin)" } ?? ""
      let tools = try vault.tools()
      defer { tools.close() }
      try tools.connect()
      checks.append(
        Check(
          name: "vault connection", isGood: true,
          detail: "\(endpoint.origin) speaks MCP and takes the token\(way), after \(elapsed())",
          hint: endpoint.proxy != nil && service.context.settings[.vaultProxy].isEmpty
            ? "the proxy is that of your environment; a daemon that a service manager starts has "
              + "another one: set vault.proxy" : nil))
      let count = try tools.tasks(status: "open").rows.count
      checks.append(
        Check(
          name: "vault tasks", isGood: true,
          detail: "task list shows \(count) open tasks, after \(elapsed())"))
    } catch {
      checks.append(
        Check(
          name: checks.count == 1 ? "vault connection" : "vault tasks", isGood: false,
          detail: "\(error.reason.rawValue): \(error.detail), after \(elapsed())",
          hint: hint(for: error.reason)))
    }
    return checks
  }

  private func hint(for reason: ModeReason) -> String {
    switch reason {
    case .unauthorized: "check the token: vault.token, vault.token_file or vault.token_command"
    case .redirect, .notMCP, .misconfigured: "check vault.url: the whole MCP endpoint is needed"
    case .tls: "a certificate of your own goes into vault.ca_file"
    case .toolError: "vault.tool_prefix must be what a portal puts in front of tool names"
    default: "what is written meanwhile waits here and is sent later"
    }
  }

  private func outbox(_ service: MemoryService) -> [Check] {
    guard let vault = service.vault.reference,
      let counts = try? service.store.reading().outboxCounts(vault: vault.id)
    else { return [] }
    let needsPerson = counts.uncertain + counts.quarantined
    return [
      Check(
        name: "outbox", isGood: needsPerson == 0,
        detail:
          "\(counts.queued) wait, \(counts.uncertain) uncertain, \(counts.quarantined) quarantined",
        hint: needsPerson > 0
          ? "`memoryd outbox list` names them, `memoryd outbox show N` tells what to check" : nil)
    ]
  }

  private func fallback(_ service: MemoryService) -> [Check] {
    guard let database = try? service.store.reading(),
      let files = try? FallbackTidy(
        database: database, files: service.context.fallback, clock: service.context.clock
      ).status()
    else {
      return [
        Check(
          name: "fallback", isGood: false,
          detail: "the files in \(service.context.fallback.directory) cannot be read")
      ]
    }
    let problem = service.context.fallback.problem()
    let folder = problem.map {
      Check(
        name: "fallback", isGood: false,
        detail: "\($0), so that nobody sees there what waits for the vault",
        hint: "make \(service.context.fallback.directory) writable, or set fallback.directory")
    }
    return [folder].compactMap(\.self)
      + files.map { file in
        let size = file.size.map { "\($0) bytes, \(file.handWritten) hand-written" } ?? "not there"
        let target = file.target.map { " -> \($0)" } ?? ""
        let isDangling = file.target != nil && file.size == nil
        return Check(
          name: "fallback", isGood: file.damage.isEmpty,
          detail: ([file.path + target + ": " + size] + file.damage).joined(separator: "; "),
          hint: !file.damage.isEmpty
            ? "the rest of the file is read all the same; mend these lines by hand"
            : isDangling ? "the link leads nowhere yet; the file is made when it is needed" : nil)
      }
  }
}

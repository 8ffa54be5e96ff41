package import Canary
import Core
import Fallback
import Foundation
import IPC
import Logging
package import MemoryStore
import Redaction
package import Vault

/// The configured vault: how to reach it, and what all processes know of its health.
package struct VaultService {
  private let context: CallContext
  private let store: StoreDoor

  package init(_ context: CallContext, _ store: StoreDoor) {
    self.context = context
    self.store = store
  }

  /// Where the token came from, for `doctor`.
  package enum TokenSource: String {
    case setting = "vault.token"
    case file = "vault.token_file"
    case command = "vault.token_command"
    case none
  }

  private var settings: Settings { context.settings }
  private var authentication: VaultEndpoint.Authentication {
    .init(rawValue: settings[.vaultAuth]) ?? .bearer
  }

  /// The configured one; nil without.
  package var reference: VaultReference? {
    settings.hasVault ? reference(to: settings[.vaultURL]) : nil
  }

  package func reference(to url: String) -> VaultReference {
    VaultReference(
      id: VaultEndpoint.identity(of: url, authentication: authentication),
      name: VaultEndpoint.address(of: url, authentication: authentication),
      formerIDs: [VaultEndpoint.formerIdentity(of: url)])
  }

  /// Where what is written now may go.
  package var consent: VaultConsent {
    let projects: VaultConsent.Projects
    switch settings[.vaultProjects] {
    case "all": projects = .all
    case "none": projects = .none
    default: projects = .listed(settings.list(.vaultProjects))
    }
    return VaultConsent(vault: reference, projects: projects)
  }

  var timeout: Duration { settings.duration(.vaultTimeout) }
  package var lag: Duration { settings.duration(.vaultReadLag) }

  // MARK: Reaching it

  /// - Parameter timeout: For each call; nil takes the setting.
  /// - Throws: ``VaultFailure`` `misconfigured`.
  package func tools(timeout: Duration? = nil) throws(VaultFailure) -> VaultTools {
    VaultTools(
      endpoint: try endpoint(), clientVersion: Relay.version, timeout: timeout ?? self.timeout)
  }

  package func endpoint() throws(VaultFailure) -> VaultEndpoint {
    let certificates = settings[.vaultCertificateFile]
    return try VaultEndpoint(
      url: settings[.vaultURL], token: try token().text,
      authentication: authentication,
      toolPrefix: settings[.vaultToolPrefix],
      certificateFile: certificates.isEmpty ? nil : context.absolute(certificates),
      proxy: try VaultProxy.chosen(
        for: settings[.vaultURL], setting: settings[.vaultProxy],
        environment: context.environment))
  }

  /// The first of token, file and command that is set.
  package func token() throws(VaultFailure) -> (text: String, source: TokenSource) {
    func wrong(_ detail: String) -> VaultFailure {
      VaultFailure(.misconfigured, detail, delivery: .notApplied)
    }
    if !settings[.vaultToken].isEmpty { return (settings[.vaultToken], .setting) }
    if !settings[.vaultTokenFile].isEmpty {
      guard let token = context.tokenFromFile, !token.isEmpty else {
        throw wrong("vault.token_file cannot be read or is empty")
      }
      return (token, .file)
    }
    if !settings[.vaultTokenCommand].isEmpty {
      guard let token = commandOutput(settings[.vaultTokenCommand]), !token.isEmpty else {
        throw wrong("vault.token_command failed, took too long or printed nothing")
      }
      return (token, .command)
    }
    return ("", .none)
  }

  /// A keychain that asks the person for a password is left alone.
  private static let commandTimeout = Duration.seconds(2)

  private func commandOutput(_ command: String) -> String? {
    // A request carries few variables. A daemon asks with its own at other times too.
    let environment = (context.daemon?.environment ?? [:]).merging(context.environment) { $1 }
    let share = context.deadline.map { max(.milliseconds(100), $0.remaining / 2) }
    return ShortCommand.output(
      of: "/bin/sh", ["-c", command], environment: environment,
      within: min(Self.commandTimeout, share ?? Self.commandTimeout))
  }

  // MARK: Health

  /// The last verdict that any process had; nobody is asked.
  package func verdict() -> CanaryVerdict {
    guard settings.hasVault else { return .standalone(at: context.clock.now) }
    return health()?.verdict
      ?? CanaryVerdict(
        mode: .degraded, detail: "the vault has not been asked yet; `memoryd canary` asks it",
        checkedAt: context.clock.now, since: context.clock.now)
  }

  /// How many writes wait for the vault. Without one nothing waits.
  package func pendingCount() -> Int {
    guard let reference else { return 0 }
    return (try? store.reading().outboxCounts(vault: reference.id).queued) ?? 0
  }

  /// What was last seen; nil if this vault was never asked.
  package func health() -> VaultHealth? {
    guard let reference,
      let text = (try? store.reading().fact(.vault(.health, reference.id))) ?? nil
    else { return nil }
    return Self.decode(text).flatMap { $0.vault == reference.id ? $0 : nil }
  }

  /// Notes what a call has shown, for all processes, and tells `degraded.log`.
  @discardableResult
  package func observe(_ observation: HealthStateMachine.Observation) -> VaultHealth {
    let now = context.clock.now
    let id = reference?.id ?? ""
    let jitter = Double.random(in: 0...1)
    func next(_ health: VaultHealth?) -> VaultHealth {
      HealthStateMachine.observe(
        observation, health: health, vault: id, now: now, jitter: jitter,
        time: Timestamp.string
      ).health
    }
    var health = next(nil)
    do throws(StoreError) {
      // What the next call to the vault shows anew.
      let database = try store.writing()
      if let reference { try database.note(reference, at: now) }
      _ = try database.update(.vault(.health, id)) { old in
        health = next(old.flatMap(Self.decode))
        return Self.encode(health)
      }
    } catch {
      context.log.notice("health not kept", metadata: ["code": "\(error.code.rawValue)"])
    }
    logTransitions(&health)
    FrontNews(context).publish(health)
    return health
  }

  /// Changes what is known in another way than by a call.
  package func change(_ change: (inout VaultHealth) -> Void) {
    guard let reference else { return }
    // As in ``observe(_:)``.
    _ = try? store.writing().update(.vault(.health, reference.id)) { old in
      guard var health = old.flatMap(Self.decode) else { return nil }
      change(&health)
      return Self.encode(health)
    }
  }

  private func logTransitions(_ health: inout VaultHealth) {
    let lines = health.unlogged.map { context.redactor.redact($0) }
    guard !lines.isEmpty else { return }
    do throws(StoreError) {
      try context.fallback.appendDegradedLog(lines)
      let done = Set(health.unlogged)
      change { $0.unlogged.removeAll(where: done.contains) }
      health.unlogged = []
    } catch {
      context.log.notice("degraded.log waits", metadata: ["code": "\(error.code.rawValue)"])
    }
  }

  private static func decode(_ text: String) -> VaultHealth? {
    VaultHealth.decoded(from: text)
  }

  private static func encode(_ health: VaultHealth) -> String? {
    health.encoded()
  }

  // MARK: Asking

  /// One real question to the vault; its answer settles the mode.
  ///
  /// - Parameters:
  ///   - status, end: As of ``CanaryProbe``.
  func probe(
    _ tools: VaultTools, status: String, by end: ContinuousClock.Instant? = nil
  ) -> (health: VaultHealth, answer: CanaryProbe.Answer?) {
    guard let daemon = context.daemon else { return ask(tools, status: status, by: end) }
    return daemon.probes.asking { ask(tools, status: status, by: end) }
  }

  private func ask(
    _ tools: VaultTools, status: String, by end: ContinuousClock.Instant?
  ) -> (health: VaultHealth, answer: CanaryProbe.Answer?) {
    let start = ContinuousClock.now
    var result = CanaryProbe.ask(tools, status: status, by: end)
    if case .failure(let failure) = result, failure.isLostAnswer, health()?.mode == .normal,
      ContinuousClock.now - start < tools.timeout / 4
    {
      // A connection may break at any time: one lost answer does not make a vault degraded.
      result = CanaryProbe.ask(tools, status: status, by: end)
    }
    switch result {
    case .success(let answer):
      return (observe(.probeSucceeded(latency: answer.latency)), answer)
    case .failure(.outOfTime) where health() != nil:
      return (health()!, nil)
    case .failure(let failure):
      return (observe(.probeFailed(failure)), nil)
    }
  }
}

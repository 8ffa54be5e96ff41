import Canary
import Checkpoints
import Core
import Fallback
import Foundation
import Journal
import Redaction
import Vault

/// Keeps `front.state` as settings and vault are, for hooks, which read neither.
package struct FrontNews {
  private let context: CallContext

  package init(_ context: CallContext) { self.context = context }

  /// After a change of settings. Most calls find nothing changed.
  ///
  /// A variable of this call's is no setting of other hooks: it does not turn redaction off for them.
  /// Secrets that were known before stay known, whoever runs with fewer.
  package func settle() {
    let known = FrontState.read(home: context.home.data)
    var state = FrontState()
    state.isRedacting =
      context.settings[.redactionEnabled] == "true"
      || context.settings.values[.redactionEnabled]?.source
        == Settings.Key.redactionEnabled.variable
    state.secrets = known?.secrets ?? HashedSecrets([], salt: .random(in: 1..<UInt64.max))
    state.secrets.add(Redactor.forms(of: context.secrets), atMost: Self.mostSecrets)
    state.news = context.settings.hasVault ? known?.news : nil
    if state != known { state.write(home: context.home.data) }
  }

  /// What is to be told of the vault at the next Stop of each session.
  func publish(_ health: VaultHealth) {
    guard var state = FrontState.read(home: context.home.data), health.transitions > 0 else {
      return
    }
    let news = FrontState.News(
      number: health.transitions, text: "memoryd: " + Markdown.spoken(Self.text(health, context)))
    guard state.news != news else { return }
    state.news = news
    state.write(home: context.home.data)
    context.journal.tidy(olderThan: Self.patience)
  }

  /// The newest so many are known.
  private static let mostSecrets = 64
  /// Seconds after which a session that never ended is told nothing any more.
  private static let patience = 30 * 24 * 3600

  /// How much waits is not said: it changes with every write.
  private static func text(_ health: VaultHealth, _ context: CallContext) -> String {
    let since = "since \(TerminalText.time(health.since)) UTC"
    guard health.mode == .degraded else { return "the vault is back \(since); normal mode" }
    let place =
      context.fallback.problem().map { "kept here, but not in the fallback files: \($0)" }
      ?? "kept here and in \(context.fallback.directory)"
    return "degraded mode \(since): \(health.detail) (\(health.reason?.rawValue ?? "unknown")); "
      + "what is written is \(place); \(health.nextStep)"
  }
}

extension VaultHealth {
  /// What a person can do about it, or what happens without.
  var nextStep: String {
    switch reason {
    case .unauthorized: "check vault.token (`memoryd doctor` tells where it comes from)"
    case .misconfigured, .redirect, .notMCP:
      "check vault.url (`memoryd doctor` asks it step by step)"
    default: "what waits is sent when it answers again, and `memoryd sync` tries now"
    }
  }
}

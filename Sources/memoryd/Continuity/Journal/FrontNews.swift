import Canary
import Checkpoints
import Core
import Fallback
import Foundation
import Journal
import Vault

/// Keeps `front.state` as settings and vault are, for hooks, which read neither.
struct FrontNews {
  let context: CallContext

  init(_ context: CallContext) { self.context = context }

  /// After a change of settings. Most calls find nothing changed.
  func settle() {
    let known = FrontState.read(home: context.home.data)
    var state = FrontState()
    state.isRedacting = context.settings[.redactionEnabled] == "true"
    state.secrets = HashedSecrets(
      context.secrets, salt: known?.secrets.salt ?? UInt64.random(in: 1..<UInt64.max))
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
  }

  /// How much waits is not said: it changes with every write.
  private static func text(_ health: VaultHealth, _ context: CallContext) -> String {
    let since = "since \(TerminalText.time(health.since)) UTC"
    guard health.mode == .degraded else { return "the vault is back \(since); normal mode" }
    let place =
      context.fallback.problem().map { "kept here, but not in the fallback files: \($0)" }
      ?? "kept here and in \(context.fallback.directory)"
    return "degraded mode \(since): \(health.detail) (\(health.reason?.rawValue ?? "unknown")); "
      + "what is written is \(place); \(VaultNews.nextStep(health))"
  }
}

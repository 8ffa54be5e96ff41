package import Core
package import Fallback
import Foundation
package import Journal
import Logging
package import Redaction
import Syntax
import Vault

/// What a call knows of the world around it, settled when it begins.
///
/// A value: it opens no store, and nothing of it changes while the call runs. The settings file and
/// the token's file are read once, here.
package struct CallContext {
  package let home: HomeLayout
  package let settings: Settings
  package private(set) var clock: WallClock
  /// Two calls with the same id are one write.
  package private(set) var requestID: RequestID
  package private(set) var environment: [String: String]
  /// The caller's working folder.
  package private(set) var cwd: String
  /// The time now, also where a record of an earlier moment is taken in.
  package let present: WallClock
  /// True while a record of the journal is taken in: what the store refuses stays there.
  private(set) var isOfJournal = false
  /// How long a call stays for what waits in the journal; nil takes in all of it.
  let journalPatience: Duration?
  let endsProcess: Bool
  let remarks: Remarks
  /// What `vault.token_file` holds.
  package let tokenFromFile: String?
  /// Settings that are never to be kept.
  let secrets: [String]
  package let redactor: Redactor
  /// The redactors of two contexts with the same key know the same secrets.
  let redactionKey: String
  let log: Logger
  /// The daemon that carries the call out; nil in a process of its own.
  let daemon: DaemonContext?
  /// Set for a hook: bounds every wait, and forbids migrations.
  package var deadline: Deadline?

  /// - Parameters:
  ///   - homeFlag: `--home`.
  ///   - isLenient: A bad setting is at its default instead of an error.
  /// - Throws: ``CommandError`` where the settings or the folder of the store are wrong.
  package init(invocation: Invocation, homeFlag: String?, isLenient: Bool) throws {
    environment = invocation.environment
    cwd = invocation.cwd
    clock = invocation.clock
    present = invocation.clock
    journalPatience = invocation.journalPatience
    endsProcess = invocation.endsProcess
    remarks = invocation.remarks
    log = EngineLog.logger(environment)
    requestID = invocation.requestID
    home = try HomeLayout(flag: homeFlag, environment: environment, cwd: cwd)
    // Before the settings are read: they name commands.
    try HomeCare(home: home).refuseStrangers()
    settings = try Settings(
      file: home.configurationFile, environment: environment, isLenient: isLenient)
    tokenFromFile = Self.tokenFromFile(settings, cwd: cwd, environment)
    let isRedacting = settings[.redactionEnabled]
    secrets = Self.secrets(settings, tokenFromFile).filter { $0.count >= 8 }
    redactor = Redactor(isEnabled: isRedacting == "true", extraLiterals: secrets)
    redactionKey = ([isRedacting] + secrets).joined(by: "\u{0}")
    daemon = invocation.daemon
  }

  private static func tokenFromFile(
    _ settings: Settings, cwd: String, _ environment: [String: String]
  ) -> String? {
    guard !settings[.vaultTokenFile].isEmpty else { return nil }
    let path = UserPath.absolute(settings[.vaultTokenFile], cwd: cwd, environment)
    let bytes = try? RegularFile.read(path, limit: 65_536)
    return bytes.map {
      String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }

  private static func secrets(_ settings: Settings, _ tokenFromFile: String?) -> [String] {
    let path =
      settings[.vaultAuth] == "path" ? VaultEndpoint.secrets(inPathOf: settings[.vaultURL]) : []
    return [settings[.vaultToken], tokenFromFile ?? ""] + path
  }

  /// The same call at the moment of a hook that was journaled.
  func at(_ record: HookRecord) -> CallContext {
    var context = self
    context.clock = WallClock { record.at }
    context.requestID = record.request
    context.cwd = record.cwd
    for name in HookRecord.carried { context.environment["\(name)"] = nil }
    for variable in record.environment { context.environment[variable.name] = variable.value }
    context.isOfJournal = true
    return context
  }

  package var journal: Journal { Journal(home: home.data) }

  /// The person's days: by `timezone`, else by what the caller's system says.
  package var days: LocalDays {
    LocalDays(settings[.timezone]) ?? LocalDays(environment: environment)
  }

  /// A path as a person or a setting gives it, against the working folder, `~` included.
  package func absolute(_ path: String) -> String { UserPath.absolute(path, cwd: cwd, environment) }

  /// The fallback files, where the settings have them.
  package var fallback: FallbackFiles {
    FallbackFiles(directory: absolute(settings[.fallbackDirectory]))
  }
}

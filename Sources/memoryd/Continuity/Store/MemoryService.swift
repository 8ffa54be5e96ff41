import Canary
package import Core
package import Fallback
import Foundation
package import Git
import Logging
package import MemoryStore
package import Redaction
package import Transcripts
package import Vault

/// The one way to the store: every command reads and writes through it.
///
/// A write that the store cannot take goes to the spool; one that the spool cannot take goes to a
/// fallback file. Only then does it fail.
package final class MemoryService {
  package enum Durability: String {
    case stored, spooled, fallback
  }

  /// What a write's caller is told.
  package struct Acknowledgement {
    package var id: String
    var kind: String
    var durability: Durability
    package var createdAt: Int64
    /// Why the store did not take it.
    var problem: StoreError?
    /// How far its way to the vault has come; nil while the store does not have it.
    var vaultState: OutboxRow.State?
    /// True if it goes to no vault, as its project is private.
    var staysHere = false
  }

  package let home: HomeLayout
  package let settings: Settings
  package let clock: WallClock
  let requestID: String
  package let environment: [String: String]
  package let cwd: String
  /// What `vault.token_file` holds.
  package let tokenFromFile: String?
  package let redactor: Redactor
  package let spool: Spool
  package let problems: ProblemLog
  let log: Logger
  /// The daemon that this runs in.
  let daemon: DaemonContext?
  let deferredWork: DeferredWork?
  package let hookOutput = HookOutput()
  /// Set in hook mode: bounds every wait, and forbids migrations.
  private(set) var deadline: Deadline?

  private var opened: MemoryDatabase?
  private var readOnly: MemoryDatabase?
  /// Stores with the same key know the same secrets.
  private let storeKey: String
  /// Why the store did not take a hook's write: the hook does not wait for it a second time.
  private var refusal: StoreError?

  package init(
    invocation: Invocation, homeFlag: String?, isLenient: Bool
  ) throws {
    environment = invocation.environment
    cwd = invocation.cwd
    clock = invocation.clock
    log = EngineLog.logger(environment)
    requestID = invocation.requestID
    home = try HomeLayout(flag: homeFlag, environment: environment, cwd: cwd)
    // Before the settings are read: they name commands.
    try HomeCare(home: home).refuseStrangers()
    settings = try Settings(
      file: home.configurationFile, environment: environment, isLenient: isLenient)
    tokenFromFile = Self.tokenFromFile(settings, cwd: cwd, environment)
    let isRedacting = settings[.redactionEnabled]
    let secrets = Self.secrets(settings, tokenFromFile).filter { $0.count >= 8 }
    redactor = Redactor(isEnabled: isRedacting == "true", extraLiterals: secrets)
    storeKey = ([isRedacting] + secrets).joined(separator: "\u{0}")
    daemon = invocation.daemon
    deferredWork = invocation.deferredWork
    spool = Spool(folder: home.spool)
    problems = ProblemLog(folder: home.logs)
  }

  deinit {
    if let opened {
      // The daemon does it while nobody waits.
      if daemon == nil { payErasure() }
      daemon?.stores.checkIn(opened, key: storeKey)
    }
  }

  /// Ms that a command stays for the sake of texts that were replaced or dropped, and one that is asked to
  /// mend.
  private static let erasureTime = 250
  private static let wholeErasureTime = 600_000

  /// Overwrites what is left of texts that were replaced or dropped.
  ///
  /// - Parameter isWhole: However long that takes, and what could wait too.
  package func payErasure(wholly isWhole: Bool = false) {
    guard deadline == nil, let opened else { return }
    do throws(StoreError) {
      try opened.payErasure(
        at: clock.now, within: isWhole ? Self.wholeErasureTime : Self.erasureTime, hurries: isWhole)
    } catch {
      // It stays owed, and `status` says so.
      log.notice("overwriting waits", metadata: ["code": "\(error.code.rawValue)"])
    }
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

  /// A path of the settings, against the working folder, `~` included.
  /// The person's: `timezone`, else what the caller's system says.
  package var days: LocalDays {
    LocalDays(settings[.timezone]) ?? LocalDays(environment: environment)
  }

  package func absolute(_ path: String) -> String { UserPath.absolute(path, cwd: cwd, environment) }

  package func enterHookMode(_ deadline: Deadline) {
    self.deadline = deadline
  }

  package var fallback: FallbackFiles {
    FallbackFiles(directory: absolute(settings[.fallbackDirectory]))
  }

  /// The repository's uncommitted paths; nil if git fails or takes longer.
  ///
  /// - Parameter milliseconds: Ms that git may take.
  func uncommitted(in git: GitFacts, within milliseconds: Int) -> [String]? {
    guard var status = GitStatus(root: git.root, environment: environment),
      let paths = status.paths(within: milliseconds)
    else { return nil }
    daemon?.noteUncommitted(paths, in: git.root)
    return paths
  }

  // MARK: Projects

  private var places: [String: GitFacts?] = [:]

  /// The repository at a folder, read once.
  package func facts(at folder: String) -> GitFacts? {
    if let known = places[folder] { return known }
    let facts = GitFacts.read(at: folder, environment: environment)
    places[folder] = .some(facts)
    return facts
  }

  /// A project as the store knows it; as it is where the store does not, or cannot be asked.
  package func known(_ project: ProjectReference) -> ProjectReference {
    (try? reader().known(project)) ?? project
  }

  /// The project of a folder.
  package func project(at folder: String) -> ProjectReference {
    known(GitFacts.project(at: folder, facts: facts(at: folder)))
  }

  /// What a transcript has brought so far; nil if the text is none of this memoryd's.
  package func digest(_ json: String) -> SessionDigest? {
    daemon?.digests.digest(of: json) ?? SessionDigest(json: json)
  }

  /// What the reading of a transcript goes on from; nil where it begins anew, as an older memoryd
  /// gathered what there is.
  func startingDigest(_ stored: MemoryDatabase.TranscriptState?) -> SessionDigest? {
    guard let stored, let known = digest(stored.digest), known.isCurrent else { return nil }
    return known
  }

  // MARK: The store

  /// The store for looking only: also one that cannot be written.
  package func reader() throws(StoreError) -> MemoryDatabase {
    do throws(StoreError) {
      return try database()
    } catch {
      guard error.code == .readOnly else { throw error }
      let database = try? MemoryDatabase(path: home.database, access: .reading)
      guard let database else { throw error }
      readOnly = database
      return database
    }
  }

  /// The store for writing what can also be written later.
  package func writer() throws(StoreError) -> MemoryDatabase {
    if let refusal { throw refusal }
    return try database()
  }

  /// Notes that the store did not take a write.
  func noteRefusal(_ error: StoreError) {
    if deadline != nil, error.isStoreUnavailable { refusal = error }
  }

  /// The store, opened once; what waits in the spool is taken in first.
  package func database() throws(StoreError) -> MemoryDatabase {
    if let opened = opened ?? readOnly { return opened }
    if let kept = daemon?.stores.checkOut(
      path: home.database, key: storeKey, busyTimeout: busySeconds)
    {
      opened = kept
      _ = kept.drainDamage()
      drainSpool(into: kept)
      return kept
    }
    try RegularFile.makeFolder(home.data)
    let database = try MemoryDatabase(
      path: home.database, access: deadline == nil ? .migrating : .asIs,
      busyTimeout: busySeconds, redactor: redactor, walAutoCheckpoint: daemon == nil)
    opened = database
    log.debug("store opened", metadata: ["path": "\(home.database)"])
    drainSpool(into: database)
    return database
  }

  /// A hook keeps a part of its time for the spool.
  private var busySeconds: Double {
    guard let deadline else { return 5 }
    return max(0.05, Double(deadline.remaining) / 1000 - 0.4)
  }

  /// Takes in what waits, as far as that can be done.
  package func drainSpool(into database: MemoryDatabase) {
    guard !spool.pending.isEmpty else { return }
    let deadline = deadline
    do {
      let result = try spool.drain(into: database) { deadline?.isWithin(700) ?? false }
      log.info(
        "spool taken in",
        metadata: ["taken": "\(result.taken)", "quarantined": "\(result.quarantined)"])
      if result.quarantined > 0 {
        note(
          "spool", .invalid, "\(result.quarantined) spooled writes could not be taken in",
          hint: "look at them in \(spool.quarantine)")
      }
    } catch {
      if mendIndex(because: error, database) {
        _ = try? spool.drain(into: database)
        return
      }
      // They wait for the next command; `status` counts them.
      log.notice("spool waits", metadata: ["code": "\(error.code.rawValue)"])
    }
  }

  /// Makes a broken full-text index anew where somebody waits as long as it takes.
  ///
  /// - Returns: True if it was that, and is mended.
  @discardableResult
  package func mendIndex(because error: StoreError, _ database: MemoryDatabase) -> Bool {
    guard error.mayBeTheIndex, deadline == nil else { return false }
    let isMended =
      (try? database.mendIndex(atMost: MemoryDatabase.mostMendedByTheWay)) ?? false
    if isMended { log.notice("the full-text index was damaged and has been made anew") }
    return isMended
  }

  /// What was found damaged so far, also by those who went on without.
  func drainDamage() -> StoreError? { (opened ?? readOnly)?.drainDamage() }

  // MARK: Writes

  /// Carries out a write, wherever it can be made durable.
  ///
  /// - Throws: ``StoreError`` `notFound` and `invalid` as the store says; anything else only if
  ///   neither store nor spool nor fallback file could take it.
  package func commit(
    _ operation: StoreWrite.Operation, project: ProjectReference?,
    session: SessionReference? = nil, transcript: TranscriptBatch? = nil,
    requestSuffix: String = "", hook: (() -> HookRun)? = nil
  ) throws(StoreError) -> Acknowledgement {
    var write = StoreWrite(
      requestID: requestID + requestSuffix, at: clock.now, project: project, session: session,
      operation: operation,
      consent: operation.isForVault ? VaultService(service: self).consent : nil)
    do throws(StoreError) {
      let receipt = try store(write, transcript, hook)
      write.itemID = receipt.id
      let (state, staysHere) = mirror(write)
      return Acknowledgement(
        id: receipt.id, kind: receipt.kind, durability: .stored, createdAt: receipt.createdAt,
        vaultState: state, staysHere: staysHere)
    } catch {
      guard error.isStoreUnavailable else { throw error }
      noteRefusal(error)
      log.warning("store cannot take the write", metadata: ["code": "\(error.code.rawValue)"])
      write.itemID = write.itemID ?? Self.itemID(for: write)
      let durability = try keep(write.redacted(by: redactor), because: error)
      return Acknowledgement(
        id: write.itemID ?? "", kind: operation.kind, durability: durability,
        createdAt: write.at, problem: error)
    }
  }

  private func store(
    _ write: StoreWrite, _ transcript: TranscriptBatch?, _ hook: (() -> HookRun)?
  ) throws(StoreError) -> WriteReceipt {
    let database = try database()
    do throws(StoreError) {
      return try database.commit(write, transcript: transcript, hook: hook)
    } catch {
      guard mendIndex(because: error, database) else { throw error }
      return try database.commit(write, transcript: transcript, hook: hook)
    }
  }

  private func keep(
    _ write: StoreWrite, because cause: StoreError
  ) throws(StoreError) -> Durability {
    do throws(StoreError) {
      try spool.append(write)
      return .spooled
    } catch {
      do throws(StoreError) {
        try fallback.append(write)
        return .fallback
      } catch {
        throw cause
      }
    }
  }

  /// The id that the item will have once the store takes it in.
  private static func itemID(for write: StoreWrite) -> String? {
    switch write.operation {
    case .changeTask(let change): change.id
    case .checkpoint(let draft) where draft.replacing != nil: draft.replacing
    case .handOff(let draft): draft.id
    case .openSession, .endSession: write.session?.id
    default:
      {
        var generator = ULIDGenerator()
        return generator.next(at: write.at).description
      }()
    }
  }

  // MARK: State

  /// Without a vault nothing waits for one.
  package func pendingForVault() -> Int {
    guard let vault = VaultService(service: self).reference else { return 0 }
    return (try? database().outboxCounts(vault: vault.id).queued) ?? 0
  }

  /// The last verdict that any process had; nobody is asked.
  package func verdict() -> CanaryVerdict {
    guard settings.hasVault else { return .standalone(at: clock.now) }
    return VaultService(service: self).health()?.verdict
      ?? CanaryVerdict(
        mode: .degraded, detail: "the vault has not been asked yet; `memoryd canary` asks it",
        checkedAt: clock.now, since: clock.now)
  }

  /// While the vault is not known to answer, what is stored is put into the fallback files too.
  ///
  /// - Returns: How far the write's way to the vault has come.
  private func mirror(_ write: StoreWrite) -> (state: OutboxRow.State?, staysHere: Bool) {
    guard settings.hasVault, write.operation.isForVault else { return (nil, false) }
    do throws(StoreError) {
      let database = try writer()
      guard let row = try database.outbox(requestID: write.requestID) else { return (nil, true) }
      guard row.state.isWaiting, !row.isMirrored, verdict().mode != .normal else {
        return (row.state, false)
      }
      let storeID = try Adoption.storeID(database, clock)
      try fallback.append(write.redacted(by: redactor), storeID: storeID)
      try database.markMirrored([row.number], level: 1)
      return (row.state, false)
    } catch {
      // The write itself is safe; the next session start mirrors it.
      log.notice("mirror waits", metadata: ["code": "\(error.code.rawValue)"])
      return (.queued, false)
    }
  }

  /// Keeps what went wrong on the way to a write that is durable all the same.
  func report(_ acknowledgement: Acknowledgement, _ event: String) {
    guard let problem = acknowledgement.problem else { return }
    let place =
      acknowledgement.durability == .spooled
      ? "kept in the spool until the store can be written" : "kept in \(fallback.directory)"
    note(
      event, problem.code, "\(problem.message); the \(acknowledgement.kind) is \(place)",
      hint: problem.hint)
  }

  package func note(
    _ event: String, _ code: StoreError.Code, _ message: String, hint: String? = nil
  ) {
    problems.note(
      .init(at: clock.now, event: event, code: code.rawValue, message: message, hint: hint))
  }
}

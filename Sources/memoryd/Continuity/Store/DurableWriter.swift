package import Core
import Fallback
import Logging
package import MemoryStore
import Vault

/// The one way to write what is not to be lost.
///
/// A write that the store cannot take goes to the spool; one that the spool cannot take goes to a
/// fallback file. Only then does it fail.
package struct DurableWriter {
  package enum Durability: String {
    case stored, spooled, fallback
  }

  /// What a write's caller is told.
  package struct Acknowledgement {
    package var id: RecordID
    package var kind: ItemKind
    package var durability: Durability
    package var createdAt: Int64
    /// Why the store did not take it.
    package var problem: StoreError?
    /// How far its way to the vault has come; nil while the store does not have it.
    var vaultState: OutboxRow.State?
    /// True if it goes to no vault, as its project is private.
    var staysHere = false
  }

  let context: CallContext
  let store: StoreDoor

  package init(_ context: CallContext, _ store: StoreDoor) {
    self.context = context
    self.store = store
  }

  private var vault: VaultService { VaultService(context, store) }

  /// Carries out a write, wherever it can be made durable.
  ///
  /// - Parameters:
  ///   - transcript: Stored in the same transaction, and not kept elsewhere: the next reading finds
  ///     it.
  ///   - requestSuffix: Tells the writes of one call apart.
  ///   - hook: What is noted of a hook's run in the same transaction.
  /// - Throws: ``StoreError`` `notFound` and `invalid` as the store says; anything else only if
  ///   neither store nor spool nor fallback file could take it.
  package func commit(
    _ operation: StoreWrite.Operation, project: ProjectReference?,
    session: SessionReference? = nil, transcript: TranscriptBatch? = nil,
    requestSuffix: String = "", hook: (() -> HookRun)? = nil
  ) throws(StoreError) -> Acknowledgement {
    var write = StoreWrite(
      requestID: context.requestID.part(requestSuffix), at: context.clock.now, project: project,
      session: session, operation: operation,
      consent: operation.isForVault ? vault.consent : nil)
    do throws(StoreError) {
      let receipt = try store(write, transcript, hook)
      write.itemID = receipt.id
      let (state, staysHere) = mirror(write)
      return Acknowledgement(
        id: receipt.id, kind: receipt.kind, durability: .stored, createdAt: receipt.createdAt,
        vaultState: state, staysHere: staysHere)
    } catch {
      guard error.isStoreUnavailable, !context.isOfJournal else { throw error }
      store.noteRefusal(error)
      context.log.warning(
        "store cannot take the write", metadata: ["code": "\(error.code.rawValue)"])
      write.itemID = write.itemID ?? Self.itemID(for: write)
      let durability = try keep(write.redacted(by: context.redactor), because: error)
      return Acknowledgement(
        id: write.itemID ?? .noRecord, kind: operation.kind, durability: durability,
        createdAt: write.at, problem: error)
    }
  }

  private func store(
    _ write: StoreWrite, _ transcript: TranscriptBatch?, _ hook: (() -> HookRun)?
  ) throws(StoreError) -> WriteReceipt {
    let database = try store.writing()
    do throws(StoreError) {
      return try database.commit(
        write, transcript: transcript, isLate: context.isOfJournal, hook: hook)
    } catch {
      guard store.mendIndex(because: error, database) else { throw error }
      return try database.commit(
        write, transcript: transcript, isLate: context.isOfJournal, hook: hook)
    }
  }

  private func keep(
    _ write: StoreWrite, because cause: StoreError
  ) throws(StoreError) -> Durability {
    do throws(StoreError) {
      try store.spool.append(write)
      return .spooled
    } catch {
      do throws(StoreError) {
        try context.fallback.append(write)
        return .fallback
      } catch {
        throw cause
      }
    }
  }

  /// The id that the item will have once the store takes it in.
  private static func itemID(for write: StoreWrite) -> RecordID? {
    if let id = write.operation.itemID { return id }
    if write.operation.kind == .session { return write.session.map { RecordID($0.id) } }
    var generator = ULIDGenerator()
    return RecordID(generator.next(at: write.at))
  }

  /// While the vault is not known to answer, what is stored is put into the fallback files too.
  ///
  /// - Returns: How far the write's way to the vault has come.
  private func mirror(_ write: StoreWrite) -> (state: OutboxRow.State?, staysHere: Bool) {
    guard context.settings.hasVault, write.operation.isForVault else { return (nil, false) }
    do throws(StoreError) {
      let database = try store.writing()
      guard let row = try database.outbox(requestID: write.requestID) else { return (nil, true) }
      guard row.state.isWaiting, !row.isMirrored, vault.verdict().mode != .normal else {
        return (row.state, false)
      }
      let storeID = try Adoption.storeID(database, context.clock)
      try context.fallback.append(write.redacted(by: context.redactor), storeID: storeID)
      // Bookkeeping of the outbox: without it the next mirroring finds the entry in the file by its
      // request.
      try database.markMirrored([row.number], level: 1)
      return (row.state, false)
    } catch {
      // The write itself is safe; the next session start mirrors it.
      context.log.notice("mirror waits", metadata: ["code": "\(error.code.rawValue)"])
      return (.queued, false)
    }
  }

  /// Keeps what went wrong on the way to a write that is durable all the same.
  func report(_ acknowledgement: Acknowledgement, _ event: String) {
    guard let problem = acknowledgement.problem else { return }
    let place =
      acknowledgement.durability == .spooled
      ? "kept in the spool until the store can be written"
      : "kept in \(context.fallback.directory)"
    context.noteProblem(
      event, problem.code, "\(problem.message); the \(acknowledgement.kind) is \(place)",
      hint: problem.hint)
  }
}

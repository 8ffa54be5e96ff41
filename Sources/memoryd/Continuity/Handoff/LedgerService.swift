package import Checkpoints
package import Core
import Foundation
import Git
package import MemoryStore

/// Keeps the completion ledger of a project.
package struct LedgerService {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  /// Where items go that nobody names a phase for, if the ledger has none.
  private static let firstPhase = "Work"

  /// Adds items, or brings those up to date that are there under the same name.
  ///
  /// - Parameters:
  ///   - phase: Nil takes the ledger's last.
  ///   - section: A heading within the phase.
  /// - Throws: ``CommandError`` `badInput` for an item that cannot stand in a table.
  package func add(
    _ entries: [Ledger.Entry], phase: String?, section: String? = nil, source: LedgerSource,
    project: ProjectReference, session: SessionReference?, requestSuffix: String = ""
  ) throws -> DurableWriter.Acknowledgement {
    let known = (try? service.store.reading().ledger(project)) ?? nil
    let last = phase ?? known?.phases.last?.name ?? Self.firstPhase
    let homes = Dictionary(
      (phase == nil ? known?.entries ?? [] : []).map { ($0.entry.item, $0) },
      uniquingKeysWith: { $1 })
    var ledger = Ledger()
    for entry in entries {
      // Without a phase, the item of that name is meant wherever it stands.
      let home = homes[entry.item]
      ledger.phases.append(
        Ledger.Phase(
          home?.phase ?? last,
          groups: [Ledger.Group(name: home == nil ? section : home?.group, .entries([entry]))]))
    }
    ledger = ledger.joined().normalised()
    guard ledger.entries.count == entries.count else {
      throw CommandError(
        .badInput, "invalid", "a phase, a heading or an item has no text that a ledger can hold")
    }
    return try service.writer.commit(
      .addToLedger(
        LedgerDraft(
          ledger: ledger, source: source,
          today: service.context.days.date(of: service.context.clock.now))),
      project: project,
      session: session, requestSuffix: requestSuffix)
  }

  package struct Imported {
    package var acknowledgement: DurableWriter.Acknowledgement
    package var ledger: Ledger
    /// Headings below which nothing could be taken in.
    package var skipped: [String]
    package var added: Int
    package var changed: Int
  }

  /// Takes a ledger's document in: what its file has not changed since the last time stays as it is
  /// here.
  package func importDocument(_ document: String, project: ProjectReference) throws -> Imported {
    let (read, skipped) = Ledger.read(document)
    let ledger = read.normalised()
    guard !ledger.phases.isEmpty else {
      throw CommandError(
        .badInput, "no_ledger", "there is no table of items and no list below a heading in it",
        hint: "a ledger has phases as `## ` headings with tables of Item | Status | Commit | Date")
    }
    func items() -> [LedgerRecord] {
      (try? service.store.reading().ledgerItems(RecordFilter(place: project))) ?? []
    }
    let before = Dictionary(items().map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    let acknowledgement = try service.writer.commit(
      .addToLedger(
        LedgerDraft(ledger: ledger, source: .import, file: Self.hash(of: document))),
      project: project)
    let after = items()
    return Imported(
      acknowledgement: acknowledgement, ledger: ledger, skipped: skipped,
      added: after.count { before[$0.id] == nil },
      changed: after.count { item in before[item.id].map { $0.entry != item.entry } ?? false })
  }

  /// Tells one document from another; FNV-1a, 64 bits.
  package static func hash(of document: String) -> String {
    let hash = FNV1a.hash(document.utf8)
    return String(hash, radix: 16) + "-\(document.utf8.count)"
  }

  /// - Throws: ``CommandError`` if there is no repository, or git does not answer.
  package func verify(_ records: [LedgerRecord]) throws -> LedgerVerification {
    guard let git = service.repositories.here else {
      throw CommandError(
        .notFound, "no_repository", "there is no git repository here to look commits up in",
        hint: "run it in the project's repository")
    }
    let history = GitHistory(root: git.root, environment: service.context.environment)
    guard
      let verification = LedgerVerification(
        records, isShallow: git.isShallow, find: { history.find($0, within: .seconds(60)) })
    else {
      throw CommandError(
        .inputOutput, "git_failed", "git did not say what it has",
        hint: "`git -C \(git.root) status` shows what is wrong")
    }
    return verification
  }
}

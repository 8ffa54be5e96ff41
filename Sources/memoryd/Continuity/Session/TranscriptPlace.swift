import Core
import Foundation
import MemoryStore

/// Where a session's transcript lies, if not where its host says.
package enum TranscriptPlace {
  /// Folders that are looked into.
  private static let mostFolders = 20_000
  /// Days of Codex's that are looked into, the newest.
  private static let mostDays = 62

  /// Hosts name the folder of a worktree, or of where the session walked to, while the file stays in
  /// the one where it began; some leave an empty file there, or name none. It has the same name: one
  /// folder away, below the same folder of projects. Links are not followed.
  ///
  /// - Parameters:
  ///   - path: As the host says; nil if it says none.
  ///   - session: By its id the file is called.
  static func find(_ path: String?, session: SessionID, _ service: MemoryService) -> String? {
    guard let path else { return find(session, service) }
    let named = UserPath.absolute(path, cwd: service.context.cwd, service.context.environment)
    guard !hasText(named) else { return named }
    let name = (named as NSString).lastPathComponent
    guard name.hasSuffix(".jsonl"), name != ".jsonl" else { return named }
    let above =
      ((named as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
    let own = TranscriptFolders.of(service.context).claude
    let places = (above as NSString).lastPathComponent == "projects" ? [above, own] : [own]
    return newest(name, below: places) ?? named
  }

  private static func find(_ session: SessionID, _ service: MemoryService) -> String? {
    let known = ((try? service.store.reading().session(id: session)) ?? nil)
    if let known, known.id == session, let path = known.transcriptPath, hasText(path) {
      return path
    }
    guard session != .noSession, !session.rawValue.contains("/") else { return nil }
    let (claude, codex) = TranscriptFolders.of(service.context)
    return newest("\(session).jsonl", below: [claude]) ?? rollout(session, below: codex)
  }

  private static func newest(_ name: String, below places: [String]) -> String? {
    for projects in places {
      var newest: (path: String, modified: Int64)?
      for folder in folders(of: projects).prefix(mostFolders) {
        let place = projects + "/" + folder
        guard let facts = RegularFile.facts(place + "/" + name), facts.size > 0,
          facts.modified > newest?.modified ?? .min,
          isPlain(place, .typeDirectory), isPlain(place + "/" + name, .typeRegular)
        else { continue }
        newest = (place + "/" + name, facts.modified)
      }
      if let newest { return newest.path }
    }
    return nil
  }

  /// Codex keeps rollouts by day, with the session's id at the end of their names.
  private static func rollout(_ session: SessionID, below places: [String]) -> String? {
    guard UUID(uuidString: session.rawValue) != nil else { return nil }
    for place in places.reversed() {
      var left = mostDays
      for year in folders(of: place).sorted(by: >) {
        for month in folders(of: place + "/" + year).sorted(by: >) {
          for day in folders(of: "\(place)/\(year)/\(month)").sorted(by: >) {
            if left == 0 { return nil }
            left -= 1
            let folder = "\(place)/\(year)/\(month)/\(day)"
            let name = folders(of: folder).first {
              $0.hasPrefix("rollout-") && $0.hasSuffix("-\(session).jsonl")
            }
            if let name, isPlain(folder + "/" + name, .typeRegular) { return folder + "/" + name }
          }
        }
      }
    }
    return nil
  }

  private static func folders(of place: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
  }

  private static func hasText(_ path: String) -> Bool {
    RegularFile.facts(path).map { $0.size > 0 } ?? false
  }

  /// True for a file of this kind itself, not for a link to one.
  private static func isPlain(_ path: String, _ kind: FileAttributeType) -> Bool {
    let facts = try? FileManager.default.attributesOfItem(atPath: path)
    return facts?[.type] as? FileAttributeType == kind
  }
}

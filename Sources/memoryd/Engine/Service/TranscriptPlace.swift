import Foundation
import MemoryStore

/// Where a session's transcript lies, if not where its host says.
enum TranscriptPlace {
  /// Folders that are looked into.
  private static let mostFolders = 20_000

  /// Hosts name the folder of a worktree, or of where the session walked to, while the file stays in
  /// the one where it began. It has the same name there: one folder away, below the same folder of
  /// projects. Links are not followed.
  static func find(_ path: String?, _ service: MemoryService) -> String? {
    guard let path, path.hasPrefix("/"), RegularFile.facts(path) == nil else { return path }
    let name = (path as NSString).lastPathComponent
    guard name.hasSuffix(".jsonl"), name != ".jsonl" else { return path }
    let above = ((path as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
    let own = IngestCommand.places(service).claude
    var newest: (path: String, modified: Int64)?
    for projects in (above as NSString).lastPathComponent == "projects" ? [above, own] : [own] {
      let folders = (try? FileManager.default.contentsOfDirectory(atPath: projects)) ?? []
      for folder in folders.prefix(mostFolders) {
        let place = projects + "/" + folder
        guard let facts = RegularFile.facts(place + "/" + name),
          facts.modified > newest?.modified ?? .min,
          isPlain(place, .typeDirectory), isPlain(place + "/" + name, .typeRegular)
        else { continue }
        newest = (place + "/" + name, facts.modified)
      }
      if newest != nil { break }
    }
    return newest?.path ?? path
  }

  /// True for a file of this kind itself, not for a link to one.
  private static func isPlain(_ path: String, _ kind: FileAttributeType) -> Bool {
    let facts = try? FileManager.default.attributesOfItem(atPath: path)
    return facts?[.type] as? FileAttributeType == kind
  }
}

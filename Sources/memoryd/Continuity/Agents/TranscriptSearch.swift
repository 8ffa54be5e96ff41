import Core
import Foundation
import MemoryStore
import Transcripts

/// Looks for transcripts by their names. Links are not followed.
package enum TranscriptSearch {
  /// Folders that are looked into.
  static let mostFolders = 20_000
  /// Days of Codex's that are looked into, the newest.
  static let mostDays = 62
  /// Behind the name of a transcript that its agent has compressed.
  package static let compressed = TranscriptFile.suffix

  /// The files below a folder whose names are wanted, as paths.
  package static func files(
    below folder: String, where isWanted: (Substring) -> Bool
  ) -> [String] {
    // A folder that is a link itself is not walked into. Its files keep the names that hooks give them.
    let target = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
    guard let walker = FileManager.default.enumerator(atPath: target) else { return [] }
    var paths: Set<String> = []
    for case let name as String in walker {
      let plain = plain(name)
      if isWanted(plain[...]) { paths.insert(folder + "/" + plain) }
    }
    return paths.sorted()
  }

  /// The name without what compression put behind it.
  package static func plain(_ path: String) -> String {
    path.hasSuffix(".jsonl" + compressed) ? String(path.dropLast(compressed.count)) : path
  }

  /// The youngest file of a name, one folder below one of these.
  static func newest(_ name: String, below places: [String]) -> String? {
    for projects in places {
      var newest: (path: String, modified: Int64)?
      for folder in names(in: projects).prefix(mostFolders) {
        let place = projects + "/" + folder
        guard let facts = RegularFile.facts(place + "/" + name), facts.size > 0,
          facts.modified > newest?.modified ?? .min,
          isPlain(place, .typeDirectory), isFile(place + "/" + name)
        else { continue }
        newest = (place + "/" + name, facts.modified)
      }
      if let newest { return newest.path }
    }
    return nil
  }

  static func names(in place: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
  }

  static func hasText(_ path: String) -> Bool {
    (RegularFile.facts(path) ?? RegularFile.facts(path + compressed)).map { $0.size > 0 } ?? false
  }

  /// True for a file itself, not for a link to one.
  static func isFile(_ path: String) -> Bool { isPlain(path, .typeRegular) }

  private static func isPlain(_ path: String, _ kind: FileAttributeType) -> Bool {
    let facts = try? FileManager.default.attributesOfItem(atPath: path)
    return facts?[.type] as? FileAttributeType == kind
  }
}

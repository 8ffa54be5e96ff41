import Checkpoints
import Core
import Foundation
import Git
import MemoryStore
import Syntax

/// `.handoff/` of a repository: handoffs by their minute, and messages between sessions, which others
/// than memoryd write and read too.
package struct HandoffFolder {
  /// The folder: at the top of the repository, else in the working folder.
  let path: String

  /// Messages that were handed over are moved here.
  private var read: String { path + "/read" }

  init(at folder: String, git: GitFacts?) {
    path = (git?.root ?? folder) + "/.handoff"
  }

  /// The folder that belongs to the caller's working folder.
  init(here service: MemoryService) {
    self.init(at: service.context.cwd, git: service.repositories.here)
  }

  // MARK: Names

  /// `2026-01-14-15-18`, UTC.
  static func name(at milliseconds: Int64) -> String {
    String(Timestamp.string(milliseconds).prefix(16)).replacing(bytesOf: "T", with: "-")
      .replacing(bytesOf: ":", with: "-")
  }

  static func name(from: String, to: String, topic: String) -> String {
    "\(slug(from))-to-\(slug(to))-\(slug(topic))"
  }

  /// What is safe in a file name on every system.
  static func slug(_ text: String) -> String {
    let parts = text.lowercased().split {
      !$0.isASCII || !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".")
    }
    let slug = parts.joined(separator: "-").prefix(60).drop { $0 == "." }
    return slug.isEmpty ? "x" : String(slug)
  }

  // MARK: Writing

  /// Writes a document under a name that nothing has yet: `name.md`, then `name-2.md`.
  ///
  /// - Returns: The path.
  func write(_ document: String, name: String, suffix: String) throws(StoreError) -> String {
    _ = try ClosedFolder.made(path)
    for number in 1...1000 {
      let file = "\(path)/\(name)\(number == 1 ? "" : "-\(number)")\(suffix)"
      if try RegularFile.writeNew(Array(document.utf8), to: file) { return file }
    }
    throw StoreError(.inputOutput, "\(path) has a thousand files named \(name) already")
  }

  /// True if neither a file is a link, nor the folder of a repository that it is in.
  static func isWithoutLinks(_ path: String) -> Bool {
    let folder = (path as NSString).deletingLastPathComponent
    let isOfRepository = folder.hasSuffix("/.handoff") || folder.hasSuffix("/.handoff/read")
    return !RegularFile.isLink(path) && !(isOfRepository && RegularFile.isLink(folder))
  }

  // MARK: Messages

  /// How much of the files is read.
  package enum Depth {
    /// For a list: the beginnings of some.
    case heads
    /// For handing one over.
    case whole

    /// Bytes of a file; a message is for reading. All beginnings together are read while a session waits.
    var limit: Int { self == .heads ? 8 << 10 : 1 << 20 }
    /// Messages that are looked at.
    var most: Int { self == .heads ? 100 : 1000 }
  }

  /// Names that are looked at at all.
  private static let mostNames = 10_000

  /// The messages in files. Where no front matter says so, the name says who wrote it for whom:
  /// names may have dashes, so those of the reader decide first. Links are not followed.
  ///
  /// - Parameter names: The reader's, in lower case.
  func messages(for names: [String], _ depth: Depth) -> [MessageFile] {
    guard let folder = try? ClosedFolder(path) else { return [] }
    return folder.names(most: Self.mostNames)
      .filter { $0.hasSuffix(".md") && $0.contains("-to-") && !$0.hasPrefix(".") }
      .prefix(depth.most).compactMap { message($0, in: folder, names, depth) }
  }

  private func message(
    _ name: String, in folder: ClosedFolder, _ names: [String], _ depth: Depth
  ) -> MessageFile? {
    guard let (bytes, facts) = folder.read(name, limit: depth.limit),
      depth == .heads || facts.size <= depth.limit, let middle = name.range(of: "-to-")
    else { return nil }
    let text = FileText.string(bytes)
    let head = HandoffHead(text)
    let rest = String(name[middle.upperBound...].dropLast(3)).lowercased()
    let own = names.map(Self.slug).filter { rest == $0 || rest.hasPrefix($0 + "-") }
      .max { $0.count < $1.count }
    let recipient = own ?? rest.split(separator: "-").first.map(String.init) ?? rest
    let topic = rest.dropFirst(recipient.count).drop { $0 == "-" }
    let front = head.front
    return MessageFile(
      key: "file:\(facts.device).\(facts.inode).\(facts.modified).\(facts.size):\(name)",
      path: path + "/" + name,
      sender: front.from ?? String(name[..<middle.lowerBound]), recipient: front.to ?? recipient,
      topic: front.topic ?? (topic.isEmpty ? nil : String(topic)), objective: head.objective,
      body: text, writtenAt: facts.modified, id: front.id.flatMap { ULID($0) }.map { RecordID($0) })
  }

  /// Moves the file of a message that was handed over out of the others' way. That it was handed over
  /// stands in the store; this only tidies up.
  ///
  /// - Returns: Where it is now; nil if it could not be moved.
  func putAway(_ file: MessageFile) -> String? {
    guard (try? ClosedFolder(path)) != nil, (try? ClosedFolder.made(read)) != nil else {
      return nil
    }
    let name = String(((file.path as NSString).lastPathComponent as NSString).deletingPathExtension)
    for number in 1...100 {
      let target = "\(read)/\(name)\(number == 1 ? "" : "-\(number)").md"
      if RegularFile.move(file.path, toNew: target) { return target }
      if RegularFile.facts(file.path) == nil { return nil }
    }
    return nil
  }
}

extension ProjectReference {
  /// True if the repository at hand is that project's: another one's files and commits are not its.
  func isHere(_ service: MemoryService) -> Bool { isSame(as: ProjectFinder.here(service)) }
}

extension Handoff {
  /// An id for a new one.
  static func newID(_ service: MemoryService) -> RecordID {
    var ids = ULIDGenerator()
    return RecordID(ids.next(at: service.context.clock.now))
  }
}

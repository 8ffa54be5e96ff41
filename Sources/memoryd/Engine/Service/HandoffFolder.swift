import Checkpoints
import Foundation
import MemoryStore

/// `.handoff/` of a repository: handoffs by their minute, and messages between sessions, which others
/// than memoryd write and read too.
struct HandoffFolder {
  /// At the top of the repository, else in the working folder.
  let path: String

  /// Messages that were handed over are moved here.
  private var read: String { path + "/read" }

  init(at folder: String, git: GitFacts?) {
    path = (git?.root ?? folder) + "/.handoff"
  }

  // MARK: Names

  /// `2026-01-14-15-18`, UTC.
  static func name(at milliseconds: Int64) -> String {
    String(Timestamp.string(milliseconds).prefix(16)).replacing("T", with: "-")
      .replacing(":", with: "-")
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
    try RegularFile.makeFolder(path)
    for number in 1...1000 {
      let file = "\(path)/\(name)\(number == 1 ? "" : "-\(number)")\(suffix)"
      if try RegularFile.writeNew(Array(document.utf8), to: file) { return file }
    }
    throw StoreError(.inputOutput, "\(path) has a thousand files named \(name) already")
  }

  // MARK: Messages

  /// Bytes; a message is for reading.
  private static let limit = 1 << 20
  /// Files that are looked at, the newest names last.
  private static let mostFiles = 1000

  /// The messages in files. Where no front matter says so, the name says who wrote it for whom:
  /// names may have dashes, so those of the reader decide first.
  ///
  /// - Parameter names: The reader's, in lower case.
  func messages(for names: [String]) -> [MessageFile] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return files.filter { $0.hasSuffix(".md") && $0.contains("-to-") && !$0.hasPrefix(".") }
      .sorted().prefix(Self.mostFiles).compactMap { message($0, names) }
  }

  private func message(_ name: String, _ names: [String]) -> MessageFile? {
    let file = path + "/" + name
    guard let facts = RegularFile.facts(file),
      let bytes = try? RegularFile.read(file, limit: Self.limit),
      let middle = name.range(of: "-to-")
    else { return nil }
    let text = FileText.string(bytes)
    let handoff = Handoff(text)
    let rest = String(name[middle.upperBound...].dropLast(3)).lowercased()
    let own = names.map(Self.slug).filter { rest == $0 || rest.hasPrefix($0 + "-") }
      .max { $0.count < $1.count }
    let recipient = own ?? rest.split(separator: "-").first.map(String.init) ?? rest
    let topic = rest.dropFirst(recipient.count).drop { $0 == "-" }
    let front = handoff.front
    let firstLine = handoff.contents.notes.first?.split(separator: "\n").first.map(String.init)
    return MessageFile(
      key: "file:\(facts.device).\(facts.inode).\(facts.modified).\(facts.size):\(name)",
      path: file,
      sender: front.from ?? String(name[..<middle.lowerBound]), recipient: front.to ?? recipient,
      topic: front.topic ?? (topic.isEmpty ? nil : String(topic)),
      objective: handoff.objective.isEmpty ? firstLine ?? "" : handoff.objective,
      body: text, writtenAt: facts.modified,
      id: front.id.flatMap { ULID($0)?.description })
  }

  /// Moves the file of a message that was handed over out of the others' way. That it was handed over
  /// stands in the store; this only tidies up.
  ///
  /// - Returns: Where it is now; nil if it could not be moved.
  func putAway(_ file: MessageFile) -> String? {
    guard (try? RegularFile.makeFolder(read)) != nil else { return nil }
    let name = String(((file.path as NSString).lastPathComponent as NSString).deletingPathExtension)
    for number in 1...100 {
      let target = "\(read)/\(name)\(number == 1 ? "" : "-\(number)").md"
      if RegularFile.move(file.path, toNew: target) { return target }
      if RegularFile.facts(file.path) == nil { return nil }
    }
    return nil
  }
}

import Core
import Foundation
import Syntax

/// Gemini CLI: a folder for each project, named by a short id; the file's name has the beginning of the
/// session's id. A sub-agent's chat lies in a folder of its parent's id.
struct GeminiFacts: AgentFacts {
  let installed =
    "new sessions of Gemini CLI have it; /extensions list shows it"

  func settingsFolder(_ context: CallContext) -> String {
    home(nil, ".gemini", context)
  }

  func transcriptFolders(_ context: CallContext) -> [String] {
    [home(nil, ".gemini", context) + "/tmp"]
  }

  func isTranscript(_ path: Substring) -> Bool {
    let parts = path.split(separator: "/")
    guard parts.count >= 3, parts[1] == "chats", let name = parts.last else { return false }
    if parts.count > 3 { return name.hasSuffix(".jsonl") }
    return name.hasPrefix("session-") && (name.hasSuffix(".jsonl") || name.hasSuffix(".json"))
  }

  func transcript(of session: SessionID, _ context: CallContext) -> String? {
    let start = session.rawValue.prefix(8)
    guard start.utf8.count == 8 else { return nil }
    let ends = ["-\(start).jsonl", "-\(start).json"]
    var newest: (path: String, modified: Int64)?
    for place in transcriptFolders(context) {
      for project in TranscriptSearch.names(in: place).prefix(TranscriptSearch.mostFolders) {
        let chats = "\(place)/\(project)/chats"
        for name in TranscriptSearch.names(in: chats)
        where name.hasPrefix("session-") && ends.contains(where: { name.hasSuffix($0) }) {
          let path = chats + "/" + name
          guard let facts = RegularFile.facts(path), TranscriptSearch.isFile(path),
            facts.modified > newest?.modified ?? .min
          else { continue }
          newest = (path, facts.modified)
        }
      }
    }
    return newest?.path
  }

  /// Gemini CLI writes angle brackets in a context as entities: what stands in a tag would be a tag no
  /// more, and code full of `&lt;` is hard to read. They are written as `‹` and `›`.
  func answer(context: String, message: String?, atPrompt: Bool) -> JSON {
    let plain = context.replacing(bytesOf: "\\<", with: "‹").replacing(bytesOf: "<", with: "‹")
      .replacing(bytesOf: ">", with: "›")
    return answer(plain, message, event: atPrompt ? "BeforeAgent" : "SessionStart")
  }

  /// `projects.json` maps folders to short ids. Where an older version named the folder by a hash of the
  /// path, it says nothing.
  func folder(ofTranscript path: String, _ context: CallContext) -> String? {
    guard let tmp = transcriptFolders(context).first, path.hasPrefix(tmp + "/"),
      let id = path.dropFirst(tmp.utf8.count + 1).split(separator: "/").first,
      let bytes = try? RegularFile.read(
        home(nil, ".gemini", context) + "/projects.json", limit: 1 << 20),
      let projects = JSON(parsing: bytes)?["projects"]?.object
    else { return nil }
    return projects.first { $0.value.string.map { $0[...] == id } ?? false }?.key
  }
}

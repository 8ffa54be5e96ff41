import Core
import Foundation

/// Codex: a folder for each day, the session's id at the end of the file's name.
struct CodexFacts: AgentFacts {
  let installed =
    "Codex runs a hook only after you have approved it: start `codex`, type /hooks, and trust those of memoryd"

  func settingsFolder(_ context: CallContext) -> String {
    home("CODEX_HOME", ".codex", context)
  }

  func transcriptFolders(_ context: CallContext) -> [String] {
    let folder = home("CODEX_HOME", ".codex", context)
    return [folder + "/archived_sessions", folder + "/sessions"]
  }

  func isTranscript(_ path: Substring) -> Bool {
    path.hasSuffix(".jsonl") && (path.split(separator: "/").last ?? "").hasPrefix("rollout-")
  }

  func transcript(of session: SessionID, _ context: CallContext) -> String? {
    guard UUID(uuidString: session.rawValue) != nil else { return nil }
    func rollout(in folder: String) -> String? {
      TranscriptSearch.names(in: folder).first { name in
        name.hasPrefix("rollout-") && TranscriptSearch.plain(name).hasSuffix("-\(session).jsonl")
          && TranscriptSearch.isFile(folder + "/" + name)
      }.map { folder + "/" + TranscriptSearch.plain($0) }
    }
    for place in transcriptFolders(context).reversed() {
      if let found = rollout(in: place) { return found }
      var left = TranscriptSearch.mostDays
      for year in TranscriptSearch.names(in: place).sorted(by: >) {
        for month in TranscriptSearch.names(in: place + "/" + year).sorted(by: >) {
          for day in TranscriptSearch.names(in: "\(place)/\(year)/\(month)").sorted(by: >) {
            if left == 0 { return nil }
            left -= 1
            if let found = rollout(in: "\(place)/\(year)/\(month)/\(day)") { return found }
          }
        }
      }
    }
    return nil
  }
}

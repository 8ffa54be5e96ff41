import Continuity
import Core
import Foundation

/// Where Claude Code keeps its settings and its own state.
struct ClaudeFiles: Sendable {
  /// Claude Code's own folder, `~/.claude`.
  var folder: String
  var settings: String
  var state: String

  /// `CLAUDE_CONFIG_DIR` moves all of it.
  ///
  /// - Throws: ``CommandError`` where no home folder is known.
  init(_ context: CallContext) throws {
    folder = try Agent.claude.folder(context)
    settings = folder + "/settings.json"
    let isMoved = context.environment["CLAUDE_CONFIG_DIR"]?.isEmpty == false
    state = (isMoved ? folder : (folder as NSString).deletingLastPathComponent) + "/.claude.json"
  }
}

import Continuity
import Core

extension Agent {
  /// Where it keeps its settings.
  ///
  /// - Throws: ``CommandError`` where no home folder is known.
  func folder(_ context: CallContext) throws -> String {
    let folder = facts.settingsFolder(context)
    guard UserPath.userFolder(context.environment) != nil || !folder.hasPrefix("/.") else {
      throw CommandError(.badConfiguration, "no_home", "there is no home folder: HOME is not set")
    }
    return folder
  }
}

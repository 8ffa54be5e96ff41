import Core
import Foundation

/// Who else may write where memoryd keeps its things: whoever may could put another store, other
/// settings (which name commands) or writes of their own there.
package struct HomeCare {
  let home: HomeLayout
  /// Nil where no socket is meant.
  var socketFolder: String?

  package init(home: HomeLayout, socketFolder: String? = nil) {
    self.home = home
    self.socketFolder = socketFolder
  }

  static let code = "foreign_folder"

  private var places: [String] {
    [
      home.data, home.configuration, home.configurationFile, home.database, home.database + "-wal",
      home.spool, home.journal, home.logs, socketFolder,
    ].compactMap(\.self)
  }

  /// - Throws: ``CommandError`` (78) if a place belongs to another user.
  package func refuseStrangers() throws {
    for place in places {
      guard case .owner(let user) = RegularFile.intruder(place) else { continue }
      throw Self.refusal(place, user)
    }
  }

  package static func refusal(_ place: String, _ user: UInt32) -> CommandError {
    let name = getpwuid(user).flatMap { $0.pointee.pw_name }.map { String(cString: $0) }
    let who = name.map { "\($0), uid \(user)" } ?? "uid \(user)"
    return CommandError(
      .badConfiguration, code, "\(place) is owned by another user (\(who)): nothing is kept there",
      hint: "set MEMORYD_HOME to a folder of your own, or make yourself its owner with chown")
  }

  /// The places that group or others may write.
  package var open: [String] {
    var seen: Set<String> = []
    return places.filter { seen.insert($0).inserted && RegularFile.intruder($0) == .others }
  }

  /// One line for a person; nil if all is well.
  package var warning: (message: String, hint: String)? {
    let open = open
    guard let first = open.first else { return nil }
    let more = open.count > 1 ? " and \(open.count - 1) more" : ""
    return (
      "\(first)\(more) can be written by other users",
      "`memoryd doctor --fix` makes it private"
    )
  }

  /// What is in the data folder is nobody else's to read either.
  package func mend() {
    for folder in [home.data, home.spool, home.journal, home.logs] { chmod(folder, 0o700) }
    for suffix in ["", "-wal", "-shm"] { chmod(home.database + suffix, 0o600) }
    for place in open { RegularFile.closeToOthers(place) }
  }
}

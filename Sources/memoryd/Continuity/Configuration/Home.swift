import Core
import Foundation

/// Where memoryd keeps its things.
package struct Home: Sendable {
  /// Store, spool, logs.
  package let data: String
  package let configuration: String
  /// True if somebody named the folder; else it is the platform's.
  package let isChosen: Bool

  package init(data: String, configuration: String, isChosen: Bool) {
    self.data = data
    self.configuration = configuration
    self.isChosen = isChosen
  }

  /// `--home`, then `MEMORYD_HOME`, then the platform's own folders.
  ///
  /// - Throws: ``VerbError`` where none of them is known.
  package init(flag: String?, environment: [String: String], cwd: String) throws {
    if let folder = flag ?? environment["MEMORYD_HOME"], !folder.isEmpty {
      data = Self.absolute(folder, cwd: cwd, environment)
      configuration = data
      isChosen = true
      return
    }
    isChosen = false
    func variable(_ name: String) -> String? {
      // The XDG specification has relative paths ignored.
      environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    let user = Self.userFolder(environment)
    #if os(macOS)
      guard let user else { throw Self.unknown }
      data = user + "/Library/Application Support/memoryd"
      configuration = data
    #else
      guard let data = variable("XDG_DATA_HOME") ?? user.map({ $0 + "/.local/share" }),
        let configuration = variable("XDG_CONFIG_HOME") ?? user.map({ $0 + "/.config" })
      else { throw Self.unknown }
      self.data = data + "/memoryd"
      self.configuration = configuration + "/memoryd"
    #endif
  }

  package var database: String { data + "/memory.db" }
  var spool: String { data + "/spool" }
  /// Held while a sync goes on.
  var syncLock: String { data + "/sync.lock" }
  /// The newest sync, told outside the store.
  var syncWitness: String { data + "/sync.witness" }
  /// Held by the daemon of this folder.
  package var instanceLock: String { data + "/memoryd.lock" }
  package var logs: String { data + "/logs" }
  package var configurationFile: String { configuration + "/config.yaml" }

  /// `HOME`, else what the user database says.
  package static func userFolder(_ environment: [String: String]) -> String? {
    if let home = environment["HOME"], home.hasPrefix("/") { return home }
    guard let entry = getpwuid(getuid()), let folder = entry.pointee.pw_dir else { return nil }
    let path = String(cString: folder)
    return path.hasPrefix("/") ? path : nil
  }

  /// An absolute path: a relative one is against the working folder, `~` the user's own.
  package static func absolute(
    _ path: String, cwd: String, _ environment: [String: String]
  ) -> String {
    if path == "~" || path.hasPrefix("~/"), let user = userFolder(environment) {
      return user + path.dropFirst(1)
    }
    return RegularFile.absolute(path, from: cwd)
  }

  /// A path as people write it in a folder: what lies below it without it.
  package static func relative(_ path: String, to folder: String) -> String {
    path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : path
  }

  private static let unknown = VerbError(
    .badConfiguration, "no_home", "there is no home folder: HOME is not set",
    hint: "set MEMORYD_HOME or give --home DIR")
}

/// Where memoryd keeps its things: the files and folders below one home, which `MEMORYD_HOME` or the
/// platform names.
package struct HomeLayout: Sendable {
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
  /// - Throws: ``CommandError`` where none of them is known.
  package init(flag: String?, environment: [String: String], cwd: String) throws {
    if let folder = flag ?? environment["MEMORYD_HOME"], !folder.isEmpty {
      data = UserPath.absolute(folder, cwd: cwd, environment)
      configuration = data
      isChosen = true
      return
    }
    isChosen = false
    func variable(_ name: String) -> String? {
      // The XDG specification has relative paths ignored.
      environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    let user = UserPath.userFolder(environment)
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
  var journal: String { data + "/journal" }
  /// Held while a sync goes on.
  var syncLock: String { data + "/sync.lock" }
  /// The newest sync, told outside the store.
  var syncWitness: String { data + "/sync.witness" }
  /// Held by the daemon of this folder.
  package var instanceLock: String { data + "/memoryd.lock" }
  package var logs: String { data + "/logs" }
  package var configurationFile: String { configuration + "/config.yaml" }

  private static let unknown = CommandError(
    .badConfiguration, "no_home", "there is no home folder: HOME is not set",
    hint: "set MEMORYD_HOME or give --home DIR")
}

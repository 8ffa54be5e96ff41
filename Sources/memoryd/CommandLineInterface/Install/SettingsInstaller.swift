import Continuity
import Core
import Foundation

/// A settings file in JSON.
enum SettingsFile {
  /// - Throws: ``CommandError`` for what is no JSON, `StoreError` for what cannot be read.
  /// - Returns: Nil where there is no file, or an empty one.
  static func read(_ path: String) throws -> (text: JSONText?, bytes: [UInt8], exists: Bool) {
    var bytes: [UInt8] = []
    do throws(StoreError) {
      bytes = try RegularFile.read(path, limit: 64 << 20)
    } catch {
      guard error.code == .notFound else { throw error }
      return (nil, [], false)
    }
    if bytes.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) { return (nil, bytes, true) }
    do throws(JSONText.Broken) {
      return (try JSONText(bytes), bytes, true)
    } catch {
      throw CommandError(
        .badInput, "bad_json", "\(path) is not valid JSON (line \(error.line))",
        hint: "mend it first; nothing was changed")
    }
  }
}

/// Where a file is made that is not there yet.
struct FileToBe {
  /// The file to be made: behind a link that leads nowhere, what it leads to.
  let path: String
  /// The topmost folder that has to be made for it.
  let missingFolder: String?

  /// - Throws: ``CommandError`` where a link leads to a folder that is not there: what is to come there, a
  ///   disk or a repository, is not memoryd's to make.
  init(_ path: String) throws {
    var target = path
    for _ in 0..<40 {
      guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: target) else {
        break
      }
      let folder = (target as NSString).deletingLastPathComponent
      target = RegularFile.absolute(
        link, from: URL(fileURLWithPath: folder).resolvingSymlinksInPath().path)
    }
    var missing: String?
    var folder = (target as NSString).deletingLastPathComponent
    while !RegularFile.exists(folder), folder.count > 1 {
      missing = folder
      folder = (folder as NSString).deletingLastPathComponent
    }
    var isFolder: ObjCBool = false
    let isThere = FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
    guard isThere, isFolder.boolValue, target == path || missing == nil else {
      throw CommandError(
        .badInput, "dangling_link",
        target == path
          ? "\(folder) is a link that leads nowhere, or no folder"
          : "\(path) is a link to \(target), and its folder is not there",
        hint: "make what it leads to, or take the link away; nothing was changed")
    }
    self.path = target
    missingFolder = missing
  }
}

/// Puts memoryd into an agent's files and takes it out again.
struct SettingsInstaller {
  let context: CallContext
  let parts: [Part]

  /// One file, and what is memoryd's in it.
  struct Part {
    enum Kind {
      case hooks, server
    }

    enum Content {
      /// A JSON document of the agent's.
      case json(JSONPart)
      /// A TOML document of the agent's, to which a block of lines is added.
      case toml(TOMLBlock)
      /// A file that is memoryd's alone.
      case own(String)
    }

    var kind: Kind
    var path: String
    var content: Content
  }

  struct JSONPart {
    var settings: HookSettings
    var install: (inout JSONText) throws(HookSettings.Odd) -> HookSettings.Before
    var uninstall: (inout JSONText, HookSettings.Before) -> Void

    static func hooks(_ settings: HookSettings) -> JSONPart {
      JSONPart(
        settings: settings,
        install: { (text) throws(HookSettings.Odd) in try settings.install(in: &text) },
        uninstall: { settings.uninstall(from: &$0, $1) })
    }

    static func server(_ settings: HookSettings) -> JSONPart {
      JSONPart(
        settings: settings,
        install: { (text) throws(HookSettings.Odd) in try settings.installServer(in: &text) },
        uninstall: { settings.uninstallServer(from: &$0, $1) })
    }

    func isCalled(in text: JSONText) -> Bool {
      if HookSettings.areIn(text, settings.environment, of: settings.hooks) { return true }
      if case .memoryd? = HookSettings.server(in: text, settings.environment) { return true }
      return false
    }
  }

  struct Edit {
    var path: String
    var old: String
    /// Nil: the file goes.
    var new: String?
    var exists: Bool
    var before = HookSettings.Before()
    /// The bytes are those from before `install`: no copy of what goes is needed.
    var isRestoration = false
    /// Where a copy of what was there is, once it is written.
    var backup: String?
  }

  // MARK: Working it out

  /// - Returns: What is to be changed; empty where everything is there already.
  /// - Throws: ``CommandError`` for a file that is not as the agent expects it.
  func additions(hooks: Bool = true, server: Bool = true) throws -> [Edit] {
    try parts.compactMap { part in
      guard part.kind == .hooks ? hooks : server else { return nil }
      switch part.content {
      case .json(let json): return try addition(json, at: part.path)
      case .toml(let block):
        if let key = try text(part.path).flatMap(block.obstacle) {
          throw CommandError(
            .badInput, "bad_settings",
            "\(key) in \(part.path) is one value, to which nothing can be added",
            hint: "make it tables, as in [\(key).name]; nothing was changed")
        }
        return try textEdit(part.path) { block.added(to: $0) }
      case .own(let content):
        // What somebody else has put there is theirs.
        let isOurs = InstallRecord(home: context.home.data)[part.path] != nil
        return try textEdit(part.path) {
          $0 == content || $0 != nil && !isOurs ? nil : (content, [:])
        }
      }
    }
  }

  func removals() throws -> [Edit] {
    try parts.compactMap { part in
      switch part.content {
      case .json(let json): return try removal(json, at: part.path)
      case .toml(let block):
        let record = InstallRecord(home: context.home.data)[part.path]
        func removed(_ text: String?) -> (text: String, before: HookSettings.Before)? {
          text.flatMap { block.removed(from: $0, record?.before) }.map { ($0, [:]) }
        }
        guard var edit = try textEdit(part.path, removed) else { return nil }
        if edit.new?.isEmpty == true, record?.existed == false { edit.new = nil }
        edit.isRestoration =
          edit.new.map { InstallRecord.fingerprint(Array($0.utf8)) == record?.was } ?? true
        return edit
      case .own(let content):
        guard let old = try text(part.path) else { return nil }
        let record = InstallRecord(home: context.home.data)[part.path]
        if record == nil, old != content { return nil }
        // A copy of what somebody made of it stays.
        return Edit(
          path: part.path, old: old, new: nil, exists: true, isRestoration: old == content)
      }
    }
  }

  private func text(_ path: String) throws -> String? {
    do throws(StoreError) {
      let bytes = try RegularFile.read(path, limit: 16 << 20)
      if let text = String(validating: bytes, as: UTF8.self) { return text }
    } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
    throw CommandError(
      .badInput, "bad_settings", "\(path) is not valid UTF-8",
      hint: "mend it first; nothing was changed")
  }

  /// - Parameter change: Of the file's text, nil where there is none; nil leaves it as it is.
  private func textEdit(
    _ path: String, _ change: (String?) -> (text: String, before: HookSettings.Before)?
  ) throws -> Edit? {
    let known = try text(path)
    guard let (new, before) = change(known) else { return nil }
    if known == nil { _ = try FileToBe(path) }
    return Edit(path: path, old: known ?? "", new: new, exists: known != nil, before: before)
  }

  /// The place of the whole document in what was there before.
  private static let document = "document"

  /// - Parameter bytes: Nil where there is no file.
  private func installed(
    _ part: JSONPart, in bytes: [UInt8]?, _ known: JSONText?
  ) throws(HookSettings.Odd) -> (bytes: [UInt8], before: HookSettings.Before)? {
    guard var text = known ?? (try? JSONText(Array("{}\n".utf8))) else { return nil }
    let before = try part.install(&text)
    guard let bytes else { return (text.bytes, before) }
    var whole = before
    if let known, known.root.members?.isEmpty == true {
      whole[Self.document] = known.source(of: known.root)
    } else if known == nil {
      whole[Self.document] = String(decoding: bytes, as: UTF8.self)
    }
    return (before.isEmpty ? bytes : text.bytes, whole)
  }

  private func addition(_ part: JSONPart, at path: String) throws -> Edit? {
    let (known, bytes, exists) = try SettingsFile.read(path)
    if !exists { _ = try FileToBe(path) }
    do throws(HookSettings.Odd) {
      guard let new = try installed(part, in: exists ? bytes : nil, known), new.bytes != bytes
      else { return nil }
      return Edit(
        path: path, old: String(decoding: bytes, as: UTF8.self),
        new: String(decoding: new.bytes, as: UTF8.self), exists: exists, before: new.before)
    } catch {
      throw CommandError(
        .badInput, "bad_settings", "\(error.what) in \(path) is not what its agent expects",
        hint: "mend it first; nothing was changed")
    }
  }

  private func removal(_ part: JSONPart, at path: String) throws -> Edit? {
    let (known, bytes, exists) = try SettingsFile.read(path)
    guard exists, let known else { return nil }
    let record = InstallRecord(home: context.home.data)[path]
    let (before, existed) =
      record.flatMap { file in file.before.map { ($0, file.existed) } } ?? guess(part, path, known)
    var text = known
    part.uninstall(&text, before)
    var new: [UInt8]? = text.bytes
    if text.root.members?.isEmpty == true {
      if !existed {
        new = nil
      } else if let source = before[Self.document] ?? nil {
        if source.contains("{") {
          text.replaceExactly(text.root, with: source)
          new = text.bytes
        } else {
          new = Array(source.utf8)
        }
      }
    }
    guard new != bytes else { return nil }
    return Edit(
      path: path, old: String(decoding: bytes, as: UTF8.self),
      new: new.map { String(decoding: $0, as: UTF8.self) }, exists: true,
      isRestoration: new.map { InstallRecord.fingerprint($0) == record?.was } ?? true)
  }

  /// What was there before, where the record of it is lost: a copy of which `install` makes just these
  /// bytes tells it, else what is in the form of `install`.
  private func guess(
    _ part: JSONPart, _ path: String, _ text: JSONText
  ) -> (before: HookSettings.Before, existed: Bool) {
    let folder = (path as NSString).deletingLastPathComponent
    let name = (path as NSString).lastPathComponent + Self.copyMark
    let copies = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasPrefix(name) }.sorted().map { folder + "/" + $0 }
    var newest: JSONText?
    for copy in copies {
      guard let read = try? SettingsFile.read(copy), read.exists else { continue }
      if let text = read.text, !part.isCalled(in: text) { newest = text }
      guard let made = try? installed(part, in: read.bytes, read.text), made.bytes == text.bytes
      else { continue }
      return (made.before, true)
    }
    if let made = try? installed(part, in: nil, nil), made.bytes == text.bytes {
      return (made.before, false)
    }
    return (part.settings.likely(in: text, copy: newest), true)
  }

  /// The files that call memoryd all the same once the edits are done: by what was there before
  /// `install`.
  func remaining(after edits: [Edit]) -> [String] {
    parts.filter { part in
      let edit = edits.first { $0.path == part.path }
      if case .toml(let block) = part.content {
        let left = edit.map(\.new) ?? (try? text(part.path)) ?? nil
        return left.map(block.isPartly) ?? false
      }
      guard case .json(let json) = part.content else { return false }
      let text: JSONText? =
        if let edit {
          edit.new.flatMap { try? JSONText(Array($0.utf8)) }
        } else {
          try? SettingsFile.read(part.path).text
        }
      return text.map(json.isCalled) ?? false
    }.map(\.path)
  }

  // MARK: Carrying it out

  /// - Returns: The edits, with the copies that were made.
  @discardableResult
  func carryOut(_ edits: [Edit], uninstalls: Bool) throws -> [Edit] {
    var record = InstallRecord(home: context.home.data)
    let known = record.files
    var done: [Edit] = []
    for var edit in edits {
      if uninstalls {
        try remove(&edit, record[edit.path])
        record[edit.path] = nil
      } else {
        record[edit.path] = try add(&edit, record[edit.path])
      }
      try record.write(home: context.home.data)
      done.append(edit)
    }
    if uninstalls {
      for part in parts { record[part.path] = nil }
      let gone = known.filter { record[$0.path] == nil }
      // A folder that was made for the first file is empty once the last one's is gone.
      for _ in 0..<2 { gone.forEach(removeFolders) }
      if record.files != known { try record.write(home: context.home.data) }
    }
    return done
  }

  /// Removes the folders that were made for a file, if nothing else is in them.
  private func removeFolders(of file: InstallRecord.File) {
    guard let topmost = file.madeFolder, !RegularFile.exists(file.path) else { return }
    var folder = (file.path as NSString).deletingLastPathComponent
    while folder.count >= topmost.count, rmdir(folder) == 0 || errno == ENOENT {
      folder = (folder as NSString).deletingLastPathComponent
    }
  }

  private static let copyMark = ".before-memoryd-"

  private func copy(_ edit: Edit) throws -> String {
    let stamp = Timestamp.string(context.clock.now).prefix(19).replacing(":", with: "")
    return try RegularFile.writeCopy(Array(edit.old.utf8), edit.path + Self.copyMark + stamp)
  }

  private func add(_ edit: inout Edit, _ known: InstallRecord.File?) throws -> InstallRecord.File {
    let new = Array((edit.new ?? "").utf8)
    guard edit.exists else {
      // A link into a folder under version control stays one, though it leads nowhere yet.
      let place = try FileToBe(edit.path)
      try RegularFile.makeFolder((place.path as NSString).deletingLastPathComponent)
      try RegularFile.writeAtomically(new, to: place.path)
      return InstallRecord.File(
        path: edit.path, existed: false, before: edit.before, madeFolder: place.missingFolder,
        installedAt: context.clock.now)
    }
    try rewrite(&edit, new)
    guard var known, let before = known.before else {
      return InstallRecord.File(
        path: edit.path, existed: true, backup: edit.backup,
        was: InstallRecord.fingerprint(Array(edit.old.utf8)), before: edit.before,
        installedAt: context.clock.now)
    }
    // What was there before the first time counts: an entry of then that is renewed now was ours.
    known.before = before.merging(
      edit.before.filter { place, source in
        guard source != nil, let sign = place.firstIndex(of: "#") else { return true }
        return !before.contains { $0.value == nil && $0.key.hasPrefix(place[...sign]) }
      }
    ) { first, _ in first }
    return known
  }

  private func rewrite(_ edit: inout Edit, _ new: [UInt8], copies: Bool = true) throws {
    let backup = copies ? try copy(edit) : nil
    do {
      try RegularFile.rewrite(new, edit.path)
    } catch {
      if let backup { unlink(backup) }
      throw error
    }
    edit.backup = backup
  }

  private func remove(_ edit: inout Edit, _ known: InstallRecord.File?) throws {
    if let new = edit.new {
      try rewrite(&edit, Array(new.utf8), copies: !edit.isRestoration)
    } else {
      if !edit.isRestoration { edit.backup = try copy(edit) }
      let target = URL(fileURLWithPath: edit.path).resolvingSymlinksInPath().path
      guard unlink(target) == 0 || errno == ENOENT else {
        throw RegularFile.failure("remove", target)
      }
    }
    // The file itself is what the copy was.
    if edit.isRestoration, let backup = known?.backup { unlink(backup) }
  }
}

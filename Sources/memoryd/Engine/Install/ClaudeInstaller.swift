import Foundation
import MemoryStore

/// Where Claude Code keeps its settings and its own state.
struct ClaudeFiles: Sendable {
  /// Its folder, `~/.claude`.
  var folder: String
  var settings: String
  var state: String

  /// `CLAUDE_CONFIG_DIR` moves all of it.
  ///
  /// - Throws: ``VerbError`` where no home folder is known.
  init(_ service: MemoryService) throws {
    let environment = service.environment
    if let given = environment["CLAUDE_CONFIG_DIR"], !given.isEmpty {
      folder = service.absolute(given)
      settings = folder + "/settings.json"
      state = folder + "/.claude.json"
      return
    }
    guard let user = Home.userFolder(environment) else {
      throw VerbError(.badConfiguration, "no_home", "there is no home folder: HOME is not set")
    }
    folder = user + "/.claude"
    settings = folder + "/settings.json"
    state = user + "/.claude.json"
  }

  /// - Throws: ``VerbError`` for what is no JSON, `StoreError` for what cannot be read.
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
      throw VerbError(
        .badInput, "bad_json", "\(path) is not valid JSON (line \(error.line))",
        hint: "mend it first; nothing was changed")
    }
  }
}

/// Puts memoryd into Claude Code's files and takes it out again.
struct ClaudeInstaller {
  let hooks: ClaudeHooks
  let files: ClaudeFiles
  let service: MemoryService

  struct Edit {
    var path: String
    var old: String
    /// Nil: the file goes.
    var new: String?
    var exists: Bool
    /// The bytes are those from before `install`: no copy of what goes is needed.
    var isRestoration = false
    /// Where a copy of what was there is, once it is written.
    var backup: String?
  }

  // MARK: Working it out

  /// - Returns: What is to be changed; empty where everything is there already.
  func additions() throws -> [Edit] {
    try [
      edit(files.settings) { (text) throws(ClaudeHooks.Odd) in try hooks.install(in: &text) },
      edit(files.state) { (text) throws(ClaudeHooks.Odd) in try hooks.installServer(in: &text) },
    ].compactMap(\.self)
  }

  func removals() throws -> [Edit] {
    try [
      removal(files.settings) { hooks.uninstall(from: &$0, original: $1) },
      removal(files.state) { hooks.uninstallServer(from: &$0, original: $1) },
    ].compactMap(\.self)
  }

  private func edit(
    _ path: String, _ change: (inout JSONText) throws(ClaudeHooks.Odd) -> Void
  ) throws -> Edit? {
    let (known, bytes, exists) = try ClaudeFiles.read(path)
    do throws(ClaudeHooks.Odd) {
      guard var text = known ?? (try? JSONText(Array("{}\n".utf8))) else { return nil }
      try change(&text)
      guard text.bytes != bytes else { return nil }
      return Edit(
        path: path, old: String(decoding: bytes, as: UTF8.self),
        new: String(decoding: text.bytes, as: UTF8.self), exists: exists)
    } catch {
      throw VerbError(
        .badInput, "bad_settings", "\(error.what) in \(path) is not what Claude Code expects",
        hint: "mend it first; nothing was changed")
    }
  }

  private func removal(
    _ path: String, _ change: (inout JSONText, JSONText?) -> Void
  ) throws -> Edit? {
    let record = InstallRecord(home: service.home.data)[path]
    let (known, bytes, exists) = try ClaudeFiles.read(path)
    guard exists else { return nil }
    let old = String(decoding: bytes, as: UTF8.self)
    let original = record?.backup.flatMap { try? RegularFile.read($0, limit: 64 << 20) }
    if let record, record.left == InstallRecord.fingerprint(bytes) {
      // Nobody has touched it since: it becomes what it was.
      if !record.existed {
        return Edit(path: path, old: old, new: nil, exists: true, isRestoration: true)
      }
      if let original {
        return Edit(
          path: path, old: old, new: String(decoding: original, as: UTF8.self), exists: true,
          isRestoration: true)
      }
    }
    guard var text = known else { return nil }
    change(&text, original.flatMap { try? JSONText($0) })
    guard text.bytes != bytes else { return nil }
    let isEmpty = text.root.members?.isEmpty == true
    return Edit(
      path: path, old: old,
      new: record?.existed == false && isEmpty ? nil : String(decoding: text.bytes, as: UTF8.self),
      exists: true)
  }

  // MARK: Carrying it out

  /// - Returns: The edits, with the copies that were made.
  @discardableResult
  func carryOut(_ edits: [Edit], uninstalls: Bool) throws -> [Edit] {
    var record = InstallRecord(home: service.home.data)
    var done: [Edit] = []
    for var edit in edits {
      if uninstalls {
        try remove(&edit, record[edit.path])
        record[edit.path] = nil
      } else {
        record[edit.path] = try add(&edit, record[edit.path])
      }
      try record.write(home: service.home.data)
      done.append(edit)
    }
    return done
  }

  private func copy(_ edit: Edit) throws -> String {
    let stamp = Timestamp.string(service.clock.now).prefix(19).replacing(":", with: "")
    return try RegularFile.writeCopy(
      Array(edit.old.utf8), "\(edit.path).before-memoryd-\(stamp)")
  }

  private func add(_ edit: inout Edit, _ known: InstallRecord.File?) throws -> InstallRecord.File? {
    let old = Array(edit.old.utf8)
    let new = Array((edit.new ?? "").utf8)
    let left = InstallRecord.fingerprint(new)
    guard edit.exists else {
      // A link into a folder under version control stays one, though it leads nowhere yet.
      let target = URL(fileURLWithPath: edit.path).resolvingSymlinksInPath().path
      let folder = (target as NSString).deletingLastPathComponent
      let makesFolder = !RegularFile.exists(folder)
      try RegularFile.makeFolder(folder)
      try RegularFile.writeAtomically(new, to: target)
      return InstallRecord.File(
        path: edit.path, existed: false, backup: nil, left: left,
        madeFolder: makesFolder ? folder : nil, installedAt: service.clock.now)
    }
    let backup = try copy(edit)
    edit.backup = backup
    try RegularFile.rewrite(new, edit.path)
    let wasThere = (try? JSONText(old)).map {
      ClaudeHooks.areIn($0) || ClaudeHooks.serverCommand(in: $0) != nil
    }
    guard wasThere == true else {
      return InstallRecord.File(
        path: edit.path, existed: true, backup: backup, left: left, madeFolder: nil,
        installedAt: service.clock.now)
    }
    // An older form was renewed. What was there before it is known only from then.
    guard var known else { return nil }
    known.left = known.left == InstallRecord.fingerprint(old) ? left : nil
    return known
  }

  private func remove(_ edit: inout Edit, _ known: InstallRecord.File?) throws {
    if !edit.isRestoration { edit.backup = try copy(edit) }
    if let new = edit.new {
      try RegularFile.rewrite(Array(new.utf8), edit.path)
    } else {
      let target = URL(fileURLWithPath: edit.path).resolvingSymlinksInPath().path
      guard unlink(target) == 0 || errno == ENOENT else {
        throw RegularFile.failure("remove", target)
      }
      // Only an empty one goes.
      if let folder = known?.madeFolder { rmdir(folder) }
    }
    // The file itself is what the copy was.
    if edit.isRestoration, let backup = known?.backup { unlink(backup) }
  }
}

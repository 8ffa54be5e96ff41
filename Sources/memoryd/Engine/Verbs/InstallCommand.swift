import ArgumentParser
import Foundation
import MemoryStore

struct InstallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install", abstract: "Puts memoryd's hooks and tools into an agent's settings.",
    subcommands: [Claude.self])

  struct Claude: Verb {
    static let configuration = CommandConfiguration(
      commandName: "claude",
      abstract: "Claude Code: hooks in settings.json, the MCP server in .claude.json.",
      discussion: """
        Everything else in these files stays as it is, byte for byte; a copy of each is kept \
        beside it. A second time nothing changes. New sessions have it.
        """)

    @OptionGroup var shared: SharedOptions
    @Flag(name: .long, help: "Take hooks and server out again.") var uninstall = false
    @Flag(name: .customLong("dry-run"), help: "Show what would change, and change nothing.")
    var dryRun = false

    func run(_ invocation: Invocation) throws -> Outcome {
      let service = try shared.service(invocation)
      let hooks = ClaudeHooks(executable: try ExecutablePath.front())
      let people = People(invocation)
      let (settings, state) = try files(service)
      // Both are worked out before either is written.
      let edits = [
        try edit(settings) { (text) throws(ClaudeHooks.Odd) in
          if uninstall { hooks.uninstall(from: &text) } else { try hooks.install(in: &text) }
        },
        try edit(state) { (text) throws(ClaudeHooks.Odd) in
          if uninstall {
            hooks.uninstallServer(from: &text)
          } else {
            try hooks.installServer(in: &text)
          }
        },
      ].compactMap(\.self)
      var shown: [JSONOutput.Object] = []
      var output = ""
      for edit in edits {
        var backup: String?
        if !dryRun { backup = try write(edit, service) }
        shown.append(["path": edit.path, "backup": backup])
        output += people.bold(edit.path) + "\n"
        for (mark, line) in LineDifference.text(edit.old, edit.new) {
          let text = "\(mark) \(People.safe(line))"
          output += (mark == " " || mark == "@" ? people.dim(text) : text) + "\n"
        }
        if let backup { output += "a copy of what it was: \(backup)\n" }
      }
      if shared.json {
        return Outcome(
          output: JSONOutput.text(
            ["changed": shown, "dry_run": dryRun] as JSONOutput.Object))
      }
      if edits.isEmpty {
        output = uninstall ? "nothing of memoryd is there\n" : "everything is there already\n"
      } else if dryRun {
        output += "nothing was changed (--dry-run)\n"
      } else if !uninstall {
        output += "new sessions of Claude Code have it; `memoryd status` shows how they do\n"
      }
      return Outcome(output: output)
    }

    /// `CLAUDE_CONFIG_DIR` moves both.
    private func files(_ service: MemoryService) throws -> (settings: String, state: String) {
      let environment = service.environment
      if let folder = environment["CLAUDE_CONFIG_DIR"], !folder.isEmpty {
        let path = service.absolute(folder)
        return (path + "/settings.json", path + "/.claude.json")
      }
      guard let user = Home.userFolder(environment) else {
        throw VerbError(.badConfiguration, "no_home", "there is no home folder: HOME is not set")
      }
      return (user + "/.claude/settings.json", user + "/.claude.json")
    }

    private struct Edit {
      var path: String
      var old: String
      var new: String
      var exists: Bool
    }

    /// - Returns: Nil if nothing changes.
    private func edit(
      _ path: String, _ change: (inout JSONText) throws(ClaudeHooks.Odd) -> Void
    ) throws -> Edit? {
      var bytes: [UInt8] = []
      var exists = true
      do throws(StoreError) {
        bytes = try RegularFile.read(path, limit: 64 << 20)
      } catch {
        guard error.code == .notFound else { throw error }
        exists = false
      }
      let isEmpty = bytes.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
      if isEmpty, uninstall { return nil }
      do {
        var text = try JSONText(isEmpty ? Array("{}\n".utf8) : bytes)
        try change(&text)
        guard text.bytes != bytes else { return nil }
        return Edit(
          path: path, old: String(decoding: bytes, as: UTF8.self),
          new: String(decoding: text.bytes, as: UTF8.self), exists: exists)
      } catch let broken as JSONText.Broken {
        throw VerbError(
          .badInput, "bad_json", "\(path) is not valid JSON (line \(broken.line))",
          hint: "mend it first; nothing was changed")
      } catch let odd as ClaudeHooks.Odd {
        throw VerbError(
          .badInput, "bad_settings", "\(odd.what) in \(path) is not what Claude Code expects",
          hint: "mend it first; nothing was changed")
      }
    }

    /// - Returns: The copy of what was there; nil if nothing was.
    private func write(_ edit: Edit, _ service: MemoryService) throws -> String? {
      let old = Array(edit.old.utf8)
      let new = Array(edit.new.utf8)
      guard edit.exists else {
        // A link into a folder under version control stays one, though it leads nowhere yet.
        let target = URL(fileURLWithPath: edit.path).resolvingSymlinksInPath().path
        try RegularFile.makeFolder((target as NSString).deletingLastPathComponent)
        try RegularFile.writeAtomically(new, to: target)
        return nil
      }
      let stamp = Timestamp.string(service.clock.now).prefix(19).replacing(":", with: "")
      let backup = try RegularFile.writeCopy(old, "\(edit.path).before-memoryd-\(stamp)")
      try RegularFile.rewrite(new, edit.path)
      return backup
    }
  }
}

import Foundation
import TestSupport
import Testing

/// A repository that somebody unpacked: nothing that it names is ever run.
@Suite(.blocking) struct HostileRepositoryTests {
  private let place: Workplace
  private var mark: String { place.path + "/mark" }
  private var program: String { place.path + "/program" }

  /// Every setting of the documentation of git 2.39.5 and 2.55.0 (`git help config`, gitattributes,
  /// githooks) that names a program, directly or by where one is looked for.
  private static let settings: [(String, String)] = [
    ("alias.status", "!P"), ("alias.log", "!P"), ("alias.config", "!P"), ("alias.rev-list", "!P"),
    ("alias.rev-list.command", "!P"), ("alias.cat-file.command", "!P"),
    ("browser.x.cmd", "P"), ("browser.x.path", "P"), ("core.askPass", "P"),
    ("core.alternateRefsCommand", "P"),
    ("core.editor", "P"), ("core.fsmonitor", "P"), ("core.gitProxy", "P"), ("core.hooksPath", "H"),
    ("core.pager", "P"), ("core.sshCommand", "P"), ("credential.helper", "P"),
    ("credential.https://h.invalid.helper", "P"), ("diff.external", "P"), ("diff.d.command", "P"),
    ("diff.d.textconv", "P"), ("difftool.x.cmd", "P"), ("difftool.x.path", "P"),
    ("filter.f.clean", "P"), ("filter.f.smudge", "P"), ("filter.f.process", "P"),
    ("filter.f.required", "true"), ("filter.dotted.name.clean", "P"), ("gpg.program", "P"),
    ("gpg.openpgp.program", "P"), ("gpg.x509.program", "P"), ("gpg.ssh.program", "P"),
    ("gc.recentObjectsHook", "P"), ("gpg.ssh.defaultKeyCommand", "P"), ("guitool.x.cmd", "P"),
    ("help.browser", "P"), ("hook.a.command", "P"), ("hook.a.event", "post-index-change"),
    ("hook.b.command", "P"), ("hook.b.event", "reference-transaction"), ("hook.c.command", "P"),
    ("hook.c.event", "fsmonitor-watchman"), ("imap.tunnel", "P"), ("instaweb.httpd", "P"),
    ("instaweb.browser", "P"), ("interactive.diffFilter", "P"), ("log.showSignature", "true"),
    ("man.x.cmd", "P"), ("man.x.path", "P"), ("man.viewer", "x"), ("merge.d.driver", "P"),
    ("mergetool.x.cmd", "P"), ("mergetool.x.path", "P"), ("pager.status", "P"), ("pager.log", "P"),
    ("protocol.ext.allow", "always"),
    ("receive.procReceiveRefs", "refs"), ("remote.o.url", "ext::P"), ("remote.o.uploadpack", "P"),
    ("remote.o.receivepack", "P"), ("remote.o.vcs", "x"), ("remote.o.promisor", "true"),
    ("remote.o.partialclonefilter", "blob:none"), ("extensions.partialClone", "o"),
    ("sendemail.smtpServer", "P"), ("sendemail.sendmailCmd", "P"), ("sendemail.toCmd", "P"),
    ("sendemail.ccCmd", "P"), ("sendemail.headerCmd", "P"),
    ("sequence.editor", "P"), ("submodule.s.update", "!P"), ("submodule.recurse", "true"),
    ("tar.x.command", "P"), ("trailer.x.command", "P"), ("trailer.x.cmd", "P"),
    ("uploadpack.packObjectsHook", "P"), ("url.ext::P.insteadOf", "https://h.invalid/"),
    ("web.browser", "x"), ("core.untrackedCache", "true"), ("status.submoduleSummary", "true"),
    ("diff.submodule", "diff"), ("core.attributesFile", "A"), ("include.path", "included"),
  ]

  private static let hooks = [
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout",
    "post-commit", "post-index-change", "post-merge", "post-rewrite", "post-update",
    "pre-applypatch",
    "pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive",
    "prepare-commit-msg", "proc-receive", "push-to-checkout", "query-watchman",
    "reference-transaction", "update",
  ]

  init() throws {
    place = try Workplace()
    try place.git("init", "-q", "-b", "main")
    for number in 0..<3 { try place.write("text \(number)\n", to: "repo/file\(number).txt") }
    try place.write(
      "* filter=f diff=d merge=d\nfile1.txt filter=dotted.name\n", to: "repo/.gitattributes")
    try place.git("add", ".")
    try place.git("commit", "-q", "-m", "First")
    try place.write("#!/bin/sh\necho \"$0 $*\" >> \(mark)\ncat\n", to: "program")
    chmod(program, 0o755)
    try place.write("* filter=f\n", to: "attributes")
    try place.write("* filter=included\n", to: "repo/.git/info/attributes")
    try place.write(
      "[filter \"included\"]\n\tclean = \(program)\n\tprocess = \(program)\n",
      to: "repo/.git/included")
    for hook in Self.hooks {
      try FileManager.default.createDirectory(
        atPath: place.repository + "/.git/hooks", withIntermediateDirectories: true)
      try? FileManager.default.removeItem(atPath: place.repository + "/.git/hooks/" + hook)
      symlink(program, place.repository + "/.git/hooks/" + hook)
    }
    for (name, value) in Self.settings {
      let text =
        value == "H"
        ? place.repository + "/.git/hooks"
        : value == "A"
          ? place.path + "/attributes" : value.replacingOccurrences(of: "P", with: program)
      try place.git(
        "config", name.replacingOccurrences(of: "ext::P", with: "ext::" + program), text)
    }
    try? FileManager.default.removeItem(atPath: mark)
    // The same size and another time: git must compare the contents.
    for number in 0..<3 {
      try place.write("TEXT \(number)\n", to: "repo/file\(number).txt")
    }
    try place.append(Line.request("look around"))
    place.environment["PATH"] = ".:bin:" + (place.environment["PATH"] ?? "")
    try place.write("#!/bin/sh\necho own git >> \(mark)\n", to: "repo/git")
    chmod(place.repository + "/git", 0o755)
  }

  private func expectNoMark(_ what: String) {
    let seen = (try? String(contentsOfFile: mark, encoding: .utf8)) ?? ""
    #expect(seen.isEmpty, "\(what) ran \(seen)")
  }

  /// What the repository is made for does happen where git is called as usual.
  @Test func control_fires() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      Workplace.git, "-C", place.repository, "-c", "alias.status=", "diff", "--stat",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(FileManager.default.fileExists(atPath: mark))
  }

  @Test(arguments: [false, true]) func nothingThatItNames_isRun(daemon: Bool) throws {
    let peer = daemon ? try DaemonPeer(place) : nil
    defer { peer?.kill() }
    for (event, arguments) in [
      ("SessionStart", ["canary"]), ("PreCompact", ["checkpoint"]), ("PostCompact", ["checkpoint"]),
      ("Stop", ["checkpoint"]), ("SessionEnd", ["session", "end"]),
    ] {
      let input = place.hook(event, ["source": "startup"])
      #expect(try place.start(arguments, input: Data(input.utf8)).finish().status == 0)
      if daemon { usleep(300_000) }
      expectNoMark(event)
    }
    for arguments in [
      ["checkpoint", "--objective", "x"], ["handoff", "--note", "n"], ["resume"], ["status"],
      ["doctor"], ["session", "brief"], ["session", "list"], ["task", "add", "t"],
      ["ledger", "add", "i", "--detail", "abc1234"], ["ledger", "verify"], ["project", "list"],
      ["decide", "d", "--rationale", "r"], ["search", "look"], ["handoff", "list"], ["ingest"],
    ] {
      _ = try place.start(arguments).finish()
      expectNoMark(arguments.joined(separator: " "))
    }
    let calls = ["handoff", "ledger", "checkpoint", "resume", "session_start"].map { tool in
      let action = ["handoff": "write", "ledger": "verify", "checkpoint": "save"][tool] ?? ""
      return
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\#(tool)","arguments":{"action":"\#(action)","note":"n","objective":"o"}}}"#
    }
    _ = try place.run("mcp", input: calls.joined(separator: "\n") + "\n")
    expectNoMark("mcp")
    if daemon { usleep(1_500_000) }
    expectNoMark("the daemon's own work")
    // A path whose filter was not run is not called changed.
    let text = try place.run("resume").output
    #expect(!text.contains("Uncommitted") || !text.contains("file0.txt"), "\(text)")
  }

  @Test func workingTree_isWhereTheRepositoryIs() throws {
    try place.write(
      "[core]\n\tworktree = /etc\n\trepositoryformatversion = 0\n", to: "repo/.git/config")
    let context = try place.context("startup")
    #expect(!context.contains("passwd") && !context.contains("hosts"))
  }
}

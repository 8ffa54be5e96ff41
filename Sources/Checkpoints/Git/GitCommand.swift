import Core
import CPosix
import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The one place that runs git: in a process of its own, which never locks the repository, runs nothing
/// that a repository can name (hooks, monitors, transports, signature programs, pagers, aliases), and is
/// killed at its deadline with all its children. Filters are ``GitFilters``'.
struct GitCommand: ~Copyable {
  private let process: pid_t
  private let output: Int32
  private var bytes: [UInt8] = []
  private var isReaped = false

  /// Starts git; nil where that cannot be done (no git, no such folder).
  ///
  /// - Parameters:
  ///   - input: What it reads.
  ///   - executable: A path, or a name that is looked up in `PATH`.
  init?(
    _ command: [String], root: String, environment: [String: String], input: [UInt8] = [],
    executable: String = "git"
  ) {
    var ends: [Int32] = [0, 0]
    guard memoryd_pipe(&ends) == 0 else { return nil }
    defer { close(ends[1]) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    Self.reap()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // A file, as a pipe would have to be fed while the answer is read.
    let source = input.isEmpty ? -1 : Self.file(of: input)
    defer { if source >= 0 { close(source) } }
    if source >= 0 {
      posix_spawn_file_actions_adddup2(&actions, source, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)
    let arguments =
      ["git", "--no-pager", "--no-optional-locks", "-C", root] + Self.place(root)
      + Self.settings.flatMap { ["-c", $0] } + command
    // A hook of git itself, or whoever set one of these for another repository, must not lead this
    // call there; where the user's own configuration is, git may know.
    var variables = environment.filter {
      !$0.key.hasPrefix("GIT_") || Self.kept.contains($0.key)
    }
    variables["GIT_NO_LAZY_FETCH"] = "1"
    // Older git knows no such variable: a fetch finds no transport that it may use.
    variables["GIT_ALLOW_PROTOCOL"] = "none"
    variables["GIT_PROTOCOL_FROM_USER"] = "0"
    variables["GIT_ATTR_NOSYSTEM"] = "1"
    variables["GIT_OPTIONAL_LOCKS"] = "0"
    variables["GIT_TERMINAL_PROMPT"] = "0"
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] =
      variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      argv.forEach { free($0) }
      envp.forEach { free($0) }
    }
    var process = pid_t()
    guard let path = Self.find(executable, environment),
      posix_spawn(&process, path, &actions, &attributes, &argv, &envp) == 0
    else {
      close(ends[0])
      return nil
    }
    memoryd_bound_process(process, Self.mostMemory, Self.mostSeconds)
    self.process = process
    output = ends[0]
  }

  /// Bytes: a repository may name or hold files that have no end.
  private static let mostMemory: Int64 = 1 << 30
  private static let mostSeconds: Int64 = 90

  /// What a repository's own settings might name a program in, or a file that is read for nothing here.
  private static let settings = [
    "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "core.askPass=",
    "core.sshCommand=false", "core.gitProxy=", "core.editor=false", "credential.helper=",
    "log.showSignature=false", "gpg.program=false", "gpg.ssh.program=false",
    "gpg.x509.program=false", "diff.external=", "core.alternateRefsCommand=",
    "hook.post-index-change.enabled=false", "hook.reference-transaction.enabled=false",
    "core.untrackedCache=false", "submodule.recurse=false", "fetch.recurseSubmodules=false",
    "protocol.allow=never", "uploadpack.packObjectsHook=", "trace2.normalTarget=0",
    "trace2.perfTarget=0", "trace2.eventTarget=0",
    "diff.orderFile=/dev/null", "log.mailmap=false",
  ]

  /// The working tree is where its `.git` is, whatever `core.worktree` says.
  private static func place(_ root: String) -> [String] {
    access(root + "/.git", F_OK) == 0 ? ["--git-dir=.git", "--work-tree=."] : []
  }

  private static let kept: Set = [
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
  ]

  /// By the caller's `PATH`; the daemon's own may be another.
  private static func find(_ name: String, _ environment: [String: String]) -> String? {
    if name.contains("/") { return name }
    let folders = (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
    // A relative folder would be one of the repository.
    return folders.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
      .first { access($0, X_OK) == 0 }
  }

  private static func file(of bytes: [UInt8]) -> Int32 {
    let descriptor = memoryd_nameless_file()
    guard descriptor >= 0 else { return -1 }
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        write(descriptor, $0.baseAddress! + offset, bytes.count - offset)
      }
      if count <= 0, errno != EINTR { break }
      offset += max(0, count)
    }
    lseek(descriptor, 0, SEEK_SET)
    return descriptor
  }

  /// Waits until git has ended or the time is up.
  ///
  /// - Parameters:
  ///   - time: Zero takes what is there at once.
  ///   - limit: Bytes; more is read and forgotten.
  ///   - whole: True if what was cut at the limit is no answer.
  ///   - accepting: The exit codes of an answer.
  /// - Returns: What git printed; nil if it failed or is not done. Git goes on then, until the next
  ///   call or until this value goes away.
  mutating func output(
    within time: Duration, limit: Int = 1 << 20, whole: Bool = false,
    accepting: [Int32] = [0]
  ) -> [UInt8]? {
    guard !isReaped else { return nil }
    let deadline = ContinuousClock.now + time
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(output, &chunk, chunk.count)
      if count > 0 {
        if bytes.count < limit { bytes.append(contentsOf: chunk[..<count]) }
        continue
      }
      if count == 0 {
        // The pipe is closed: git is about to end, or something is very wrong with it.
        var status: Int32 = 0
        while waitpid(process, &status, WNOHANG) != process {
          if ContinuousClock.now >= deadline { return nil }
          usleep(100)
        }
        isReaped = true
        // The lower bits are for a signal, which never leaves an answer.
        guard status & 0x7F == 0, accepting.contains(status >> 8 & 0xFF) else { return nil }
        return whole && bytes.count >= limit ? nil : bytes
      }
      guard errno == EAGAIN || errno == EINTR else { return nil }
      let wait = (deadline - ContinuousClock.now).milliseconds
      if wait <= 0 { return nil }
      var request = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      _ = poll(&request, 1, Int32(min(wait, 60_000)))
    }
  }

  deinit {
    close(output)
    if !isReaped {
      kill(-process, SIGKILL)
      let process = process
      Self.ended.withLock { $0.append(process) }
      Self.reap()
    }
  }

  /// Killed, and perhaps not gone yet: one that hangs in the kernel is not waited for, but the next
  /// time somebody comes by.
  private static let ended = Mutex<[pid_t]>([])

  private static func reap() {
    ended.withLock { ended in
      ended.removeAll { process in
        var status: Int32 = 0
        return waitpid(process, &status, WNOHANG) != 0
      }
    }
  }
}

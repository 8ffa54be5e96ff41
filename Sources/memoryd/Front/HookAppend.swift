import CPosix
import IPC
import Journal
import Redaction

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A hook that only says what happened: one durable append, whatever the store's state.
struct HookAppend {
  enum Result {
    case appended
    /// This is no hook's JSON.
    case noHook
    /// There is no journal yet, or it cannot be written: the engine must do it.
    case failed
  }

  let home: String
  let requestID: String
  /// As `memoryd_monotonic()`.
  let start: Int64

  /// - Parameters:
  ///   - input: All of standard input.
  ///   - call: A journaled one.
  /// - Returns: What became of it; nothing was shown unless it was appended.
  func run(_ input: [UInt8], _ call: Relay.Hook, cwd: String) -> Result {
    guard case .hook(let hook) = HookInput.read(input, agent: call.agent) else { return .noHook }
    if hook.isBorrowed, BorrowedHooks.runTwice(user: ThisProcess.variable("HOME")) {
      return .appended
    }
    let journal = Journal(home: home)
    guard isOwnHome, journal.isOwn else { return .failed }
    // Without it nobody knows what is secret here: the engine asks the settings.
    guard let state = FrontState.read(home: home) else { return .failed }
    let redactor = Redactor(
      isEnabled: state.isRedacting,
      extraLiterals: ThisProcess.variable("MEMORYD_VAULT_TOKEN").map { [$0] } ?? [])
    var record = HookRecord(
      hook, endsSession: call.kind == .sessionEnd, requestID: requestID,
      at: memoryd_wall_clock() / 1000, cwd: cwd,
      redacted: { redactor.redact(state.secrets.redact($0)) },
      variable: { ThisProcess.variable($0.description) })
    HookGuard.start(journal, record)
    do throws(Journal.Refusal) {
      try journal.append(&record, since: start) {
        if HookGuard.mayAppend() { return true }
        // The guard ends this process when the record is durable.
        while true { pause() }
      }
    } catch {
      return .failed
    }
    // Stop is the one of these events at which a host lets a hook speak.
    if hook.event == "Stop", !hook.isSubagent,
      let news = journal.takeNews(state.news, session: hook.sessionID)
    {
      Streams.write(Array("{\"systemMessage\":".utf8) + HookRecord.quoted(news) + [125, 10], to: 1)
    }
    return .appended
  }

  /// The engine tells of a folder that is another user's.
  private var isOwnHome: Bool {
    var status = stat()
    return stat(home, &status) == 0 && status.st_uid == geteuid()
  }

  /// Tells the daemon, if there is one, and does not wait for it.
  static func nudge(_ path: String, cwd: String) {
    guard let socket = Socket.connect(to: path) else { return }
    let request = RelayRequest(
      id: "", flags: [], cwd: cwd, cwdPlace: .init(device: 0, inode: 0), mounts: 0,
      arguments: Relay.nudge, environment: [], input: [])
    Streams.write(request.bytes, to: socket.descriptor, by: Streams.now())
  }
}

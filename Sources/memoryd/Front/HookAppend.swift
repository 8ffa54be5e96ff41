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
  let home: String
  let requestID: String
  /// As `memoryd_monotonic()`.
  let start: Int64

  /// - Parameters:
  ///   - input: All of standard input.
  ///   - arguments: One of ``Relay/journaled``.
  /// - Returns: False where the engine must do it: there is no journal yet, it cannot be written, or this
  ///   is no hook's JSON. Nothing was shown then.
  func run(_ input: [UInt8], _ arguments: [String], cwd: String) -> Bool {
    guard case .hook(let hook) = HookInput.read(input), isOwnHome else { return false }
    let journal = Journal(home: home)
    guard journal.isOwn else { return false }
    let state = FrontState.read(home: home)
    let redactor = Redactor(
      isEnabled: state?.isRedacting ?? true,
      extraLiterals: ThisProcess.variable("MEMORYD_VAULT_TOKEN").map { [$0] } ?? [])
    var record = HookRecord(
      hook, endsSession: arguments == Relay.sessionEnd, requestID: requestID,
      at: memoryd_wall_clock() / 1000, cwd: cwd,
      redacted: { redactor.redact(state?.secrets.redact($0) ?? $0) },
      variable: { ThisProcess.variable($0.description) })
    do throws(Journal.Refusal) {
      try journal.append(&record, since: start)
    } catch {
      return false
    }
    // Stop is the one of these events at which a host lets a hook speak.
    if hook.event == "Stop", let news = journal.takeNews(state?.news, session: hook.sessionID) {
      Streams.write(Array("{\"systemMessage\":".utf8) + HookRecord.quoted(news) + [125, 10], to: 1)
    }
    return true
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

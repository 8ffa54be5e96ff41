import Continuity
import Core
import Foundation
import IPC
import Journal
import Logging
import MCPServer
import Synchronization

/// One caller on the daemon's socket: takes its request, or declines it so that the caller's own
/// engine does the work.
struct RelaySession: Sendable {
  let socket: Socket
  let context: DaemonContext
  /// Carries out a command line.
  let execute: @Sendable (Invocation) -> Outcome
  let log: Logger

  /// For a caller to say what it wants.
  private static let patience = Duration.seconds(2)
  /// For a caller to take the answer.
  private static let patienceForAnswers = Duration.seconds(10)
  /// For a caller to hand on what its standard input brings.
  private static let patienceForInput = Duration.seconds(600)
  /// What the caller has to itself to end, before what is left to do begins.
  private static let courtesy = Duration.milliseconds(20)

  /// - Returns: As ``Streams`` counts.
  private static func end(after patience: Duration) -> Int {
    Streams.now() + Int(patience.milliseconds)
  }

  func run() {
    // Root may read everything of this user anyway, and yet has a memory of its own.
    guard let user = socket.peerUser, user == geteuid() else {
      log.warning("another user was refused", metadata: ["uid": "\(socket.peerUser ?? 0)"])
      return
    }
    let end = Self.end(after: Self.patience)
    guard let head = Streams.read(RelayRequest.headerLength, from: socket.descriptor, by: end),
      let (number, length) = RelayRequest.length(ofHeader: head)
    else {
      log.notice("no request came")
      return
    }
    guard number == Relay.protocolNumber else { return decline("protocol \(number) is not known") }
    guard let body = Streams.read(length, from: socket.descriptor, by: end),
      let request = RelayRequest(body: body)
    else { return decline("the request is not whole") }
    guard request.version == Relay.version else {
      return decline("this daemon is version \(Relay.version), not \(request.version)")
    }
    if request.arguments == Relay.question {
      let facts = Array(context.facts.encoded().utf8)
      send(RelayFrame.bytes(.output, facts) + RelayFrame.bytes(.exit, number: 0))
      return
    }
    if request.arguments == Relay.nudge { return context.wake() }
    // The caller has descriptors of its own.
    guard Descriptors.areSpare() else { return decline("this daemon is out of descriptors") }
    let environment = ThisProcess.environment(of: request.environment)
    if let reason = objection(to: request, environment) { return decline(reason) }
    if request.arguments == Relay.message {
      answer(request, environment)
    } else {
      carryOut(request, environment)
    }
  }

  private func decline(_ reason: String) {
    context.change { $0.declined += 1 }
    log.info("declined", metadata: ["reason": "\(reason)"])
    send(RelayFrame.bytes(.declined, Array(reason.utf8)))
  }

  @discardableResult
  private func send(_ bytes: [UInt8]) -> Bool {
    Streams.write(bytes, to: socket.descriptor, by: Self.end(after: Self.patienceForAnswers))
  }

  // MARK: May it be done here

  /// Why the caller's own engine must do it; nil if this daemon would do the same.
  private func objection(
    to request: RelayRequest, _ environment: [String: String]
  ) -> String? {
    guard Relay.mayRelay(request.arguments) || request.arguments == Relay.message else {
      return "the verb belongs to the caller"
    }
    guard let home = try? HomeLayout(flag: nil, environment: environment, cwd: request.cwd),
      home.data == context.home.data, home.configuration == context.home.configuration
    else { return "the caller has another folder" }
    guard RelayRequest.Place(request.cwd) == request.cwdPlace else {
      return "the working folder is another one for the daemon"
    }
    // A hardened service has a /tmp of its own, a container everything.
    if request.mounts != RelayRequest.Place.mounts, request.flags.contains(.hasInput),
      case .hook(let hook) = HookInput.read(request.input), let path = hook.transcriptPath,
      RelayRequest.Place((path as NSString).deletingLastPathComponent) == nil
    {
      return "the transcript is out of the daemon's sight"
    }
    return nil
  }

  // MARK: Doing it

  /// What may be said only once: by the command, or by the clock when its time is up.
  private final class Ending: Sendable {
    private let socket: Mutex<Socket?>

    init(_ socket: Socket) { self.socket = Mutex(socket) }

    /// - Returns: The socket, to the first who asks.
    func claim() -> Socket? {
      socket.withLock { socket in
        defer { socket = nil }
        return socket
      }
    }
  }

  private func carryOut(_ request: RelayRequest, _ environment: [String: String]) {
    // The canary waits for the vault, and a second one must not ask it again: what is left to a caller
    // whose canary hangs here is for the answer only.
    let isCanary = request.arguments == ["canary"] && Self.holdsHook(request)
    let limit = isCanary ? hookLimit(environment) : .zero
    let wait = max(limit / 2, limit - Self.timeToAnswer)
    guard send(RelayFrame.bytes(.accepted, number: UInt32(wait.milliseconds))) else { return }
    let ending = Ending(socket)
    let deferredWork = DeferredWork()
    let outputs = self
    var invocation = Invocation(
      arguments: request.arguments, input: input(of: request), cwd: request.cwd,
      environment: environment, requestID: RequestID(rawValue: request.id),
      outputIsTerminal: request.flags.contains(.outputIsTerminal),
      progress: request.flags.contains(.errorIsTerminal)
        ? { text in
          outputs.send(RelayFrame.bytes(.progress, Array("\r\u{1B}[K\(text)".utf8)))
        } : nil,
      daemon: context,
      enterHookMode: { time, onTimeout in
        let end = DispatchTime.now() + .milliseconds(Int(time.milliseconds))
        DispatchQueue.global().asyncAfter(deadline: end) {
          guard let socket = ending.claim() else { return }
          let output = Array(onTimeout().utf8)
          Streams.write(
            (output.isEmpty ? [] : RelayFrame.bytes(.output, output))
              + RelayFrame.bytes(.exit, number: 0), to: socket.descriptor,
            by: Streams.now() + 100)
        }
      })
    invocation.deferredWork = deferredWork
    let start = ContinuousClock.now
    let outcome = execute(invocation)
    defer {
      context.wake()
      deferredWork.run(after: Self.courtesy)
    }
    guard ending.claim() != nil else { return }
    if outcome.exitCode == .usage {
      // Its text is as wide as the caller's terminal, which is not here; nothing was done.
      return decline("a usage error")
    }
    if outcome.isForCaller || Self.mayBeItsOwn.contains(outcome.exitCode) {
      return decline("it failed here (\(outcome.exitCode.rawValue))")
    }
    log.debug(
      "done",
      metadata: [
        "verb": "\(request.arguments[0])", "exit": "\(outcome.exitCode.rawValue)",
        "took": "\(ContinuousClock.now - start)",
      ])
    var answer: [UInt8] = []
    if !outcome.output.isEmpty {
      answer += RelayFrame.bytes(.output, Array(outcome.output.utf8))
    }
    if !outcome.errorOutput.isEmpty {
      answer += RelayFrame.bytes(.errorOutput, Array(outcome.errorOutput.utf8))
    }
    let code = UInt32(bitPattern: outcome.exitCode.rawValue)
    send(answer + RelayFrame.bytes(.exit, number: code))
  }

  /// Failures that may be this process's own: too few descriptors, too little memory, a folder that it
  /// may not see. Where they are not, the caller's engine fails alike; what was written is not written
  /// twice.
  private static let mayBeItsOwn: Set<ExitStatus> = [
    .softwareError, .cannotWrite, .inputOutput, .badConfiguration,
  ]

  /// One MCP message.
  private func answer(_ request: RelayRequest, _ environment: [String: String]) {
    guard send(RelayFrame.bytes(.accepted, number: 0)) else { return }
    var invocation = Invocation(
      arguments: [], input: .none, cwd: request.cwd, environment: environment,
      requestID: RequestID(rawValue: request.id), daemon: context)
    let deferredWork = DeferredWork()
    invocation.deferredWork = deferredWork
    defer { deferredWork.run(after: Self.courtesy) }
    let server = MCPResponder(tools: MCPToolbox(invocation: invocation, home: nil))
    let reply = server.receive(request.input, requestID: RequestID(rawValue: request.id))
    if case .forward = reply {
      // It may take minutes, which the caller can wait better than a thread here.
      decline("a call for the vault")
    } else {
      let answer = reply.bytes.map { RelayFrame.bytes(.output, $0) } ?? []
      send(answer + RelayFrame.bytes(.exit, number: 0))
    }
    context.wake()
  }

  /// In which a session start is answered without the vault.
  private static let timeToAnswer = Duration.milliseconds(250)

  /// True if a host calls; without its JSON it is a person, who waits as long as it takes.
  private static func holdsHook(_ request: RelayRequest) -> Bool {
    guard request.flags.contains(.hasInput) else { return false }
    switch HookInput.read(request.input) {
    case .empty, .notAHook: return false
    case .hook, .unreadable: return true
    }
  }

  private func hookLimit(_ environment: [String: String]) -> Duration {
    let settings = try? Settings(
      file: context.home.configurationFile, environment: environment, isLenient: true)
    return settings?.duration(.hookDeadline) ?? .seconds(2)
  }

  /// What was sent along, or what the caller reads when the command asks for it.
  private func input(of request: RelayRequest) -> StandardInput {
    if request.flags.contains(.hasInput) { return .bytes(request.input) }
    let socket = socket
    let known = Known()
    return StandardInput(isTerminal: request.flags.contains(.inputIsTerminal)) { patience in
      known.bytes {
        let question = RelayFrame.bytes(.wantsInput, number: UInt32(patience.milliseconds))
        let end = Self.end(after: Self.patienceForInput)
        guard Streams.write(question, to: socket.descriptor, by: end),
          let head = Streams.read(RelayFrame.headerLength, from: socket.descriptor, by: end),
          let (kind, length) = RelayFrame.header(head), kind == .input,
          length <= Streams.inputLimit + 65_536,
          let bytes = Streams.read(length, from: socket.descriptor, by: end)
        else { return [] }
        return bytes
      }
    }
  }

  /// Standard input is read once.
  private final class Known: Sendable {
    private let read = Mutex<[UInt8]?>(nil)

    func bytes(_ body: () -> [UInt8]) -> [UInt8] {
      if let bytes = read.withLock(\.self) { return bytes }
      let bytes = body()
      read.withLock { $0 = bytes }
      return bytes
    }
  }
}

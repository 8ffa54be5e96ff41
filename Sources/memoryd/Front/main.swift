import CPosix
import IPC

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// What people and hooks call as `memoryd`: hands the command line to the daemon, and where none
// answers at once becomes the engine, which does the same. No Foundation, as loading it takes
// longer than all the rest.

signal(SIGPIPE, SIG_IGN)

let arguments = Array(ThisProcess.arguments.dropFirst())
let hook = isatty(0) == 0 ? Relay.Hook(arguments) : nil
let requestID = ThisProcess.variable("MEMORYD_REQUEST_ID") ?? ThisProcess.newRequestID()
let start = Streams.now()
let begin = memoryd_monotonic()
/// What became of a hook that only says what happened.
nonisolated(unsafe) var hookResult = HookAppend.Result.noHook
/// What was read of standard input, which nobody can read a second time. There is one thread.
nonisolated(unsafe) var input: [UInt8]?

if let hook, hook.kind.isJournaled,
  ThisProcess.variable("MEMORYD_LOG_LEVEL") == nil,
  let cwd = ThisProcess.currentFolder(),
  let home = Relay.dataFolder(variable: ThisProcess.variable, cwd: { cwd })
{
  let bytes = Streams.readInput(1000)
  hookResult = HookAppend(home: home, requestID: requestID, start: begin)
    .run(bytes, hook, cwd: cwd)
  if hookResult == .appended {
    if ThisProcess.variable("MEMORYD_NO_DAEMON") == nil,
      let path = Relay.socketPath(variable: ThisProcess.variable, cwd: { cwd })
    {
      HookAppend.nudge(path, cwd: cwd)
    }
    _exit(0)
  }
  input = bytes
}

if hookResult != .failed, Relay.mayRelay(arguments),
  ThisProcess.variable("MEMORYD_NO_DAEMON") == nil,
  ThisProcess.variable("MEMORYD_LOG_LEVEL") == nil,
  let cwd = ThisProcess.currentFolder(), let place = RelayRequest.Place("."),
  let path = Relay.socketPath(variable: ThisProcess.variable, cwd: { cwd }),
  let socket = Socket.connect(to: path)
{
  if hook != nil, input == nil { input = Streams.readInput(1000) }
  var flags: RelayRequest.Flags = input == nil ? [] : .hasInput
  if isatty(0) == 1 { flags.insert(.inputIsTerminal) }
  if isatty(1) == 1 { flags.insert(.outputIsTerminal) }
  if isatty(2) == 1 { flags.insert(.errorIsTerminal) }
  let call = RelayCall(socket: socket, progress: { Streams.write($0, to: 2) }) { milliseconds in
    let bytes = input ?? Streams.readInput(milliseconds)
    input = bytes
    return bytes
  }
  let reply = call.make(
    RelayRequest(
      id: requestID, flags: flags, cwd: cwd, cwdPlace: place, mounts: RelayRequest.Place.mounts,
      arguments: arguments,
      environment: RelayRequest.carried(of: ThisProcess.environmentEntries()), input: input ?? []))
  if let reply {
    Streams.write(reply.output, to: 1)
    Streams.write(reply.errorOutput, to: 2)
    _exit(reply.exitCode)
  }
}

// A hook has one deadline, whoever works on it.
setenv("MEMORYD_HOOK_SPENT_MS", String(Streams.now() - start), 1)
let problem = EngineExecutable.take(over: requestID, input)
Streams.write(
  Array("memoryd: error: \(problem) [broken_install]\nhint: install memoryd again\n".utf8), to: 2)
// A hook that fails must not block its agent; at the start of a session it can say so.
guard let hook else { _exit(70) }
if hook.kind == .canary {
  let note = "{\"systemMessage\":\"memoryd: \(problem); install memoryd again\"}\n"
  Streams.write(Array(note.utf8), to: 1)
}
_exit(0)

import Relay

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// What people and hooks call as `memoryd`: hands the command line to the daemon, and where none
// answers at once becomes the engine, which does the same. No Foundation, as loading it takes
// longer than all the rest.

signal(SIGPIPE, SIG_IGN)

let arguments = Array(CommandLine.arguments.dropFirst())
let isHook = Relay.hooks.contains(arguments) && isatty(0) == 0
let requestID = ThisProcess.variable("MEMORYD_REQUEST_ID") ?? ThisProcess.newRequestID()
var input: [UInt8]?

if Relay.mayRelay(arguments), ThisProcess.variable("MEMORYD_NO_DAEMON") == nil,
  ThisProcess.variable("MEMORYD_LOG_LEVEL") == nil,
  let path = Relay.socketPath(
    variable: ThisProcess.variable, cwd: ThisProcess.currentFolder),
  let socket = Socket.connect(to: path)
{
  if isHook { input = Streams.readInput(1000) }
  var call = DaemonCall(
    socket: socket, arguments: arguments, requestID: requestID, input: input)
  if let exitCode = call.run() { _exit(exitCode) }
  input = call.input
}

let problem = Engine.take(over: requestID, input)
Streams.write(
  Array("memoryd: error: \(problem) [broken_install]\nhint: install memoryd again\n".utf8), to: 2)
// A hook that fails must not block its agent; at the start of a session it can say so.
guard isHook else { _exit(70) }
if arguments == ["canary"] {
  let note = "{\"systemMessage\":\"memoryd: \(problem); install memoryd again\"}\n"
  Streams.write(Array(note.utf8), to: 1)
}
_exit(0)

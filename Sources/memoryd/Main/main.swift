import CPosix
import CommandLineInterface
import Continuity
import Core
import Foundation
import IPC
import MCPServer

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// Binds the engine to this process: its arguments, streams, environment and clock.

signal(SIGPIPE, SIG_IGN)

/// Reads standard input line by line, and writes what is replied.
func converse(_ take: Invocation.TakeLine) {
  /// Bytes; what is longer is read over, and gets an error.
  let longestLine = 64 << 20
  let lock = NSLock()
  var line: [UInt8] = []
  var isTooLong = false
  var chunk = [UInt8](repeating: 0, count: 65_536)
  func finish() {
    // Who asked is told, by the id that stands in what was read.
    if isTooLong { line = MCPResponder.remains(ofLine: line) }
    if !line.allSatisfy({ $0 == 32 || $0 == 13 || $0 == 9 }) {
      take(line) { reply in
        lock.withLock { _ = Streams.write(reply + [10], to: 1) }
      }
    }
    line.removeAll(keepingCapacity: line.count < 1 << 20)
    isTooLong = false
  }
  while true {
    let count = read(0, &chunk, chunk.count)
    if count < 0, errno == EINTR { continue }
    if count <= 0 { break }
    for part in chunk[..<count].split(separator: 10, omittingEmptySubsequences: false).enumerated()
    {
      if part.offset > 0 { finish() }
      if line.count + part.element.count > longestLine { isTooLong = true }
      if !isTooLong { line += part.element }
    }
  }
  finish()
}

/// Ends the process when a hook's time is up, whatever it is waiting for.
func startWatchdog(_ time: Duration, _ onTimeout: @escaping @Sendable () -> String) {
  let thread = Thread {
    usleep(UInt32(clamping: time.milliseconds * 1000))
    // The note itself may hang on the same broken disk.
    Thread.detachNewThread {
      usleep(100_000)
      _exit(0)
    }
    _ = Streams.write(Array(onTimeout().utf8), to: 1, by: Streams.now() + 100)
    _exit(0)
  }
  thread.stackSize = 1 << 19
  thread.start()
}

if !["serve", "mcp"].contains(CommandLine.arguments.dropFirst().first) { memoryd_keep_heap() }

var environment = ThisProcess.environment(of: ThisProcess.environmentEntries())
var requestIDs = ULIDGenerator()
let requestID =
  RequestID(environment.removeValue(forKey: "MEMORYD_REQUEST_ID"))
  ?? RequestID(requestIDs.next(at: WallClock.system.now))
let spent = environment.removeValue(forKey: "MEMORYD_HOOK_SPENT_MS").flatMap { Int($0) } ?? 0
let errorIsTerminal = isatty(2) == 1
var invocation = Invocation(
  arguments: Array(CommandLine.arguments.dropFirst()),
  input: StandardInput(
    isTerminal: isatty(0) == 1, read: { Streams.readInput(Int($0.milliseconds)) },
    readPiece: Streams.readPiece),
  cwd: ThisProcess.currentFolder() ?? "", environment: environment, requestID: requestID,
  outputIsTerminal: isatty(1) == 1,
  progress: errorIsTerminal
    ? { Streams.write(Array("\r\u{1B}[K\($0)".utf8), to: 2) } : nil,
  converse: isatty(0) == 1 ? nil : { converse($0) },
  announce: { Streams.write(Array($0.utf8), to: 1) }, stream: { Streams.write($0, to: 1) },
  enterHookMode: startWatchdog)
invocation.spent = .milliseconds(spent)
invocation.endsProcess = true
let outcome = Engine.run(invocation)
Streams.write(Array(outcome.output.utf8), to: 1)
Streams.write(Array(outcome.errorOutput.utf8), to: 2)
// Straight out: there is nothing to flush, and SQLite's files are safe as they are.
_exit(outcome.exitCode.rawValue)

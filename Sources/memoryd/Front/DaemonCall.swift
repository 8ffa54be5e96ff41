import Relay

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One request to the daemon.
struct DaemonCall {
  let socket: Socket
  let arguments: [String]
  let requestID: String
  /// What was read of standard input, which nobody can read a second time.
  var input: [UInt8]?

  /// Ms in which a daemon that is well has taken the request.
  static let patience = 250

  /// Carries it out and writes what comes of it.
  ///
  /// - Returns: The exit code; nil if the engine is to do it.
  mutating func run() -> Int32? {
    guard let cwd = ThisProcess.currentFolder(), let place = RelayRequest.Place(".") else {
      return nil
    }
    var flags: RelayRequest.Flags = []
    if isatty(0) == 1 { flags.insert(.inputIsTerminal) }
    if isatty(1) == 1 { flags.insert(.outputIsTerminal) }
    if isatty(2) == 1 { flags.insert(.errorIsTerminal) }
    if input != nil { flags.insert(.hasInput) }
    let request = RelayRequest(
      id: requestID, flags: flags, cwd: cwd, cwdPlace: place, mounts: RelayRequest.Place.mounts,
      arguments: arguments, environment: ThisProcess.environmentEntries(), input: input ?? [])
    let bytes = request.bytes
    guard bytes.count <= RelayRequest.limit else { return nil }
    var end: Int? = Streams.now() + Self.patience
    guard Streams.write(bytes, to: socket.descriptor, by: end) else { return nil }
    // Kept until the end: if the daemon dies, the engine says it all once more.
    var output: [UInt8] = []
    var errorOutput: [UInt8] = []
    while let frame = next(by: end) {
      switch frame.kind {
      case .accepted:
        let wait = RelayFrame.number(frame.payload) ?? 0
        end = wait > 0 ? Streams.now() + Int(wait) : nil
      case .output: output += frame.payload
      case .errorOutput: errorOutput += frame.payload
      case .progress: Streams.write(frame.payload, to: 2)
      case .wantsInput:
        let bytes = input ?? Streams.readInput(Int(RelayFrame.number(frame.payload) ?? 1000))
        input = bytes
        guard Streams.write(RelayFrame.bytes(.input, bytes), to: socket.descriptor) else {
          return nil
        }
      case .exit:
        Streams.write(output, to: 1)
        Streams.write(errorOutput, to: 2)
        return Int32(bitPattern: RelayFrame.number(frame.payload) ?? 70)
      case .declined, .input:
        return nil
      }
    }
    return nil
  }

  private func next(by end: Int?) -> (kind: RelayFrame.Kind, payload: [UInt8])? {
    guard let head = Streams.read(RelayFrame.headerLength, from: socket.descriptor, by: end),
      let (kind, length) = RelayFrame.header(head),
      let payload = Streams.read(length, from: socket.descriptor, by: end)
    else { return nil }
    return (kind, payload)
  }
}

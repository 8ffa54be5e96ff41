/// One request to the daemon, from the caller's side.
public struct RelayCall {
  /// What the command left behind.
  public struct Reply: Sendable, Equatable {
    public var output: [UInt8] = []
    public var errorOutput: [UInt8] = []
    public var exitCode: Int32 = 0
  }

  /// Ms in which a daemon that is well has taken a request.
  public static let patience = 250

  private let socket: Socket
  private let progress: ([UInt8]) -> Void
  private let input: (_ milliseconds: Int) -> [UInt8]

  /// - Parameters:
  ///   - progress: Shows a line at once.
  ///   - input: Reads standard input, at most once.
  public init(
    socket: Socket, progress: @escaping ([UInt8]) -> Void = { _ in },
    input: @escaping (Int) -> [UInt8] = { _ in [] }
  ) {
    self.socket = socket
    self.progress = progress
    self.input = input
  }

  /// - Returns: Nil if the daemon declines, is too slow or goes away: the caller does it itself.
  ///   Nothing was shown then, and by the request's id nothing is written twice.
  public func make(_ request: RelayRequest) -> Reply? {
    let bytes = request.bytes
    guard bytes.count <= RelayRequest.limit else { return nil }
    var end: Int? = Streams.now() + Self.patience
    guard Streams.write(bytes, to: socket.descriptor, by: end) else { return nil }
    var reply = Reply()
    while let frame = next(by: end) {
      switch frame.kind {
      case .accepted:
        let wait = RelayFrame.number(frame.payload) ?? 0
        end = wait > 0 ? Streams.now() + Int(wait) : nil
      case .output: reply.output += frame.payload
      case .errorOutput: reply.errorOutput += frame.payload
      case .progress: progress(frame.payload)
      case .wantsInput:
        let bytes = input(Int(RelayFrame.number(frame.payload) ?? 1000))
        guard Streams.write(RelayFrame.bytes(.input, bytes), to: socket.descriptor) else {
          return nil
        }
      case .exit:
        reply.exitCode = Int32(bitPattern: RelayFrame.number(frame.payload) ?? 70)
        return reply
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

/// Where a command's standard input comes from.
public struct StandardInput {
  public var isTerminal: Bool
  /// Reads to the end, or until nothing has come for so long.
  public var read: (_ patience: Duration) -> [UInt8]
  /// The next piece, however long it takes; empty at the end.
  public var readPiece: () -> [UInt8]

  /// - Parameter readPiece: Nil where all of the input is there at once.
  public init(
    isTerminal: Bool, read: @escaping (Duration) -> [UInt8], readPiece: (() -> [UInt8])? = nil
  ) {
    self.isTerminal = isTerminal
    self.read = read
    var isRead = false
    self.readPiece =
      readPiece ?? {
        defer { isRead = true }
        return isRead ? [] : read(.zero)
      }
  }

  public static func bytes(_ bytes: [UInt8]) -> StandardInput {
    StandardInput(isTerminal: false, read: { _ in bytes })
  }

  public static var none: StandardInput { StandardInput(isTerminal: true, read: { _ in [] }) }
}

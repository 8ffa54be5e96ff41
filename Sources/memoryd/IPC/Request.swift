/// A command line on its way to the daemon. One connection carries one request.
///
/// On the wire: `MMRD`, the protocol number (2 bytes), the length of the rest (4), then the fields
/// in order. Numbers are little-endian; texts are their length (4) and their bytes.
public struct RelayRequest: Sendable, Equatable {
  public static let magic: [UInt8] = [0x4D, 0x4D, 0x52, 0x44]
  public static let headerLength = 10
  /// Arguments, environment and a hook's input together, bytes.
  public static let limit = 32 << 20

  public struct Flags: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let inputIsTerminal = Flags(rawValue: 1)
    public static let outputIsTerminal = Flags(rawValue: 2)
    public static let errorIsTerminal = Flags(rawValue: 4)
    /// Standard input was read and is in ``input``.
    public static let hasInput = Flags(rawValue: 8)
  }

  /// Where a path leads for the caller; another place for the daemon if it sees other mounts.
  public struct Place: Sendable, Equatable {
    public var device: UInt64
    public var inode: UInt64

    public init(device: UInt64, inode: UInt64) {
      self.device = device
      self.inode = inode
    }
  }

  public var version: String
  /// Unique for each request; a second attempt elsewhere brings the same.
  public var id: String
  public var flags: Flags
  public var cwd: String
  public var cwdPlace: Place
  /// Inode of the mount namespace; 0 where there is none.
  public var mounts: UInt64
  public var arguments: [String]
  /// `NAME=value`.
  public var environment: [String]
  public var input: [UInt8]

  public init(
    version: String = Relay.version, id: String, flags: Flags, cwd: String, cwdPlace: Place,
    mounts: UInt64, arguments: [String], environment: [String], input: [UInt8]
  ) {
    self.version = version
    self.id = id
    self.flags = flags
    self.cwd = cwd
    self.cwdPlace = cwdPlace
    self.mounts = mounts
    self.arguments = arguments
    self.environment = environment
    self.input = input
  }

  public var bytes: [UInt8] {
    var body: [UInt8] = []
    body.reserveCapacity(8192 + input.count)
    body.add(text: version)
    body.add(text: id)
    body.append(flags.rawValue)
    body.add(text: cwd)
    body.add(cwdPlace.device)
    body.add(cwdPlace.inode)
    body.add(mounts)
    body.add(UInt32(arguments.count))
    for argument in arguments { body.add(text: argument) }
    body.add(UInt32(environment.count))
    for entry in environment { body.add(text: entry) }
    body.add(UInt32(input.count))
    body += input
    var all = Self.magic
    all.add(Relay.protocolNumber)
    all.add(UInt32(body.count))
    return all + body
  }

  /// The length of what follows a header.
  ///
  /// - Returns: Nil for anything that is no request of this protocol, or a larger one than allowed.
  public static func length(ofHeader bytes: [UInt8]) -> (protocolNumber: UInt16, length: Int)? {
    var reader = Reader(bytes: bytes[...])
    guard bytes.starts(with: magic), reader.take(4) != nil, let number: UInt16 = reader.integer(),
      let length: UInt32 = reader.integer(), length <= limit
    else { return nil }
    return (number, Int(length))
  }

  /// - Parameter body: What follows the header.
  public init?(body: [UInt8]) {
    var reader = Reader(bytes: body[...])
    guard let version = reader.text(), let id = reader.text(), let flags = reader.take(1)?.first,
      let cwd = reader.text(), let device: UInt64 = reader.integer(),
      let inode: UInt64 = reader.integer(), let mounts: UInt64 = reader.integer(),
      let arguments = reader.texts(), let environment = reader.texts(),
      let count: UInt32 = reader.integer(), let input = reader.take(Int(count)),
      reader.bytes.isEmpty
    else { return nil }
    self.init(
      version: version, id: id, flags: Flags(rawValue: flags), cwd: cwd,
      cwdPlace: Place(device: device, inode: inode), mounts: mounts, arguments: arguments,
      environment: environment, input: Array(input))
  }
}

/// What the two sides say after the request: kind (1 byte), length (4), payload.
public enum RelayFrame {
  public enum Kind: UInt8, Sendable {
    /// The daemon works on it; payload: ms after which the front need not wait any more, 0 without.
    case accepted = 0x41
    /// The daemon will not do it, and has done nothing; payload: why.
    case declined = 0x44
    /// Standard output, in pieces.
    case output = 0x4F
    /// Standard error, in pieces.
    case errorOutput = 0x45
    /// A line of progress, to be shown at once.
    case progress = 0x50
    /// The command wants standard input; payload: ms to wait for each piece of it.
    case wantsInput = 0x57
    /// From the front: all of standard input.
    case input = 0x49
    /// The command is done; payload: its exit code. This is the last frame.
    case exit = 0x58
  }

  public static let headerLength = 5

  public static func bytes(_ kind: Kind, _ payload: [UInt8] = []) -> [UInt8] {
    var all: [UInt8] = [kind.rawValue]
    all.reserveCapacity(headerLength + payload.count)
    all.add(UInt32(payload.count))
    return all + payload
  }

  public static func bytes(_ kind: Kind, number: UInt32) -> [UInt8] {
    var payload: [UInt8] = []
    payload.add(number)
    return bytes(kind, payload)
  }

  public static func number(_ payload: [UInt8]) -> UInt32? {
    var reader = Reader(bytes: payload[...])
    return reader.integer()
  }

  /// - Returns: Nil for a kind that this version does not know.
  public static func header(_ bytes: [UInt8]) -> (kind: Kind, length: Int)? {
    var reader = Reader(bytes: bytes[...])
    guard let kind = reader.take(1)?.first.flatMap(Kind.init), let length: UInt32 = reader.integer()
    else { return nil }
    return (kind, Int(length))
  }
}

/// Takes values off the front of some bytes; nil where they do not reach.
package struct Reader {
  package var bytes: ArraySlice<UInt8>

  package mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count <= bytes.count else { return nil }
    defer { bytes = bytes.dropFirst(count) }
    return bytes.prefix(count)
  }

  package mutating func integer<T: FixedWidthInteger>() -> T? {
    guard let part = take(T.bitWidth / 8) else { return nil }
    return part.reversed().reduce(0) { $0 << 8 | T($1) }
  }

  package mutating func text() -> String? {
    guard let count: UInt32 = integer(), let part = take(Int(count)) else { return nil }
    return String(decoding: part, as: UTF8.self)
  }

  package mutating func texts() -> [String]? {
    guard let count: UInt32 = integer(), count <= bytes.count else { return nil }
    var texts: [String] = []
    for _ in 0..<count {
      guard let text = text() else { return nil }
      texts.append(text)
    }
    return texts
  }
}

extension [UInt8] {
  package mutating func add<T: FixedWidthInteger>(_ value: T) {
    var rest = value
    for _ in 0..<(T.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  package mutating func add(text: String) {
    add(UInt32(text.utf8.count))
    append(contentsOf: text.utf8)
  }
}

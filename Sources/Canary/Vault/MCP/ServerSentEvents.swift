/// Takes the data of events out of a stream, chunk by chunk. Lines end at CR, LF or CRLF and
/// nowhere else: U+2028 within a line is text. Source: HTML Living Standard, 9.2.6.
struct ServerSentEvents {
  private var line: [UInt8] = []
  private var data: [UInt8] = []
  private var hasData = false
  private var endedWithCR = false
  private var isFirstLine = true

  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// - Returns: The data of each event that is complete now; empty data are left out.
  mutating func append(_ chunk: some Sequence<UInt8>) -> [[UInt8]] {
    var events: [[UInt8]] = []
    for byte in chunk {
      defer { endedWithCR = byte == UInt8(ascii: "\r") }
      switch byte {
      case UInt8(ascii: "\n") where endedWithCR: continue
      case UInt8(ascii: "\r"), UInt8(ascii: "\n"):
        if let event = finishLine() { events.append(event) }
      default:
        line.append(byte)
      }
    }
    return events
  }

  private mutating func finishLine() -> [UInt8]? {
    defer { line.removeAll(keepingCapacity: true) }
    if isFirstLine, line.starts(with: Self.byteOrderMark) { line.removeFirst(3) }
    isFirstLine = false
    if line.isEmpty {
      defer {
        data = []
        hasData = false
      }
      return data.isEmpty ? nil : data
    }
    guard line.starts(with: "data".utf8) else { return nil }
    var value = line.dropFirst(4)
    if !value.isEmpty {
      guard value.first == UInt8(ascii: ":") else { return nil }
      value = value.dropFirst()
      if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
    }
    if hasData { data.append(UInt8(ascii: "\n")) }
    data.append(contentsOf: value)
    hasData = true
    return nil
  }
}

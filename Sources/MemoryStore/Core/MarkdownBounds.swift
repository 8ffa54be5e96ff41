/// Keeps what cmark takes within linear time.
///
/// Two patterns cost it the square of their length (cmark 0.30.2: 256 KB take 1.5 s and 80 s): image
/// openers without an end among many links, and empty lines below containers that are nested thousands
/// deep. Marks beyond what anybody writes are replaced, byte for byte, before cmark sees them; lines and
/// columns stay, so that what is cut out of the source is the source.
public enum MarkdownBounds {
  /// Containers that one line may open.
  static let mostContainers = 100
  /// Image openers times closing brackets in one run of lines without a blank one: 0.05 s of cmark.
  static let mostPairs = 50_000_000

  private static let filler = UInt8(ascii: "x")

  /// The text itself where it is within the bounds, as all real ones are.
  public static func bounded(_ text: String) -> String {
    var text = text
    let changes = text.withUTF8(changes)
    return changes.isEmpty
      ? text : String(decoding: filled(Array(text.utf8), changes), as: UTF8.self)
  }

  /// - Parameter bytes: Need not be valid UTF-8.
  public static func bounded(_ bytes: [UInt8]) -> [UInt8] {
    filled(bytes, bytes.withUnsafeBufferPointer(changes))
  }

  private static func filled(_ bytes: [UInt8], _ changes: [Int]) -> [UInt8] {
    var bytes = bytes
    for offset in changes { bytes[offset] = filler }
    return bytes
  }

  /// Where a byte is one too many.
  private static func changes(in text: UnsafeBufferPointer<UInt8>) -> [Int] {
    var changes: [Int] = []
    var images: [Int] = []
    var closers = 0
    func endBlock() {
      if images.count > 1, closers > mostPairs / images.count { changes += images }
      images.removeAll(keepingCapacity: true)
      closers = 0
    }
    var start = 0
    while start < text.count {
      var end = start
      var isBlank = true
      while end < text.count, text[end] != UInt8(ascii: "\n") {
        switch text[end] {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
        case UInt8(ascii: "]"):
          closers += 1
          isBlank = false
        case UInt8(ascii: "!") where end + 1 < text.count && text[end + 1] == UInt8(ascii: "["):
          images.append(end)
          isBlank = false
        default: isBlank = false
        }
        end += 1
      }
      if isBlank { endBlock() } else { changes += containers(in: text, start..<end) }
      start = end + 1
    }
    endBlock()
    return changes
  }

  /// The marks at the beginning of a line that open containers beyond the most.
  private static func containers(
    in text: UnsafeBufferPointer<UInt8>, _ line: Range<Int>
  ) -> [Int] {
    var marks: [Int] = []
    var offset = line.lowerBound
    func isSpace(_ at: Int) -> Bool {
      at >= line.upperBound || text[at] == UInt8(ascii: " ") || text[at] == UInt8(ascii: "\t")
    }
    scan: while offset < line.upperBound {
      switch text[offset] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"): offset += 1
      case UInt8(ascii: ">"):
        marks.append(offset)
        offset += 1
      case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "*"):
        guard isSpace(offset + 1) else { break scan }
        marks.append(offset)
        offset += 1
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        let digits = text[offset..<line.upperBound].prefix {
          (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        let end = digits.endIndex
        guard end < line.upperBound, isSpace(end + 1),
          text[end] == UInt8(ascii: ".") || text[end] == UInt8(ascii: ")")
        else { break scan }
        marks.append(end)
        offset = end + 1
      default: break scan
      }
    }
    guard marks.count > mostContainers else { return [] }
    return Array(marks.dropFirst(mostContainers))
  }
}

import Foundation
public import Vault

/// What a write carries into the vault, so that a later read can tell whether it arrived:
/// `[memoryd:01…]`, in a task's context, a decision's rationale, a checkpoint's recent actions.
public enum Marker {
  private static let opening = "[memoryd:"

  package static func text(_ marker: String) -> String { opening + marker + "]" }

  /// Text with its marker; text alone may be empty.
  package static func attached(to text: String?, _ marker: String) -> String {
    guard let text, !text.isEmpty else { return Self.text(marker) }
    return text + "\n\n" + Self.text(marker)
  }

  /// All markers in a text.
  public static func found(in text: String) -> [String] {
    pieces(text).markers
  }

  /// The text that people wrote.
  package static func stripped(_ text: String?) -> String? {
    guard let text, text.contains(opening) else { return text }
    let rest = pieces(text).rest
    let end = rest.lastIndex { !$0.isWhitespace }
    return end.map { String(rest[...$0]) }
  }

  private static func pieces(_ text: String) -> (rest: String, markers: [String]) {
    var rest = ""
    var markers: [String] = []
    var remaining = text[...]
    while let start = remaining.range(of: opening) {
      let body = remaining[start.upperBound...]
      let name = body.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
      rest += remaining[..<start.lowerBound]
      if !name.isEmpty, body[name.endIndex...].first == "]" {
        markers.append(String(name))
        remaining = body[body.index(after: name.endIndex)...]
      } else {
        rest += opening
        remaining = body
      }
    }
    return (rest + remaining, markers)
  }
}

extension VaultCheckpoint {
  public var markers: [String] { actions.flatMap(Marker.found(in:)) }

  /// As people wrote it.
  public var withoutMarkers: VaultCheckpoint {
    var checkpoint = self
    checkpoint.actions = actions.compactMap(Marker.stripped).filter { !$0.isEmpty }
    checkpoint.content = Marker.stripped(content) ?? ""
    return checkpoint
  }
}

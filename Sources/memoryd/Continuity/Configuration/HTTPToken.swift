/// The bearer token of the HTTP server: what is configured, else one that is made once and kept in
/// a file that only its owner can read.
package struct HTTPToken: Sendable {
  static let leastLength = 16

  let text: String
  /// Where it stands, for the person who has to tell it to a client.
  package let source: String

  static func isStrong(_ text: String) -> Bool {
    text.count >= leastLength
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._~".contains($0)) }
  }

  /// Takes as long whatever is wrong with the other text.
  package func matches(_ other: some StringProtocol) -> Bool {
    let own = Array(text.utf8)
    let other = Array(other.utf8)
    var difference = own.count ^ other.count
    for index in own.indices {
      difference |= Int(own[index] ^ (index < other.count ? other[index] : 0))
    }
    return difference == 0
  }
}

public import Core
import Foundation

// A test writes the id that it means: `"V1"`. Only tests do; elsewhere an id comes from somewhere, and
// what it names is said there.
extension Identifier {
  public init(stringLiteral text: String) { self.init(rawValue: text) }
}

extension RecordID: ExpressibleByStringInterpolation {}
extension RequestID: ExpressibleByStringInterpolation {}
extension SessionID: ExpressibleByStringInterpolation {}
extension VaultID: ExpressibleByStringInterpolation {}

extension RequestID {
  /// Of a call like no other.
  public static func unique() -> RequestID { RequestID(rawValue: UUID().uuidString) }
}

public import Core

// A test writes the id that it means: `"V1"`. Only tests do; elsewhere an id comes from somewhere, and
// what it names is said there.
extension Identifier {
  public init(stringLiteral text: String) { self.init(rawValue: text) }
}

extension VaultID: ExpressibleByStringInterpolation {}

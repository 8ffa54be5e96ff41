import Core

/// Single values of a JSON text, as the library reads them.
enum WireScalar {
  static func string(_ bytes: some Sequence<UInt8>) -> String? { WireJSON(parsing: bytes)?.string }

  /// A number, `true`, `false` or `null`.
  static func isValid(_ bytes: some Sequence<UInt8>) -> Bool { WireJSON(parsing: bytes) != nil }
}

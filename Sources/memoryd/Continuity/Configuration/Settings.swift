import Core
import Foundation
import Syntax
import Yams

/// Each setting with its value and where that came from: flags, then `MEMORYD_*`, then the file,
/// then the default.
package struct Settings: Sendable {
  package enum Key: String, CaseIterable, Sendable {
    case vaultURL = "vault.url"
    case vaultProjects = "vault.projects"
    case vaultToken = "vault.token"
    case vaultTokenFile = "vault.token_file"
    case vaultTokenCommand = "vault.token_command"
    case vaultAuth = "vault.auth"
    case vaultTimeout = "vault.timeout_ms"
    case vaultReadLag = "vault.read_lag_ms"
    case vaultToolPrefix = "vault.tool_prefix"
    case vaultCertificateFile = "vault.ca_file"
    case vaultProxy = "vault.proxy"
    case fallbackDirectory = "fallback.directory"
    case redactionEnabled = "redaction.enabled"
    case resumeBudget = "resume.budget_chars"
    case contextStartup = "context.startup"
    case contextResume = "context.resume"
    case contextClear = "context.clear"
    case timezone
    case hookDeadline = "hooks.deadline_ms"
    case handoffOnCompact = "handoff.on_compact"
    case followFolders = "follow.folders"
    case httpListen = "http.listen"
    case httpToken = "http.token"
    case httpTokenFile = "http.token_file"
    case httpAllowedHosts = "http.allowed_hosts"
    case httpAllowedOrigins = "http.allowed_origins"

    /// The variable that sets it: `MEMORYD_VAULT_URL` and so on.
    package var variable: String { Self.variables[self] ?? "" }

    private static let variables = Dictionary(
      uniqueKeysWithValues: allCases.map { key in
        switch key {
        case .fallbackDirectory: (key, "MEMORYD_FALLBACK_DIR")
        default: (key, "MEMORYD_" + key.rawValue.uppercased().replacing(bytesOf: ".", with: "_"))
        }
      })

    var defaultValue: String {
      switch self {
      case .vaultProjects: "all"
      case .vaultAuth: "bearer"
      case .vaultTimeout: "1500"
      case .vaultReadLag: "60000"
      case .fallbackDirectory: "~/.claude"
      case .redactionEnabled: "true"
      case .resumeBudget: "9500"
      case .contextStartup: "auto"
      case .contextResume, .contextClear: "line"
      case .hookDeadline: "2000"
      case .handoffOnCompact: "store"
      default: ""
      }
    }

    package var isSecret: Bool { self == .vaultToken || self == .httpToken }

    /// What a value must be, in words; nil if the value fits.
    func complaint(about value: String) -> String? {
      switch self {
      case .vaultTimeout: Self.within(value, 1...60_000, "ms")
      case .vaultReadLag: Self.within(value, 0...3_600_000, "ms")
      case .resumeBudget: Self.within(value, 300...9_500, "UTF-16 units")
      case .hookDeadline: Self.within(value, 100...60_000, "ms")
      case .contextStartup:
        ["auto", "full", "brief", "line", "off"].contains(value)
          ? nil : "must be auto, full, brief, line or off"
      case .contextResume, .contextClear:
        ["full", "brief", "line", "off"].contains(value)
          ? nil : "must be full, brief, line or off"
      case .vaultProjects:
        value.contains(where: { $0 != "," && !$0.isWhitespace })
          ? nil : "must be all, none, or projects' names with commas between them"
      case .vaultAuth: ["bearer", "path"].contains(value) ? nil : "must be bearer or path"
      case .handoffOnCompact:
        ["store", "file", "off"].contains(value) ? nil : "must be store, file or off"
      case .redactionEnabled:
        ["true", "false"].contains(value) ? nil : "must be true or false"
      case .timezone:
        value.isEmpty || LocalDays(value) != nil
          ? nil : "must be a time zone, as in Europe/Berlin, UTC or CET-1CEST,M3.5.0,M10.5.0/3"
      case .vaultURL:
        value.isEmpty || value.lowercased().hasPrefix("http://")
          || value.lowercased().hasPrefix("https://")
          ? nil : "must be an http or https URL"
      case .vaultProxy:
        value.isEmpty || value == "none" || value.contains(where: { $0.isLetter || $0.isNumber })
          ? nil : "must be a proxy's URL, or none"
      case .httpListen:
        value.isEmpty || HTTPAddress(value) != nil
          ? nil : "must be ADDRESS:PORT, as in 127.0.0.1:7437"
      case .httpToken:
        value.isEmpty || HTTPToken.isStrong(value)
          ? nil : "must be at least \(HTTPToken.leastLength) letters, digits or -._~"
      default: nil
      }
    }

    private static func within(_ value: String, _ range: ClosedRange<Int>, _ unit: String)
      -> String?
    {
      guard let number = Int(value), range.contains(number) else {
        return "must be a whole number from \(range.lowerBound) to \(range.upperBound) (\(unit))"
      }
      return nil
    }
  }

  package struct Value: Sendable {
    package var text: String
    package var source: String
  }

  package private(set) var values: [Key: Value] = [:]
  /// What was wrong and has been replaced by a default; empty unless read leniently.
  package private(set) var complaints: [String] = []

  /// - Parameter isLenient: For hooks: what is wrong is noted, and its default taken.
  /// - Throws: ``CommandError`` that names the key, unless lenient.
  package init(file: String, environment: [String: String], isLenient: Bool) throws {
    for key in Key.allCases { values[key] = Value(text: key.defaultValue, source: "default") }
    func attempt(_ body: () throws -> Void) throws {
      do {
        try body()
      } catch let error as CommandError where isLenient {
        complaints.append(error.message)
      }
    }
    var entries: [(String, String)] = []
    try attempt { entries = try Self.read(file) }
    for (name, value) in entries {
      try attempt {
        guard let key = Key(rawValue: name) else {
          throw Self.invalid("unknown setting \(name) in \(file)")
        }
        try set(key, value, source: file)
      }
    }
    for key in Key.allCases {
      guard let value = environment[key.variable] else { continue }
      try attempt { try set(key, value, source: key.variable) }
    }
  }

  package subscript(key: Key) -> String { values[key]?.text ?? key.defaultValue }
  package func integer(_ key: Key) -> Int { Int(self[key]) ?? Int(key.defaultValue) ?? 0 }
  /// A setting whose unit is ms.
  package func duration(_ key: Key) -> Duration { .milliseconds(integer(key)) }
  /// The parts of a setting that is a list: what stands between commas.
  package func list(_ key: Key) -> [String] {
    self[key].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
  }
  package var hasVault: Bool { !self[.vaultURL].isEmpty }

  private mutating func set(_ key: Key, _ value: String, source: String) throws {
    if let complaint = key.complaint(about: value) {
      throw Self.invalid("\(key.rawValue) (\(source)) \(complaint)")
    }
    values[key] = Value(text: value, source: source)
  }

  private static let mostValues = 10_000

  /// Nested keys of the file, joined with dots.
  private static func read(_ file: String) throws -> [(String, String)] {
    let bytes: [UInt8]
    do throws(StoreError) {
      bytes = try RegularFile.read(file, limit: 1 << 20)
    } catch {
      if error.code == .notFound { return [] }
      throw invalid(error.message)
    }
    let root: Node?
    do {
      // Some editors begin UTF-8 with a mark, which is no part of the first key.
      let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
      root = try Yams.compose(
        yaml: FileText.string(bytes.starts(with: mark) ? Array(bytes.dropFirst(3)) : bytes))
    } catch {
      throw invalid("\(file) is not valid YAML")
    }
    guard let root else { return [] }
    var result: [(String, String)] = []
    // By aliases few bytes become more values than can ever be read.
    var left = Self.mostValues
    func walk(_ node: Node, _ path: String) throws {
      left -= 1
      guard left >= 0 else { throw invalid("\(file) holds more than \(Self.mostValues) values") }
      switch node {
      case .mapping(let mapping):
        for (name, value) in mapping {
          guard let name = name.scalar?.string else {
            throw invalid("\(file) has a key of no name")
          }
          try walk(value, path.isEmpty ? name : path + "." + name)
        }
      case .scalar(let scalar):
        if path.isEmpty { throw invalid("\(file) holds no settings") }
        // `key: ~` and `key:` leave it unset.
        if node.tag != Tag(.null) { result.append((path, scalar.string)) }
      default:
        throw invalid("\(path) in \(file) must be a single value")
      }
    }
    try walk(root, "")
    return result
  }

  private static func invalid(_ message: String) -> CommandError {
    CommandError(
      .badConfiguration, "bad_configuration", message,
      hint: "`memoryd doctor` shows every setting and where it comes from")
  }
}

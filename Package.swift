// swift-tools-version:6.1
import Foundation
import PackageDescription

// `make fuzz` sets this.
let isFuzzing = ProcessInfo.processInfo.environment["MEMORYD_FUZZ"] == "1"

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

// Our own code is optimised in debug builds, too: the tests take longer than their build.
let optimised =
  settings
  + [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))]

// Where the fuzzer watches which code an input reaches.
let watched =
  isFuzzing ? settings + [.unsafeFlags(["-sanitize=fuzzer,address"])] : optimised

/// A library of ours: `Sources/WING/NAME`.
func floor(_ name: String, _ wing: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(wing)/\(name)",
    swiftSettings: ["MemoryStore", "Checkpoints"].contains(wing) ? watched : optimised)
}

/// The libraries, as all above them may use them.
let libraries: [Target.Dependency] = [
  "Syntax", "Core", "Redaction", "MemoryStore", "Git", "Transcripts", "Checkpoints", "Vault",
  "Canary", "Fallback", "Sync",
]

let package = Package(
  name: "memoryd",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "memoryd", targets: ["memoryd"]),
    .executable(name: "memoryd-engine", targets: ["memoryd-engine"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
    .systemLibrary(
      name: "CCmark", pkgConfig: "libcmark",
      providers: [.apt(["libcmark-dev"]), .brew(["cmark"])]),
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd",
      providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),

    .target(name: "CPosix"),

    // Each target stands in a folder of its own inside its wing and imports only those above it:
    // an arrow upwards does not compile (docs/decisions/0024-floors.md).
    floor("Syntax", "MemoryStore"),
    floor("Core", "MemoryStore", ["Syntax"]),
    floor("Redaction", "MemoryStore"),
    floor(
      "MemoryStore", "MemoryStore",
      ["Core", "Redaction", "CSQLite", .product(name: "GRDB", package: "GRDB.swift")]),

    floor("Git", "Checkpoints", ["Syntax", "Core", "CPosix"]),
    floor(
      "Transcripts", "Checkpoints",
      ["Syntax", "Core", "Redaction", "MemoryStore", "Git", "CZstd"]),
    floor(
      "Checkpoints", "Checkpoints",
      [
        "Syntax", "Core", "Redaction", "MemoryStore", "Git", "Transcripts", "CCmark",
        .product(name: "Yams", package: "Yams"),
      ]),

    floor(
      "Vault", "Canary",
      [
        "Core", .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ]),
    floor("Canary", "Canary", ["Core", "Vault"]),

    floor("Fallback", "Fallback", ["Core", "MemoryStore", "Vault", "CCmark"]),
    floor("Sync", "Fallback", ["Core", "MemoryStore", "Vault", "Canary", "Fallback"]),

    // What the front and the daemon say to each other. No Foundation: the front must start at once.
    floor("IPC", "memoryd", ["CPosix"]),

    // What hooks append to, and how that is read again. No Foundation either.
    floor("Journal", "memoryd", ["Syntax", "CPosix"]),

    // What commands, MCP tools and the daemon share, by topic.
    floor(
      "Continuity", "memoryd",
      libraries + [
        "IPC", "Journal", "CPosix", .product(name: "Logging", package: "swift-log"),
        .product(name: "Yams", package: "Yams"),
      ]),
    floor("MCPServer", "memoryd", libraries + ["IPC", "Continuity"]),
    floor(
      "Daemon", "memoryd",
      libraries + [
        "IPC", "Journal", "Continuity", "MCPServer", "CPosix",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ]),
    floor(
      "CommandLineInterface", "memoryd",
      libraries + [
        "IPC", "Journal", "Continuity", "MCPServer", "Daemon", "CPosix",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // The commands as functions of an invocation, bound to a process.
    .executableTarget(
      name: "memoryd-engine",
      dependencies: ["Core", "IPC", "Continuity", "MCPServer", "CommandLineInterface", "CPosix"],
      path: "Sources/memoryd/Main", swiftSettings: settings),
    .executableTarget(
      name: "memoryd", dependencies: ["Redaction", "IPC", "Journal", "CPosix"],
      path: "Sources/memoryd/Front", swiftSettings: settings),

    .target(
      name: "TestSupport", dependencies: ["Core", "CZstd"], path: "Tests/TestSupport",
      swiftSettings: settings),
    .testTarget(
      name: "MemoryStoreTests",
      dependencies: [
        "TestSupport", "Core", "Redaction", "MemoryStore",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "CheckpointsTests",
      dependencies: [
        "TestSupport", "Syntax", "Core", "Redaction", "MemoryStore", "Git", "Transcripts",
        "Checkpoints", "CCmark",
      ],
      exclude: ["Corpus"], swiftSettings: settings),
    .testTarget(
      name: "CanaryTests",
      dependencies: [
        "TestSupport", "Core", "Vault", "Canary",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "FallbackTests",
      dependencies: ["TestSupport", "Core", "MemoryStore", "Vault", "Canary", "Fallback", "Sync"],
      swiftSettings: settings),
    .testTarget(
      name: "JournalTests", dependencies: ["TestSupport", "Syntax", "Journal"],
      swiftSettings: settings),
    .testTarget(
      name: "ContinuityTests",
      dependencies: [
        "TestSupport", "Core", "Redaction", "MemoryStore", "Git", "Transcripts", "Checkpoints",
        "Fallback", "Journal", "Continuity",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "CommandLineInterfaceTests",
      dependencies: ["TestSupport", "Core", "CommandLineInterface"],
      swiftSettings: settings),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "TestSupport", "Core", "Redaction", "MemoryStore", "Git", "Transcripts", "Checkpoints",
        "Vault", "Canary",
        "Fallback", "Sync", "IPC", "Journal", "Continuity", "MCPServer", "Daemon",
        "CommandLineInterface",
        "memoryd", "memoryd-engine",
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)

// `make test-library LIBRARY=MemoryStore`: that library's tests and what they stand on, without the
// engine.
if let library = ProcessInfo.processInfo.environment["MEMORYD_TEST_LIBRARY"] {
  var needed: Set = ["\(library)Tests"]
  for target in package.targets.reversed() where needed.contains(target.name) {
    for case .byNameItem(let name, _) in target.dependencies { needed.insert(name) }
  }
  package.targets.removeAll { !needed.contains($0.name) }
  package.products = []
}

if isFuzzing {
  for (name, folder) in [("transcript", "FuzzTranscript"), ("handoff", "FuzzHandoff")] {
    package.targets.append(
      .executableTarget(
        name: "fuzz-\(name)",
        dependencies: ["Core", "Redaction", "MemoryStore", "Transcripts", "Checkpoints"],
        path: "Tests/\(folder)",
        exclude: ["\(name).dict"] + (name == "handoff" ? ["Seeds"] : []),
        swiftSettings: watched + [.unsafeFlags(["-parse-as-library"])],
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])]))
  }
}

// `make build` on Linux: the front and what it stands on, as Embedded Swift. That has no module for
// the C library there; the target `Glibc` stands in for it (docs/decisions/0027-embedded-front.md).
if ProcessInfo.processInfo.environment["MEMORYD_FRONT"] == "embedded" {
  var needed: Set = ["memoryd"]
  for target in package.targets.reversed() where needed.contains(target.name) {
    for case .byNameItem(let name, _) in target.dependencies { needed.insert(name) }
  }
  package.targets.removeAll { !needed.contains($0.name) }
  package.products.removeAll { $0.name != "memoryd" }
  package.dependencies = []
  for target in package.targets where target.swiftSettings != nil {
    target.dependencies.append("Glibc")
    target.swiftSettings? += [
      .enableExperimentalFeature("Embedded"),
      .unsafeFlags(["-wmo", "-Xfrontend", "-function-sections"]),
    ]
  }
  package.targets.append(.target(name: "Glibc"))
  package.targets.first { $0.name == "memoryd" }?.linkerSettings = [
    // What texts need to know of Unicode.
    .linkedLibrary("swiftUnicodeDataTables"), .linkedLibrary("m"),
  ]
}

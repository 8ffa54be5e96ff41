// swift-tools-version:6.1
import Foundation
import PackageDescription

// The fuzzer needs flags that a package may not carry otherwise: `make fuzz` sets this.
let isFuzzing = ProcessInfo.processInfo.environment["MEMORYD_FUZZ"] == "1"

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

// Where the fuzzer watches which code an input reaches.
let watched =
  isFuzzing ? settings + [.unsafeFlags(["-sanitize=fuzzer,address"])] : settings

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

    .target(name: "CPosix"),

    .target(
      name: "MemoryStore",
      dependencies: ["CSQLite", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: watched),
    .target(
      name: "Checkpoints",
      dependencies: ["MemoryStore", "CPosix", "CCmark", .product(name: "Yams", package: "Yams")],
      swiftSettings: watched),
    .target(
      name: "Canary",
      dependencies: [
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ], swiftSettings: settings),
    .target(
      name: "Fallback", dependencies: ["MemoryStore", "Canary", "CCmark"], swiftSettings: settings),

    // What the front and the daemon say to each other. No Foundation: the front must start at once.
    .target(
      name: "Relay", dependencies: ["CPosix"], path: "Sources/memoryd/Relay",
      swiftSettings: settings),

    // The verbs, as functions of an invocation; the executable only binds them to a process.
    .target(
      name: "Engine",
      dependencies: [
        "MemoryStore", "Checkpoints", "Canary", "Fallback", "Relay", "CPosix",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "Yams", package: "Yams"),
      ],
      path: "Sources/memoryd/Engine", swiftSettings: settings),
    .executableTarget(
      name: "memoryd-engine", dependencies: ["Engine", "Relay"], path: "Sources/memoryd/Main",
      swiftSettings: settings),
    .executableTarget(
      name: "memoryd", dependencies: ["Relay", "CPosix"], path: "Sources/memoryd/Front",
      swiftSettings: settings),

    .testTarget(
      name: "MemoryStoreTests",
      dependencies: ["MemoryStore", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: settings),
    .testTarget(
      name: "CheckpointsTests", dependencies: ["Checkpoints", "MemoryStore", "CCmark"],
      exclude: ["Corpus"], swiftSettings: settings),
    .testTarget(name: "CanaryTests", dependencies: ["Canary"], swiftSettings: settings),
    .testTarget(
      name: "FallbackTests", dependencies: ["Fallback", "Canary", "MemoryStore"],
      swiftSettings: settings),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "Engine", "MemoryStore", "Checkpoints", "Canary", "Fallback", "Relay", "memoryd",
        "memoryd-engine", .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)

if isFuzzing {
  for (name, folder) in [("transcript", "FuzzTranscript"), ("handoff", "FuzzHandoff")] {
    package.targets.append(
      .executableTarget(
        name: "fuzz-\(name)", dependencies: ["Checkpoints", "MemoryStore"],
        path: "Tests/\(folder)",
        exclude: ["\(name).dict"] + (name == "handoff" ? ["Seeds"] : []),
        swiftSettings: watched + [.unsafeFlags(["-parse-as-library"])],
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])]))
  }
}

import CPosix
import Foundation
import Logging
import ServiceLifecycle

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Tells systemd how the daemon is. Source: sd_notify(3), the datagrams' text.
struct ServiceManager: Sendable {
  private let address: String?
  /// Between signs of life that systemd asks for; nil if it asks for none.
  let watchdogInterval: Duration?

  init(environment: [String: String]) {
    address = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
    watchdogInterval = environment["WATCHDOG_USEC"].flatMap { Int($0) }
      .map { max(.milliseconds(100), Duration.microseconds($0) / 2) }
  }

  var isPresent: Bool { address != nil }

  func ready() { notify("READY=1\nSTATUS=serving") }
  func stopping() { notify("STOPPING=1") }
  func reloading() {
    notify("RELOADING=1\nMONOTONIC_USEC=\(memoryd_monotonic())")
  }
  func alive() { notify("WATCHDOG=1") }

  private func notify(_ text: String) {
    guard let address else { return }
    #if canImport(Glibc)
      let type = Int32(SOCK_DGRAM.rawValue)
    #else
      let type = SOCK_DGRAM
    #endif
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var target = sockaddr_un()
    target.sun_family = sa_family_t(AF_UNIX)
    var path = Array(address.utf8)
    guard path.count < MemoryLayout.size(ofValue: target.sun_path) else { return }
    // `@` stands for the abstract namespace.
    if path.first == UInt8(ascii: "@") { path[0] = 0 }
    withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: path) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
    let bytes = Array(text.utf8)
    _ = withUnsafePointer(to: &target) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, bytes, bytes.count, 0, $0, length)
      }
    }
  }
}

/// The signs of life.
struct WatchdogService: Service {
  let manager: ServiceManager

  func run() async throws {
    guard let interval = manager.watchdogInterval else {
      try? await gracefulShutdown()
      return
    }
    try? await cancelWhenGracefulShutdown {
      while true {
        manager.alive()
        try await Task.sleep(for: interval)
      }
    }
  }
}

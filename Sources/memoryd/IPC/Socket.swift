import CPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A Unix stream socket; the descriptor is closed with the object.
public final class Socket: Sendable {
  public let descriptor: Int32

  public init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  public enum Failure: Error, Equatable {
    /// The path does not fit into a socket's address (about 100 bytes).
    case pathTooLong
    /// `errno`.
    case system(Int32)
  }

  /// Who takes a call.
  public enum Listener {
    case none
    /// A process of this user.
    case own(Socket)
    /// A process of another user, or of one that the system does not tell. Nothing was sent to it.
    case stranger(user: UInt32?)
  }

  /// Connects without waiting, and asks the system who listens before anything is sent: a path may
  /// lead to anybody's socket.
  public static func call(_ path: String) -> Listener {
    guard let socket = try? make(),
      (try? withAddress(path, { systemConnect(socket.descriptor, $0, $1) })) == 0
    else { return .none }
    let user = socket.peerUser
    return user == geteuid() ? .own(socket) : .stranger(user: user)
  }

  /// Connects without waiting.
  ///
  /// - Returns: Nil if nobody of this user takes the call at once.
  public static func connect(to path: String) -> Socket? {
    guard case .own(let socket) = call(path) else { return nil }
    return socket
  }

  /// True if a socket is at the path, false if something else is; nil if nothing is there.
  public static func isSocket(at path: String) -> Bool? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return status.st_mode & S_IFMT == S_IFSOCK
  }

  /// Listens at a path, which must be free. The socket is private to its owner.
  public static func listen(at path: String, backlog: Int32) throws(Failure) -> Socket {
    let socket = try make()
    let old = umask(0o177)
    defer { umask(old) }
    guard try withAddress(path, { bind(socket.descriptor, $0, $1) }) == 0,
      systemListen(socket.descriptor, backlog) == 0
    else { throw .system(errno) }
    // Of many threads that wait in accept(2), one is woken by a caller; of those in poll(2), all.
    _ = fcntl(socket.descriptor, F_SETFL, fcntl(socket.descriptor, F_GETFL) & ~O_NONBLOCK)
    return socket
  }

  /// Waits for a caller, also in several threads at once.
  ///
  /// - Returns: Nil once the socket was shut down.
  public func accept() -> Socket? {
    while true {
      let one = memoryd_accept(descriptor)
      if one >= 0 { return Socket(descriptor: one) }
      switch errno {
      case EINTR, ECONNABORTED: continue
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: usleep(20_000)
      default: return nil
      }
    }
  }

  /// Wakes ``accept()`` and refuses whoever comes.
  public func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// The user at the other end; nil where the system does not tell.
  public var peerUser: UInt32? {
    let user = memoryd_peer_user(descriptor)
    return user < 0 ? nil : UInt32(user)
  }

  private static func make() throws(Failure) -> Socket {
    #if canImport(Glibc)
      let type = Int32(SOCK_STREAM.rawValue)
    #else
      let type = SOCK_STREAM
    #endif
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { throw .system(errno) }
    setFlags(descriptor)
    return Socket(descriptor: descriptor)
  }

  private static func withAddress<T>(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> T
  ) throws(Failure) -> T {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path), !bytes.contains(0) else {
      throw .pathTooLong
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

/// Nobody inherits it, and nothing waits in it but `poll`.
private func setFlags(_ descriptor: Int32) {
  _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}

private func systemConnect(
  _ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
) -> Int32 {
  connect(descriptor, address, length)
}

private func systemListen(_ descriptor: Int32, _ backlog: Int32) -> Int32 {
  listen(descriptor, backlog)
}

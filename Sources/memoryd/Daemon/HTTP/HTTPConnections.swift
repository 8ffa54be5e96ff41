import NIOCore
import Synchronization

/// The connections that are open, few at a time: whoever comes when there is no room takes that of
/// another, so that nobody keeps all others out by doing nothing.
final class HTTPConnections: Sendable {
  private struct Connection {
    var id: ObjectIdentifier
    var channel: any Channel
    /// True once it has shown the token.
    var isTrusted = false
    /// A request of its is being answered.
    var isBusy = false
  }

  private let most: Int
  /// Oldest first.
  private let open = Mutex<[Connection]>([])

  init(most: Int) { self.most = most }

  /// Takes one in. Where there are too many, the oldest without the token goes, else the oldest that
  /// has nothing to do, else the new one.
  func add(_ channel: any Channel) {
    let leaving = open.withLock { open -> (any Channel)? in
      defer { open.append(Connection(id: ObjectIdentifier(channel), channel: channel)) }
      guard open.count >= most else { return nil }
      guard
        let index = open.firstIndex(where: { !$0.isTrusted })
          ?? open.firstIndex(where: { !$0.isBusy })
      else { return channel }
      return open.remove(at: index).channel
    }
    leaving?.close(promise: nil)
  }

  func note(_ channel: any Channel, isTrusted: Bool, isBusy: Bool) {
    open.withLock { open in
      guard let index = open.firstIndex(where: { $0.id == ObjectIdentifier(channel) }) else {
        return
      }
      open[index].isTrusted = isTrusted
      open[index].isBusy = isBusy
    }
  }

  func remove(_ channel: any Channel) {
    open.withLock { $0.removeAll { $0.id == ObjectIdentifier(channel) } }
  }
}

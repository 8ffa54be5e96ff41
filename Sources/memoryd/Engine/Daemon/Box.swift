import Synchronization

/// A value that one thread leaves for another.
final class Box<T: Sendable>: Sendable {
  private let value = Mutex<T?>(nil)

  func set(_ new: T) { value.withLock { $0 = new } }
  func get() -> T? { value.withLock(\.self) }
}

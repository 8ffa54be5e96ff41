import Synchronization

/// A value that one thread leaves for another.
final class Box<T: Sendable>: Sendable {
  private let value: Mutex<T?>

  init(_ value: T? = nil) { self.value = Mutex(value) }

  func change<R: Sendable>(_ body: (inout T?) -> R) -> R {
    value.withLock { value in
      var copy = value
      defer { value = copy }
      return body(&copy)
    }
  }

  func set(_ new: T) { value.withLock { $0 = new } }
  func get() -> T? { value.withLock(\.self) }
}

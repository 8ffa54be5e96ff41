import Continuity
import Core
import Foundation
import Logging
import ServiceLifecycle

/// What the daemon does while nobody asks: keeps the vault's verdict fresh, sends what waits, follows
/// transcripts, and cares for the store. One thing at a time, so that an idle machine stays idle.
struct BackgroundService: Service {
  /// Between looks. A look is a few `stat` calls where nothing has changed.
  private static let interval = Duration.seconds(1)
  /// From a write to the look that it asks for: several in a row are sent together, and the
  /// session that wrote has its answer and the processor first.
  private static let delay = Duration.milliseconds(50)
  /// For a look that is under way to end. One that waits for a slow vault is left behind: a sync
  /// may be killed at any point and loses nothing.
  private static let patience = Duration.milliseconds(500)

  let context: DaemonContext
  let environment: [String: String]
  let clock: WallClock
  let log: Logger
  private let executable = ExecutableWatch()

  init(context: DaemonContext, environment: [String: String], clock: WallClock, log: Logger) {
    self.context = context
    self.environment = environment
    self.clock = clock
    self.log = log
  }

  func run() async throws {
    let bell = Bell()
    context.change { $0.wakeUp = { bell.ring() } }
    let (endings, ended) = AsyncStream.makeStream(of: Void.self)
    await withGracefulShutdownHandler {
      let thread = Thread {
        var work = BackgroundWork(
          context: context, environment: environment, clock: clock, executable: executable,
          log: log)
        while bell.wait(atMost: Self.interval, then: Self.delay) {
          #if canImport(Darwin)
            autoreleasepool { work.look() }
          #else
            work.look()
          #endif
        }
        work.end()
        ended.finish()
      }
      thread.name = "memoryd-background"
      thread.start()
      for await _ in endings {}
    } onGracefulShutdown: {
      context.change { $0.isStopping = true }
      bell.stop()
      Task {
        try? await Task.sleep(for: Self.patience)
        ended.finish()
      }
    }
  }
}

import Logging
import NIOPosix
import ServiceLifecycle

struct HTTPService: Service {
  var announcement: String { "" }
  init?(
    service: MemoryService, flag: String?, invocation: Invocation, context: DaemonContext,
    pool: NIOThreadPool, log: Logger
  ) throws { return nil }
  func run() async throws {}
}
